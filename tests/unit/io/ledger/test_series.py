"""Totals that a new budget follows are filled beside turns, and exact when it is in force."""

import time
from contextlib import suppress

import pytest
from answers import standings_of

from processor.core.errors import LedgerUnavailableError
from processor.core.model import Owner
from processor.io.ledger import series, stepped_trace

S, T = Owner(session="s"), Owner(session="t")


@pytest.fixture(autouse=True)
def small_steps(monkeypatch):
    """One trace, or one total, in each step."""
    monkeypatch.setattr(series, "_STEP_S", 0.0)
    monkeypatch.setattr(series, "_TOTALS_DROPPED", 1)


@pytest.fixture
def rule(given):
    return given.budget("b", "session", 10**12, match={"model": ("gpt*",)})


async def settle(opened):
    """Wait until nothing is left to be filled or dropped."""
    budgets = opened.ledger._working_set.budgets
    # Between two jobs of the thread: in the middle of a step there may seem to be nothing left.
    while await opened.ledger._writer.ask(lambda: budgets.has_work):
        with suppress(LedgerUnavailableError):
            await opened.ledger._writer.ask(lambda: budgets.has_work and budgets.work())
    await opened.ledger._writer.ask(lambda: None)


async def spent(opened, given, session="s"):
    (standing,) = await standings_of(opened.ledger, {"session": session}, given.NOW_S)
    return standing.spent, standing.at_least


async def test_turns_between_the_steps_are_counted_once(opened, given, rule):
    """Guarantees: a change in a trace that is counted, in one that is not, and in a new one."""
    for at in range(1, 7):
        await opened.post(given.call(2, 1, trace=at))
    await opened.ledger.set_policy(given.policy(rule))
    for at in (1, 6):
        await opened.post(given.carrier(1, trace=at, session="s"))
    await opened.post(given.call(2, trace=9, own=S), given.call(3, trace=1, own=S))
    await settle(opened)
    assert await spent(opened, given) == (4000, False)
    await opened.post(given.carrier(1, trace=3, session="s"))
    assert await spent(opened, given) == (5000, False)


async def test_a_budget_that_is_being_filled_says_at_least_and_has_no_event(
    opened, given, monkeypatch
):
    for at in range(1, 4):
        await opened.post(given.call(1, trace=at, own=S))
    step = series.FollowedSeries.step
    monkeypatch.setattr(series.FollowedSeries, "step", lambda _: time.sleep(0.001) or [])
    rule = given.budget("b", "session", 2000, match={"model": ("gpt*",)})
    await opened.ledger.set_policy(given.policy(rule))
    assert await spent(opened, given) == (0, True)
    assert opened.ledger.traces_to_count == 3
    stamp = (await opened.post(given.call(1, trace=7, own=S)))[0]
    assert (stamp.crossings, stamp.exceeded) == ((), ())
    monkeypatch.setattr(series.FollowedSeries, "step", step)
    await settle(opened)
    assert opened.ledger.traces_to_count == 0
    stamp = (await opened.post(given.call(1, trace=8, own=S)))[0]
    assert [crossing.spent for crossing in stamp.crossings] == [5000]


@pytest.mark.parametrize("traces", [0, 2])
async def test_filling_is_logged_where_there_was_something(opened, given, rule, caplog, traces):
    """Guarantees: the first start of a processor says nothing of what was charged before it."""
    caplog.set_level("INFO")
    for at in range(1, traces + 1):
        await opened.post(given.call(1, trace=at, own=S))
    await opened.ledger.set_policy(given.policy(rule))
    await settle(opened)
    assert ("with all that was charged before" in caplog.text) is bool(traces)


async def test_a_restart_goes_on_where_the_filling_was(opened, given, rule):
    for at in range(1, 6):
        await opened.post(given.call(1, trace=at, own=S))
    await opened.ledger.set_policy(given.policy(rule))
    await opened.open(rule)
    await settle(opened)
    assert opened.store.series() == {f"session?{rule.digest}": None}
    assert await spent(opened, given) == (5000, False)


async def test_what_nobody_follows_is_dropped_and_filled_again_when_it_is_followed(
    opened, given, rule
):
    for at in range(1, 5):
        await opened.post(given.call(1, trace=at, own=Owner(session=f"s{at}")))
    await opened.ledger.set_policy(given.policy(rule))
    await settle(opened)
    await opened.ledger.set_policy(given.policy())
    await opened.post(given.call(1, trace=9, own=Owner(session="s1")))
    await opened.ledger.set_policy(given.policy(rule))
    await settle(opened)
    assert await spent(opened, given, "s1") == (2000, False)
    await opened.ledger.set_policy(given.policy())
    await settle(opened)
    assert opened.store.series() == {}
    assert opened.store._db.execute("SELECT COUNT(*) FROM totals WHERE scope LIKE '%?%'").get == 0


