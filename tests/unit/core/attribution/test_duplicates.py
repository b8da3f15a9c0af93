"""Two spans of one call that are not below each other are charged once."""

from __future__ import annotations

import itertools
import random

import pytest

from processor.core.attribution import Arrival, Node, Trace, attach
from processor.core.attribution.same_response import digest_of
from processor.core.model import Entry, Usage
from processor.core.money import price_usage

RATES = (1_000_000_000,) * 10 + (0,) * 12
SECOND_NS = 10**9


def call(
    span_id, time_ns, response_id, tokens=100, aggregate=None, parent=b"", model="gpt-4o", **more
):
    """A call as one of two unconnected instrumentations writes it."""
    usage = tokens if isinstance(tokens, Usage) else Usage(input=tokens)
    entry = Entry(
        "exact", "", "openai", model, "svc", "v1", usage, price_usage(usage, RATES), RATES,
        aggregate, response=digest_of(response_id), **more,
    )  # fmt: skip
    return lambda: Node(span_id, parent, time_ns, entry=entry)


def total_of(makers):
    """Nano-USD and calls of a trace after each span has come by itself."""
    trace = Trace(b"t" * 16)
    moved = 0
    for make in makers:
        _, movements = attach(trace, [Arrival(make())], {})
        moved += sum(
            m.after.totals.cost_nano_usd - m.before.totals.cost_nano_usd for m in movements
        )
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


def under_way(span_id, start_ns, time_ns, scope, tokens=100, response_id="", **more):
    """A call below one parent, with the time it took and who wrote it."""
    more = {"parent": b"p", **more}
    return call(span_id, time_ns, response_id, tokens, start_ns=start_ns, scope=scope, **more)


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
        under_way(b"b", 21 + SECOND_NS, 29 + SECOND_NS, "openai"),  # one after the other
        under_way(b"b", 11, 19, "openai", tokens=101),
        under_way(b"b", 11, 19, "openai", model="gpt-4o-mini"),
        under_way(b"b", 0, 19, "openai"),  # times that cannot be trusted
        under_way(b"b", 25, 29, "openai", parent=b"q"),  # after it, and elsewhere
    ],
)
def test_calls_that_only_look_alike_are_two(second):
    """Guarantees: nothing is dropped for being similar."""
    assert total_of([under_way(b"a", 10, 20, "langchain"), second])[1] == 2


@pytest.mark.parametrize(
    "second",
    [
        under_way(b"b", 11, 21, "openai"),  # neither holds the other
        under_way(b"b", 20 + SECOND_NS, 29 + SECOND_NS, "openai"),  # a stream, read afterwards
        under_way(b"b", 11, 19, "openai", response_id="r2"),  # only one names the response
        under_way(b"b", 11, 19, "openai", model="azure/gpt-4o-2024-08-06"),
    ],
)
def test_reports_of_two_instrumentations_near_each_other_are_one_call(second):
    """Guarantees: overlapping, or adjoining within a second, is near enough."""
    first = under_way(b"a", 10, 20, "langchain")
    assert total_of([first, second])[1] == total_of([second, first])[1] == 1


def test_different_response_ids_always_mean_two_calls():
    spans = [
        under_way(b"a", 10, 20, "langchain", response_id="r1"),
        under_way(b"b", 11, 19, "openai", response_id="r2"),
    ]
    assert total_of(spans)[1] == 2


CACHED = Usage(input=300, cache_read=700, cache_write=50, output=10)


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        (Usage(input=1050, output=10), 1060),  # the same input, all of it uncached
        (Usage(input=300, output=10), 1060),  # only the uncached part
        (Usage(input=1000, output=10), 1060),  # without what was written to the cache
        (Usage(input=300, cache_read=700, output=10), 1060),
        (Usage(input=1050, output=11), 2121),
        (Usage(input=301, output=10), 1371),
        (Usage(input=300, cache_read=600, cache_write=150, output=10), 2120),
    ],
)
@pytest.mark.parametrize("is_inner", [False, True])
def test_the_report_that_knows_of_the_cache_is_charged(usage, cost, is_inner):
    """Guarantees: input that is equal under one cache convention is one call's, priced with it."""
    knowing = under_way(b"a", *((11, 19) if is_inner else (9, 21)), "langchain", CACHED)
    other = under_way(b"b", 10, 20, "openai", usage)
    for order in ([knowing, other], [other, knowing]):
        trace = Trace(b"t" * 16)
        for make in order:
            attach(trace, [Arrival(make())], {})
        assert trace.total.cost_nano_usd == cost * 1000
        if trace.total.calls == 1:
            assert trace.total.cached_tokens == 700


def missing(span_id, start_ns, time_ns, scope, status="usage_missing", parent=b"p", **more):
    """A call without counts."""
    entry = Entry(
        status, "", "openai", "gpt-4o-2024-08-06", "svc", "v1", None, None, None, None,
        start_ns=start_ns, scope=scope, **more,
    )  # fmt: skip
    return lambda: Node(span_id, parent, time_ns, entry=entry)


