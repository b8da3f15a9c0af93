"""What is older than it is to be kept is deleted, and no total moves."""

from __future__ import annotations

import contextlib
import itertools
import types

import pytest
from answers import standings_of, total_of
from property.agreement import check_tables

from processor.core.errors import LedgerUnavailableError
from processor.core.model import ExclusionRequest, ForgetRequest, Owner, Selection
from processor.core.ports import PricesAgain
from processor.core.posting.late import OF_DELETED, TOO_OLD
from processor.core.questions import TracesQuestion, UsageQuestion
from processor.io.ledger import call_deletion
from processor.io.ledger.kept_from import Ages, KeptFrom
from processor.io.ledger.reading.connection import ReadConnection
from processor.io.ledger.reading.view import SqliteView
from processor.io.ledger.retention import Retention, calls, space, traces
from processor.io.ledger.verifying import FIRST
from processor.io.ledger.verifying.by_trace import SpanCharges, TraceSums

HOUR_S, DAY_S = 3600, 86_400
A_DAY = Ages(calls_s=DAY_S, keys_s=DAY_S, traces_s=3 * DAY_S)
S, ADA = Owner(session="s", user="ada"), Owner(user="ada")


@pytest.fixture
def sweep(opened, given):
    """Deletes what is too old once `days` have gone, as far as there are calls of then."""

    async def run(days=0.0, ages=A_DAY):
        working_set = opened.ledger._working_set
        clock_s = given.START_S + int(days * DAY_S)
        retention = Retention(working_set, ages, (), lambda: clock_s)
        retention.load()
        while retention.has_work:
            await opened.ledger._writer.ask(retention.work)
        return working_set.kept_from

    return run


async def later(opened, given, days, trace=9, **more):
    """A call of another time, so that a sweep has something newer to count from."""
    await opened.post(given.call(1, trace=trace, at_s=int(days * DAY_S), **more))


async def test_calls_that_are_too_old_are_deleted_and_no_total_moves(opened, given, sweep):
    await opened.post(given.agent(1, own=S), given.call(2, 1, own=ADA), given.unpriced(3, 1))
    await later(opened, given, 3)
    before = {
        scope: await total_of(opened.ledger, *scope)
        for scope in [("total", ""), ("user", "ada"), ("session", "s"), ("agent", "planner"),
                      ("model", "gpt-4o"), ("trace", given.trace_id(1).hex())]
    }  # fmt: skip
    kept = await sweep(3)
    assert kept.calls == given.START_S + 2 * DAY_S
    assert opened.store.rows_of(given.trace_id(1)) == []
    assert {scope: await total_of(opened.ledger, *scope) for scope in before} == before
    assert opened.ledger.counters.deleted_traces == 1
    assert opened.ledger.counters.deleted_spans == 3
    check_tables(opened.store)


async def test_a_trace_that_goes_on_keeps_all_its_calls(opened, given, sweep):
    await opened.post(given.call(1, own=S), given.call(1, trace=2))
    await opened.post(given.call(2, at_s=3 * DAY_S))
    await sweep(3)
    assert len(opened.store.rows_of(given.trace_id(1))) == 2
    assert opened.store.rows_of(given.trace_id(2)) == []
    # Its parent is charged as always.
    await opened.post(given.aggregate(5, tokens=500, at_s=3 * DAY_S), given.call(6, 5, tokens=200))
    assert await opened.cost("trace", given.trace_id(1).hex()) == 7000
    check_tables(opened.store)


async def test_nothing_is_deleted_while_nothing_newer_comes_or_the_clock_is_years_ahead(
    opened, given, sweep
):
    await opened.post(given.call(1, at_s=10), given.call(2, trace=2, at_s=HOUR_S))
    assert await sweep(3650) == KeptFrom()
    assert len(opened.store.rows_of(given.trace_id(1))) == 1


async def test_a_call_in_the_far_future_deletes_nothing(opened, given, sweep):
    await opened.post(given.call(1))
    await later(opened, given, 36_500)
    assert await sweep(0.5) == KeptFrom()
    assert len(opened.store.rows_of(given.trace_id(1))) == 1


