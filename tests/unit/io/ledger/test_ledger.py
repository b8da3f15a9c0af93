"""The ledger as others see it: who waits together commits together, nobody fails for another."""

from __future__ import annotations

import asyncio

import apsw
import pytest
from answers import crossings_in, standings_of, total_of

from processor.core.errors import LedgerUnavailableError
from processor.core.model import Owner
from processor.io.ledger import Ledger, Limits, SqliteStore

S = Owner(session="s")


async def gather(opened, *batches):
    """Posts batches that wait for one another behind a closed gate; answers or errors."""
    opened.store.gate.clear()
    tasks = [asyncio.ensure_future(opened.post(*batch)) for batch in batches]
    await asyncio.sleep(0.05)
    opened.store.gate.set()
    return await asyncio.gather(*tasks, return_exceptions=True)


async def test_batches_that_wait_share_a_commit_and_all_are_answered(opened, given):
    before = opened.store.commits
    answers = await gather(opened, *([given.call(1, trace=at)] for at in range(1, 41)))
    assert all(answer[0].entry.amount.total == 1000 for answer in answers)
    assert opened.store.commits - before <= 3
    assert await opened.cost() == 40_000


async def test_the_same_span_in_batches_of_one_commit_is_charged_once(opened, given):
    answers = await gather(opened, *([given.call(1)] for _ in range(10)))
    assert all(answer == answers[0] for answer in answers)
    assert await opened.cost() == 1000
    assert opened.ledger.counters.repeats == 9
    assert opened.ledger.counters.charged == 1


async def test_batches_without_calls_do_not_split_a_group(opened, given):
    before = opened.store.commits
    batches = [
        [given.call(1, trace=at) if at % 2 else given.plain(1, trace=at)] for at in range(1, 41)
    ]
    await gather(opened, *batches)
    assert opened.store.commits - before <= 5


async def test_a_batch_that_fails_alone_is_refused_alone(opened, given):
    opened.store.poison = given.span_id(13), LedgerUnavailableError("only this one")
    answers = await gather(opened, *([given.call(at)] for at in (11, 12, 13, 14, 15)))
    assert isinstance(answers[2], LedgerUnavailableError)
    assert all(0 in answers[at] for at in (0, 1, 3, 4))
    assert await opened.cost() == await opened.cost("trace", given.trace_id(1).hex()) == 4000
    opened.store.poison = None
    await opened.post(given.call(13))
    assert await opened.cost() == await opened.cost("trace", given.trace_id(1).hex()) == 5000


async def test_a_batch_that_fails_leaves_budgets_as_they_stand(opened, given):
    """Guarantees: states that a failed turn has changed are read again, with their crossings."""
    await opened.open(given.budget("b", "session", 3000))
    opened.store.poison = given.span_id(2), LedgerUnavailableError("only this one")
    answers = await gather(opened, *([given.call(at, own=S)] for at in (1, 2, 3)))
    assert isinstance(answers[1], LedgerUnavailableError)
    assert answers[2][0].crossings == ()
    opened.store.poison = None
    stamp = (await opened.post(given.call(2, own=S)))[0]
    assert [crossing.spent for crossing in stamp.crossings] == [3000]
    assert len(crossings_in(opened.store, 10)) == 1


@pytest.mark.parametrize("error", [ValueError("a bug"), OverflowError("a bug")])
async def test_a_batch_that_meets_a_bug_is_refused_as_retryable(opened, given, error):
    """Guarantees: whatever goes wrong inside, callers meet documented errors only."""
    opened.store.poison = given.span_id(1), error
    with pytest.raises(LedgerUnavailableError):
        await opened.post(given.call(1))
    opened.store.poison = None
    await opened.post(given.call(1))
    assert await opened.cost() == 1000


