"""A whole payload."""

from __future__ import annotations

import pytest

from processor.core.model import Spans
from processor.core.semconv import ReadOptions, read
from processor.core.semconv.times import AHEAD_MAX_NS

CALL = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 10,
    "gen_ai.usage.output_tokens": 5,
}
RECEIVED_NS = 10**18


def test_rows_come_out_in_order_each_once(build_spans) -> None:
    """Calls and marks name their rows; spans without interest are in neither."""
    spans = build_spans(
        {"attributes": {"http.method": "GET"}},
        {"attributes": CALL},
        {"attributes": {"session.id": "s"}},
        {"attributes": CALL, "scope": "another"},
    )
    reading = read(spans, RECEIVED_NS, ReadOptions())
    assert [call.mark.row for call in reading.calls] == [1, 3]
    assert [mark.row for mark in reading.marks] == [2]
    assert reading.rejected == []


@pytest.mark.parametrize(
    "attributes",
    [
        {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "weather"},
        {"openinference.span.kind": "TOOL"},
        {"traceloop.span.kind": "tool"},
        {"ai.operationId": "ai.toolCall"},
    ],
)
def test_tools_are_named_by_row_and_need_no_mark(build_spans, attributes) -> None:
    """What is called below a tool is told apart from what its caller did itself."""
    owned = {**attributes, "session.id": "s"}
    spans = build_spans({"attributes": CALL}, {"attributes": attributes}, {"attributes": owned})
    reading = read(spans, RECEIVED_NS, ReadOptions())
    assert reading.tools == [1, 2]
    assert [mark.row for mark in reading.marks] == [2]


def test_a_silent_root_is_marked_where_its_surroundings_name_a_session(build_spans) -> None:
    """The totals of the session stand on it; spans below, and roots of nobody, stay unmarked."""
    shared = {"resource": {"session.id": "s", "service.name": "shop"}}
    spans = build_spans(
        shared,
        {**shared, "parent": True},
        {"resource": {"user.id": "u"}},
        {**shared, "attributes": {"user.id": "u"}},
        {**shared, "span_id": b""},
    )
    reading = read(spans, RECEIVED_NS, ReadOptions())
    marks = {mark.row: mark for mark in reading.marks}
    assert sorted(marks) == [0, 3]
    assert (marks[0].inherited.session, marks[0].service, any(marks[0].own)) == ("s", "shop", False)


def test_an_empty_payload_reads_as_nothing() -> None:
    """No spans, no findings."""
    reading = read(Spans(b""), RECEIVED_NS, ReadOptions())
    assert (reading.calls, reading.marks, reading.rejected) == ([], [], [])


@pytest.mark.parametrize(
    "ids",
    [
        {"trace_id": b""},
        {"trace_id": b"t" * 15},
        {"trace_id": b"t" * 17},
        {"trace_id": bytes(16)},
        {"span_id": b""},
        {"span_id": b"s" * 7},
        {"span_id": bytes(8)},
    ],
)
def test_a_span_without_a_proper_id_is_rejected_and_never_read(build_spans, ids) -> None:
    """Neither charged nor kept, calls and plain spans alike; its neighbours are."""
    spans = build_spans({"attributes": CALL, **ids}, {"attributes": CALL}, ids)
    reading = read(spans, RECEIVED_NS, ReadOptions())
    assert reading.rejected == [0, 2]
    assert [call.mark.row for call in reading.calls] == [1]


@pytest.mark.parametrize(
    ("start_ns", "end_ns", "time_ns", "is_assumed"),
    [
        (1, 2, 2, False),
        (2, 2, 2, False),
        (1, RECEIVED_NS + AHEAD_MAX_NS, RECEIVED_NS + AHEAD_MAX_NS, False),
        (1, RECEIVED_NS + AHEAD_MAX_NS + 1, RECEIVED_NS, True),
        (0, 0, RECEIVED_NS, True),
        (3, 2, RECEIVED_NS, True),
    ],
)
def test_an_end_that_cannot_be_trusted_gives_way_to_the_receive_time(
    build_spans, start_ns, end_ns, time_ns, is_assumed
) -> None:
    """Missing, before the start, or over an hour ahead: then the receipt decides, marked."""
    spans = build_spans({"attributes": CALL, "start_ns": start_ns, "end_ns": end_ns})
    (call,) = read(spans, RECEIVED_NS, ReadOptions()).calls
    assert (call.mark.time_ns, call.mark.time_assumed) == (time_ns, is_assumed)


def test_spans_of_one_shape_are_distinguished_by_their_texts(build_spans) -> None:
    """What is remembered of one span is not taken for another."""
    spans = build_spans(
        {"attributes": CALL},
        {"attributes": {**CALL, "gen_ai.request.model": "claude-opus-4"}},
        {"attributes": {**CALL, "gen_ai.operation.name": "execute_tool"}},
        {"attributes": CALL, "name": "raw_gen_ai_request"},
        {"attributes": {**CALL, "gen_ai.request.model": {"a": "pair"}}},
        {"attributes": {**CALL, "gen_ai.request.model": float("nan")}},
        {"attributes": CALL},
    )
    reading = read(spans, RECEIVED_NS, ReadOptions())
    assert [(call.mark.row, call.models) for call in reading.calls] == [
        (0, ("gpt-4o",)),
        (1, ("claude-opus-4",)),
        (4, ()),
        (5, ()),
        (6, ("gpt-4o",)),
    ]
