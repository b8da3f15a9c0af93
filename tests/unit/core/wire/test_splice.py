import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from processor.core.model import Edit, Event, Wanted
from processor.core.otlp.varint import encode_varint
from processor.core.wire import scan, splice

NOTHING = Wanted(frozenset())
UNKNOWN = b"\xa2\x06\x03abc\xa8\x06\x07"
"""Fields 100 and 101, which no message has."""


def record(number: int, body: bytes) -> bytes:
    return bytes([number << 3 | 2]) + encode_varint(len(body)) + body


def pair(key: str, value: str) -> bytes:
    message = KeyValue(key=key, value=AnyValue(string_value=value))
    return record(9, message.SerializeToString())


def scope(*spans: bytes) -> bytes:
    return record(2, record(1, b"") + b"".join(record(2, span) for span in spans) + UNKNOWN)


def resource(*scopes: bytes) -> bytes:
    return record(1, record(1, b"") + b"".join(scopes) + record(3, b"schema") + UNKNOWN)


def spliced(payload: bytes, edits, drop=()) -> bytes:
    return splice(scan(payload, NOTHING), edits, drop)


A, B, C = (record(5, name) + UNKNOWN for name in (b"a", b"b", b"c"))


@pytest.mark.parametrize("edits", [{}, {0: Edit({})}, {0: Edit({}, []), 1: Edit({}, ())}])
def test_with_nothing_to_write_the_same_object_comes_back(edits):
    payload = resource(scope(A, B))
    assert spliced(payload, edits) is payload


def test_an_attribute_is_appended_and_nothing_else_touched():
    # Byte for byte: unknown fields, empty messages, order, neighbours.
    payload = resource(scope(A), scope(B, C)) + UNKNOWN + resource(scope(A))
    expected = resource(scope(A), scope(B, C + pair("k", "v"))) + UNKNOWN + resource(scope(A))
    assert spliced(payload, {2: Edit({"k": "v"})}) == expected


def test_padded_lengths_are_shortened_only_around_a_change():
    span = b"\x92\x00" + b"\x83\x00" + record(5, b"a")
    scope_spans = b"\x92\x80\x00" + encode_varint(len(span) * 2) + span * 2
    payload = (b"\x8a\x00" + encode_varint(len(scope_spans)) + scope_spans) * 2
    changed = record(2, record(5, b"a") + pair("k", "v")) + span
    assert spliced(payload, {0: Edit({"k": "v"})}) == (
        record(1, record(2, changed)) + payload[len(payload) // 2 :]
    )


def test_attributes_and_events_come_in_the_order_of_the_edit():
    payload = resource(scope(A))
    events = [Event(7, "one", {"x": 1, "y": (True, None)}), Event(0, "two", {})]
    span = parsed_span(spliced(payload, {0: Edit({"z": 1.5, "a": False}, events)}))
    assert [attribute.key for attribute in span.attributes] == ["z", "a"]
    assert [(event.time_unix_nano, event.name) for event in span.events] == [(7, "one"), (0, "two")]
    assert [attribute.key for attribute in span.events[0].attributes] == ["x", "y"]
    assert span.name == "a"


def test_every_older_attribute_of_the_same_key_is_replaced():
    # Duplicates too, wherever they stand; attributes of other keys, and texts that only look like
    # the key, stay.
    look_alikes = pair("k2", "k") + pair("x", pair("k", "text").decode())
    span = pair("k", "1") + A + look_alikes + pair("k", "2")
    payload = resource(scope(span, pair("k", "other span")))
    assert spliced(payload, {0: Edit({"k": "new"})}) == resource(
        scope(A + look_alikes + pair("k", "new"), pair("k", "other span"))
    )


def test_an_older_attribute_with_padded_lengths_is_replaced():
    span = b"\xca\x00\x87\x00" + b"\x8a\x00" + b"\x81\x00" + b"k" + b"\x12\x00"
    assert len(Span.FromString(span).attributes) == 1
    expected = resource(scope(pair("k", "new")))
    assert spliced(resource(scope(span)), {0: Edit({"k": "new"})}) == expected


def test_events_alone_leave_the_attributes():
    span = parsed_span(
        spliced(resource(scope(pair("k", "v"))), {0: Edit({}, [Event(1, "e", {"k": "w"})])})
    )
    assert span.attributes[0].value.string_value == "v"
    assert span.events[0].attributes[0].value.string_value == "w"


def test_an_empty_span_can_be_edited():
    # It starts and ends where its envelope ends, which must not be taken for the next one's.
    payload = record(1, record(2, record(2, b""))) * 2
    edited = record(1, record(2, record(2, pair("k", "v"))))
    half = len(payload) // 2
    assert spliced(payload, {0: Edit({"k": "v"})}) == edited + payload[half:]
    assert spliced(payload, {1: Edit({"k": "v"})}) == payload[:half] + edited


@pytest.mark.parametrize(
    ("drop", "expected"),
    [
        ([0], resource(scope(B), scope(C)) + UNKNOWN + resource(scope(A))),
        ([0, 1], resource(scope(C)) + UNKNOWN + resource(scope(A))),
        ({0, 1, 2}, UNKNOWN + resource(scope(A))),
        ((3,), resource(scope(A, B), scope(C)) + UNKNOWN),
        (range(4), UNKNOWN),
    ],
)
def test_a_dropped_span_goes_and_takes_an_emptied_envelope_along(drop, expected):
    payload = resource(scope(A, B), scope(C)) + UNKNOWN + resource(scope(A))
    assert spliced(payload, {}, drop) == expected


def test_envelopes_that_were_empty_before_stay():
    # They were sent so; only what a drop has emptied goes.
    payload = resource() + resource(scope(), scope(A))
    assert spliced(payload, {}, [0]) == resource() + resource(scope())


def test_edits_and_drops_mix_and_a_dropped_row_is_not_edited():
    payload = resource(scope(A, B, C))
    edits = {0: Edit({"k": "v"}), 1: Edit({"k": "v"})}
    assert spliced(payload, edits, [1]) == resource(scope(A + pair("k", "v"), C))


@pytest.mark.parametrize(("edits", "drop"), [({1: Edit({"k": 1})}, ()), ({}, [-1]), ({}, [5])])
def test_a_row_that_does_not_exist_is_a_mistake_of_the_caller(edits, drop):
    with pytest.raises(IndexError, match="not all in 0 to 0"):
        spliced(resource(scope(A)), edits, drop)


def test_large_spans_are_copied_whole():
    # Lengths of three bytes at every level.
    big = record(5, b"x" * 70_000)
    payload = resource(scope(big, A))
    assert spliced(payload, {0: Edit({"k": "v"})}) == resource(scope(big + pair("k", "v"), A))


def parsed_span(payload: bytes) -> Span:
    request = ExportTraceServiceRequest.FromString(payload)
    return request.resource_spans[0].scope_spans[0].spans[0]
