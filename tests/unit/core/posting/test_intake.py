"""From a batch to nodes: which traces matter, what is an entry, what waits."""

from __future__ import annotations

import gc
import weakref

from processor.core.attribution.pending import PendingSpan, PendingSpans
from processor.core.model import Intake, Owner, Spans
from processor.core.posting.intake import (
    marked_nodes,
    pending_node,
    pending_rows,
    relevant_traces,
    traces_with_calls,
)


def waiting_of(pending, trace_id):
    """All spans of a trace that wait, whatever they are."""
    plain = {
        span_id: PendingSpan(span.parent_id, None, is_local_root=False)
        for span_id, span in pending.plain(trace_id).items()
    }
    return plain | dict(pending.significant(trace_id))


def found_in(intake):
    return traces_with_calls(intake.charges, intake.marks, intake.spans)


def test_calls_and_agents_make_a_trace_relevant_and_carriers_do_not(given):
    intake = given.batch(
        given.call(1, trace=1),
        given.agent(2, trace=2),
        given.carrier(3, trace=3, session="s"),
        given.plain(4, trace=4),
        given.failed(5, trace=5),
    )
    assert found_in(intake) == {given.trace_id(at) for at in (1, 2, 5)}


def test_further_spans_of_a_known_trace_are_relevant(given):
    intake = given.batch(given.plain(1, trace=1), given.plain(2, trace=2), given.call(3, trace=3))
    known = {given.trace_id(2), given.trace_id(9)}
    assert relevant_traces(intake, known) == {given.trace_id(2), given.trace_id(3)}


def test_nodes_come_in_the_order_of_their_rows(given):
    intake = given.batch(
        given.call(3), given.plain(9), given.carrier(2, session="s"), given.call(1), given.agent(4)
    )
    nodes = list(marked_nodes(intake))
    assert [node.row for node in nodes] == [0, 2, 3, 4]
    assert [node.span_id[-1] for node in nodes] == [3, 2, 1, 4]
    assert [node.entry is not None for node in nodes] == [True, False, True, False]
    assert [node.is_agent for node in nodes] == [False, False, False, True]


def test_spans_of_traces_without_a_call_are_set_aside_with_what_they_say(given):
    pending = PendingSpans(10)
    intake = given.batch(
        given.plain(1, trace=1),
        given.carrier(2, 1, trace=1, session="s"),
        given.call(3, trace=2),
    )
    for rows in pending_rows(intake, {given.trace_id(2)}):
        pending.keep_rows(rows)
    waiting = waiting_of(pending, given.trace_id(1))
    assert waiting_of(pending, given.trace_id(2)) == {}
    assert waiting[given.span_id(1)] == PendingSpan(b"", None, is_local_root=True)
    carrier = waiting[given.span_id(2)]
    assert carrier.mark is not None
    assert (carrier.parent_id, carrier.mark.own.session) == (given.span_id(1), "s")


def test_a_span_that_waited_is_a_node_of_no_row(given):
    mark = given.batch(given.carrier(1, session="s")).marks[0]
    node = pending_node(b"12345678", PendingSpan(b"parent..", mark, is_local_root=False))
    assert (node.row, node.own, node.parent_id) == (-1, Owner(session="s"), b"parent..")
    assert node.time_ns == mark.time_ns
    bare = pending_node(b"12345678", PendingSpan(b"", None, is_local_root=True))
    assert (bare.row, bare.is_local_root, bare.entry) == (-1, True, None)


def test_spans_with_ids_of_a_wrong_size_do_not_wait():
    """Guarantees: what is kept in columns of a fixed width has that width."""
    traces = [b"t" * 16, b"t" * 5, b"t" * 16, b"t" * 16]
    ids = [b"1" * 8, b"2" * 8, b"3" * 5, b""]
    spans = Spans(b"", trace_ids=traces, span_ids=ids, parent_ids=[b""] * 4, flags=[0] * 4)
    (rows,) = pending_rows(Intake(spans, [], [], 0), ())
    assert (rows.trace_id, rows.span_ids) == (b"t" * 16, [b"1" * 8])


class Column(list):
    """A list that can be watched while it goes."""


def test_one_row_that_waits_does_not_keep_its_whole_batch():
    count = 1000
    ids = Column(at.to_bytes(8) for at in range(count))
    known = bytes(16)
    traces = [known] * (count - 1) + [b"t" * 16]
    spans = Spans(b"", trace_ids=traces, span_ids=ids, parent_ids=[b""] * count, flags=[0] * count)
    column = weakref.ref(ids)
    (rows,) = pending_rows(Intake(spans, [], [], 0), {known})
    del spans, ids
    gc.collect()
    assert rows.span_ids == [(count - 1).to_bytes(8)]
    assert column() is None
