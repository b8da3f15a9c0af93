"""The format of segment files, and finding records in one, whatever has happened to it.

    segment   magic 8 | version 2 | 0 2 | mark 8 | check 4    the head, the same in every version
              cursor: offset 8 | number 4 | check 4           where the first unsent record begins
              record …
    record    mark 8 | number 4 | metadata's length 4 | payload's length 4 | signal 1 |
              check of the body 4 | check of the above 4        the head
              metadata | payload                                the body

Numbers are big-endian, checks are CRC-32. The mark is eight random bytes that each segment has for
itself. It stands before each record, so that the next one can be found behind a damaged one, and
no payload can be mistaken for a record. The numbers of the records show how many are missing.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple, get_args
from zlib import crc32

from processor.core.model import Metadata, Signal

VERSION: Final = 2
READABLE_VERSIONS: Final = frozenset({1, VERSION})
"""In version 1 the body has the metadata alone, without the time."""
MARK_BYTES: Final = 8

_MAGIC: Final = b"LLMSPOOL"
_HEAD: Final = struct.Struct(">8sHH8s")
_CURSOR: Final = struct.Struct(">QI")
_RECORD: Final = struct.Struct(">8sIIIBI")
_CHECK: Final = struct.Struct(">I")
_SIGNALS: Final[tuple[Signal, ...]] = get_args(Signal)

_HEAD_BYTES: Final = _HEAD.size + _CHECK.size
CURSOR_AT: Final = _HEAD_BYTES
START: Final = CURSOR_AT + _CURSOR.size + _CHECK.size
"""Where the first record begins."""
RECORD_BYTES: Final = _RECORD.size + _CHECK.size
"""Size of a record's head."""


class Record(NamedTuple):
    """One payload that waits for its backend."""

    signal: Signal
    payload: bytes
    metadata: Metadata = ()
    kept_s: float = 0.0
    """When it was first written, in seconds since 1970; 0 where that is not known."""


class Position(NamedTuple):
    """A place in a segment: the offset there, and the number that the next record has."""

    offset: int = START
    number: int = 0


class RecordHead(NamedTuple):
    """What is known of a record before its body has been read."""

    number: int
    metadata_bytes: int
    payload_bytes: int
    signal: int
    body_check: int

    @property
    def total_bytes(self) -> int:
        """Size of head and body together."""
        return RECORD_BYTES + self.metadata_bytes + self.payload_bytes


def encode_start(mark: bytes) -> bytes:
    """A segment that has no records yet."""
    head = _HEAD.pack(_MAGIC, VERSION, 0, mark)
    return _checked(head) + encode_cursor(mark, Position())


def read_start(data: bytes) -> tuple[int, bytes] | None:
    """The version and the mark that a segment's head names; None where it is damaged.

    Holds for every version, so that a file of another one is known for what it is.
    """
    head = data[: _HEAD.size]
    if len(data) < _HEAD_BYTES or data[_HEAD.size : _HEAD_BYTES] != _check(head):
        return None
    magic, version, _, mark = _HEAD.unpack(head)
    return (version, mark) if magic == _MAGIC else None


def encode_cursor(mark: bytes, position: Position) -> bytes:
    """The cursor, to be written at `CURSOR_AT`."""
    cursor = _CURSOR.pack(*position)
    return cursor + _check(mark + cursor)


def read_cursor(mark: bytes, data: bytes) -> Position | None:
    """Where a segment's first `START` bytes say to go on; None where the cursor is damaged."""
    cursor = data[CURSOR_AT : START - _CHECK.size]
    if data[START - _CHECK.size : START] != _check(mark + cursor):
        return None
    return Position._make(_CURSOR.unpack(cursor))


def encoded_bytes(record: Record) -> int:
    """What a record takes in a file."""
    return RECORD_BYTES + len(_encode_notes(record)) + len(record.payload)


