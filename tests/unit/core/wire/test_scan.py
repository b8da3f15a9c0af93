import sys

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span, Status

from processor.core.errors import TooLargeError, UndecodableError
from processor.core.model import Group, Wanted
from processor.core.otlp.varint import encode_varint
from processor.core.wire import FIELDS_MAX, NESTING_MAX, scan

WANTED = Wanted(frozenset({"service.name", "llm.model", "env"}))


def record(number: int, body: bytes) -> bytes:
    return bytes([number << 3 | 2]) + encode_varint(len(body)) + body


def enclosed(*spans: bytes) -> bytes:
    return record(1, record(2, b"".join(record(2, span) for span in spans)))


def test_an_empty_payload_has_no_spans():
    spans = scan(b"", WANTED)
    assert len(spans) == 0
    assert spans.group == []
    assert spans.keys == [()]


def test_every_column_is_filled():
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    resource_spans.resource.attributes.add(key="service.name").value.string_value = "shop"
    resource_spans.resource.attributes.add(key="host.name").value.string_value = "unread"
    scope_spans = resource_spans.scope_spans.add()
    scope_spans.scope.name, scope_spans.scope.version = "openai", "1.2"
    scope_spans.scope.attributes.add(key="env").value.string_value = "test"
    span = scope_spans.spans.add(
        trace_id=b"t" * 16, span_id=b"s" * 8, parent_span_id=b"p" * 8, name="chat", kind=3,
        start_time_unix_nano=5, end_time_unix_nano=(1 << 64) - 1, flags=0x301,
    )  # fmt: skip
    span.status.code = Status.STATUS_CODE_ERROR
    span.attributes.add(key="llm.model").value.string_value = "gpt-4o"
    span.attributes.add(key="unread").value.string_value = "unread"
    scope_spans.spans.add(span_id=b"r" * 8)
    payload = request.SerializeToString()

    spans = scan(payload, WANTED)

    assert spans.payload is payload
    assert spans.trace_ids == [b"t" * 16, b""]
    assert spans.span_ids == [b"s" * 8, b"r" * 8]
    assert spans.parent_ids == [b"p" * 8, b""]
    assert spans.names == ["chat", ""]
    assert spans.kinds == [3, 0]
    assert spans.start_ns == [5, 0]
    assert spans.end_ns == [(1 << 64) - 1, 0]
    assert spans.flags == [0x301, 0]
    assert spans.failed == [True, False]
    assert spans.group == [Group({"service.name": "shop"}, "openai", "1.2", {"env": "test"})]
    assert spans.groups == [0, 0]
    assert spans.keys == [(), ("llm.model",)]
    assert spans.shapes == [1, 0]
    assert spans.values == [("gpt-4o",), ()]
    assert payload[spans.starts[0] : spans.ends[0]] == span.SerializeToString()
    assert spans.ends[1] == len(payload)


def test_groups_follow_the_instrumentation_scopes_that_have_spans():
    # Empty envelopes cost nothing and number nothing.
    first = record(2, record(1, record(1, b"one")) + record(2, b"") + record(2, b""))
    empty = record(2, record(1, record(1, b"none")))
    second = record(2, record(2, b"") + record(1, record(1, b"two")))
    spans = scan(record(1, first + empty) + record(1, b"") + record(1, second), WANTED)
    assert [group.scope_name for group in spans.group] == ["one", "two"]
    assert spans.groups == [0, 0, 1]


def test_a_resource_in_two_parts_is_one_resource():
    # Also when one part comes after the spans, as the format allows.
    parts = [
        record(1, record(1, record(1, key) + record(2, record(1, value))))
        for key, value in [(b"service.name", b"shop"), (b"env", b"test")]
    ]
    spans = scan(record(1, parts[0] + record(2, record(2, b"")) + parts[1]), WANTED)
    assert spans.group[0].resource == {"service.name": "shop", "env": "test"}


def test_a_text_that_looks_like_an_attribute_is_a_text():
    # The bytes of a whole encoded attribute, tag included, inside the value of another one.
    forged = KeyValue(key="llm.model", value=AnyValue(string_value="forged"))
    mimic = record(9, forged.SerializeToString()).decode()
    span = Span(name=mimic)
    span.attributes.add(key="text").value.string_value = mimic
    span.attributes.add(key=mimic)
    spans = scan(enclosed(span.SerializeToString()), WANTED)
    assert spans.shapes == [0]
    span.attributes.add(key="llm.model").value.string_value = "real"
    spans = scan(enclosed(span.SerializeToString()), WANTED)
    assert spans.values == [("real",)]


def test_an_attribute_with_value_before_key_is_read():
    span = record(9, record(2, record(1, b"gpt-4o")) + record(1, b"llm.model"))
    assert scan(enclosed(span), WANTED).values == [("gpt-4o",)]