@pytest.mark.parametrize("refuse", ["refuse_commits", "refuse_begins"])
async def test_a_commit_that_fails_refuses_all_and_a_retry_charges_once(opened, given, refuse):
    batches = [[given.call(at, 1)] for at in (2, 3)] + [[given.carrier(1, session="s")]]
    await opened.post(given.call(9, own=S))
    setattr(opened.store, refuse, 9)
    answers = await gather(opened, *batches)
    assert all(isinstance(answer, LedgerUnavailableError) for answer in answers)
    setattr(opened.store, refuse, 0)
    assert await opened.cost() == 1000
    await gather(opened, *batches)
    assert await opened.cost() == await opened.cost("session", "s") == 3000
    assert opened.ledger.counters.charged == 3


async def test_a_commit_that_fails_gives_no_crossing_away(opened, given):
    """Guarantees: the event comes with the retry, once."""
    await opened.open(given.budget("b", "session", 1000))
    opened.store.refuse_commits = 1
    with pytest.raises(LedgerUnavailableError):
        await opened.post(given.call(1, own=S))
    stamp = (await opened.post(given.call(1, own=S)))[0]
    assert len(stamp.crossings) == len(crossings_in(opened.store, 9)) == 1


async def test_pending_spans_that_a_failed_turn_took_wait_again(opened, given):
    await opened.post(given.carrier(1, session="s"))
    opened.store.refuse_commits = 1
    with pytest.raises(LedgerUnavailableError):
        await opened.post(given.call(2, 1))
    await opened.post(given.call(2, 1))
    assert await opened.cost("session", "s") == 1000


async def test_pending_spans_that_a_good_turn_took_do_not_wait_again(opened, given):
    await opened.post(given.carrier(1, session="s"))
    opened.store.poison = given.span_id(9), LedgerUnavailableError("only this one")
    await gather(opened, [given.call(2, 1)], [given.call(9, trace=2)])
    assert await opened.cost("session", "s") == 1000
    assert len(opened.ledger._working_set.pending) == 0


async def test_a_caller_that_has_gone_does_not_undo_its_turn(opened, given):
    opened.store.gate.clear()
    task = asyncio.ensure_future(opened.post(given.call(1)))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    opened.store.gate.set()
    assert await opened.cost() == 1000
    assert (await opened.post(given.call(1)))[0].entry.amount.total == 1000
    assert await opened.cost() == 1000


async def test_what_was_charged_is_passed_on_also_when_the_caller_has_gone(opened, given):
    """Guarantees: who adds up what is passed on has the ledger's total."""
    seen = []
    opened.ledger.on_posted = lambda _intake, plan: seen.append(len(plan.charges))
    opened.store.gate.clear()
    task = asyncio.ensure_future(opened.post(given.call(1)))
    await asyncio.sleep(0.02)
    task.cancel()
    opened.store.gate.set()
    await opened.post(given.call(2))
    await opened.post(given.call(2))
    assert seen == [1, 1, 0]


async def test_who_is_shown_what_was_charged_fails_no_batch(opened, given, caplog):
    def fail(_intake, _plan):
        raise ZeroDivisionError

    opened.ledger.on_posted = fail
    assert (await opened.post(given.call(1)))[0].entry.amount.total == 1000
    await asyncio.sleep(0)
    assert "ZeroDivisionError" in caplog.text


async def test_a_caller_that_has_gone_from_a_failed_turn_troubles_nobody(opened, given):
    opened.store.gate.clear()
    opened.store.refuse_commits = 1
    tasks = [asyncio.ensure_future(opened.post(given.call(at))) for at in (1, 2)]
    await asyncio.sleep(0.02)
    tasks[0].cancel()
    opened.store.gate.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(answers[0], asyncio.CancelledError)
    assert isinstance(answers[1], LedgerUnavailableError)
    await opened.post(given.call(1))
    assert await opened.cost() == 1000


