"""Pricing the ledger again: what is reported, what is kept, and what is not."""

from __future__ import annotations

import asyncio
import gc
from dataclasses import replace
from functools import partial

import pytest
from answers import standings_of, total_of
from property.agreement import check_tables

from processor.core.errors import LedgerUnavailableError, OverloadedError
from processor.core.model import Owner
from processor.core.money import Amount, price_usage
from processor.core.ports import PricesAgain
from processor.io.ledger import read_snapshot, reprice_sums, repricing
from processor.io.ledger.reading.unknown import read_unknown

S = Owner(session="s")
ALWAYS = (0, 2**63 - 1)


@pytest.fixture
def priced(given):
    """Prices `times` as high as those in these tests."""

    def at(times):
        rates = tuple(times * rate for rate in given.RATES)

        def price_again(call):
            entry = call.entry
            if entry.usage is None or entry.rates == rates:
                return entry
            amount = price_usage(entry.usage, rates)
            return replace(entry, amount=amount, rates=rates, status="exact", price_version="v2")

        return PricesAgain(f"times {times}", price_again)

    return at


@pytest.fixture
def reprice(opened, given, priced):
    """Prices everything again, at `times` the price it has in these tests; dry only if asked."""

    async def ask(times=2, span_ns=ALWAYS, **more):
        more = {"is_dry_run": False, **more}
        return await opened.ledger.reprice(priced(times), span_ns, given.NOW_S * 10**9, **more)

    return ask


async def test_differences_are_listed_by_model_with_what_was_unknown(opened, given, reprice):
    await opened.post(given.call(1), given.call(2, model="b", tokens=10), given.unpriced(3))
    found = await reprice()
    assert found.calls == 3
    assert (found.before_nano_usd, found.after_nano_usd) == (1100, 4200)
    specs = {
        each.name: (each.calls, each.before_nano_usd, each.after_nano_usd) for each in found.models
    }
    assert specs == {"gpt-4o": (2, 1000, 4000), "b": (1, 100, 200)}
    first = found.models[0]
    assert (first.unpriced_before, first.unpriced_after) == (1, 0)


async def test_the_largest_differences_come_first_and_the_list_has_an_end(opened, given, reprice):
    """Guarantees: senders choose the names of models, and the sums count what is left out."""
    await opened.post(*(given.call(at, model=f"m{at}", tokens=at) for at in range(1, 151)))
    found = await reprice()
    assert [each.name for each in found.models[:2]] == ["m150", "m149"]
    assert len(found.models) == 100
    assert found.after_nano_usd - found.before_nano_usd == 10 * sum(range(1, 151))


async def test_differences_are_listed_by_budget_over_many_transactions(opened, given, reprice):
    """Guarantees: spent before and after, by scope id and window, however traces are grouped."""
    await opened.open(
        given.budget("per-session", "session", 200_000),
        given.budget("hourly", "total", 90_000, window="hour"),
        given.budget("tokens", "session", 10, unit="tokens"),
        given.budget("call", "call", 10),
    )
    for trace in range(1, 121):
        at_s = 3600 if trace > 100 else 0
        await opened.post(given.call(1, own=S, trace=trace, at_s=at_s))
    for is_dry_run in (True, False):
        found = await reprice(is_dry_run=is_dry_run)
        specs = {
            (each.name, each.scope_id, each.window_start_s): (
                each.calls, each.before_nano_usd, each.after_nano_usd, each.limit_nano_usd,
            )
            for each in found.budgets
        }  # fmt: skip
        assert specs == {
            ("per-session", "s", 0): (120, 120_000, 240_000, 200_000),
            ("hourly", "", given.START_S): (100, 100_000, 200_000, 90_000),
            ("hourly", "", given.START_S + 3600): (20, 20_000, 40_000, 90_000),
        }
    assert await opened.cost() == await opened.cost("session", "s") == 240_000