@pytest.mark.parametrize(
    "payload",
    [
        b"\x0a\x05abc",  # cut
        b"\x0a\x80",  # a cut length
        b"\x0b",  # a group that does not end
        b"\x00\x01",  # field number 0
        b"not protobuf at all",
        enclosed(b"\x12\x7f"),  # a field past the end of its span
    ],
)
def test_undecodable_bytes_are_refused_with_a_sentence(payload):
    with pytest.raises(
        UndecodableError, match=r"the payload is not an OTLP trace request: .*byte \d"
    ):
        scan(payload, WANTED)


BAD = b"caf\xe9 \xff\xfe"


def test_texts_that_are_not_utf_8_are_read_with_replacement():
    """Names, keys, values, states and what surrounds spans: their neighbours are as ever."""
    model = record(9, record(1, b"llm.model") + record(2, record(1, b"gpt-4o")))
    odd_value = record(9, record(1, b"env") + record(2, record(1, BAD)))
    odd_key = record(9, record(1, BAD) + record(2, record(1, b"x")))
    odd_state = record(3, BAD) + record(15, record(2, BAD))
    span = record(1, b"t" * 16) + record(2, b"s" * 8) + record(5, BAD) + odd_key + odd_state
    service = record(1, record(1, b"service.name") + record(2, record(1, BAD)))
    scope = record(1, record(1, BAD) + record(2, BAD))
    spans_of_scope = scope + record(2, span + model + odd_value) + record(2, record(5, b"fine"))
    payload = record(1, record(1, service) + record(2, spans_of_scope + record(3, BAD)))

    spans = scan(payload, WANTED)

    read = BAD.decode(errors="replace")
    assert spans.payload is payload
    assert spans.names == [read, "fine"]
    assert spans.group == [Group({"service.name": read}, read, read, {})]
    assert spans.keys[spans.shapes[0]] == ("llm.model", "env")
    assert spans.values[0] == ("gpt-4o", read)
    assert payload[spans.starts[0] : spans.ends[0]] == span + model + odd_value


@pytest.mark.parametrize("field", [5, 6], ids=["arrays", "lists"])
@pytest.mark.parametrize("levels", [1, NESTING_MAX, NESTING_MAX + 1, 30, 50, 60, 1000, 20000])
def test_nesting_never_breaks_anything(field, levels):
    # What protobuf takes is read down to a bound; what it refuses is refused.
    value = record(1, b"core")
    for _ in range(levels):
        value = record(field, record(1, value if field == 5 else record(2, value)))
    payload = enclosed(record(9, record(1, b"llm.model") + record(2, value)))
    try:
        (found,) = scan(payload, WANTED).values[0]
    except UndecodableError:
        assert levels > 25
        return
    depth = 0
    while isinstance(found, tuple | dict):
        found = found[0] if isinstance(found, tuple) else found[""]
        depth += 1
    assert (depth, found) == (min(levels, NESTING_MAX), "core" if levels <= NESTING_MAX else None)


def test_a_disagreement_between_parser_and_walk_is_refused(monkeypatch):
    # Should they ever differ, no span is given another one's place.
    monkeypatch.setattr(sys.modules[scan.__module__], "walk_fields", lambda *_: ([], 0))
    with pytest.raises(UndecodableError, match="ambiguous"):
        scan(enclosed(b""), WANTED)


def test_many_empty_envelopes_are_read():
    # The smallest messages that there are, in great number, make no groups and no spans.
    assert len(scan(b"\x0a\x00" * 100_000, WANTED)) == 0


def test_spans_of_chance_kinds_keep_their_numbers():
    # Enumerations are open: a value from the future passes.
    span = Span.FromString(b"\x30\xe7\x07")
    payload = enclosed(span.SerializeToString())
    assert scan(payload, WANTED).kinds == [999]
    assert ScopeSpans.FromString(record(2, span.SerializeToString())).spans[0].kind == 999


@pytest.mark.parametrize(
    "payload",
    [
        b"\x0a\x00" * (FIELDS_MAX + 1),
        record(1, b"\x12\x00" * FIELDS_MAX),
        record(1, record(2, b"\x12\x00" * FIELDS_MAX)),
        record(1, record(2, b"\x12\x00" * (FIELDS_MAX // 2)) * 2),
        b"\x98\x06\x00" * (FIELDS_MAX + 1),
        b"\xa3\x06" + b"\x08\x00" * 2000 + b"\xa4\x06",
    ],
    ids=["resources", "scopes", "spans", "spans of two scopes", "unknown fields", "a group"],
)
def test_more_spans_than_fit_are_refused_before_they_are_made(payload):
    """Guarantees: neither memory nor time beyond the limit, at whichever level they stand."""
    with pytest.raises(TooLargeError):
        scan(payload, WANTED)


def test_as_many_spans_as_fit_are_read():
    """Guarantees: the limit is the number that it says."""
    count = FIELDS_MAX - 2
    assert len(scan(record(1, record(2, b"\x12\x00" * count)), WANTED)) == count