async def test_a_batch_without_calls_is_one_row_and_charges_nothing(opened, given):
    batch = [given.plain(1), given.carrier(2, 1, session="s"), given.plain(1, trace=2)]
    assert await opened.post(*batch) == {}
    assert opened.store._db.execute("SELECT upto FROM pending").fetchall() == [(3,)]
    assert opened.store._db.execute("SELECT * FROM spans").fetchall() == []


async def test_a_batch_without_spans_takes_no_turn(opened):
    before = opened.store.commits
    assert await opened.post() == {}
    assert opened.store.commits == before


async def test_what_waits_is_there_after_a_restart(opened, given):
    """Guarantees: acknowledged links and owners need no second delivery."""
    await opened.post(given.plain(2, 1), given.carrier(4, 3, user="ada"))
    await opened.open()
    assert opened.ledger.memory_use.waiting_spans == 2
    await opened.post(given.call(3, 2, tokens=100))
    await opened.open()
    await opened.post(given.aggregate(1, tokens=100, own=S))
    assert await opened.cost() == await opened.cost("session", "s") == 1000
    assert await opened.cost("user", "ada") == 1000


async def test_what_a_trace_with_calls_keeps_waiting_is_there_after_a_restart(opened, given):
    await opened.post(given.aggregate(1, tokens=100))
    await opened.post(given.plain(2, 1))
    await opened.post(given.plain(2, 1))
    await opened.open()
    assert opened.ledger.memory_use.waiting_spans == 1
    await opened.post(given.call(3, 2))
    assert await opened.cost() == 1000
    await opened.open()
    assert opened.ledger.memory_use.waiting_spans == 0


async def test_what_waits_is_bounded_in_the_file_as_in_memory(opened, given):
    """Guarantees: the oldest is dropped, and counted."""
    await opened.open(waiting_spans=4)
    for trace in range(1, 20):
        await opened.post(given.plain(2, 1, trace=trace))
    assert opened.store._db.execute("SELECT count(*) FROM pending").fetchall() == [(8,)]
    use = opened.ledger.memory_use
    assert (use.waiting_spans, use.evicted_spans) == (4, 15)
    await opened.open()
    assert opened.ledger.memory_use.waiting_spans == 4


async def test_a_batch_that_is_refused_pushes_out_nothing_that_waits(opened, given):
    """Guarantees: retries while the disk is full take no link from others."""
    await opened.open(waiting_spans=4)
    await opened.post(given.plain(2, 1))
    opened.store.refuse_commits = 20
    for _ in range(20):
        with pytest.raises(LedgerUnavailableError):
            await opened.post(given.plain(3, 1, trace=2))
    assert opened.ledger.memory_use.evicted_spans == 0
    await opened.post(given.call(3, 2))
    await opened.post(given.aggregate(1, tokens=100))
    assert await opened.cost() == 1000


async def test_links_survive_a_ledger_that_is_busy(opened, given):
    """Guarantees: what cannot be kept is refused, however many batches wait for a busy file."""
    opened.store._db.set_busy_timeout(60_000)
    other = apsw.Connection(str(opened.path))
    other.execute("BEGIN IMMEDIATE")
    others = [opened.post(given.plain(at, 1, trace=2)) for at in range(2, 2000)]
    tasks = [asyncio.ensure_future(each) for each in (*others, opened.post(given.plain(2, 1)))]
    await asyncio.sleep(0.1)
    other.execute("ROLLBACK")
    other.close()
    assert {str(answer) for answer in await asyncio.gather(*tasks)} == {"{}"}
    await opened.post(given.call(3, 2, tokens=375))
    await opened.post(given.aggregate(1, tokens=375))
    assert await opened.cost() == 3750


async def test_what_waited_is_there_when_the_call_comes_right_behind(opened, given):
    await asyncio.gather(opened.post(given.carrier(1, session="s")), opened.post(given.call(2, 1)))
    assert await opened.cost("session", "s") == 1000