async def test_only_calls_that_ended_in_the_window_change(opened, given, reprice):
    await opened.post(*(given.call(at, at_s=at) for at in range(1, 5)))
    start_ns, end_ns = ((given.START_S + at) * 10**9 for at in (2, 4))
    found = await reprice(span_ns=(start_ns, end_ns))
    assert found.calls == 2
    assert await opened.cost() == 6000


async def test_running_twice_changes_nothing_more(opened, given, reprice):
    await opened.post(given.aggregate(1, tokens=300), given.call(2, 1, own=S), given.unpriced(3, 1))
    await reprice()
    totals = [await total_of(opened.ledger, *place) for place in (("total", ""), ("session", "s"))]
    found = await reprice()
    assert (found.calls, found.models, found.budgets) == (0, (), ())
    await opened.open()
    assert (await reprice()).calls == 0
    assert totals == [
        await total_of(opened.ledger, *place) for place in (("total", ""), ("session", "s"))
    ]


async def test_a_call_that_gets_a_price_explains_what_its_parent_was_charged_for(
    opened, given, reprice
):
    """Guarantees: no double bill once both the parent and what is below it have a price."""
    await opened.post(given.aggregate(1, tokens=100), given.unpriced(2, 1, tokens=100))
    assert await opened.cost() == 1000
    found = await reprice(times=1)
    assert (found.calls, await opened.cost()) == (1, 1000)
    assert (await total_of(opened.ledger)).unpriced == 0


async def test_a_call_whose_cost_stays_is_counted_apart(opened, given, reprice):
    """Guarantees: "changed" is about money; an aggregate that others explain owes nothing."""
    await opened.post(given.aggregate(1, tokens=100), given.call(2, 1, tokens=100))
    found = await reprice(is_dry_run=True)
    assert (found.calls, found.renamed) == (1, 1)
    assert [each.calls for each in found.models] == [1]


async def test_filtered_totals_follow_and_stay_complete(opened, given, reprice):
    rule = given.budget("gpt", "session", 10**9, match={"model": ("gpt-*",)})
    await opened.open(rule)
    await opened.post(given.call(1, own=S), given.call(2, own=S, model="b"))
    await reprice()
    await opened.open(rule)
    [standing] = await standings_of(opened.ledger, {"session": "s"}, given.NOW_S)
    assert standing.spent == 2000


async def test_others_get_their_turns_in_between(opened, given, reprice):
    """Guarantees: batches go on while many traces are priced again, each at its own price."""
    for trace in range(1, 161):
        await opened.post(given.call(1, trace=trace))
    await asyncio.gather(
        reprice(), *(opened.post(given.call(2, trace=trace)) for trace in range(1, 161, 8))
    )
    assert await opened.cost() in range(160 * 2000 + 20 * 1000, 160 * 2000 + 20 * 2000 + 1)
    await reprice()
    assert await opened.cost() == 180 * 2000


async def test_somebody_who_looks_sees_what_calls_name(opened, given, reprice):
    """Guarantees: a look needs no lock, sees what is committed, and changes nothing."""
    await opened.post(given.call(1), given.unpriced(2, model="x"), given.unpriced(3, model="x"))
    seen = read_snapshot(opened.path)
    assert sorted(seen.asked) == [("openai", ("gpt-4o",), ""), ("openai", ("x",), "")]
    [unknown] = seen.unpriced
    assert (unknown.models, unknown.calls, unknown.tokens) == (("x",), 2, 200)
    assert [unknown] == read_unknown(opened.store._db, 9).listed
    await reprice()
    assert read_snapshot(opened.path).unpriced == ()


async def begun(opened, reprice, **more):
    """A reprice that has begun, and has done some of its traces."""
    task = asyncio.ensure_future(reprice(**more))
    while not (progress := opened.ledger.job_progress) or not progress.changed:  # noqa: ASYNC110 - it is read from a thread
        await asyncio.sleep(0)
    assert progress.left
    return task


@pytest.fixture
def small_steps(monkeypatch):
    """One trace in each step."""
    monkeypatch.setattr(repricing, "_TRACES_READ", 1)