async def test_a_repeat_of_a_deleted_call_changes_nothing_and_says_late(opened, given, sweep):
    await opened.post(given.call(1, own=S), given.agent(2))
    await later(opened, given, 1.5)
    await sweep(1.5)
    before = await total_of(opened.ledger)
    for restart in (False, True):
        if restart:
            await opened.open()
        stamps = await opened.post(given.call(1, own=S), given.agent(2))
        assert (stamps[0].entry.status, stamps[0].entry.reason) == ("late", OF_DELETED)
        assert stamps[0].entry.amount is None
        assert 1 not in stamps
        assert await total_of(opened.ledger) == before
        assert opened.ledger.counters.repeats == 2
    check_tables(opened.store)


async def test_a_late_call_of_a_deleted_trace_is_unknown_to_its_own_owner_once(
    opened, given, sweep
):
    """Guarantees: totals say at least, and nothing is charged twice, in whatever order."""
    await opened.post(given.call(1, own=S))
    await later(opened, given, 3)
    await sweep(3)
    before = await total_of(opened.ledger)
    late = given.call(7, 1, own=ADA), given.aggregate(8, tokens=900), given.carrier(9, user="eve")
    stamps = await opened.post(*late)
    assert [stamps[row].entry.status for row in (0, 1)] == ["late", "late"]
    total = await total_of(opened.ledger)
    assert total.minus(before).unpriced == 2
    assert total.minus(before).calls == total.minus(before).cost_nano_usd == 0
    assert (await total_of(opened.ledger, "user", "ada")).unpriced == 1
    assert (await total_of(opened.ledger, "trace", given.trace_id(1).hex())).unpriced == 2
    assert opened.ledger.counters.late == 2
    assert await opened.post(*late) == stamps
    assert await total_of(opened.ledger) == total
    check_tables(opened.store)


async def test_a_deleted_trace_that_goes_on_is_charged_exactly(opened, given, sweep):
    """Guarantees: once each, beside what it had, also when it is deleted again."""
    keeping_ids = Ages(calls_s=DAY_S, keys_s=30 * DAY_S)
    budget = given.budget("long", "trace", limit=10**9)
    await opened.open(budget)
    await opened.post(given.call(1, own=S))
    await later(opened, given, 3)
    await sweep(3, keeping_ids)
    trace_id, start_ns = given.trace_id(1), given.START_S * 10**9
    had = await total_of(opened.ledger, "trace", trace_id.hex())
    new = given.agent(4, 1, at_s=3 * DAY_S), given.call(5, 4, own=S, at_s=3 * DAY_S)
    repeats = given.call(1, own=S), given.call(6, 1), given.aggregate(7, 1, at_s=3 * DAY_S)
    for restart in (False, True):
        if restart:
            await opened.open(budget)
        stamps = await opened.post(*new, *repeats)
        assert [stamps[row].entry.status for row in (1, 2, 3, 4)] == ["exact", *["late"] * 3]
        total = await total_of(opened.ledger, "trace", trace_id.hex())
        assert total.cost_nano_usd == 2 * had.cost_nano_usd
        assert (total.calls, total.unpriced) == (2, 2)
        [columns] = opened.store._db.execute(
            "SELECT start_ns, end_ns FROM traces WHERE trace_id = ?", (trace_id,)
        )
        assert columns == (start_ns, start_ns + 3 * DAY_S * 10**9)
        check_tables(opened.store)
    working_set = opened.ledger._working_set
    assert working_set._traces[trace_id].total == total
    await later(opened, given, 6, trace=8)
    await sweep(6, keeping_ids)
    assert opened.store.rows_of(trace_id) == []
    assert await total_of(opened.ledger, "trace", trace_id.hex()) == total
    before = await total_of(opened.ledger)
    stamps = await opened.post(*new)
    assert stamps[1].entry.status == "late"
    assert await total_of(opened.ledger) == before
    check_tables(opened.store)


