"""Finding records in a segment file, whatever has become of it. Blocking reads, nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final, NamedTuple

from processor.io.exporter.spool.record import (
    MARK_BYTES,
    RECORD_BYTES,
    Record,
    RecordHead,
    read_record,
    read_record_head,
)

_SEARCH_BYTES: Final = 1024 * 1024


class Stretch(NamedTuple):
    """A record, or something that is none."""

    start: int
    end: int
    head: RecordHead | None


def stretches(descriptor: int, mark: bytes, at: int, end: int) -> Iterator[Stretch]:
    """What stands between two offsets, in order, without an unfinished record at the end."""
    while at < end:
        head = _head_at(descriptor, mark, at)
        if head is not None:
            if at + head.total_bytes > end:
                return
            yield Stretch(at, at + head.total_bytes, head)
            at += head.total_bytes
            continue
        sound = _find_record(descriptor, mark, at + 1, end)
        if sound == end and _is_torn(descriptor, at, end):
            return
        yield Stretch(at, sound, None)
        at = sound


def _head_at(descriptor: int, mark: bytes, at: int) -> RecordHead | None:
    return read_record_head(mark, os.pread(descriptor, RECORD_BYTES, at))


def _find_record(descriptor: int, mark: bytes, at: int, end: int) -> int:
    """Where the next record with a sound head begins; `end` when there is none."""
    while at < end:
        data = os.pread(descriptor, min(_SEARCH_BYTES, end - at), at)
        found = data.find(mark)
        if found < 0 and (len(data) < MARK_BYTES or at + len(data) == end):
            return end
        if found < 0:
            # A mark may lie across the border of two pieces.
            at += len(data) - MARK_BYTES + 1
        elif _head_at(descriptor, mark, at + found) is not None:
            return at + found
        else:
            at += found + 1
    return end


def _is_torn(descriptor: int, at: int, end: int) -> bool:
    """Whether what stands at the end is the beginning of a record that was never finished.

    A power cut can leave zeros where the size of a file was noted before its content.
    """
    if end - at < RECORD_BYTES:
        return True
    while at < end:
        data = os.pread(descriptor, min(_SEARCH_BYTES, end - at), at)
        if any(data):
            return False
        at += len(data) or end
    return True


def read_record_at(descriptor: int, start: int, head: RecordHead) -> Record | None:
    """The record whose head begins at `start`; None where its body is damaged."""
    at = start + RECORD_BYTES
    metadata = os.pread(descriptor, head.metadata_bytes, at) if head.metadata_bytes else b""
    payload = _read_all(descriptor, head.payload_bytes, at + head.metadata_bytes)
    return read_record(head, metadata, payload)


def _read_all(descriptor: int, size: int, at: int) -> bytes:
    """`size` bytes, or fewer where the file ends; one call is seldom not enough."""
    data = os.pread(descriptor, size, at)
    while len(data) < size and (more := os.pread(descriptor, size - len(data), at + len(data))):
        data += more
    return data
