"""Laws of calls that are reported twice: each call is charged once, and two calls are two."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from processor.core import posting
from processor.core.attribution import Arrival, Node, Trace, attach
from processor.core.model import Entry, Usage
from processor.core.money import price_usage

MS_NS = 10**6
RATES = Usage(input=10**9, cache_read=10**8, cache_write=10**9, output=10**9, requests=0)[:]
USAGES = (
    Usage(input=300, output=5),
    Usage(input=300, cache_read=700, output=5),
    Usage(input=1000, output=5),
    Usage(input=200, cache_read=700, cache_write=100, output=5),
    Usage(input=5, output=5, reasoning=5),
)


@dataclass(frozen=True)
class Span:
    """One report of a call."""

    span_id: bytes
    parent_id: bytes
    scope: str
    start_ns: int
    end_ns: int
    usage: Usage

    def node(self, *, may_exclude_cache: bool) -> Node:
        entry = Entry(
            "exact", "", "openai", "gpt-4o", "svc", "v1", self.usage,
            price_usage(self.usage, RATES), RATES, scope=self.scope, start_ns=self.start_ns,
            may_exclude_cache=may_exclude_cache,
        )  # fmt: skip
        return Node(self.span_id, self.parent_id, self.end_ns, entry=entry)


@st.composite
def calls_one_after_the_other(draw):
    """Calls that do not overlap, each with a parent of its own, and one or two reports of it.

    The second report is a sibling that overlaps, adjoins, or has a clock that was set.
    """
    time_ns, spans = 10**18, []
    number = draw(st.integers(1, 8))
    usages = draw(st.lists(st.sampled_from(USAGES), min_size=number, max_size=number))
    for at, usage in enumerate(usages):
        lasted_ns = draw(st.integers(1, 2000)) * MS_NS
        parent_id, first_id, second_id = (bytes([kind]) + at.to_bytes(7) for kind in (1, 2, 3))
        end_ns = time_ns + lasted_ns
        scopes = draw(st.sampled_from((("x",), ("y",), ("x", "y"), ("y", "x"))))
        spans.append(Span(first_id, parent_id, scopes[0], time_ns, end_ns, usage))
        latest_ns = end_ns
        if len(scopes) == 2:
            start_ns = draw(st.sampled_from((-5, 0, 5))) * MS_NS + draw(
                st.sampled_from((time_ns, end_ns))
            )
            latest_ns = start_ns + draw(st.integers(1, 2000)) * MS_NS
            spans.append(Span(second_id, parent_id, scopes[1], start_ns, latest_ns, usage))
        time_ns = max(end_ns, latest_ns) + draw(st.sampled_from((10, 500, 3000))) * MS_NS
    return usages, draw(st.permutations(spans))


def total_of(spans, cuts, *, may_exclude_cache):
    """What a trace comes to when spans arrive in groups that begin at `cuts`."""
    trace = Trace(b"t" * 16)
    nodes = [span.node(may_exclude_cache=may_exclude_cache) for span in spans]
    bounds = [0, *sorted(cut for cut in cuts if cut < len(nodes)), len(nodes)]
    for start, end in itertools.pairwise(bounds):
        attach(trace, [Arrival(node) for node in nodes[start:end]], {})
    return trace.total


@given(calls_one_after_the_other(), st.sets(st.integers(1, 15)), st.booleans())
def test_calls_that_follow_each_other_are_charged_once_each(drawn, cuts, may_exclude_cache):
    """Guarantees: however alike they are, in any order and split, with one report each or two."""
    usages, spans = drawn
    total = total_of(spans, cuts, may_exclude_cache=may_exclude_cache)
    assert total.calls == len(usages)
    assert total.cost_nano_usd == sum(price_usage(usage, RATES).total for usage in usages)


@given(
    st.lists(
        st.builds(
            Usage,
            st.integers(0, 9),
            st.integers(0, 9),
            st.integers(0, 9),
            output=st.integers(1, 3),
        ),
        min_size=2,
        max_size=2,
        unique_by=lambda usage: usage.input_tokens,
    ),
    st.sampled_from((b"p", b"q")),
)
def test_calls_with_other_whole_input_are_two_where_nobody_leaves_out_the_cache(usages, parent_id):
    """Guarantees: at the same time, below one parent or two, whatever was cached."""
    spans = [
        Span(b"a", b"p", "x", 10**18, 10**18 + 10, usages[0]),
        Span(b"b", parent_id, "y", 10**18, 10**18 + 10, usages[1]),
    ]
    assert total_of(spans, (), may_exclude_cache=False).calls == 2


@given(calls_one_after_the_other(), st.integers(0, 16), st.sets(st.integers(0, 7)), st.booleans())
def test_no_other_report_of_a_call_brings_it_back(calls, cut, excluded, may_exclude_cache):
    """Guarantees: what is excluded is in no total, whichever report of it came before and after."""
    _, spans = calls
    trace, trace_id = Trace(b"t" * 16), b"t" * 16
    nodes = [span.node(may_exclude_cache=may_exclude_cache) for span in spans]
    attach(trace, [Arrival(node) for node in nodes[:cut]], {})
    wanted = [node.span_id for node in nodes[:cut] if node.span_id[-1] in excluded]
    posted = posting.exclude({trace_id: trace}, {trace_id: wanted}, 0, is_excluded=True)
    attach(trace, [Arrival(node) for node in nodes[cut:]], {})
    gone = {node.span_id[1:] for _, node in posted.amended}
    rest = [span for span in spans if span.span_id[1:] not in gone]
    assert trace.total == total_of(rest, (), may_exclude_cache=may_exclude_cache)
    posting.exclude(
        {trace_id: trace}, {trace_id: [node.span_id for node in nodes]}, 0, is_excluded=False
    )
    assert trace.total == total_of(spans, (), may_exclude_cache=may_exclude_cache)
