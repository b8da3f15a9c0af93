"""Calls of a tool loop that count the requests before them add only their own part."""

from __future__ import annotations

import itertools

import pytest

from processor.core.attribution import Arrival, Node, Trace, attach
from processor.core.model import Entry, Usage
from processor.core.money import price_usage
from processor.core.posting.stamp import written_entry

RATES = (1_000_000_000,) * 10 + (7_000_000_000,) + (0,) * 11


def request(span_id, start_ns, tokens, output, parent=b"p", **more):
    """One request, with what its span counts."""
    usage = Usage(input=tokens, output=output)
    fields = {"is_cumulative": True, "scope": "spring", "start_ns": start_ns, **more}
    entry = Entry(
        "exact", "", "openai", "gpt-4o", "svc", "v1", usage, price_usage(usage, RATES), RATES,
        **fields,
    )  # fmt: skip
    return lambda: Node(span_id, parent, start_ns + 10, entry=entry)


def trace_of(makers):
    trace = Trace(b"t" * 16)
    moved = 0
    for make in makers:
        _, movements = attach(trace, [Arrival(make())], {})
        moved += sum(
            m.after.totals.cost_nano_usd - m.before.totals.cost_nano_usd for m in movements
        )
    assert moved == trace.total.cost_nano_usd, "what moved adds up to what stands"
    return trace


LOOP = [
    request(b"a", 100, 100, 10),
    request(b"b", 120, 220, 15),  # 120 in, 5 out
    request(b"c", 140, 400, 40),  # 180 in, 25 out
]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_each_request_of_a_loop_is_charged_once(order):
    """Guarantees: the last span has the sum, and the trace comes to it, in any order."""
    trace = trace_of([LOOP[at] for at in order])
    assert (trace.total.input_tokens, trace.total.output_tokens) == (400, 40)
    assert (trace.total.calls, trace.total.cost_nano_usd) == (3, 440_000 + 3 * 7_000)


def test_the_span_shows_its_own_part_and_how_it_came_about():
    trace = trace_of(LOOP)
    node = trace.nodes[b"b"]
    written = written_entry(node.entry, node)
    assert (written.status, written.usage) == ("exact", Usage(input=120, output=5))
    assert written.amount.total == 125_000 + 7_000
    assert written.rule == "counts: less those of the requests before it"


@pytest.mark.parametrize(
    "second",
    [
        request(b"b", 120, 199, 15),  # a request of a loop holds what was asked before
        request(b"b", 120, 220, 10),  # no output of its own
        request(b"b", 105, 220, 15),  # at the same time
        request(b"b", 120, 220, 15, parent=b"q"),
        request(b"b", 120, 220, 15, scope="other"),
        request(b"b", 120, 220, 15, is_cumulative=False),
        request(b"b", 0, 220, 15),
    ],
)
def test_calls_that_do_not_continue_another_one_are_charged_in_full(second):
    first = request(b"a", 100, 100, 10)
    trace = trace_of([first, second])
    own = second().entry.usage
    assert trace.total.input_tokens == 100 + own.input_tokens
    assert trace_of([second, first]).total == trace.total


def test_a_request_that_gets_its_counts_later_changes_the_one_after_it():
    trace = trace_of([LOOP[1]])
    late = LOOP[0]()
    counts, late.entry = late.entry, Entry(
        "usage_missing", "", "openai", "gpt-4o", "svc", "v1", None, None, None,
        is_cumulative=True, scope="spring", start_ns=100,
    )  # fmt: skip
    attach(trace, [Arrival(late)], {})
    assert trace.total.input_tokens == 220
    late.entry = counts
    attach(trace, [Arrival(late, is_amendment=True)], {})
    assert (trace.total.input_tokens, trace.total.output_tokens) == (220, 15)