@pytest.mark.parametrize(
    ("second", "calls", "unpriced"),
    [
        (missing(b"b", 11, 19, "openai"), 1, 0),
        (missing(b"b", 11, 19, "openai", parent=b"q"), 1, 0),
        (missing(b"b", 25, 29, "openai"), 1, 0),  # a stream below the same parent
        (missing(b"b", 25, 29, "openai", parent=b"q"), 2, 1),
        (missing(b"b", 11, 19, "langchain"), 2, 1),
        (missing(b"b", 11, 19, "openai", response=digest_of("r2")), 2, 1),
        (missing(b"b", 11, 19, "openai", status="failed"), 2, 0),
    ],
)
def test_a_report_without_counts_adds_no_unknown_to_a_call_that_has_them(second, calls, unpriced):
    first = under_way(b"a", 10, 20, "langchain", response_id="r1")
    for order in ([first, second], [second, first]):
        trace = Trace(b"t" * 16)
        for make in order:
            attach(trace, [Arrival(make())], {})
        assert (trace.total.calls, trace.total.unpriced) == (calls, unpriced)
        assert trace.total.cost_nano_usd == 100_000


@pytest.mark.parametrize("status", ["usage_missing", "failed"])
def test_two_reports_without_counts_are_one_call(status):
    spans = [missing(b"a", 10, 20, "x", status), missing(b"b", 11, 19, "y", status)]
    assert total_of(spans) == (0, 1)


def test_a_call_that_gets_its_counts_is_looked_at_again():
    """Guarantees: an amended copy is matched by its counts, and no longer without."""
    first, second = under_way(b"a", 10, 20, "x")(), missing(b"b", 11, 19, "y")()
    trace = Trace(b"t" * 16)
    attach(trace, [Arrival(first), Arrival(second)], {})
    assert trace.total.calls == 1
    second.entry = under_way(b"b", 11, 19, "y", tokens=70)().entry
    attach(trace, [Arrival(second, is_amendment=True)], {})
    assert (trace.total.calls, trace.total.cost_nano_usd) == (2, 170_000)
    second.entry = under_way(b"b", 11, 19, "y")().entry
    attach(trace, [Arrival(second, is_amendment=True)], {})
    assert (trace.total.calls, trace.total.cost_nano_usd) == (1, 100_000)


@pytest.mark.parametrize("pairs", [1, 32, 33, 64, 65, 200])
@pytest.mark.parametrize("step_ns", [0, SECOND_NS // 10, 2 * SECOND_NS])
def test_pairs_that_are_alike_are_as_many_calls_as_pairs(pairs, step_ns):
    """Guarantees: no number of calls alike is too many, at a time or one after the other."""
    spans = []
    for number in range(pairs):
        start_ns = 10**18 + number * step_ns
        end_ns = start_ns + SECOND_NS
        span_ids = (2 * number).to_bytes(8), (2 * number + 1).to_bytes(8)
        spans.append(under_way(span_ids[0], start_ns, end_ns, "langchain")())
        spans.append(under_way(span_ids[1], start_ns + 5, end_ns - 5, "openai")())
    random.Random(pairs).shuffle(spans)
    trace = Trace(b"t" * 16)
    for at in range(0, len(spans), 50):
        attach(trace, [Arrival(node) for node in spans[at : at + 50]], {})
    assert (trace.total.calls, trace.total.cost_nano_usd) == (pairs, pairs * 100_000)


@pytest.mark.parametrize("pairs", [1, 2, 40])
def test_nested_calls_that_are_alike_are_not_explained_by_each_other(pairs):
    """Guarantees: a parent is paired with its own child, so that none explains another one's."""
    spans = []
    for number in range(pairs):
        outer, inner = (2 * number).to_bytes(8), (2 * number + 1).to_bytes(8)
        counts = CACHED if number % 2 else Usage(input=1050, output=10)
        at = 10**18 + number % 3
        spans.append(under_way(outer, at, at + 100 + number % 7, "langchain", counts))
        usage = Usage(input=1050, output=10)
        spans.append(under_way(inner, at, at + 100 - number % 5, "openai", usage, parent=outer))
    random.Random(pairs).shuffle(spans)
    assert total_of(spans) == (1060_000 * pairs, pairs)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_both_signs_together_never_drop_both_spans(order):
    """Guarantees: a pair that shares its response id and its parent is still charged once."""
    spans = [
        under_way(b"a", 10, 20, "langchain", response_id="r"),
        under_way(b"b", 10, 20, "openai", response_id="r"),
        under_way(b"c", 12, 18, "traceloop"),
    ]
    assert total_of([spans[at] for at in order]) == (100_000, 1)


def test_two_trees_beside_each_other_report_one_call():
    """Guarantees: a framework that attaches its spans elsewhere does not double the bill."""
    elsewhere = call(b"b", 19, "", parent=b"q", start_ns=11, scope="openai")
    assert total_of([under_way(b"a", 10, 20, "langchain"), elsewhere]) == (100_000, 1)