@pytest.fixture
async def many(opened, given):
    """A ledger with a call in each of many traces."""
    for trace in range(1, 201):
        await opened.post(given.call(1, trace=trace))


@pytest.mark.usefixtures("small_steps", "many")
async def test_a_reprice_goes_on_when_its_asker_has_gone(opened, reprice):
    """Guarantees: asked again, the result is that of the whole; others are told to come back."""
    left = await begun(opened, reprice)
    left.cancel()
    with pytest.raises(asyncio.CancelledError):
        await left
    with pytest.raises(
        OverloadedError,
        match=r"^a reprice is under way, with \d+ traces left; it goes on by itself",
    ):
        await reprice(times=3)
    with pytest.raises(
        OverloadedError, match=r"^a reprice is under way, .* also after a restart: ask again"
    ):
        await reprice(is_dry_run=True)
    found = await reprice(span_ns=(5, ALWAYS[1]))
    assert (found.calls, found.span_ns, found.is_partial) == (200, ALWAYS, False)
    assert opened.ledger.job_progress is None
    assert await opened.cost() == 400_000


@pytest.mark.usefixtures("small_steps", "many")
async def test_a_restart_goes_on_with_the_same_prices_and_keeps_the_sums(opened, reprice):
    waiting = await begun(opened, reprice)
    await opened.open()
    with pytest.raises(LedgerUnavailableError, match="goes on when it is open again"):
        await waiting
    assert opened.ledger.job_progress.left
    found = await reprice()
    assert (found.calls, found.before_nano_usd, found.after_nano_usd) == (200, 200_000, 400_000)
    assert [each.calls for each in found.models] == [200]
    assert await opened.cost() == 400_000


@pytest.mark.usefixtures("small_steps", "many")
async def test_a_restart_with_other_prices_begins_again(opened, reprice, caplog):
    (await begun(opened, reprice)).cancel()
    await opened.open()
    gc.collect()
    assert "never retrieved" not in caplog.text, "who has gone needs no answer"
    found = await reprice(times=3)
    assert "begins again, with prices times 3, where it was with times 2" in caplog.text
    assert found.calls == 200
    assert await opened.cost() == 600_000


@pytest.mark.usefixtures("small_steps", "many")
async def test_a_dry_run_ends_with_its_asker(opened, reprice):
    left = await begun(opened, reprice, is_dry_run=True)
    with pytest.raises(
        OverloadedError, match=r"^a dry run of a reprice is under way, .* ends with whoever asked"
    ):
        await reprice()
    left.cancel()
    with pytest.raises(asyncio.CancelledError):
        await left
    assert opened.ledger.job_progress is None
    await opened.open()
    assert await opened.cost() == 200_000


async def test_of_very_many_models_those_with_the_largest_differences_are_kept(
    opened, given, reprice, monkeypatch
):
    """Guarantees: memory has a bound, the sums in all are exact, and it is said."""
    monkeypatch.setattr(reprice_sums, "_SUMS_MAX", 40)
    for trace in range(1, 101):
        await opened.post(given.call(1, trace=trace, model=f"m{trace}", tokens=trace))
    found = await reprice()
    assert found.is_partial
    assert len(found.models) <= 40
    assert found.models[0].name == "m100"
    assert (found.calls, found.before_nano_usd) == (100, 10 * sum(range(1, 101)))


async def test_traces_that_a_reprice_reads_do_not_stay_in_memory(opened, given, reprice):
    for trace in range(1, 101):
        await opened.post(given.call(1, trace=trace))
    await opened.open()
    await opened.post(given.call(2, trace=5))
    assert (await reprice()).calls == 101
    assert (opened.ledger.memory_use.traces, opened.ledger.memory_use.spans) == (1, 2)


@pytest.fixture
def slices(monkeypatch, changed_spans):
    """Traces with more than two rows are large; a step changes two calls; returns how many."""
    monkeypatch.setattr(repricing, "_STEP_S", 1e9)  # However busy the machine is.
    monkeypatch.setattr(repricing, "ROWS_AT_ONCE", 2)
    monkeypatch.setattr(repricing, "_CALLS_CHANGED", 2)
    return changed_spans


