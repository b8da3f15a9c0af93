"""Reports are put into the outbox once, and made of what the ledger says."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from processor.app.cost_reports import CostReports
from processor.app.questions import build_queries, build_reader
from processor.config import load_settings
from processor.core.budgets import parse_budgets
from processor.core.model import Standing
from processor.core.notices import plain_name
from processor.core.pricing import Catalog
from processor.io.ledger import Ledger, Limits, SqliteStore

UTC = ZoneInfo("UTC")
SETTINGS = """
notifications:
  channels: {ops: {type: slack, url: 'http://127.0.0.1:1/x'}}
  reports: [{every: day, channels: [ops]}, {every: month, at: "09:30", channels: [ops]}]
"""


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.fixture
async def opened(tmp_path):
    path = tmp_path / "s.yaml"
    path.write_text(SETTINGS)
    settings = load_settings(path, {"data_dir": str(tmp_path)}, {})
    policy = parse_budgets("budgets: []", "b.yaml")

    async def open_():
        ledger = Ledger(SqliteStore(tmp_path / "ledger.db"), policy, Limits())
        await ledger.start()
        return ledger

    ledger = await open_()
    reader = build_reader(settings)
    costs = build_queries(settings, reader, lambda: policy, Catalog)
    clock = SimpleNamespace(now=at("2026-12-01 09:29"))
    yield SimpleNamespace(
        reports=lambda: CostReports(settings.notifications, ledger, costs, lambda: clock.now),
        ledger=ledger, clock=clock,
    )  # fmt: skip
    await reader.close()
    await ledger.close()


async def waiting(ledger):
    taken = []
    while found := (await ledger.outbox.take("ops", 2**40, 1)).notifications:
        taken += [each.report for each in found]
        await ledger.outbox.sent(found, 1)
    return taken


async def test_each_report_is_due_once_also_after_a_restart(opened):
    reports = opened.reports()
    await reports.look()
    await reports.look()
    assert await waiting(opened.ledger) == ["day 2026-11-30"]
    await opened.reports().look()
    assert await waiting(opened.ledger) == []
    opened.clock.now = at("2026-12-01 09:30")
    await reports.look()
    assert await waiting(opened.ledger) == ["month 2026-11-01"]
    opened.clock.now = at("2026-12-02 08:00")
    await reports.look()
    assert await waiting(opened.ledger) == ["day 2026-12-01"]


async def test_a_report_is_made_of_what_the_ledger_says(opened):
    notice = await opened.reports().make("month 2026-11-01", 5)
    message = notice.message(plain_name)
    assert message.title == "Costs of November 2026: nothing"
    assert (notice.id, notice.data["calls"]) == ("report-month-2026-11-01", 0)


async def test_only_budgets_that_may_still_change_are_listed_as_near(opened):
    """Guarantees: a session that was over its limit once is not in every report from then on."""
    reports = opened.reports()

    def is_near(scope, window, spent):
        return reports._is_near(
            Standing("b", scope, "x", window, 1, 2, 100, "usd", spent, False, False)
        )

    assert is_near("user", "day", 80)
    assert not is_near("user", "day", 79)
    assert is_near("org", "none", 200)
    assert is_near("session", "day", 200)
    assert not is_near("session", "none", 200)
