"""Taking calls out of all sums: what leaves, what stays, what comes back."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest
from answers import standings_of, total_of
from property.agreement import check_tables

from processor.core.errors import InvalidQuestionError, LedgerUnavailableError, OverloadedError
from processor.core.model import (
    Call,
    Charge,
    ExclusionRequest,
    ForgetRequest,
    Intake,
    Mark,
    Owner,
    Selection,
    Spans,
    Totals,
    Usage,
)
from processor.core.money import Amount, price_usage
from processor.core.ports import PricesAgain
from processor.core.questions import CallsQuestion
from processor.core.semconv.ids import log_trace
from processor.io.ledger import SqliteReader, excluding, exclusion_rows, stepped_trace
from processor.io.ledger.forgetting.steps import Forgetter
from processor.io.ledger.repricing import Repricer

S = Owner(session="s", user="u")
OTHER = Owner(session="other", user="v")


@pytest.fixture
def exclude(opened, given):
    """Excludes, or undoes; dry only if asked."""

    async def ask(undo=0, *, is_dry_run=False, reason="a test", **selection):
        asked = ExclusionRequest(Selection(**selection), reason, "ada", given.NOW_S * 10**9, undo)
        return await opened.ledger.exclude(asked, is_dry_run=is_dry_run)

    return ask


@pytest.fixture
async def two(opened, given):
    """Calls of two sessions in two traces, one of them below an agent."""
    await opened.post(
        given.agent(9, own=S), given.call(1, 9, own=S), given.call(2, 9, own=S, at_s=60),
        given.call(1, trace=2, own=OTHER, at_s=120),
    )  # fmt: skip


async def until(condition):
    """Lets the thread that writes go on until a condition holds."""
    while not condition():  # noqa: ASYNC110 - a thread sets it, without an event
        await asyncio.sleep(0.001)


async def seen(opened, work):
    reader = SqliteReader(opened.path)
    try:
        return await reader.ask(work)
    finally:
        await reader.close()


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(
    ("selection", "calls", "agents", "left"),
    [
        ({"session": "s"}, 2, 1, 1000),
        ({"user": "v"}, 1, 0, 2000),
        ({"user": "v", "session": "s"}, 0, 0, 3000),
        ({"trace_id": bytes([1] * 16)}, 2, 1, 1000),
        ({"trace_id": bytes([1] * 16), "span_id": (2).to_bytes(8)}, 1, 0, 2000),
        ({"trace_id": bytes([1] * 16), "span_id": (9).to_bytes(8)}, 0, 1, 3000),
        ({"trace_id": bytes([3] * 16)}, 0, 0, 3000),
        ({"session": "nobody"}, 0, 0, 3000),
        ({"start_ns": 1_800_000_060 * 10**9}, 2, 0, 1000),
        ({"end_ns": 1_800_000_060 * 10**9}, 1, 1, 2000),
        ({"start_ns": 1_800_000_060 * 10**9, "session": "s"}, 1, 0, 2000),
    ],
)
async def test_all_that_is_given_has_to_hold(opened, exclude, selection, calls, agents, left):
    before = await total_of(opened.ledger)
    found = await exclude(**selection)
    assert (found.calls, found.agents) == (calls, agents)
    assert found.before_nano_usd - found.after_nano_usd == 1000 * calls
    total = await total_of(opened.ledger)
    assert (total.cost_nano_usd, total.calls) == (left, 3 - calls)
    assert total.agent_runs == 1 - agents
    undone = await exclude(found.number)
    assert (undone.number, undone.calls, undone.agents) == (found.number, calls, agents)
    assert await total_of(opened.ledger) == before


async def test_a_parent_that_comes_later_is_not_charged_for_it(opened, given, exclude):
    """Guarantees: whether its cost is computed or was reported, and it is no further call."""
    await opened.post(
        given.call(1, 7, own=S), given.call(2, 4, own=S), given.unpriced(3, 5, tokens=70, own=S),
        given.call(8, trace=2),
    )  # fmt: skip
    assert (await exclude(session="s")).calls == 3
    reported = given.aggregate(4, 6, amount=Amount(900, 900, 0, 0, 0, 0))
    stamps = await opened.post(
        given.agent(6, own=S), given.aggregate(7, tokens=100), reported,
        given.unpriced(5, tokens=70),
    )  # fmt: skip
    assert await total_of(opened.ledger) == Totals(1000, 100, 0, 0, 1, agent_runs=2)
    assert (stamps[0].agent.calls, stamps[0].agent.cost_nano_usd) == (0, 0)
    assert stamps[2].entry.amount is None


async def test_another_report_of_the_call_does_not_bring_it_back(opened, given, exclude):
    """Guarantees: not even one that would have been charged instead; once undone, it is."""
    await opened.post(given.call(1, 5, scope="sdk", response="r"), given.call(9, trace=2))
    done = await exclude(trace_id=given.trace_id(1))
    better = given.call(2, 5, scope="framework", response="r", usage=Usage(60, cache_read=40))
    [stamp] = (await opened.post(better)).values()
    assert stamp.entry.status == "aggregate"
    assert await opened.cost() == 1000
    await opened.open()
    assert await opened.cost() == 1000
    await exclude(done.number)
    assert await opened.cost() == 1000 + 640
    assert (await total_of(opened.ledger)).calls == 2


async def test_a_report_in_another_trace_does_not_bring_it_back(opened, given, exclude):
    await opened.post(given.call(1, scope="sdk", response="r"))
    done = await exclude(trace_id=given.trace_id(1))
    better = given.call(2, trace=2, scope="framework", response="r", usage=Usage(60, cache_read=40))
    await opened.post(better)
    total = await total_of(opened.ledger)
    assert (total.cost_nano_usd, total.calls) == (0, 0)
    await exclude(done.number)
    assert (await total_of(opened.ledger)).calls == 1


async def test_usage_that_comes_later_is_not_charged_and_its_span_says_so(opened, given, exclude):
    await opened.post(given.usage_missing(1), given.call(2))
    done = await exclude(trace_id=given.trace_id(1), span_id=given.span_id(1))
    [stamp] = (await opened.post(given.call(1))).values()
    assert (stamp.entry.status, stamp.entry.amount) == ("excluded", None)
    assert await opened.cost() == 1000
    await opened.open()
    assert await opened.cost() == 1000
    await exclude(done.number)
    assert await opened.cost() == 2000


async def test_an_agent_that_comes_later_shows_what_counts(opened, given, exclude):
    await opened.post(given.call(1, 5), given.call(2, 5), given.call(3, trace=2))
    await exclude(trace_id=given.trace_id(1), span_id=given.span_id(1))
    [stamp] = (await opened.post(given.agent(5))).values()
    assert (stamp.agent.cost_nano_usd, stamp.agent.calls) == (1000, 1)
    assert stamp.trace.cost_nano_usd == 1000


def log_intake(trace, span, tokens, *, is_record, response=b"r"):
    """A call of a tool that writes log records as well: its span, or its record."""
    logs, at_ns = log_trace("claude-code", "s"), 1_800_000_000 * 10**9
    mark = Mark(0, at_ns, own=Owner(session="s"), start_ns=at_ns - 1, scope="x")
    call = Call(
        mark, "llm", "p", ("m",), Usage(tokens, output=10), response_id=response.decode(),
        log_trace=b"" if is_record else logs,
    )  # fmt: skip
    rates = (10**9, *[0] * (len(Usage._fields) - 1))
    charge = Charge(call, price_usage(call.usage, rates), "exact", "p", "m", "v", rates)
    spans = Spans(b"", [logs if is_record else trace], [span])
    spans.parent_ids, spans.flags, spans.end_ns = [logs[8:] if is_record else b""], [0], [at_ns]
    return Intake(spans, [charge], [], at_ns)


@pytest.mark.parametrize("is_record_first", [True, False])
async def test_a_log_record_of_the_call_leaves_with_it(opened, given, exclude, is_record_first):
    """Guarantees: it adds the difference to its span, so that nothing is left of that alone."""
    trace = b"t" * 16
    batches = [
        log_intake(trace, b"thespan.", 1000, is_record=False),
        log_intake(trace, b"record..", 900, is_record=True),
    ]
    await opened.post(given.call(1))
    if is_record_first:
        await opened.ledger.post(batches[1])
    await opened.ledger.post(batches[0])
    done = await exclude(trace_id=trace)
    if not is_record_first:
        await opened.ledger.post(batches[1])
    assert await opened.cost() == 1000
    await opened.open()
    assert await opened.cost() == 1000
    await exclude(done.number)
    whole = await opened.cost()
    assert whole > 1000


@pytest.mark.usefixtures("two")
async def test_what_was_crossed_stays_and_budgets_have_room_again(opened, given, exclude):
    await opened.open(given.budget("s", "session", 1500))
    await opened.post(given.call(4, own=S))
    found = await exclude(session="s")
    [budget] = found.budgets
    assert (budget.before_nano_usd, budget.after_nano_usd, budget.limit_nano_usd) == (3000, 0, 1500)
    [standing] = await standings_of(opened.ledger, {"session": "s"}, given.START_S)
    assert (standing.spent, standing.exceeded) == (0, False)
    [stamp] = (await opened.post(given.call(5, own=S))).values()
    assert stamp.exceeded == ()
    await exclude(found.number)
    [standing] = await standings_of(opened.ledger, {"session": "s"}, given.START_S)
    assert (standing.spent, standing.exceeded) == (4000, True)


@pytest.mark.usefixtures("two")
async def test_what_is_excluded_is_listed_with_its_reason(opened, given, exclude):
    done = await exclude(session="s", reason="load test")
    found = await seen(opened, lambda view: view.calls(CallsQuestion()))
    listed = [(call.span_id[-1], call.dimensions.status, call.reason) for call in found]
    why = f"exclusion {done.number}: load test"
    assert listed == [(1, "exact", ""), (2, "excluded", why), (1, "excluded", why)]
    assert {call.totals.cost_nano_usd for call in found[1:]} == {0}
    for filters in ((("status", ("excluded",)),), (("session", ("s",)),), (("user", ("u",)),)):
        some = await seen(opened, lambda view, f=filters: view.calls(CallsQuestion(filters=f)))
        assert [call.span_id[-1] for call in some] == [2, 1], filters

    def spans(view):
        [trace] = view.traces_between(given.trace_id(1), given.trace_id(1), 2)
        return trace, view.spans(trace, 10)

    trace, tree = await seen(opened, spans)
    assert (trace.totals.calls, trace.session) == (0, "s")
    assert [span.charge.dimensions.status for span in tree] == ["excluded"] * 3
    assert [sum(nano for _, nano in span.corrections) for span in tree] == [0, -1000, -1000]


async def test_one_at_a_time_and_it_goes_on_when_its_asker_has_gone(
    opened, given, exclude, monkeypatch
):
    """Guarantees: beside a reprice and another exclusion it is refused, nothing is half done."""
    monkeypatch.setattr(excluding, "_TRACES_CHANGED", 1)
    for trace in range(1, 101):
        await opened.post(given.call(1, trace=trace, own=S))
    asked = asyncio.ensure_future(exclude(session="s"))
    await until(lambda: opened.ledger.job_progress is not None)
    with pytest.raises(OverloadedError, match=r"^an exclusion is under way"):
        await exclude(user="u")
    prices = PricesAgain("v2", lambda row: row.entry)
    with pytest.raises(OverloadedError, match=r"^an exclusion is under way"):
        await opened.ledger.reprice(prices, (0, 2**63 - 1), 0, is_dry_run=False)
    asked.cancel()
    await opened.open()
    await until(lambda: not opened.ledger._exclude.has_work)
    assert await opened.cost() == 0
    [job] = opened.store.exclusions.jobs()
    found = await exclude(job.id)
    assert (found.calls, await opened.cost()) == (100, 100_000)


async def test_an_undo_passes_few_traces_of_other_exclusions_in_a_step(
    opened, given, exclude, monkeypatch
):
    """Guarantees: and goes on to the last of its own."""
    monkeypatch.setattr(exclusion_rows, "_ROWS_PASSED", 2)
    for trace in range(1, 12):
        own = S if trace in {1, 7, 11} else OTHER
        await opened.post(given.call(1, trace=trace, own=own), given.call(2, trace=trace, own=S))
    done = await exclude(session="other")
    mine = await exclude(user="u")
    read, found = opened.store.exclusions.spans_of, []

    def note(*values):
        found.append(read(*values))
        return found[-1]

    monkeypatch.setattr(opened.store.exclusions, "spans_of", note)
    for number, calls in ((mine.number, 14), (done.number, 8)):
        found.clear()
        assert (await exclude(number, is_dry_run=True)).calls == calls
        assert (await exclude(number)).calls == calls
        assert len(found) >= 8
        assert max(len(each.traces) for each in found) <= 2
    assert await opened.cost() == 22_000


@pytest.mark.parametrize("kind", ["reprice", "exclude", "undo", "forget"])
async def test_a_dry_run_shows_as_what_it_is(opened, given, exclude, monkeypatch, kind):
    """Guarantees: nobody is shown a reprice while it is counted what else would change."""
    await opened.post(given.call(1, own=S))
    number = (await exclude(session="s")).number if kind == "undo" else 0
    seen = set()
    for steps in (Repricer, excluding.Excluder, excluding.Restorer, Forgetter):
        real = steps.try_step

        def note(self, real=real):
            seen.add(opened.ledger.job_progress.job)
            real(self)

        monkeypatch.setattr(steps, "try_step", note)
    if kind == "reprice":
        prices = PricesAgain("v2", lambda row: row.entry)
        await opened.ledger.reprice(prices, (0, 2**63 - 1), 0, is_dry_run=True)
    elif kind == "forget":
        await opened.ledger.forget(ForgetRequest("u", "ada", 0), is_dry_run=True)
    else:
        await exclude(number, is_dry_run=True, **({} if number else {"session": "s"}))
    assert seen == {kind}
    assert opened.ledger.job_progress is None


@pytest.mark.usefixtures("two")
async def test_a_step_that_fails_is_tried_again(opened, exclude, monkeypatch):
    """Guarantees: who waits gets the error, and what was to be excluded is, once."""
    monkeypatch.setattr("processor.io.ledger.background._RETRY_S", 0.01)
    real = opened.store.exclusions.add
    failures = [LedgerUnavailableError("refuses as the test asked")]

    def add(*values):
        real(*values)
        if failures:
            raise failures.pop()

    monkeypatch.setattr(opened.store.exclusions, "add", add)
    with pytest.raises(LedgerUnavailableError):
        await exclude(session="s")
    await until(lambda: not opened.ledger._exclude.has_work)
    assert await opened.cost() == 1000
    [job] = opened.store.exclusions.jobs()
    assert (await exclude(job.id)).calls == 2
    assert await opened.cost() == 3000


@pytest.fixture
def slices(monkeypatch, changed_spans):
    """Traces with more than two rows are large; a step changes two spans; returns how many."""
    monkeypatch.setattr(excluding, "_STEP_S", 1e9)  # However busy the machine is.
    monkeypatch.setattr(excluding, "_SPANS_CHANGED", 2)
    monkeypatch.setattr(stepped_trace, "ROWS_AT_ONCE", 2)
    return changed_spans


def large(given, trace=1):
    """A parent that the calls below it explain in part, one of them of unknown cost."""
    below = [given.call(at, 1, trace=trace, own=S) for at in range(2, 11)]
    above = given.aggregate(1, trace=trace, tokens=1400, own=S)
    return [above, given.unpriced(11, 1, trace=trace, own=S), *below]


def mixed(*traces):
    """Spans of several traces, one of each after the other."""
    return [span for some in zip(*traces, strict=True) for span in some]


@pytest.mark.parametrize("spans_max", [0, 100_000])
@pytest.mark.parametrize("traces", [0, 100])
async def test_large_traces_are_done_some_spans_at_a_time(
    opened, given, exclude, slices, traces, spans_max
):
    """Guarantees: the result is that of one step and a dry run says it, also where spans of
    several traces are mixed and only one of these may be in memory."""
    await opened.open(given.budget("b", "session", 10_000), traces=traces)
    await opened.post(*mixed(large(given), large(given, 2)), given.call(1, trace=3, own=S))
    opened.ledger._working_set.trace_spans = spans_max
    cost = await opened.cost()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(excluding, "_SPANS_CHANGED", 100)
        patch.setattr(stepped_trace, "ROWS_AT_ONCE", 100)
        whole = await exclude(session="s", is_dry_run=True)
    assert (whole.calls, max(slices)) == (23, 23)
    slices.clear()
    assert await exclude(session="s", is_dry_run=True) == whole
    assert (sum(slices), max(slices)) == (23, 2)
    assert await opened.cost() == cost
    slices.clear()
    done = await exclude(session="s")
    assert done == whole._replace(number=done.number)
    assert (sum(slices), max(slices)) == (23, 2)
    assert await opened.cost() == 0
    check_tables(opened.store)
    trial = await exclude(done.number, is_dry_run=True)
    slices.clear()
    undone = await exclude(done.number)
    assert undone == trial
    assert (undone.calls, undone.after_nano_usd, undone.lost) == (23, cost, 0)
    assert (sum(slices), max(slices)) == (23, 2)
    assert await opened.cost() == cost
    check_tables(opened.store)


@pytest.mark.usefixtures("slices")
@pytest.mark.parametrize("traces", [0, 100])
@pytest.mark.parametrize("steps", range(1, 50, 6))
async def test_turns_and_restarts_amid_a_large_trace_leave_nothing_out(
    opened, given, exclude, monkeypatch, steps, traces
):
    """Guarantees: whatever is read or changed of it, and whether turns have a copy of it."""
    monkeypatch.setattr(excluding, "_STEP_S", 0.0)
    await opened.open(traces=traces)
    await opened.post(*large(given), given.call(1, trace=2))

    async def work(asked, call):
        ledger = opened.ledger
        ledger._writer._background._works.remove(ledger._exclude)
        await ledger._writer.ask(lambda: ledger._exclude.begin(asked))
        for _ in range(steps):
            await ledger._writer.ask(ledger._exclude.work)
        await opened.post(given.call(call, 1, own=S))
        for _ in range(3):
            await ledger._writer.ask(ledger._exclude.work)
        ledger = await opened.open()
        await until(lambda: not ledger._exclude.has_work)

    selection = Selection(trace_id=given.trace_id(1))
    await work(ExclusionRequest(selection, "", "ada", given.NOW_S * 10**9), 20)
    # What comes once all is looked at counts.
    if late := await opened.cost() == 2000:
        await exclude(trace_id=given.trace_id(1), span_id=given.span_id(20))
    assert await opened.cost() == 1000
    check_tables(opened.store)
    first, *rest = opened.store.exclusions.jobs()
    assert bool(rest) == late
    await work(ExclusionRequest(Selection(), "", "ada", given.NOW_S * 10**9, first.id), 21)
    for job in rest:
        await exclude(job.id)
    assert await opened.cost() == 1000 + 14_000
    check_tables(opened.store)


@pytest.mark.parametrize("records", [1, 9])
async def test_log_records_of_a_call_are_read_in_steps_as_well(
    opened, exclude, slices, records, monkeypatch
):
    """Guarantees: it waits for their trace, however many others that has."""
    monkeypatch.setattr(excluding, "_STEP_S", 0.0)
    trace = b"t" * 16
    for at in range(records):
        other = b"record.%d" % at
        await opened.ledger.post(log_intake(trace, other, 900 - at, is_record=True, response=other))
    before = await opened.cost()
    call = log_intake(trace, b"thespan.", 1000, is_record=False, response=b"record.0")
    await opened.ledger.post(call)
    whole = await opened.cost()
    done = await exclude(trace_id=trace)
    assert max(slices) <= 2
    assert await opened.cost() < before
    await opened.open()
    await exclude(done.number)
    assert await opened.cost() == whole
    check_tables(opened.store)


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("is_durable", [True, False])
@pytest.mark.parametrize("kind", ["reprice", "exclude", "forget"])
async def test_work_of_which_nobody_knows_whether_it_has_begun_goes_on_if_so(
    opened, exclude, monkeypatch, kind, is_durable
):
    """Guarantees: without a restart; and what has not begun may be asked for again."""
    monkeypatch.setattr("processor.io.ledger.background._RETRY_S", 0.01)
    commit, failures = opened.store.commit, [LedgerUnavailableError("the files were gone")]

    def fail():
        if is_durable or not failures:
            commit()
        if failures:
            raise failures.pop()

    async def ask():
        dear = Amount(9000, 9000, 0, 0, 0, 0)
        prices = PricesAgain("v2", lambda row: replace(row.entry, amount=dear, price_version="v2"))
        if kind == "reprice":
            await opened.ledger.reprice(prices, (0, 2**63 - 1), 0, is_dry_run=False)
        elif kind == "exclude":
            await exclude(session="s")
        else:
            await opened.ledger.forget(ForgetRequest("u", "ada", 0), is_dry_run=False)

    job = {
        "reprice": opened.ledger._reprice,
        "exclude": opened.ledger._exclude,
        "forget": opened.ledger._forget,
    }[kind]
    monkeypatch.setattr(opened.store, "commit", fail)
    with pytest.raises(LedgerUnavailableError, match="the files were gone"):
        await ask()
    await until(lambda: not job.is_under_way)
    expected = {"reprice": 27_000, "exclude": 1000, "forget": 3000}[kind]

    async def is_done():
        is_forgotten = not (await total_of(opened.ledger, "user", "u")).calls
        return await opened.cost() == expected and (kind != "forget" or is_forgotten)

    assert await is_done() == is_durable
    if not is_durable:
        await ask()
        assert await is_done()
    assert opened.ledger.job_progress is None
    check_tables(opened.store)


@pytest.mark.usefixtures("two")
async def test_there_has_to_be_something_to_undo(opened, exclude):
    done = await exclude(session="s")
    with pytest.raises(InvalidQuestionError, match="there is no exclusion 99"):
        await exclude(99)
    with pytest.raises(InvalidQuestionError, match="there is no exclusion 99"):
        await exclude(99, is_dry_run=True)
    assert (await exclude(done.number, is_dry_run=True)).calls == 2
    assert await opened.cost() == 1000
    await exclude(done.number)
    with pytest.raises(InvalidQuestionError, match="is undone already"):
        await exclude(done.number)


@pytest.mark.usefixtures("two")
async def test_what_is_deleted_by_now_stays_out_and_that_is_said(opened, exclude):
    done = await exclude(session="s")
    opened.store._db.execute(
        "DELETE FROM charges WHERE id IN (SELECT id FROM spans WHERE trace = 1)"
    )
    opened.store._db.execute("DELETE FROM spans WHERE trace = 1")
    opened.store._db.execute("DELETE FROM exclusions WHERE trace = 1")
    await opened.open()
    found = await exclude(done.number)
    assert (found.calls, found.lost) == (0, 3)
    assert await opened.cost() == 1000


@pytest.mark.usefixtures("two")
async def test_the_audit_has_who_asked_and_what_came_of_it(opened, exclude):
    await exclude(user="v", is_dry_run=True)
    done = await exclude(session="s", reason="load test")
    await exclude(done.number)
    undo, line = await seen(opened, lambda view: view.audit(0, 10))
    assert (line.actor, line.action, line.subject) == ("ada", "exclude", "session s")
    assert json.loads(line.before) == {"usd": "0.000002"}
    number = str(done.number)
    after = {"exclusion": number, "reason": "load test", "calls": "2", "usd": "0.00"}
    assert json.loads(line.after) == after
    assert (undo.action, undo.subject) == ("undo", "session s")
    assert json.loads(undo.after)["exclusion"] == number
    assert undo.number > line.number


async def test_a_reprice_is_in_the_audit(opened, given):
    await opened.post(given.call(1))
    prices = PricesAgain("v2", lambda row: replace(row.entry, amount=Amount(5, 5, 0, 0, 0, 0)))
    await opened.ledger.reprice(prices, (0, 2**63 - 1), 7, is_dry_run=False, actor="ada")
    [line] = await seen(opened, lambda view: view.audit(0, 10))
    assert (line.time_ns, line.actor, line.action) == (7, "ada", "reprice")
    assert line.subject == "calls from 1970-01-01T00:00:00Z"
    assert json.loads(line.before) == {"usd": "0.000001"}
    assert json.loads(line.after) == {"prices": "v2", "calls": "1", "usd": "0.000000005"}