@pytest.mark.parametrize("steps", range(0, 8, 2))
async def test_a_series_that_is_followed_again_while_it_is_dropped_counts_each_call_once(
    opened, given, rule, steps, monkeypatch
):
    """Guarantees: whatever of it is dropped already, and whenever a turn comes."""
    for at in range(1, 5):
        await opened.post(given.call(1, trace=at, own=Owner(session=f"s{at}")))
    await opened.post(given.call(1, trace=8, own=S))
    await opened.ledger.set_policy(given.policy(rule))
    await settle(opened)
    step = series.FollowedSeries.step
    monkeypatch.setattr(series.FollowedSeries, "step", lambda _: time.sleep(0.001) or [])
    await opened.ledger.set_policy(given.policy())
    await opened.ledger.set_policy(given.policy(rule))
    assert (await spent(opened, given))[1], "what is being dropped is not exact"
    budgets = opened.ledger._working_set.budgets
    for _ in range(steps):
        await opened.ledger._writer.ask(
            lambda: budgets._series.has_work and step(budgets._series) and budgets._check_complete()
        )
    await opened.post(given.call(1, trace=9, own=S))
    monkeypatch.setattr(series.FollowedSeries, "step", step)
    await settle(opened)
    assert await spent(opened, given) == (2000, False)


async def test_a_step_that_fails_is_tried_again(opened, given, rule, monkeypatch):
    monkeypatch.setattr("processor.io.ledger.background._RETRY_S", 0.01)
    for at in range(1, 5):
        await opened.post(given.call(1, trace=at, own=S))
    await opened.ledger.set_policy(given.policy(rule))
    opened.store.refuse_begins = 1
    await settle(opened)
    assert await spent(opened, given) == (4000, False)


@pytest.fixture
def step(opened, monkeypatch):
    """Does one step, of one span of a trace; the thread does none by itself."""
    monkeypatch.setattr(series, "_SPANS_COUNTED", 1)
    monkeypatch.setattr(stepped_trace, "_ROWS_READ", 1)
    monkeypatch.setattr(stepped_trace, "_SPANS_ATTACHED", 1)
    real = series.FollowedSeries.step

    async def one():
        followed = opened.ledger._working_set.budgets._series

        def work():
            if followed.has_work:
                real(followed)
                opened.ledger._working_set.budgets._check_complete()

        await opened.ledger._writer.ask(work)

    monkeypatch.setattr(series.FollowedSeries, "step", lambda _: time.sleep(0.001) or [])
    return one


@pytest.mark.parametrize("traces", [1, 100])
@pytest.mark.parametrize("steps", range(0, 22, 3))
async def test_a_turn_amid_a_large_trace_is_counted_once(opened, given, rule, step, steps, traces):
    """Guarantees: whatever of the trace is read or counted, and whether turns have a copy of it."""
    await opened.open(traces=traces)
    for at in (4, 2, 8, 6, 10, 12):
        await opened.post(given.call(at, 1, trace=1))
    await opened.post(given.call(1, trace=2, own=S))
    await opened.ledger.set_policy(given.policy(rule))
    for _ in range(steps):
        await step()
    await opened.post(given.call(5, 1, trace=1), given.call(11, trace=1, own=S))
    await opened.post(given.call(2, trace=2, own=T))
    for _ in range(3):
        await step()
    await opened.post(given.carrier(1, trace=1, session="s"))
    while opened.ledger._working_set.budgets.has_work:
        await step()
    assert await spent(opened, given) == (9000, False)
    assert await spent(opened, given, "t") == (1000, False)


@pytest.mark.parametrize("steps", range(0, 22, 3))
async def test_a_restart_amid_a_large_trace_goes_on_where_it_was(opened, given, rule, step, steps):
    await opened.post(*(given.call(at, 1, trace=1, own=S) for at in (4, 2, 8, 6, 10, 12)))
    await opened.open(traces=1)
    await opened.post(given.call(1, trace=2, own=S))
    await opened.ledger.set_policy(given.policy(rule))
    for _ in range(steps):
        await step()
    await opened.open(rule)
    await opened.post(given.call(3, trace=1, own=S), given.call(13, trace=1, own=S))
    while opened.ledger._working_set.budgets.has_work:
        await step()
    assert await spent(opened, given) == (9000, False)


async def test_a_step_that_fails_amid_a_large_trace_is_done_again(opened, given, rule, step):
    await opened.post(*(given.call(at, trace=1, own=S) for at in (4, 2, 8)))
    await opened.open(traces=1)
    await opened.post(given.call(1, trace=2, own=S))
    await opened.ledger.set_policy(given.policy(rule))
    while opened.ledger._working_set.budgets.has_work:
        opened.store.refuse_commits = 1
        with suppress(LedgerUnavailableError):
            await step()
        opened.store.refuse_commits = 0
        for _ in range(12):
            await step()
    assert await spent(opened, given) == (4000, False)
