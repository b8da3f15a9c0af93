"""Laws of exclusion: what is excluded is in no sum, and everything else is as without that."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from answers import total_of
from hypothesis import strategies as st
from property.engines import law
from property.test_ledger_laws import (
    RATES,
    START_NS,
    Part,
    Run,
    deliveries,
    expected_owners,
    expected_shares,
    policy,
)
from property.test_retention_laws import Life, lives

from processor.core.errors import InvalidQuestionError
from processor.core.model import ExclusionRequest, Selection
from processor.core.money import price_usage
from processor.core.ports import PricesAgain
from processor.io.ledger import Ledger, excluding, stepped_trace
from processor.io.ledger.limits import Limits

ALWAYS = (0, 2**63 - 1)
SELECTIONS = st.sampled_from(
    [
        Selection(trace_id=bytes([1] * 16)),
        Selection(trace_id=bytes([2] * 16)),
        Selection(trace_id=bytes([1] * 16), span_id=(2).to_bytes(8)),
        Selection(trace_id=bytes([1] * 16), span_id=(3).to_bytes(8)),
        Selection(session="s1"),
        Selection(user="u2"),
        Selection(session="s2", user="u1"),
        Selection(start_ns=START_NS + 900 * 10**9),
        Selection(start_ns=START_NS, end_ns=START_NS + 900 * 10**9),
        Selection(session="unheard of"),
        Selection(),
    ]
)


@pytest.fixture(params=[128, 1], ids=["small", "large"], autouse=True)
def sizes(request):
    """What is a small trace, changed whole; a large one is changed span by span."""
    with pytest.MonkeyPatch.context() as patch:
        # Steps end where there is enough to change, however busy the machine is.
        patch.setattr(excluding, "_STEP_S", 1e9)
        patch.setattr(stepped_trace, "ROWS_AT_ONCE", request.param)
        if request.param == 1:
            patch.setattr(excluding, "_SPANS_CHANGED", 1)
            patch.setattr(stepped_trace, "_ROWS_READ", 2)
        yield


def asked(selection, undoes=0):
    return ExclusionRequest(selection, "a test", "ada", START_NS, undoes)


def excluded_in(store):
    """Trace and span ids of what is excluded, by the flags of the latest rows."""
    rows = [row for trace in store.recent_traces(100) for row in store.rows_of(trace)]
    latest = {(row.trace_id, row.span_id): row for row in rows}
    return {key for key, row in latest.items() if row.is_excluded}


async def check_sums(ledger, forest):
    """Totals are those of all spans, less those that are excluded."""
    excluded = excluded_in(ledger._working_set.store)
    shares = expected_shares(forest)
    left = {span: part for span, part in shares.items()
            if (span.trace_id, span.span_id) not in excluded}  # fmt: skip
    whole = sum(left.values(), Part())
    total = await total_of(ledger)
    assert total.cost_nano_usd == sum(
        part.cost for span, part in left.items() if span.kind != "unpriced"
    )
    assert (total.input_tokens, total.output_tokens) == (whole.tokens_in, whole.tokens_out)
    assert (total.calls, total.unpriced) == (whole.calls, whole.unpriced)
    assert total.doubtful_calls == whole.doubtful
    for trace in {span.trace for span in forest}:
        found = await total_of(ledger, "trace", bytes([trace + 1] * 16).hex())
        spent = sum(part.cost for span, part in left.items()
                    if span.trace == trace and span.kind != "unpriced")  # fmt: skip
        assert found.cost_nano_usd == spent
    return excluded


@law(deliveries(), SELECTIONS, st.integers(0, 5), st.booleans(), examples=150)
async def test_what_is_excluded_stays_out_whatever_comes(
    open_store, delivery, selection, at, restarts
):
    """Guarantees: no repeat, late parent, late child or restart brings a call back, or has the
    spans above it charged for it; what is excluded later leaves the rest alone; undo is exact."""
    forest, batches = delivery
    run = Run(open_store)
    await run.open()
    for group in batches[:at]:
        await run.post(group)
    before = await total_of(run.ledger)
    trial = await run.ledger.exclude(asked(selection), is_dry_run=True)
    assert await total_of(run.ledger) == before, "a dry run changes nothing"
    done = await run.ledger.exclude(asked(selection), is_dry_run=False)
    assert done._replace(number=0) == trial, "a dry run says what would happen"
    after = await total_of(run.ledger)
    change = after.cost_nano_usd - before.cost_nano_usd
    assert change == done.after_nano_usd - done.before_nano_usd
    assert change <= 0
    kept = excluded_in(run.ledger._working_set.store)
    assert len(kept) == done.calls + done.agents
    for group in batches[at:]:
        if restarts:
            await run.ledger.close()
            await run.open()
        await run.post(group)
        assert excluded_in(run.ledger._working_set.store) == kept
    assert await check_sums(run.ledger, forest) == kept
    again = await run.ledger.exclude(asked(selection), is_dry_run=False)
    assert await check_sums(run.ledger, forest) >= kept
    for number in (done.number, again.number):
        undone = await run.ledger.exclude(asked(selection, number), is_dry_run=False)
        assert (undone.number, undone.lost) == (number, 0)
        with pytest.raises(InvalidQuestionError, match="undone already"):
            await run.ledger.exclude(asked(selection, number), is_dry_run=False)
    assert not await check_sums(run.ledger, forest)
    for dimension in ("session", "user", "agent", "task"):
        wanted = expected_owners(forest, dimension)
        found = {
            each: (await total_of(run.ledger, dimension, each)).cost_nano_usd for each in wanted
        }
        assert found == wanted
    await run.ledger.close()


EVENTS = st.lists(st.sampled_from(["step", "step", "batch", "restart"]), max_size=8)


@law(deliveries(), st.tuples(SELECTIONS, SELECTIONS), EVENTS, examples=100)
async def test_whatever_comes_between_its_steps_an_exclusion_ends(
    open_store, delivery, selections, events
):
    """Guarantees: batches and restarts between any two steps, of an exclusion and of its undo."""
    forest, batches = delivery
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(excluding, "_TRACES_CHANGED", 1)
        run = _Stepwise(open_store)
        await run.open()
        rest = list(batches)
        await run.post(rest.pop(0))
        numbers = []
        for selection in selections:
            await run.begin(asked(selection))
            numbers.append(run.ledger._exclude._id)
            for event in events:
                if event == "step":
                    await run.step()
                elif event == "batch" and rest:
                    await run.post(rest.pop(0))
                elif event == "restart":
                    await run.restart()
            await run.finish()
            given = [span for batch in batches[: len(batches) - len(rest)] for span in batch]
            assert given
        for group in rest:
            await run.post(group)
        await check_sums(run.ledger, forest)
        for number in numbers:
            await run.begin(asked(Selection(), number))
            for event in events:
                await (run.restart() if event == "restart" else run.step())
            await run.finish()
    assert not await check_sums(run.ledger, forest)
    await run.ledger.close()


class _Stepwise(Run):
    """A ledger whose exclusion does a step when it is told to."""

    async def open(self):
        self.ledger = Ledger(self.open_store("ledger"), policy(), Limits())
        self.ledger._writer._background._works.remove(self.ledger._exclude)
        await self.ledger.start()

    async def begin(self, what):
        await self.ledger._writer.ask(lambda: self.ledger._exclude.begin(what))

    async def step(self):
        if self.ledger._exclude.has_work:
            await self.ledger._writer.ask(self.ledger._exclude.work)

    async def finish(self):
        while self.ledger._exclude.has_work:
            await self.step()

    async def restart(self):
        await self.ledger.close()
        await self.open()


@law(deliveries(), SELECTIONS, st.integers(2, 4), examples=60)
async def test_a_reprice_leaves_out_what_is_excluded(open_store, delivery, selection, times):
    """Guarantees: it stays out, and once it is put back it has the later prices as all others."""
    forest, batches = delivery
    rates = tuple(times * rate for rate in RATES)

    def entry(row):
        if row.entry.usage is None or row.entry.amount is None or row.entry.rates == rates:
            return row.entry
        amount = price_usage(row.entry.usage, rates)
        return replace(row.entry, amount=amount, rates=rates, price_version="v2")

    run = Run(open_store)
    await run.open()
    for group in batches:
        await run.post(group)
    done = await run.ledger.exclude(asked(selection), is_dry_run=False)
    kept = excluded_in(run.ledger._working_set.store)
    before = await total_of(run.ledger)
    await run.ledger.reprice(PricesAgain("later", entry), ALWAYS, START_NS, is_dry_run=False)
    assert excluded_in(run.ledger._working_set.store) == kept
    assert (await total_of(run.ledger)).cost_nano_usd == times * before.cost_nano_usd
    await run.ledger.exclude(asked(selection, done.number), is_dry_run=False)
    costs = Counter(
        {span: part.cost for span, part in expected_shares(forest).items()
         if span.kind != "unpriced"}
    )  # fmt: skip
    assert (await total_of(run.ledger)).cost_nano_usd == times * costs.total()
    await run.ledger.close()


class ExcludingLife(Life):
    """A ledger of which calls are excluded while others are deleted."""

    def __init__(self, open_store):
        super().__init__(open_store)
        self.excluded = set()
        self.numbers = []

    async def take_out(self, selection):
        done = await self.ledger.exclude(asked(selection), is_dry_run=False)
        self.numbers.append(done.number)
        await self.look()

    async def put_back(self):
        if self.numbers:
            await self.ledger.exclude(asked(Selection(), self.numbers.pop()), is_dry_run=False)
            await self.look()

    async def look(self):
        """Note what is excluded; of deleted traces that is what it was."""
        kept = {key for key in self.excluded if key[0] in self.deleted}
        found = await self.ledger._writer.ask(lambda: excluded_in(self.store))
        self.excluded = kept | found

    def expected(self, trace_id):
        came = self.counted[trace_id]
        forest = [
            span if span.parent in came else replace(span, parent=None) for span in came.values()
        ]
        counted = [
            (span, part) for span, part in expected_shares(forest).items()
            if (trace_id, span.span_id) not in self.excluded
        ]  # fmt: skip
        cost = sum(part.cost for span, part in counted if span.kind != "unpriced")
        return cost, sum(part.calls for _, part in counted)


@law(lives(), st.lists(st.tuples(st.integers(0, 8), SELECTIONS | st.none()), max_size=4),
     examples=100)  # fmt: skip
async def test_what_is_deleted_stays_out_or_in_as_it_was(open_store, drawn, changes):
    """Guarantees: retention and exclusion, in any order: no total moves, nothing comes back."""
    _, steps = drawn
    life = ExcludingLife(open_store)
    try:
        await life.open()
        for at, step in enumerate(steps):
            if step is None:
                await life.open()
            elif isinstance(step, int):
                await life.sweep(step)
            else:
                await life.post(step)
            for when, selection in changes:
                if when == at:
                    await (life.put_back() if selection is None else life.take_out(selection))
            await life.check()
    finally:
        await life.ledger.close()
