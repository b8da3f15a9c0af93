"""Laws of traces with more spans than are followed of one: nothing is charged twice, or in silence.

The oracle is that of the other laws. It is given the calls that were not left out; what links them
it knows from all spans.
"""

from __future__ import annotations

from dataclasses import replace

from answers import total_of
from hypothesis import strategies as st
from property.engines import law
from property.test_ledger_laws import (
    Part,
    Run,
    by_owner,
    deliveries,
    expected_costs,
    expected_shares,
    policy,
)

from processor.core.model import Usage
from processor.core.posting import BEYOND_LIMIT
from processor.io.ledger import Ledger
from processor.io.ledger.limits import Limits

CALLS = {"call", "unpriced", "sum"}


class LimitedRun(Run):
    """A ledger that follows few spans of one trace."""

    def __init__(self, open_store, trace_spans):
        super().__init__(open_store)
        self.limits = Limits(trace_spans=trace_spans)

    async def open(self):
        self.ledger = Ledger(self.open_store("ledger"), policy(), self.limits)
        await self.ledger.start()

    def is_left_out(self, span):
        stamp = self.written.get((span.trace_id, span.span_id))
        entry = None if stamp is None else stamp.entry
        return entry is not None and entry.reason == BEYOND_LIMIT

    def followed(self, forest):
        """The forest as if the calls that were left out were none; links stay."""
        return [replace(span, kind="plain") if self.is_left_out(span) else span for span in forest]


async def run_limited(open_store, batches, trace_spans, restarts):
    run = LimitedRun(open_store, trace_spans)
    await run.open()
    for number, group in enumerate(batches):
        if number in restarts:
            await run.ledger.close()
            await run.open()
        await run.post(group)
    return run


@law(deliveries(), st.integers(1, 6), st.sets(st.integers(0, 4)), examples=60)
async def test_what_is_charged_is_exact_and_what_is_not_is_named(
    open_store, delivery, trace_spans, restarts
):
    """Guarantees: calls in the tree cost what they cost without the others, whatever comes when."""
    forest, batches = delivery
    run = await run_limited(open_store, batches, trace_spans, restarts)
    total = await total_of(run.ledger)
    expected = sum(expected_shares(run.followed(forest)).values(), Part())
    full = {span.trace for span in forest if run.is_left_out(span)}
    assert total.cost_nano_usd == sum(expected_costs(run.followed(forest)).values())
    assert (total.calls, total.input_tokens) == (expected.calls, expected.tokens_in)
    assert total.unpriced == expected.unpriced + len(full)
    assert run.spans_total() == total.cost_nano_usd
    for trace in {span.trace for span in forest}:
        whole = await total_of(run.ledger, "trace", bytes([trace + 1] * 16).hex())
        assert whole.unpriced > 0 or trace not in full
    for dimension in ("session", "user", "agent"):
        found = await by_owner(run.ledger, dimension, ["s1", "s2", "u1", "u2", "a", "b", ""])
        assert sum(found.values()) == total.cost_nano_usd
    await run.ledger.close()


@law(deliveries(), st.integers(1, 6), st.sets(st.integers(0, 4)), examples=60)
async def test_a_retry_beyond_the_limit_changes_nothing(
    open_store, delivery, trace_spans, restarts
):
    """Guarantees: also after a restart, the same is written on each call."""
    _, batches = delivery
    run = await run_limited(open_store, batches, trace_spans, restarts)
    before = await total_of(run.ledger)
    await run.ledger.close()
    await run.open()
    for group in batches:
        await run.post(group)
    assert await total_of(run.ledger) == before
    await run.ledger.close()


def plainest(forest):
    """The same spans, of which each says more the more of them are known."""
    kinds = {"unpriced": "call", "tool": "plain"}
    return {
        span: replace(
            span, kind=kinds.get(span.kind, span.kind), usage=Usage(span.usage.input, output=3)
        )
        for span in forest
    }


@law(deliveries(), st.integers(1, 6), examples=60)
async def test_a_full_trace_is_never_charged_more_than_all_its_spans(
    open_store, delivery, trace_spans
):
    """Guarantees: where no call makes its parent's tokens cheaper, what is charged is a part."""
    forest, batches = delivery
    plain = plainest(forest)
    batches = [[plain[span] for span in group] for group in batches]
    run = await run_limited(open_store, batches, trace_spans, ())
    total = await total_of(run.ledger)
    assert total.cost_nano_usd <= sum(expected_costs(plain.values()).values())
    await run.ledger.close()
