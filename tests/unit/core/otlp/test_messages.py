"""Messages that are read although a text in them is not UTF-8, and places of what is wrong."""

import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from processor.core.errors import TooLargeError, UndecodableError
from processor.core.otlp import messages
from processor.core.otlp.messages import read_message
from processor.core.otlp.varint import encode_varint


def record(number: int, body: bytes) -> bytes:
    return encode_varint(number << 3 | 2) + encode_varint(len(body)) + body


def test_only_what_is_wrong_in_a_text_is_replaced() -> None:
    """Guarantees: other fields, unknown ones and groups included, read as they are."""
    unknown = record(200, b"\xff") + b"\xa3\x06\x08\x01\xa4\x06" + record(5, b"caf\xe9")
    attribute = record(9, record(1, b"k\xff") + record(2, record(1, "é".encode() + b"\xc3")))
    span = read_message(Span, record(1, b"\xff" * 16) + unknown + attribute)
    assert (span.trace_id, span.name) == (b"\xff" * 16, "caf\ufffd")
    (pair,) = span.attributes
    assert (pair.key, pair.value.string_value) == ("k\ufffd", "é\ufffd")
    assert record(200, b"\xff") in span.SerializeToString()


def test_a_text_in_nested_values_is_found() -> None:
    """Guarantees: arrays and lists are walked as well."""
    value = record(
        6, record(1, record(1, b"k") + record(2, record(5, record(1, record(1, b"\xff")))))
    )
    log = read_message(LogRecord, record(5, value))
    (pair,) = log.body.kvlist_value.values
    assert pair.value.array_value.values[0].string_value == "\ufffd"


@pytest.mark.parametrize(
    ("encoded", "place"),
    [
        (record(5, b"ok") + b"\x0a\x05abc", "the request, byte 4: field 1 reaches past"),
        (record(9, b"\x12\x02\x0a"), "attributes[0], byte 2: field 2 reaches past"),
        (record(9, b"") + record(11, record(3, b"\x0a\x80")), "events[0].attributes[0], byte 6"),
        (record(5, b"\xff") + b"\x0b", "the request, byte 3: the last field"),
        (b"\x00\x01", "the request, byte 0: a field has the number 0"),
        (b"\x0e\x01", "the request, byte 0: a field has the wire type 6"),
        (b"\x0c", "the request, byte 0: a group ends"),
        (b"\x0a" + b"\xff" * 11, "the request, byte 0: a tag, length or number"),
        (b"\x39\x01", "the request, byte 0: the last field"),
    ],
)
def test_what_cannot_be_walked_is_refused_with_its_place(encoded: bytes, place: str) -> None:
    """Guarantees: a sender's developer learns which bytes are wrong, and in which field."""
    with pytest.raises(UndecodableError) as caught:
        read_message(Span, encoded)
    assert str(caught.value).startswith(place)


def test_the_work_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guarantees: a request of nothing but such texts is refused before it takes long."""
    monkeypatch.setattr(messages, "STEPS_MAX", 100)
    read_message(Span, record(5, b"\xff") * 100)
    with pytest.raises(TooLargeError):
        read_message(Span, record(5, b"\xff") * 101)


def test_nesting_is_refused_where_parsers_stop() -> None:
    """Guarantees: no depth breaks the walk."""
    value = record(1, b"\xff")
    for _ in range(2000):
        value = record(5, record(1, value))
    with pytest.raises(UndecodableError):
        read_message(Span, record(9, record(2, value)))