def tree(given, calls=11):
    """A parent that the calls below it explain in part, one of them of unknown cost."""
    below = [given.call(at, 1, own=S) for at in range(2, calls)]
    return [given.aggregate(1, tokens=100 * calls + 300), given.unpriced(calls, 1), *below]


@pytest.mark.parametrize("traces", [0, 100])
async def test_a_large_trace_is_done_some_calls_at_a_time(opened, given, reprice, slices, traces):
    """Guarantees: the result is that of one step, a dry run says it, and each call counts once."""
    await opened.open(given.budget("b", "session", 10_000), traces=traces)
    await opened.post(*tree(given), given.call(1, trace=2, own=S))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repricing, "ROWS_AT_ONCE", 100)
        patch.setattr(repricing, "_CALLS_CHANGED", 100)
        whole = await reprice(is_dry_run=True)
    assert (whole.calls, max(slices)) == (12, 12)
    slices.clear()
    dry = await reprice(is_dry_run=True)
    assert (sum(slices), max(slices)) == (12, 2)
    assert dry == whole
    assert await opened.cost() == 15_000
    slices.clear()
    assert await reprice() == whole
    assert (sum(slices), max(slices)) == (12, 2)
    assert await opened.cost() == 30_000
    assert (await reprice()).calls == 0
    check_tables(opened.store)


async def held(opened):
    """Have the thread do no step of a reprice by itself."""
    opened.ledger._writer._background._works.remove(opened.ledger._reprice)


@pytest.mark.parametrize("traces", [0, 100])
@pytest.mark.parametrize("steps", range(1, 36, 5))
async def test_turns_and_restarts_amid_a_large_trace_leave_nothing_out(
    opened, given, priced, slices, steps, traces, monkeypatch
):
    """Guarantees: whatever is read or changed of it, and whether turns have a copy of it."""
    monkeypatch.setattr(repricing, "_STEP_S", 0.0)
    await opened.open(traces=traces)
    await held(opened)
    await opened.post(*tree(given))
    begin = partial(opened.ledger._reprice.begin, priced(2), ALWAYS, given.NOW_S * 10**9)
    await opened.ledger._writer.ask(begin)
    for _ in range(steps):
        await opened.ledger._writer.ask(opened.ledger._reprice.work)
    dear = Amount(2000, 2000, 0, 0, 0, 0)
    await opened.post(given.call(12, 1, amount=dear), given.carrier(20, trace=1))
    for _ in range(3):
        await opened.ledger._writer.ask(opened.ledger._reprice.work)
    await opened.open()
    await held(opened)
    await opened.ledger.resume_reprice(priced(2))
    while opened.ledger.job_progress is not None:
        await opened.ledger._writer.ask(opened.ledger._reprice.work)
    assert await opened.cost() == 28_000
    check_tables(opened.store)
    assert max(slices) <= 2


@pytest.mark.usefixtures("slices")
async def test_a_turn_amid_a_dry_run_is_seen_and_keeps_its_working_copy(
    opened, given, priced, monkeypatch
):
    monkeypatch.setattr(repricing, "_STEP_S", 0.0)
    await opened.post(*tree(given))
    last = opened.store.last_trace()
    trial = repricing.Repricer(opened.ledger._working_set, priced(2), ALWAYS, 1, last)
    for _ in range(24):
        await opened.ledger._writer.ask(trial.try_step)
    assert 0 < trial.progress.changed < 10
    kept = opened.ledger.memory_use
    await opened.post(given.call(200, 1), given.unpriced(201, 1))
    while not trial.is_done:
        await opened.ledger._writer.ask(trial.try_step)
    assert trial.progress.changed == 11
    found = trial.result()
    assert found.after_nano_usd - found.before_nano_usd == 14_000
    assert opened.ledger.memory_use.spans == kept.spans + 2
    assert await opened.cost() == 14_000