async def test_a_trace_that_goes_on_after_its_keys_are_deleted_still_has_what_it_had(
    opened, given, sweep
):
    await opened.post(given.call(1, own=S))
    await later(opened, given, 3, trace=8)
    await sweep(3, Ages(calls_s=DAY_S, keys_s=DAY_S))
    assert not opened.store.deleted.traces.keys_after(0, 10)
    await opened.post(given.call(2, 1, own=ADA, at_s=3 * DAY_S))
    await opened.open()
    await opened.post(given.call(3, 1, at_s=3 * DAY_S))
    total = await total_of(opened.ledger, "trace", given.trace_id(1).hex())
    assert (total.calls, total.unpriced) == (3, 0)
    check_tables(opened.store)


async def test_verify_finds_what_differs_in_a_trace_that_had_more_calls(opened, given, sweep):
    await opened.post(given.call(1, own=S))
    await later(opened, given, 3)
    await sweep(3)
    await opened.post(given.call(2, 1, at_s=3 * DAY_S))
    check_tables(opened.store)
    database = opened.store._db
    trace_id = given.trace_id(1)
    database.execute("UPDATE traces SET cost = cost + 1 WHERE trace_id = ?", (trace_id,))
    differing = [each.where for each in TraceSums().step(database, FIRST).differences]
    assert differing[0] == f"trace {trace_id.hex()}"
    assert differing[1].startswith("all traces")
    database.execute("UPDATE traces SET user_id = 1, end_ns = end_ns + 1, start_ns = start_ns + 1")
    found = SpanCharges(every=1).step(database, FIRST).differences
    wrong = [each.where for each in found if trace_id.hex() in each.where]
    assert [where.split(": ")[1].split()[0] for where in wrong] == ["start_ns", "end_ns", "user"]


