"""The days of the reporting zone, when other budgets bring another zone."""

from __future__ import annotations

import types
from zoneinfo import ZoneInfo

import pytest
from property.agreement import check_tables

from processor.core.budgets import Policy
from processor.core.model import Calendar
from processor.io.ledger import budget_states

AHEAD_S = 3000
NEW_YORK = Policy(calendar=Calendar(ZoneInfo("America/New_York")))


@pytest.mark.parametrize("clock_goes_back_s", [0, 3 * 86_400])
async def test_no_call_that_has_ended_gets_another_day(
    opened, given, monkeypatch, clock_goes_back_s
):
    """Guarantees: also where it ended after the midnight that follows, by a clock that is ahead."""
    # In New York it is half an hour before midnight.
    now_s = given.START_S // 86_400 * 86_400 + 5 * 3600 - 1800
    await opened.post(given.call(1, at_s=now_s + AHEAD_S - given.START_S))
    clock = types.SimpleNamespace(time=lambda: now_s - clock_goes_back_s)
    monkeypatch.setattr(budget_states, "time", clock)
    await opened.ledger.set_policy(NEW_YORK)
    assert len(opened.store.zones.zones) == 2
    check_tables(opened.store)
