"""Two spans of one call that are not below each other are charged once."""

from __future__ import annotations

import itertools

import pytest

from processor.core.attribution import Arrival, Node, Trace, attach
from processor.core.model import Entry, Usage
from processor.core.money import price_usage

RATES = (1_000_000_000,) * 10 + (0, 0)


def call(span_id, time_ns, response_id, tokens=100, aggregate=None, parent=b"", **more):
    """A call as one of two unconnected instrumentations writes it."""
    usage = Usage(input=tokens)
    entry = Entry(
        "exact", "", "openai", "gpt-4o", "svc", "v1", usage, price_usage(usage, RATES), RATES,
        aggregate, response_id=response_id, **more,
    )  # fmt: skip
    return lambda: Node(span_id, parent, time_ns, entry=entry)


def total_of(makers):
    """Nano-USD and calls of a trace after each span has come by itself."""
    trace = Trace(b"t" * 16)
    moved = 0
    for make in makers:
        _, movements = attach(trace, [Arrival(make())], {})
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


def test_an_aggregate_is_never_a_duplicate():
    """Guarantees: a parent with the id of its last child is still held against its children."""
    spans = [call(b"a", 1, "r1"), call(b"b", 2, "r1", aggregate="sum")]
    assert total_of(spans) == (200_000, 1)


def under_way(span_id, start_ns, time_ns, scope, tokens=100, response_id=""):
    """A call below one parent, with the time it took and who wrote it."""
    return call(
        span_id, time_ns, response_id, tokens, parent=b"p", start_ns=start_ns, scope=scope
    )  # fmt: skip


@pytest.mark.parametrize("order", list(itertools.permutations(range(5)))[::5])
def test_siblings_of_two_instrumentations_are_one_call(order):
    """Guarantees: one within the other is one call, in any order; each has one counterpart."""
    spans = [
        under_way(b"a", 10, 20, "langchain"),
        under_way(b"b", 11, 19, "openai"),
        under_way(b"c", 30, 40, "langchain"),
        under_way(b"d", 31, 39, "openai"),
        under_way(b"e", 32, 38, "openai"),
    ]
    assert total_of([spans[at] for at in order]) == (300_000, 3)


@pytest.mark.parametrize(
    "second",
    [
        under_way(b"b", 11, 19, "langchain"),  # the same instrumentation: two calls at a time
        under_way(b"b", 11, 21, "openai"),  # neither holds the other
        under_way(b"b", 25, 29, "openai"),  # one after the other
        under_way(b"b", 11, 19, "openai", tokens=101),
    ],
)
def test_calls_that_only_look_alike_are_two(second):
    """Guarantees: nothing is dropped for being similar."""
    assert total_of([under_way(b"a", 10, 20, "langchain"), second])[1] == 2


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_both_signs_together_never_drop_both_spans(order):
    """Guarantees: a pair that shares its response id and its parent is still charged once."""
    spans = [
        under_way(b"a", 10, 20, "langchain", response_id="r"),
        under_way(b"b", 10, 20, "openai", response_id="r"),
        under_way(b"c", 12, 18, "traceloop"),
    ]
    cost, calls = total_of([spans[at] for at in order])
    assert (cost, calls) in {(100_000, 1), (200_000, 2)}
    assert total_of(spans) == (cost, calls)


def test_two_trees_beside_each_other_report_one_call():
    """Guarantees: a framework that attaches its spans elsewhere does not double the bill."""
    elsewhere = call(b"b", 19, "", parent=b"q", start_ns=11, scope="openai")
    assert total_of([under_way(b"a", 10, 20, "langchain"), elsewhere]) == (100_000, 1)