async def test_an_old_call_of_an_unknown_trace_is_late_once_keys_are_deleted(opened, given, sweep):
    await opened.post(given.call(1, own=S))
    await later(opened, given, 1.5, trace=8)
    kept = await sweep(1.5)
    assert (kept.calls, kept.keys) == (given.START_S + DAY_S // 2, 0)
    stamps = await opened.post(given.call(1, trace=3))
    assert stamps[0].entry.status == "exact", "nothing was forgotten yet"
    await later(opened, given, 5)
    kept = await sweep(5)
    assert kept.keys == given.START_S + 3 * DAY_S
    assert kept.traces == given.START_S + 2 * DAY_S
    before = await total_of(opened.ledger)
    old = given.call(1, own=S), given.agent(2), given.call(1, trace=4, at_s=4 * DAY_S)
    stamps = await opened.post(*old)
    assert (stamps[0].entry.status, stamps[0].entry.reason) == ("late", TOO_OLD)
    assert stamps[2].entry.status == "exact"
    change = (await total_of(opened.ledger)).minus(before)
    assert (change.calls, change.unpriced, change.agent_runs) == (1, 1, 0)
    await opened.open()
    assert (await opened.post(*old))[0].entry.status == "late"
    check_tables(opened.store)


async def test_marks_never_move_back(opened, given, sweep):
    await opened.post(given.call(1))
    await later(opened, given, 3)
    kept = await sweep(3)
    assert await sweep(3, Ages(calls_s=2 * DAY_S)) == kept
    assert await sweep(0) == kept
    await opened.open()
    assert opened.ledger._working_set.kept_from == kept


async def test_a_budget_sees_the_calls_that_are_deleted_and_those_that_are_late(
    opened, given, sweep
):
    budget = given.budget("all", "total", limit=2000)
    await opened.open(budget)
    await opened.post(given.call(1, own=S))
    await later(opened, given, 3, tokens=50)
    await sweep(3)
    await opened.post(given.call(5, own=S))
    [standing] = await standings_of(opened.ledger, {}, given.START_S)
    assert (standing.spent, standing.at_least) == (1500, True)
    stamps = await opened.post(given.call(6, trace=7, at_s=3 * DAY_S, tokens=100))
    assert [crossing.at_least for crossing in stamps[0].crossings] == [True]


async def test_a_killed_step_leaves_a_trace_whole_or_deleted(opened, given, sweep):
    await opened.post(given.call(1, own=S))
    await later(opened, given, 3)
    working_set = opened.ledger._working_set
    opened.store.refuse_commits = 1
    with pytest.raises(Exception, match="refuses"):
        await sweep(3)
    assert working_set.kept_from == KeptFrom()
    assert len(opened.store.rows_of(given.trace_id(1))) == 1
    await sweep(3)
    assert opened.store.rows_of(given.trace_id(1)) == []
    check_tables(opened.store)


async def test_a_step_that_fails_once_it_is_durable_is_known_by_the_next_turn(
    opened, given, sweep, monkeypatch
):
    """Guarantees: no call is charged to a trace that is gone, and none twice."""
    await opened.post(given.call(1, own=S))
    await later(opened, given, 3)
    commit = opened.store.commit

    def fail():
        monkeypatch.undo()
        commit()
        raise LedgerUnavailableError("the file was removed")

    monkeypatch.setattr(opened.store, "commit", fail)
    with pytest.raises(LedgerUnavailableError, match="removed"):
        await sweep(3)
    assert opened.store.rows_of(given.trace_id(1)) == []
    before = await total_of(opened.ledger)
    stamps = await opened.post(given.call(1, own=S), given.call(2, own=S))
    assert [stamp.entry.status for stamp in stamps.values()] == ["late", "late"]
    change = (await total_of(opened.ledger)).minus(before)
    assert (change.calls, change.unpriced) == (0, 1)
    assert opened.ledger.kept_from.calls == given.START_S + 2 * DAY_S
    check_tables(opened.store)


async def test_the_trace_with_the_latest_row_stays(opened, given, sweep):
    """Guarantees: an id is never given twice, also after a restart."""
    await later(opened, given, 3)
    await opened.post(given.call(1))
    await sweep(3)
    assert len(opened.store.rows_of(given.trace_id(1))) == 1
    await later(opened, given, 3, trace=8)
    await sweep(3)
    assert opened.store.rows_of(given.trace_id(1)) == []


async def test_a_reprice_says_from_when_on_there_are_calls(opened, given, sweep):
    await opened.post(given.call(1))
    await later(opened, given, 3)
    await sweep(3)
    prices = PricesAgain("v2", lambda row: row.entry)
    for start_s, kept_from_s in ((0, given.START_S + 2 * DAY_S), (given.START_S + 3 * DAY_S, 0)):
        span_ns = start_s * 10**9, 2**63 - 1
        found = await opened.ledger.reprice(prices, span_ns, 0, is_dry_run=False)
        assert found.kept_from_s == kept_from_s


async def test_the_space_of_what_is_deleted_goes_back_to_the_disk(
    opened, given, sweep, monkeypatch
):
    monkeypatch.setattr(space, "_FREE_LEAST", 4)
    for trace in range(10, 210):
        await opened.post(*(given.call(span, trace=trace) for span in range(1, 20)))
    await later(opened, given, 3)
    before = opened.store.deleted.space.free_pages()
    await sweep(3)
    after = opened.store.deleted.space.free_pages()
    assert after.pages < before.pages / 2
    assert after.free <= max(after.pages * 0.1, 4)
    check_tables(opened.store)


BY_DAY = Ages(calls_s=DAY_S, hours_s=2 * DAY_S)


async def test_old_hours_are_days_from_then_on_and_no_total_moves(opened, given, sweep):
    """Guarantees: for every scope and budget, also where it is done twice or begun by another."""
    budget = given.budget("mine", "user", 10**9, window="day", match={"agent": ("planner",)})
    await opened.open(budget)
    for at in range(12):
        at_s = at * 5400
        await opened.post(
            given.agent(1, trace=20 + at, own=S, at_s=at_s),
            given.call(2, 1, trace=20 + at, own=ADA, at_s=at_s),
        )
    await later(opened, given, 5)
    query = "SELECT scope, id, SUM(cost), SUM(calls), COUNT(*) FROM totals GROUP BY 1, 2"
    before = opened.store._db.execute(query).fetchall()
    days = opened.store._db.execute("SELECT * FROM usage_days").fetchall()
    kept = await sweep(5, BY_DAY)
    assert kept.hours == kept.folded == given.START_S // DAY_S * DAY_S + 3 * DAY_S
    after = opened.store._db.execute(query).fetchall()
    assert [row[:4] for row in after] == [row[:4] for row in before]
    counts = {row[:2]: row[4] for row in after}
    assert counts["total", ""] == 3, "two days, and the last call"
    assert counts["user", "ada"] == 2
    assert counts["session", "s"] == 1
    assert opened.store._db.execute("SELECT * FROM usage_days").fetchall() == days
    assert opened.store._db.execute("SELECT COUNT(*) FROM usage_hours").get == 1
    day_s = given.START_S // DAY_S * DAY_S
    total = await total_of(opened.ledger, "agent", "planner", (day_s, day_s + DAY_S))
    assert total.calls == 11
    await opened.open()
    await sweep(5, BY_DAY)
    assert opened.store._db.execute(query).fetchall() == after
    check_tables(opened.store)


async def test_hours_that_a_rolling_budget_looks_at_stay(opened, given, sweep):
    """Guarantees: what was spent in its window does not become less when hours become days."""
    await opened.open(given.budget("b", "user", 1000, window="rolling 7d"))
    await opened.post(given.call(1, tokens=60, own=ADA, at_s=-30 * DAY_S))
    await opened.post(given.call(1, tokens=60, own=ADA, trace=2))
    await later(opened, given, 6.9, own=ADA, tokens=10)
    now_s = given.START_S + int(6.9 * DAY_S)
    [before] = await standings_of(opened.ledger, {"user": "ada"}, now_s)
    assert before.spent == 700
    kept = await sweep(6.9, BY_DAY)
    [after] = await standings_of(opened.ledger, {"user": "ada"}, now_s)
    assert after == before
    assert 0 < kept.hours < given.START_S - 7 * DAY_S


async def test_hours_of_a_time_of_which_there_are_calls_stay(opened, given, sweep):
    await opened.post(given.call(1, own=S))
    await later(opened, given, 5)
    assert await sweep(5, Ages(hours_s=DAY_S)) == KeptFrom()
    kept = await sweep(5, Ages(calls_s=3 * DAY_S, hours_s=DAY_S))
    assert kept.hours == given.START_S // DAY_S * DAY_S + 2 * DAY_S


@pytest.mark.parametrize("group_by", [(), ("agent",)])
async def test_a_late_call_after_all_others_is_in_its_own_hour_only(opened, given, sweep, group_by):
    await opened.post(given.call(1))
    await later(opened, given, 3)
    await sweep(3)
    await opened.post(given.aggregate(7, 1, at_s=3 * DAY_S + 2 * HOUR_S))
    start_s = given.START_S + 3 * DAY_S
    edges = tuple(range(start_s, start_s + 4 * HOUR_S, HOUR_S))
    connection = ReadConnection(opened.path)
    answer = SqliteView(connection.database).usage(
        UsageQuestion(edges[0], edges[-1], group_by, edges=edges)
    )
    connection.close()
    found = [(row.bucket, row.totals.calls, row.totals.unpriced) for row in answer.totals]
    assert found == [(0, 1, 0), (2, 0, 1)]


async def test_answers_from_single_calls_name_the_hours_of_late_ones(opened, given, sweep):
    """Guarantees: until single calls of that time are deleted too; sums have them anyway."""
    await opened.post(given.call(1, own=S))
    await later(opened, given, 3)
    await sweep(3)
    await opened.post(given.aggregate(7, 1, own=S, at_s=3 * DAY_S + 2 * HOUR_S))
    connection = ReadConnection(opened.path)
    view, late_s = SqliteView(connection.database), given.START_S + 3 * DAY_S + 2 * HOUR_S
    late_s = late_s // HOUR_S * HOUR_S
    for group_by, hours in ((("session",), [late_s]), (("agent",), [])):
        question = UsageQuestion(given.START_S + 3 * DAY_S - HOUR_S, group_by=group_by)
        answer = view.usage(question)
        assert list(answer.lacks_late_s) == hours
        assert sum(row.totals.unpriced for row in answer.totals) == int(not hours)
    assert view.late_hours_s(0, late_s) == view.late_hours_s(late_s + HOUR_S, 2**40) == []
    await later(opened, given, 9, trace=10)
    await sweep(9)
    assert SqliteView(connection.database).late_hours_s(0, 2**40) == []
    assert not opened.store._db.execute("SELECT COUNT(*) FROM late_hours").get
    connection.close()


async def test_each_trace_that_goes_makes_another_version(opened, given, sweep, monkeypatch):
    """Guarantees: also where several go in steps of one sweep, and had no calls."""
    await opened.post(*(given.agent(1, trace=at) for at in (1, 2, 3)))
    await later(opened, given, 3)
    await sweep(3)
    await later(opened, given, 9, trace=10)
    monkeypatch.setattr(traces, "READ", 1)
    moments = itertools.count(0.0, traces.STEP_S * 0.6)  # Time for one of them in each step.
    monkeypatch.setattr(traces, "time", types.SimpleNamespace(monotonic=lambda: next(moments)))
    connection = ReadConnection(opened.path)
    states = set()
    delete_trace = opened.store.deleted.traces.delete_trace

    def note():
        view = SqliteView(connection.database)
        traces = [each.id for each in view.traces(TracesQuestion())]
        states.add((tuple(traces), view.freshness().version))

    def delete(trace):
        note()
        return delete_trace(trace)

    monkeypatch.setattr(opened.store.deleted.traces, "delete_trace", delete)
    await sweep(9)
    note()
    connection.close()
    assert len({traces for traces, _ in states}) == 5
    assert len({version for _, version in states}) == len(states)


LARGE = 9


@pytest.fixture
async def partly(opened, given, monkeypatch):
    """Posts a large trace and something newer, and goes so many steps into its deletion.

    Traces with more than two rows are large, and a step does one thing.
    """
    monkeypatch.setattr(call_deletion, "ROWS_AT_ONCE", 2)
    monkeypatch.setattr(calls, "ROWS_AT_ONCE", 2)
    monkeypatch.setattr(calls, "STEP_S", 0.0)

    async def begin(steps):
        above = given.aggregate(1, tokens=1300, own=S), given.unpriced(2, 1)
        await opened.post(*above, *(given.call(at, 1, own=ADA) for at in range(3, LARGE + 1)))
        await later(opened, given, 3)
        clock_s = given.START_S + 3 * DAY_S
        retention = Retention(opened.ledger._working_set, A_DAY, (), lambda: clock_s)
        opened.ledger._retention = retention
        retention.load()
        for _ in range(steps):
            await opened.ledger._writer.ask(retention.work)
        return retention

    return begin


async def finished(opened, retention):
    while retention.has_work:
        await opened.ledger._writer.ask(retention.work)


@pytest.mark.parametrize("steps", range(6, 20, 2))
async def test_a_large_trace_is_deleted_in_parts_that_agree(opened, given, partly, steps):
    """Guarantees: no total moves, and verify finds nothing, after each of them."""
    retention = await partly(0)
    trace = given.trace_id(1)
    before = [await total_of(opened.ledger), await total_of(opened.ledger, "trace", trace.hex())]
    seen = set()
    for _ in range(steps):
        if retention.has_work:
            await opened.ledger._writer.ask(retention.work)
        seen.add(len(opened.store.rows_of(trace)))
        check_tables(opened.store)
    await opened.open()
    check_tables(opened.store)
    # What is left is deleted by a start.
    assert opened.store.rows_of(trace) == [] or len(seen) == 1
    after = [await total_of(opened.ledger), await total_of(opened.ledger, "trace", trace.hex())]
    assert after == before
    assert steps < 16 or seen == {9, 7, 5, 3, 1, 0}


@pytest.mark.parametrize("steps", range(5, 14))
@pytest.mark.parametrize("what", ["repeat", "late", "parent", "response", "newer"])
async def test_whoever_needs_a_trace_amid_its_deletion_finds_it_deleted(
    opened, given, partly, steps, what
):
    """Guarantees: what comes for it is what it would be after the last part."""
    retention = await partly(steps)
    before = await total_of(opened.ledger)
    rows = len(opened.store.rows_of(given.trace_id(1)))
    spans = {
        "repeat": given.call(3, 1, own=ADA),
        "late": given.call(30, 1, own=ADA),
        "parent": given.aggregate(31, tokens=9000),
        "response": given.call(1, trace=4, scope="other", response="r"),
        "newer": given.call(32, 1, own=ADA, at_s=3 * DAY_S),
    }
    stamps = await opened.post(spans[what])
    status = stamps[0].entry.status
    total = (await total_of(opened.ledger)).minus(before)
    if rows < LARGE and what != "response":
        assert opened.store.rows_of(given.trace_id(1)) == [] or what == "newer"
        assert status == ("exact" if what == "newer" else "late")
        expected = {"repeat": (0, 0), "late": (0, 1), "parent": (0, 1), "newer": (1, 0)}
        assert (total.calls, total.unpriced) == expected[what]
    await finished(opened, retention)
    left = {32} if what == "newer" else set()
    rows_left = opened.store.rows_of(given.trace_id(1))
    if rows < LARGE:
        assert {row.span_id[-1] for row in rows_left} == left
    check_tables(opened.store)


@pytest.mark.parametrize("what", ["reprice", "exclude", "dry run", "forget", "budget"])
async def test_long_work_that_begins_amid_the_deletion_of_a_trace_finds_it_deleted(
    opened, given, partly, what
):
    """Guarantees: it is not priced, excluded or counted by the rows that are left of it."""
    retention = await partly(9)
    assert 0 < len(opened.store.rows_of(given.trace_id(1))) < LARGE
    ledger, total = opened.ledger, await total_of(opened.ledger)
    if what in {"reprice", "dry run"}:
        entries = []
        prices = PricesAgain("v2", lambda row: entries.append(row) or row.entry)
        await ledger.reprice(prices, (0, 2**63 - 1), 0, is_dry_run=what == "dry run")
        assert len(entries) == 1
    elif what == "exclude":
        asked = ExclusionRequest(Selection(user="ada"), "", "ada", 0)
        assert (await ledger.exclude(asked, is_dry_run=False)).calls == 0
    elif what == "forget":
        await ledger.forget(ForgetRequest("ada", "ada", 0), is_dry_run=False)
    else:
        match = given.budget("new", "user", 10**9, match={"model": ("gpt-4o",)})
        await ledger.set_policy(given.policy(match))
    assert opened.store.rows_of(given.trace_id(1)) == []
    assert await total_of(opened.ledger) == total
    await finished(opened, retention)
    check_tables(opened.store)


@pytest.mark.parametrize("is_durable", [True, False])
@pytest.mark.parametrize("at", range(7))
async def test_a_part_that_fails_is_deleted_again(
    opened, given, partly, monkeypatch, at, is_durable
):
    retention = await partly(5)
    before, commit = await total_of(opened.ledger), opened.store.commit
    failures = iter([False] * at + [True])

    def fail():
        fails = next(failures, False)
        if is_durable or not fails:
            commit()
        if fails:
            raise LedgerUnavailableError("refuses as the test asked")

    monkeypatch.setattr(opened.store, "commit", fail)
    while retention.has_work:
        with contextlib.suppress(LedgerUnavailableError):
            await opened.ledger._writer.ask(retention.work)
        check_tables(opened.store)
    assert opened.store.rows_of(given.trace_id(1)) == []
    assert await total_of(opened.ledger) == before
