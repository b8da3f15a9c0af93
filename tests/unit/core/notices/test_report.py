"""Reports: when they are due, and what they say."""

from __future__ import annotations

import json
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from processor.core.model import Calendar, Standing, Totals
from processor.core.notices import (
    Part,
    Period,
    Report,
    due_period,
    named_period,
    plain_name,
    report_notice,
)

BERLIN = Calendar(ZoneInfo("Europe/Berlin"), reset_hour=6)
AT_S = 8 * 3600
DAY = Period("day", 1_795_906_800, 1_795_993_200)


def at(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=BERLIN.zone).timestamp())


@pytest.mark.parametrize(
    ("every", "now", "period"),
    [
        ("day", "2026-11-30 08:00", ("2026-11-29 00:00", "2026-11-30 00:00")),
        ("day", "2026-11-30 23:59", ("2026-11-29 00:00", "2026-11-30 00:00")),
        ("week", "2026-11-30 08:00", ("2026-11-23 00:00", "2026-11-30 00:00")),
        ("month", "2026-11-01 08:00", ("2026-10-01 00:00", "2026-11-01 00:00")),
        # The clock is set back in that night, and forward in this one.
        ("day", "2026-10-26 08:00", ("2026-10-25 00:00", "2026-10-26 00:00")),
        ("day", "2026-03-30 08:00", ("2026-03-29 00:00", "2026-03-30 00:00")),
    ],
)
def test_a_report_is_of_the_period_that_is_over_and_known_by_its_name(every, now, period):
    found = due_period(every, AT_S, BERLIN, at(now))
    assert found == Period(every, *map(at, period))
    assert named_period(found.name(BERLIN), BERLIN) == found
    assert found.before(BERLIN).end_s == found.start_s


@pytest.mark.parametrize("every", ["day", "week", "month"])
def test_before_its_time_none_is_due(every):
    assert due_period(every, AT_S, BERLIN, at("2026-06-01 07:59")) is None
    assert due_period(every, AT_S, BERLIN, at("2026-06-01 08:00")) is not None


def totals(cost, calls=10, unpriced=0):
    return Totals(cost_nano_usd=cost, input_tokens=1000, calls=calls, unpriced=unpriced)


def report(**more):
    values = {
        "period": DAY, "calendar": BERLIN, "totals": totals(40 * 10**9),
        "before": totals(32 * 10**9), "parts": {}, "budgets": [],
    }  # fmt: skip
    return report_notice(Report(**values | more), 0)


def text_of(notice):
    message = notice.message(plain_name)
    return "\n".join((message.title, *message.lines))


def test_a_report_says_what_it_cost_and_how_that_has_changed():
    parts = {"agent": [Part("researcher", totals(30 * 10**9)), Part("", totals(10 * 10**9))]}
    standing = Standing(
        "daily", "user", "ada", "day", 1, 2, 50 * 10**9, "usd", 45 * 10**9, at_least=True,
        exceeded=False,
    )  # fmt: skip
    found = report(parts=parts, budgets=[standing])
    text = text_of(found)
    assert text.startswith("Costs of 2026-11-29: $40.00 (▲ 25%)\n10 calls, 1,000 tokens.\n")
    assert "- researcher: $30.00 (75%)" in text
    assert "- (no agent): $10.00 (25%)" in text
    assert "- daily: ada, at least $45.00 of $50.00 (90 %)" in text
    assert (found.id, found.type) == ("report-day-2026-11-29", "report.day")
    data = json.loads(json.dumps(dict(found.data)))
    assert (data["cost_usd"], data["before"]["cost_usd"]) == ("40.000000000", "32.000000000")
    assert data["by"]["agent"][1]["value"] is None


def test_what_is_not_known_is_never_zero_and_compared_with_nothing():
    text = text_of(report(totals=totals(40 * 10**9, unpriced=2)))
    assert text.startswith("Costs of 2026-11-29: ≥ $40.00\n")
    assert "2 calls are of unknown cost and not in it" in text
    unknown = report(totals=totals(0, calls=2, unpriced=2))
    assert text_of(unknown).startswith("Costs of 2026-11-29: unknown\n")
    assert unknown.data["cost_usd"] is None
    nothing = report(totals=Totals(), before=Totals())
    assert text_of(nothing).startswith("Costs of 2026-11-29: nothing\n0 calls, 0 tokens.")
