"""The audit as people read it."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from processor.core.model import AuditEntry
from processor.surfaces.api.documents import AuditDocument
from processor.surfaces.queries import AuditPage
from processor.surfaces.terminal.audit import draw_audit
from processor.surfaces.terminal.drawing import drawn


def picture(*entries, zone="UTC", width=80):
    document = AuditDocument.from_page(AuditPage(list(entries), ""), ZoneInfo(zone))
    return drawn(draw_audit(document, width), width, is_coloured=False).splitlines()


def test_what_differs_is_shown():
    first = AuditEntry(
        1_800_000_000 * 10**9, "ada", "budgets", "b.yaml",
        '{"version": "1", "daily": "50 USD", "old": "1 USD", "same": "2 USD"}',
        '{"version": "2", "daily": "60 USD", "new": "3 USD", "same": "2 USD"}', 2,
    )  # fmt: skip
    second = AuditEntry(0, "", "exclude", "user u", "{}", '{"calls": "1"}', 1)
    assert picture(first, second) == [
        " 2027-01-15 08:00:00 UTC  budgets  b.yaml",
        "    by ada",
        "    version: 1 -> 2",
        "    daily: 50 USD -> 60 USD",
        "    old: 1 USD (no longer)",
        "    new: 3 USD",
        "",
        " 1970-01-01 00:00:00 UTC  exclude  user u",
        "    by nobody known",
        "    calls: 1",
    ]


def test_times_and_amounts_of_a_line_read_like_the_others():
    """Guarantees: times are in the zone of the question, whatever the line is about."""
    line = AuditEntry(
        0, "ada", "reprice", "calls from 2026-11-01T23:30:00Z", '{"usd": "1.00"}', '{"usd": "2.00"}'
    )
    shown = picture(line, zone="Europe/Berlin")
    assert shown[0] == " 1970-01-01 01:00:00 CET  reprice  calls from 2026-11-02 00:30:00 CET"
    assert "    cost in USD: 1.00 -> 2.00" in shown


def test_nothing_changed_says_so():
    assert picture() == [" Nothing was changed in this time."]
