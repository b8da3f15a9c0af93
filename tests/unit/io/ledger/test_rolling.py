"""Budgets of rolling windows: what the last hours cost, crossed once until it has fallen."""

import random

import pytest
from answers import standings_of, total_of

from processor.core.model import Owner

HOUR = 3600
LIMIT = 1000
"""100 tokens."""
ADA = Owner(user="ada")


@pytest.fixture
def given_budget(given):
    return given.budget("b", "user", LIMIT, window="rolling 2h")


@pytest.fixture
async def posted(opened, given, given_budget):
    """Posts a call of `tokens` that ended at `at_h`, in a trace of its own; the events it gets."""
    await opened.open(given_budget)
    number = 0

    async def post(tokens, at_h, now_h=None, own=ADA):
        nonlocal number
        number += 1
        spec = given.call(1, tokens=tokens, trace=number, at_s=int(at_h * HOUR), own=own)
        now_s = given.START_S + int((at_h if now_h is None else now_h) * HOUR) + 1
        stamps = await opened.post(spec, now_s=now_s)
        return [(each.budget, each.spent // 10) for each in stamps[0].crossings]

    return post


async def test_calls_of_the_last_hours_are_added_up(posted):
    assert await posted(60, 0) == []
    assert await posted(40, 1) == [("b", 100)]
    assert await posted(10, 1.5) == []


async def test_what_is_older_than_the_window_no_longer_counts(posted):
    assert await posted(60, 0) == []
    assert await posted(60, 2) == []
    assert await posted(40, 3) == [("b", 100)]


async def test_it_fires_again_once_it_had_fallen(posted):
    assert await posted(100, 0) == [("b", 100)]
    assert await posted(1, 1) == []
    assert await posted(99, 2.5) == [("b", 100)]


async def test_it_does_not_while_it_has_not_fallen(posted):
    assert await posted(100, 0) == [("b", 100)]
    assert await posted(100, 1) == []
    assert await posted(100, 2) == []
    assert await posted(100, 3) == []


async def test_a_restart_changes_nothing(opened, posted):
    assert await posted(100, 0) == [("b", 100)]
    await opened.open()
    assert await posted(5, 1.5) == []
    await opened.open()
    assert await posted(95, 2.5) == [("b", 100)]
    await opened.open()
    assert await posted(50, 3) == []


async def test_a_late_call_counts_in_the_window_of_now(posted):
    assert await posted(60, 3) == []
    assert await posted(40, 2, now_h=3.1) == [("b", 100)]


async def test_a_call_from_before_the_window_counts_in_totals_only(opened, posted):
    assert await posted(60, 3) == []
    assert await posted(40, 0, now_h=3) == []
    assert (await total_of(opened.ledger, "user", "ada")).cost_nano_usd == LIMIT


async def test_each_id_has_its_own(posted):
    assert await posted(60, 0) == []
    assert await posted(60, 0, own=Owner(user="ben")) == []
    assert await posted(40, 0) == [("b", 100)]


@pytest.mark.parametrize("own", [Owner(session="s"), Owner(agent="planner")])
async def test_totals_that_only_budgets_follow_roll_as_well(opened, given, posted, own):
    scope = "session" if own.session else "agent"
    await opened.open(given.budget("b", scope, LIMIT, window="rolling 2h"))
    assert await posted(60, 0, own=own) == []
    assert await posted(60, 2, own=own) == []
    assert await posted(40, 1, now_h=2, own=own) == [("b", 100)]


async def test_a_day_and_a_rolling_day_that_end_together_are_two_windows(opened, given, posted):
    """Guarantees: neither takes over what the other has crossed."""
    await opened.open(
        given.budget("day", "user", LIMIT, window="day"),
        given.budget("rolling", "user", LIMIT, window="rolling 1d"),
    )
    assert await posted(100, 15.9) == [("day", 100), ("rolling", 100)]
    assert await posted(1, 16.1) == []
    assert await posted(99, 16.2) == [("day", 100)]


async def test_its_standing_is_what_the_last_hours_cost(opened, posted, given):
    await posted(60, 0)
    await posted(30, 1)
    now_s = given.START_S + 2 * HOUR + 10
    [standing] = await standings_of(opened.ledger, {"user": "ada"}, now_s)
    assert (standing.spent, standing.exceeded) == (300, False)
    assert (standing.window_start_s, standing.window_end_s) == (
        given.START_S + 900,
        given.START_S + 2 * HOUR + 900,
    )


@pytest.mark.parametrize("seed", range(4))
async def test_events_are_those_of_the_rule_whenever_it_is_opened_again(opened, posted, seed):
    """Guarantees: an event where the sum reaches the limit and none stands since it was below."""
    chance = random.Random(seed)
    amounts: dict[int, int] = {}
    quarter, stands_since = 0, None
    for _ in range(40):
        quarter += chance.choice((0, 1, 1, 2, 6))
        ended = quarter - chance.choice((0, 0, 0, 3, 9))
        tokens = chance.choice((5, 20, 45, 100))
        if chance.random() < 0.2:
            await opened.open()
        found = await posted(tokens, ended / 4, now_h=quarter / 4)
        was_below = [
            start
            for start in range(stands_since + 1 if stands_since is not None else 0, quarter + 1)
            if _sum(amounts, start - 7, start) < 100
        ]
        amounts[ended] = amounts.get(ended, 0) + tokens
        spent = _sum(amounts, quarter - 7, quarter + 1)
        is_due = spent >= 100 and ended > quarter - 8 and (stands_since is None or was_below)
        assert found == ([("b", spent)] if is_due else [])
        if is_due:
            stands_since = quarter


def _sum(amounts, first, end):
    return sum(amount for quarter, amount in amounts.items() if first <= quarter < end)
