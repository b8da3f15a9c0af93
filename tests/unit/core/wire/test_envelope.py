import pytest

from processor.core.errors import UndecodableError
from processor.core.otlp.varint import encode_varint
from processor.core.wire.envelope import find_head, find_records


def find(payload: bytes, number: int = 2) -> list[bytes]:
    return [payload[start:end] for _, start, end in find_records(payload, 0, len(payload), number)]


@pytest.mark.parametrize("size", [0, 1, 127, 128, 16383, 16384, 70000])
def test_records_of_any_length_are_found(size):
    # One, two and three bytes of length, each followed by another record.
    body = bytes(size)
    payload = b"\x12" + encode_varint(size) + body + b"\x12\x01x"
    assert find(payload) == [body, b"x"]


@pytest.mark.parametrize(
    "other",
    [
        b"\x08\x96\x01",  # varint
        b"\x09" + b"\x12" * 8,  # fixed64 whose bytes look like tags
        b"\x0a\x02\x12\x00",  # another message
        b"\x0d\x12\x12\x12\x12",  # fixed32
        b"\x0b\x12\x01y\x0c",  # a group that holds what looks like a record
        b"\x0b\x0b\x13\x14\x0c\x08\x01\x0c",  # groups in a group
        b"\x10\x07",  # the wanted number as a varint
        b"\x13\x14",  # the wanted number as a group
        b"\xa2\x06\x01z",  # field 100
    ],
)
def test_other_fields_are_passed_over(other):
    assert find(other + b"\x12\x01a" + other + b"\x12\x01b" + other) == [b"a", b"b"]


def test_padded_tags_and_lengths_are_understood():
    assert find(b"\x92\x00\x01a\x12\x81\x80\x80\x00b\x92\x80\x80\x80\x00\x81\x00c") == [
        b"a",
        b"b",
        b"c",
    ]


def test_a_record_tells_where_its_tag_begins():
    payload = b"\x08\x01\x92\x00\x81\x00a"
    assert find_records(payload, 0, len(payload), 2) == [(2, 6, 7)]


@pytest.mark.parametrize(
    "payload",
    [
        b"\x12",  # no length
        b"\x12\x80",  # a cut length
        b"\x12\x02a",  # longer than the message
        b"\x12\x82\x80\x00a",  # likewise, padded
        b"\x08",  # no value
        b"\x09\x00",  # a cut fixed64
        b"\x0b\x08\x01",  # a group without an end
        b"\x0a\x7f",  # an unknown message past the end
    ],
)
def test_a_field_past_its_message_is_refused(payload):
    with pytest.raises(UndecodableError, match="reaches past its message"):
        find(payload)


@pytest.mark.parametrize(("payload", "kind"), [(b"\x0c", 4), (b"\x0e", 6), (b"\x0f", 7)])
def test_an_impossible_wire_type_is_refused(payload, kind):
    with pytest.raises(UndecodableError, match=f"wire type {kind}"):
        find(payload)


@pytest.mark.parametrize("before", [b"", b"\x08\x85", b"\x12\x92", b"\x80\x80", b"\x92\x80"])
@pytest.mark.parametrize("tag", [b"\x12", b"\x92\x00", b"\x92\x80\x80\x80\x00"])
@pytest.mark.parametrize("length", [b"\x00", b"\x12", b"\x92\x01", b"\x92\x12", b"\x92\x80\x00"])
def test_the_head_of_a_span_is_found_from_its_start(before, tag, length):
    # Whatever stands before it, and however tag and length are padded.
    assert find_head(before + tag + length, len(before + tag + length)) == len(before)
