"""Finding records in what is left of a file."""

import os

import pytest

from processor.io.exporter.spool.record import RECORD_BYTES, Record, encode_record
from processor.io.exporter.spool.scan import read_record_at, stretches

MARK = b"thismark"


@pytest.fixture
def scanned(tmp_path):
    """Scans bytes as if they stood in a file; (start, end, number or None) of each stretch."""
    path = tmp_path / "file"

    def scan(data, end=None):
        path.write_bytes(data)
        descriptor = os.open(path, os.O_RDONLY)
        try:
            found = stretches(descriptor, MARK, 0, len(data) if end is None else end)
            return [(each.start, each.end, each.head and each.head.number) for each in found]
        finally:
            os.close(descriptor)

    return scan


def record(number, payload=b"payload"):
    return b"".join(encode_record(MARK, number, Record("traces", payload)))


def test_records_garbage_and_a_torn_end(scanned):
    """Guarantees: what is whole is found, what is not is a stretch, and the end is left out."""
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
        (found,) = stretches(descriptor, MARK, 0, path.stat().st_size)
        assert read_record_at(descriptor, found.start, found.head) is None
    finally:
        os.close(descriptor)
