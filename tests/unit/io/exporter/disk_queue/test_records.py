"""The format of segment files, and finding records in what is left of one."""

import os
from zlib import crc32

import pytest

from processor.io.exporter.disk_queue.records import (
    RECORD_BYTES,
    START,
    Position,
    Record,
    RecordHead,
    encode_cursor,
    encode_record,
    encode_start,
    encoded_bytes,
    find_pieces,
    read_cursor,
    read_record,
    read_record_at,
    read_record_head,
    read_start,
)

MARK = b"\x01\x02mark\xfe\xff"
RECORD = Record("logs", b"payload", (("x-scope-orgid", "ünit"), ("x-b", "")))


def test_a_record_comes_back_as_it_was_written():
    """Guarantees: signal, payload and metadata survive, whatever is in them."""
    for record in (RECORD, Record("traces", b""), Record("metrics", MARK * 5, (), 12.5)):
        data = b"".join(encode_record(MARK, 7, record))
        head = read_record_head(MARK, data)
        assert head is not None
        assert head.number == 7
        assert len(data) == head.total_bytes == encoded_bytes(record)
        body = data[RECORD_BYTES:]
        found = read_record(head, body[: head.metadata_bytes], body[head.metadata_bytes :])
        assert found == record


def test_a_record_of_the_first_version_is_read():
    """Guarantees: an update sends what an older version has acknowledged."""
    metadata = b'[["x-tenant", "a"]]'
    head = RecordHead(0, len(metadata), 1, 0, crc32(b"p", crc32(metadata)))
    assert read_record(head, metadata, b"p") == Record("traces", b"p", (("x-tenant", "a"),), 0.0)


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
    assert read_start(whole) == (2, MARK)
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


@pytest.fixture
def scanned(tmp_path):
    """Scans bytes as if they stood in a file; (start, end, number or None) of each piece."""
    path = tmp_path / "file"

    def scan(data, end=None):
        path.write_bytes(data)
        descriptor = os.open(path, os.O_RDONLY)
        try:
            found = find_pieces(descriptor, MARK, 0, len(data) if end is None else end)
            return [(each.start, each.end, each.head and each.head.number) for each in found]
        finally:
            os.close(descriptor)

    return scan


def record(number, payload=b"payload"):
    return b"".join(encode_record(MARK, number, Record("traces", payload)))


def test_records_garbage_and_a_torn_end(scanned):
    """Guarantees: whole records are found, damage is a piece of its own, a torn end is left out."""
    one, two = record(1), record(2)
    data = one + b"garbage" + MARK + b"more" + two + two[:-1]
    gap = len(one) + len(b"garbage" + MARK + b"more")
    assert scanned(data) == [
        (0, len(one), 1),
        (len(one), gap, None),
        (gap, gap + len(two), 2),
    ]


@pytest.mark.parametrize("tail", [b"", b"\x01" * (RECORD_BYTES - 1), bytes(100_000)])
def test_an_unfinished_end_is_no_damage(scanned, tail):
    """Guarantees: less than a head, or nothing but zeros, was never promised to anybody."""
    assert scanned(record(1) + tail) == [(0, len(record(1)), 1)]


def test_garbage_at_the_end_is_damage(scanned):
    """Guarantees: what may have been a record is not passed over in silence."""
    data = record(1) + b"\x01" * 1000
    assert scanned(data)[1:] == [(len(record(1)), len(data), None)]


@pytest.mark.parametrize("size", [0, 1, 20, 60])
def test_a_file_that_is_shorter_than_it_was_ends_the_search(scanned, size):
    """Guarantees: no endless loop over bytes that are gone."""
    assert scanned(record(1)[:size], end=5000)[1:] == []


def test_a_body_that_is_damaged_is_none(tmp_path):
    """Guarantees: only what was written is read."""
    path = tmp_path / "file"
    path.write_bytes(record(1)[:-1] + b"?")
    descriptor = os.open(path, os.O_RDONLY)
    try:
        (found,) = find_pieces(descriptor, MARK, 0, path.stat().st_size)
        assert read_record_at(descriptor, found.start, found.head) is None
    finally:
        os.close(descriptor)
