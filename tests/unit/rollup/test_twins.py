"""Two spans of one response that do not hang from each other are charged once."""

from __future__ import annotations

import itertools

import pytest

from processor.model import Entry, Usage
from processor.money import price_usage
from processor.rollup import Arrival, Node, Trace, absorb

RATES = (1_000_000_000,) * 10 + (0, 0)


def call(span_id, time_ns, response_id, tokens=100, aggregate=None):
    """A call without a parent, as two unconnected instrumentations write it."""
    usage = Usage(input=tokens)
    entry = Entry(
        "exact", "", "openai", "gpt-4o", "svc", "v1", usage, price_usage(usage, RATES), RATES,
        aggregate, response_id=response_id,
    )  # fmt: skip
    return lambda: Node(span_id, b"", time_ns, entry=entry)


def total_of(makers):
    """Nano-USD and calls of a trace after each span has come by itself."""
    trace = Trace(b"t" * 16)
    moved = 0
    for make in makers:
        _, movements = absorb(trace, [Arrival(make())], {})
        moved += sum(m.after.cost_nano_usd - m.before.cost_nano_usd for m in movements)
    assert moved == trace.total.cost_nano_usd, "what moved adds up to what stands"
    return trace.total.cost_nano_usd, trace.total.calls


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_whatever_comes_first_one_of_the_pair_is_charged(order):
    """Guarantees: the end is the same in any order; other tokens or ids are other calls."""
    spans = [
        call(b"a", 5, "r1"),
        call(b"b", 3, "r1"),
        call(b"c", 9, "r1", tokens=50),
        call(b"d", 1, "r2"),
    ]
    assert total_of([spans[at] for at in order]) == (250_000, 3)


@pytest.mark.parametrize("response_id", ["", "r1"])
def test_no_id_or_no_tokens_makes_no_pair(response_id):
    """Guarantees: equal numbers alone never make one call of two."""
    tokens = 100 if not response_id else 0
    spans = [call(b"a", 1, response_id, tokens), call(b"b", 2, response_id, tokens)]
    assert total_of(spans)[1] == 2


def test_an_aggregate_is_nobodys_twin():
    """Guarantees: a parent with the id of its last child is still held against its children."""
    spans = [call(b"a", 1, "r1"), call(b"b", 2, "r1", aggregate="sum")]
    assert total_of(spans) == (200_000, 1)