async def test_known_traces_are_bounded_and_lose_no_money(opened, given):
    await opened.open(known_traces=2)
    for at in range(1, 9):
        await opened.post(given.call(1, trace=at))
    assert len(opened.ledger._known) <= 2
    await opened.post(given.aggregate(2, trace=1), given.call(1, trace=1))
    assert await opened.cost() == 9000


async def test_closing_finishes_the_turns_in_line(opened, given):
    opened.store.gate.clear()
    tasks = [asyncio.ensure_future(opened.post(given.call(at))) for at in range(1, 6)]
    await asyncio.sleep(0.02)
    closing = asyncio.ensure_future(opened.close())
    await asyncio.sleep(0.02)
    opened.store.gate.set()
    answers = await asyncio.gather(*tasks)
    await closing
    assert all(0 in answer for answer in answers)
    await opened.open()
    assert await opened.cost() == 5000


async def test_a_closed_ledger_refuses_instead_of_keeping_callers_waiting(opened, given):
    ledger = opened.ledger
    await opened.close()
    with pytest.raises(LedgerUnavailableError):
        await asyncio.wait_for(ledger.post(given.batch(given.call(1))), 1)


async def test_ledger_that_were_never_opened_can_be_closed(given, tmp_path):
    ledger = Ledger(SqliteStore(tmp_path / "other.db"), given.policy(), Limits())
    try:
        await ledger.close()
    finally:
        ledger._working_set.store.close()


async def test_a_trace_and_a_run_are_summed_from_their_spans(opened, given):
    await opened.post(given.agent(1), given.call(2, 1), given.call(3))
    run = f"{given.trace_id(1).hex()}:{given.span_id(1).hex()}"
    assert await opened.cost("trace", given.trace_id(1).hex()) == 2000
    assert await opened.cost("agent_run", run) == 1000
    assert await opened.cost("trace", given.trace_id(7).hex()) == 0


async def test_a_total_can_be_asked_for_a_window(opened, given):
    await opened.post(given.call(1), given.call(2, at_s=3600))
    start = given.START_S
    hours = [(start + 3600 * at, start + 3600 * (at + 1)) for at in range(3)]
    totals = [await total_of(opened.ledger, "total", "", hour) for hour in hours]
    assert [total.calls for total in totals] == [1, 1, 0]


async def test_standings_say_how_scopes_stand_against_their_budgets(opened, given):
    await opened.open(
        given.budget("session", "session", 1000),
        given.budget("hour", "total", 5000, window="hour"),
        given.budget("run", "agent_run", 1),
        given.budget("gpt", "user", 10, unit="tokens", match={"model": ("claude*",)}),
        given.budget("call", "call", 7),
    )
    await opened.post(given.call(1, own=Owner(session="s", user="u")))
    await opened.post(given.unpriced(2, own=Owner(user="u")))
    ids = {"session": "s", "user": "u", "model": "claude"}
    standings = await standings_of(opened.ledger, ids, given.NOW_S)
    found = {each.budget: each for each in standings}
    assert set(found) == {"session", "hour", "gpt", "call"}
    assert (found["session"].spent, found["session"].exceeded) == (1000, True)
    assert (found["hour"].spent, found["hour"].exceeded, found["hour"].at_least) == (
        1000, False, True,
    )  # fmt: skip
    assert found["hour"].window_start_s == given.START_S
    assert (found["gpt"].spent, found["gpt"].unit) == (0, "tokens")
    assert (found["call"].spent, found["call"].limit) == (0, 7)


async def test_standings_know_overrides_and_unknown_ids(opened, given):
    await opened.open(given.budget("b", "user", 1000, overrides={"vip": 9}))
    (vip,) = await standings_of(opened.ledger, {"user": "vip"}, given.NOW_S)
    (other,) = await standings_of(opened.ledger, {"user": "new"}, given.NOW_S)
    assert (vip.limit, other.limit, other.spent) == (9, 1000, 0)
