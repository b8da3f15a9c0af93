"""The format of segment files: what is written is read, and what is damaged is known."""

import pytest

from processor.io.exporter.spool.record import (
    RECORD_BYTES,
    START,
    Position,
    Record,
    encode_cursor,
    encode_record,
    encode_start,
    encoded_bytes,
    read_cursor,
    read_record,
    read_record_head,
    read_start,
)

MARK = bytes(range(8))
RECORD = Record("logs", b"payload", (("x-scope-orgid", "ünit"), ("x-b", "")))


def test_a_record_comes_back_as_it_was_written():
    """Guarantees: signal, payload and metadata survive, whatever is in them."""
    for record in (RECORD, Record("traces", b""), Record("metrics", MARK * 5)):
        data = b"".join(encode_record(MARK, 7, record))
        head = read_record_head(MARK, data)
        assert head is not None
        assert head.number == 7
        assert len(data) == head.total_bytes == encoded_bytes(record)
        body = data[RECORD_BYTES:]
        found = read_record(head, body[: head.metadata_bytes], body[head.metadata_bytes :])
        assert found == record


def test_a_payload_is_not_copied():
    """Guarantees: bytes that other destinations hold as well are held once."""
    assert encode_record(MARK, 0, RECORD)[1] is RECORD.payload


def test_any_damaged_byte_of_a_record_is_noticed():
    """Guarantees: no damaged payload is ever sent."""
    data = b"".join(encode_record(MARK, 7, RECORD))
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 0x10
        head = read_record_head(MARK, bytes(damaged))
        body = bytes(damaged[RECORD_BYTES:])
        size = head.metadata_bytes if head else 0
        assert (at < RECORD_BYTES) == (head is None)
        assert head is None or read_record(head, body[:size], body[size:]) is None


def test_a_record_of_another_segment_is_none():
    """Guarantees: a payload that contains a record of its own is not taken for one."""
    data = b"".join(encode_record(MARK, 7, RECORD))
    assert read_record_head(b"another!", data) is None


@pytest.mark.parametrize("at", range(START))
def test_any_damaged_byte_of_the_start_is_noticed(at):
    """Guarantees: a damaged head is not taken for another version, nor a cursor for another."""
    whole = encode_start(MARK)
    assert read_start(whole) == (1, MARK)
    assert read_cursor(MARK, whole) == Position(START, 0)
    damaged = bytearray(whole)
    damaged[at] ^= 0x01
    assert read_start(bytes(damaged)) is None or read_cursor(MARK, bytes(damaged)) is None


def test_a_cursor_tells_where_to_go_on():
    """Guarantees: what was noted is read back, and only with the mark of its segment."""
    data = encode_start(MARK)[: START - 16] + encode_cursor(MARK, Position(123456789012, 77))
    assert read_cursor(MARK, data) == Position(123456789012, 77)
    assert read_cursor(b"another!", data) is None
    assert read_cursor(MARK, data[:-1]) is None
    assert read_start(data[:10]) is None
