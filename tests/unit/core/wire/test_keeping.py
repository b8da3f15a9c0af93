"""Attributes that stay under other names, and events that are marked; other bytes stay."""

from __future__ import annotations

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from processor.core.model import Edit, Event, Kept, Wanted
from processor.core.wire import find_events, scan, splice

NOTHING_WANTED = Wanted(frozenset())


def given(*spans: Span) -> bytes:
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.extend(spans)
    return request.SerializeToString()


def span_of(*pairs: tuple[str, int], events: tuple[str, ...] = (), name: str = "x") -> Span:
    span = Span(trace_id=b"t" * 16, span_id=b"s" * 8, name=name)
    for key, value in pairs:
        span.attributes.add(key=key).value.int_value = value
    for event in events:
        span.events.add(name=event).attributes.add(key="own").value.int_value = 1
    return span


def edited(payload: bytes, edit: Edit, kept: Kept) -> list[Span]:
    spliced = splice(scan(payload, NOTHING_WANTED), {0: edit}, (), {0: kept})
    request = ExportTraceServiceRequest.FromString(spliced)
    return list(request.resource_spans[0].scope_spans[0].spans)


def pairs_of(span: Span) -> list[tuple[str, int]]:
    return [(pair.key, pair.value.int_value) for pair in span.attributes]


def test_a_renamed_attribute_keeps_its_place_and_its_value() -> None:
    """Guarantees: what somebody wrote is under another name, and the neighbours are untouched."""
    payload = given(span_of(("a", 1), ("b", 2), ("c", 3)), span_of(("b", 4), name="next"))
    renamed, untouched = edited(payload, Edit({"b": 9, "c": 8}), Kept({"b": ".reported"}))
    assert pairs_of(renamed) == [("a", 1), ("b.reported", 2), ("b", 9), ("c", 8)]
    assert pairs_of(untouched) == [("b", 4)]


def test_a_name_that_is_taken_is_not_written_over() -> None:
    """Guarantees: behind several processors nothing is deleted, and no key stands twice."""
    payload = given(span_of(("b.reported", 1), ("b", 2), ("b", 3)))
    (span,) = edited(payload, Edit({}), Kept({"b": ".reported"}))
    assert pairs_of(span) == [
        ("b.reported", 1), ("b.reported.reported", 2), ("b.reported.reported.2", 3)
    ]  # fmt: skip


def test_names_do_not_grow_with_the_number_of_attributes_of_one_name() -> None:
    """Guarantees: a span with one of our names many times is written in about its own size."""
    copies = 2000
    payload = given(span_of(*[("b", value) for value in range(copies)], ("b.reported.3", -1)))
    (span,) = edited(payload, Edit({}), Kept({"b": ".reported"}))
    names = [name for name, _ in pairs_of(span)]
    assert len(set(names)) == copies + 1
    assert max(map(len, names)) <= len(f"b.reported.{copies + 1}")
    assert [value for _, value in pairs_of(span)] == [*range(copies), -1]


def test_events_are_marked_once() -> None:
    """Guarantees: an event that has the mark, or another name, stays as it is."""
    mark = {"mark": {"budget.reported": True}}
    payload = given(span_of(("a", 1), events=("mark", "other", "mark")))
    edit = Edit({"a": 2}, [Event(5, "mark", {"new": 1})])
    (span,) = edited(payload, edit, Kept({}, mark))
    keys = [[pair.key for pair in event.attributes] for event in span.events]
    assert keys == [["own", "budget.reported"], ["own"], ["own", "budget.reported"], ["new"]]
    again = given(span)
    assert edited(again, Edit({}), Kept({}, mark))[0].events[:3] == span.events[:3]


def test_attributes_among_events_are_renamed_as_well() -> None:
    """Guarantees: fields may come in any order on the wire."""
    first, second = span_of(("b", 1), events=("mark",)), span_of(("b", 2), events=("mark",))
    body = first.SerializeToString() + second.SerializeToString()
    wrapped = bytes([0x12, len(body) & 0x7F | 0x80, len(body) >> 7]) + body
    scope = bytes([0x12, len(wrapped) & 0x7F | 0x80, len(wrapped) >> 7]) + wrapped
    payload = bytes([0x0A, len(scope) & 0x7F | 0x80, len(scope) >> 7]) + scope
    (span,) = edited(payload, Edit({"b": 3}), Kept({"b": "c"}, {"mark": {"m": True}}))
    assert pairs_of(span) == [("bc", 1), ("bc.2", 2), ("b", 3)]
    assert [len(event.attributes) for event in span.events] == [2, 2]


def test_events_are_found_by_their_names() -> None:
    """Guarantees: all of them, with their attributes; a text that looks like one is none."""
    payload = given(span_of(("a", 1), name="mark"), span_of(events=("mark", "other", "mark")))
    spans = scan(payload, NOTHING_WANTED)
    assert find_events(spans, {"mark"}) == {1: [("mark", {"own": 1}), ("mark", {"own": 1})]}
    assert find_events(spans, {"absent"}) == {}