def encode_record(mark: bytes, number: int, record: Record) -> tuple[bytes, bytes]:
    """A record as two pieces that follow each other; the second is the payload itself."""
    signal = _SIGNALS.index(record.signal)
    return _encode(mark, number, signal, _encode_notes(record), record.payload)


def _encode(
    mark: bytes, number: int, signal: int, notes: bytes, payload: bytes
) -> tuple[bytes, bytes]:
    body_check = crc32(payload, crc32(notes))
    head = _RECORD.pack(mark, number, len(notes), len(payload), signal, body_check)
    return _checked(head) + notes, payload


def with_payload(
    mark: bytes, head: RecordHead, data: bytes, changed: Callable[[Signal, bytes], bytes]
) -> bytes | None:
    """A record as it stands in a file, with another payload and the same of all else.

    The very `data` where `changed` gives the payload that it was given; None where the body is
    damaged.
    """
    notes = data[RECORD_BYTES : RECORD_BYTES + head.metadata_bytes]
    payload = data[RECORD_BYTES + head.metadata_bytes :]
    if crc32(payload, crc32(notes)) != head.body_check or head.signal >= len(_SIGNALS):
        return None
    other = changed(_SIGNALS[head.signal], payload)
    if other is payload:
        return data
    return b"".join(_encode(mark, head.number, head.signal, notes, other))


def read_record_head(mark: bytes, data: bytes) -> RecordHead | None:
    """The head of a record that begins with `data`; None where no sound one does."""
    head = data[: _RECORD.size]
    if not data.startswith(mark) or data[_RECORD.size : RECORD_BYTES] != _check(head):
        return None
    return RecordHead._make(_RECORD.unpack(head)[1:])


def read_record(head: RecordHead, metadata: bytes, payload: bytes) -> Record | None:
    """A record as it was written; None where its body is damaged."""
    if crc32(payload, crc32(metadata)) != head.body_check or head.signal >= len(_SIGNALS):
        return None
    found = json.loads(metadata) if metadata else []
    notes: dict[str, Any] = found if isinstance(found, dict) else {"metadata": found}
    pairs = tuple((name, value) for name, value in notes["metadata"])
    return Record(_SIGNALS[head.signal], payload, pairs, notes.get("kept_s", 0.0))


def _encode_notes(record: Record) -> bytes:
    """What a record says beside its payload."""
    if not (record.metadata or record.kept_s):
        return b""
    return json.dumps({"metadata": record.metadata, "kept_s": record.kept_s}).encode()


def _check(data: bytes) -> bytes:
    return _CHECK.pack(crc32(data))


def _checked(data: bytes) -> bytes:
    return data + _check(data)


_SEARCH_BYTES: Final = 1024 * 1024


class Piece(NamedTuple):
    """A record, or damage between records, with its offsets in the file."""

    start: int
    end: int
    head: RecordHead | None


def find_pieces(descriptor: int, mark: bytes, at: int, end: int) -> Iterator[Piece]:
    """What lies between two offsets, in order, without an unfinished record at the end."""
    while at < end:
        head = _head_at(descriptor, mark, at)
        if head is not None:
            if at + head.total_bytes > end:
                return
            yield Piece(at, at + head.total_bytes, head)
            at += head.total_bytes
            continue
        sound = _find_record(descriptor, mark, at + 1, end)
        if sound == end and _is_torn(descriptor, at, end):
            return
        yield Piece(at, sound, None)
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
    """Whether what lies at the end is the beginning of a record that was never finished.

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
    payload = read_all(descriptor, head.payload_bytes, at + head.metadata_bytes)
    return read_record(head, metadata, payload)


def read_all(descriptor: int, size: int, at: int) -> bytes:
    """`size` bytes, or fewer where the file ends; one call is seldom not enough."""
    data = os.pread(descriptor, size, at)
    while len(data) < size and (more := os.pread(descriptor, size - len(data), at + len(data))):
        data += more
    return data
