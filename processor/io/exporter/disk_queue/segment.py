"""One file of records: appended to, read in order, and removed as a whole.

Plain blocking code for one thread. What `append` has returned from is on the disk. How far the
records have been sent is written into the file itself, in place: that needs no room, so a full disk
can always be emptied. It is not synced: after a power cut some records are sent once more.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from processor.io.exporter.disk_queue.records import (
    CURSOR_AT,
    MARK_BYTES,
    READABLE_VERSIONS,
    START,
    VERSION,
    Position,
    Record,
    encode_cursor,
    encode_record,
    encode_start,
    find_pieces,
    read_cursor,
    read_record_at,
    read_start,
)

_log = logging.getLogger(__name__)

_CORRUPT_MAX: Final = 8
UNFINISHED: Final = ".new"
"""How the name of a file ends that is to take the place of the one before it."""
_PIECES_MAX: Final = 512
"""Half of what Linux takes in one call."""


class OtherVersionError(Exception):
    """The file was written by a program that has another format."""


class Taken(NamedTuple):
    """Records that are due, and where the next ones begin."""

    records: Sequence[Record]
    passed: int
    """Records before `position`, as far as their heads show."""
    lost: int
    """Records before `position` that are damaged; at least so many, if its last ones are."""
    position: Position


class Segment:
    """A segment that is on the disk; see `create_segment` and `load_segment`."""

    def __init__(self, path: Path, mark: bytes) -> None:
        self.path = path
        self.position = Position()
        """Where the first record begins that is still to be sent."""
        self.end = START
        """Where the last record that is safe ends."""
        self.waiting = 0
        """Records between these two, as far as their heads show."""
        self.is_damaged = False
        self.torn_bytes = 0
        """Of an unfinished write, which was never acknowledged."""
        self.mark = mark
        self._next_number = 0

    @property
    def is_spent(self) -> bool:
        """Whether nothing in it is still to be sent."""
        return self.position.offset >= self.end

    def append(self, records: Sequence[Record]) -> None:
        """Write records and wait until they are on the disk.

        Raises OSError. The segment must then be left as it is: how much a failed sync has kept of
        it is unknown.
        """
        pieces: list[bytes] = []
        for number, record in enumerate(records, self._next_number):
            pieces += encode_record(self.mark, number, record)
        with opened(self.path, os.O_WRONLY) as descriptor:
            try:
                end = write_all(descriptor, pieces, self.end)
                os.fsync(descriptor)
            except BaseException:
                # Else a record that was refused would be sent after a restart: not wrong, since
                # its sender repeats it anyway, but once more than needed.
                with suppress(OSError):
                    os.ftruncate(descriptor, self.end)
                raise
        self.end = end
        self.waiting += len(records)
        self._next_number += len(records)

    def take(self, most: int, most_bytes: int) -> Taken:
        """The next records: up to `most`, and of more than `most_bytes` only one. Raises OSError.

        They are due until `advance`; what is damaged between them is skipped.
        """
        records: list[Record] = []
        size = passed = lost = 0
        offset, number = self.position
        with opened(self.path, os.O_RDONLY) as descriptor:
            for piece in find_pieces(descriptor, self.mark, offset, self.end):
                head = piece.head
                if head is None:
                    # Where nothing follows it, the count of lost records is not known.
                    lost += piece.end == self.end
                    offset = piece.end
                    continue
                size += head.total_bytes
                if records and (len(records) == most or size > most_bytes):
                    break
                record = read_record_at(descriptor, piece.start, head)
                records += [record] if record else []
                passed += 1
                lost += max(head.number - number, 0) + (record is None)
                offset, number = piece.end, head.number + 1
        if offset == self.position.offset:
            # Somebody has cut the file off while it was in use.
            return Taken((), self.waiting, self.waiting, Position(self.end, number))
        return Taken(records, passed, lost, Position(offset, number))

    def advance(self, taken: Taken) -> None:
        """What was taken needs nothing more. Raises OSError when the file cannot note it."""
        self.position = taken.position
        self.waiting = max(self.waiting - taken.passed, 0)
        with opened(self.path, os.O_WRONLY) as descriptor:
            os.pwrite(descriptor, encode_cursor(self.mark, taken.position), CURSOR_AT)

    def give_up(self) -> None:
        """Nothing in it is to be sent any more."""
        self.position = Position(self.end, self.position.number + self.waiting)
        self.waiting = 0

    def count(self) -> None:
        """Walk over the records by their heads, and find out how many wait. Raises OSError."""
        with opened(self.path, os.O_RDONLY) as descriptor:
            size = os.fstat(descriptor).st_size
            self.end = min(self.position.offset, size)
            for piece in find_pieces(descriptor, self.mark, self.position.offset, size):
                self.end = piece.end
                self.is_damaged |= piece.head is None
                self.waiting += piece.head is not None
            self.torn_bytes = size - self.end


def create_segment(path: Path, mark: bytes) -> Segment:
    """A new segment; a crash from now on leaves it or nothing. Raises OSError."""
    write_new(path, [encode_start(mark)])
    try:
        sync_directory(path.parent)
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise
    return Segment(path, mark)


def load_segment(path: Path) -> Segment:
    """A segment that an earlier run has left. Raises OtherVersionError and OSError.

    Nothing is ever appended to it, so a torn end has only to be skipped.
    """
    with opened(path, os.O_RDONLY) as descriptor:
        data = os.pread(descriptor, START + MARK_BYTES, 0)
    start = read_start(data)
    if start is not None and start[0] not in READABLE_VERSIONS:
        raise OtherVersionError(f"format {start[0]}, and this program has format {VERSION}")
    # A damaged head does not matter while the first record still has the mark.
    mark = data[START:] if start is None else start[1]
    segment = Segment(path, mark)
    segment.position = read_cursor(mark, data) or Position()
    segment.is_damaged = start is None and len(data) > START and any(data)
    if len(mark) == MARK_BYTES:
        segment.count()
    return segment


def write_new(path: Path, pieces: Sequence[bytes]) -> None:
    """Write a file that is not there yet, and wait until its content is on the disk.

    Raises OSError, and then the file is gone as far as possible.
    """
    # Spans can hold prompts and answers: only their owner may read them.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        write_all(descriptor, pieces, 0)
        os.fsync(descriptor)
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise
    finally:
        os.close(descriptor)


def sync_directory(directory: Path) -> None:
    """Wait until the names in a directory are on the disk. Raises OSError."""
    with opened(directory, os.O_RDONLY) as descriptor:
        os.fsync(descriptor)


def replace_with(path: Path, pieces: Sequence[bytes]) -> None:
    """Put other content into a file; a crash leaves the one or the other. Raises OSError."""
    beside = path.with_name(path.name + UNFINISHED)
    beside.unlink(missing_ok=True)
    write_new(beside, pieces)
    try:
        beside.replace(path)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise
    sync_directory(path.parent)


def unlink(path: Path) -> bool:
    """Remove a file; returns whether it is gone."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        _log.warning("%s cannot be removed: %s", path, error)
        return False
    return True


def remove_old_corrupt(directory: Path, in_use: Collection[Path]) -> None:
    """Bound how many damaged segments are kept from which nothing is to be sent any more."""
    aside = sorted(path for path in directory.glob("*.corrupt") if path not in in_use)
    for path in aside[:-_CORRUPT_MAX]:
        _log.error("%s is removed, as the oldest of too many damaged segments", path)
        unlink(path)


def remove_unfinished(directory: Path) -> None:
    """Remove what a crash has left of files that were written anew. Raises OSError."""
    for path in directory.glob(f"*{UNFINISHED}"):
        path.unlink(missing_ok=True)


def write_all(descriptor: int, pieces: Sequence[bytes], at: int) -> int:
    """Write pieces one after the other, without joining them; returns the offset behind them."""
    rest = [memoryview(piece) for piece in pieces if piece]
    while rest:
        written = os.pwritev(descriptor, rest[:_PIECES_MAX], at)
        at += written
        while written and written >= len(rest[0]):
            written -= len(rest.pop(0))
        if written:
            rest[0] = rest[0][written:]
    return at


@contextmanager
def opened(path: Path, flags: int) -> Iterator[int]:
    """A file as a descriptor. Raises OSError."""
    descriptor = os.open(path, flags)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
