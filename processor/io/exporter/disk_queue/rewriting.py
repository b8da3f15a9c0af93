"""An id is taken out of files that are kept, a little at a time.

A segment is written anew beside itself, and then takes its place: a crash leaves the one or the
other. Meanwhile records of it may be taken and finished, and the copy follows. Plain blocking code
for the thread of the queue; each step is short, so that others come in between.
"""

from __future__ import annotations

import json
import os
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from processor.core.model import RequestRename
from processor.io.exporter.disk_queue.records import (
    CURSOR_AT,
    START,
    Piece,
    Position,
    encode_cursor,
    encode_start,
    find_pieces,
    read_all,
    with_payload,
)
from processor.io.exporter.disk_queue.refused import RefusedRequest, refused_requests
from processor.io.exporter.disk_queue.segment import (
    UNFINISHED,
    Segment,
    opened,
    remove_unfinished,
    replace_with,
    sync_directory,
    write_all,
)

Steps = Iterator[int]
"""Work in steps; each gives how many requests have lost the id so far."""

_MIB: Final = 1024 * 1024
_SYNCED_BYTES: Final = 8 * _MIB
"""How much of a copy is written between two syncs, so that none takes long."""
_LOCKED_RETRY_S: Final = 0.01


class Rewritable(Protocol):
    """A queue, as far as an id is taken out of it."""

    directory: Path

    @property
    def segments(self) -> Sequence[Segment]:
        """Its segments, oldest first."""

    def is_readable(self, segment: Segment) -> bool:
        """Whether a segment could be read when it was last tried."""

    def close_growing(self) -> None:
        """Append no more to any segment there is."""

    def replace(self, segment: Segment, copy: SegmentCopy) -> None:
        """Put a copy in the place of a segment. Raises OSError."""


class SegmentCopy:
    """What takes the place of a segment: what was not sent when it was begun."""

    def __init__(self, segment: Segment, begin: Position) -> None:
        """Begin it, with what begins at a position. Raises OSError."""
        self.path = segment.path.with_name(segment.path.name + UNFINISHED)
        self.end = START
        self._segment = segment
        self._ends = [begin.offset]
        """Where records end that have another length; ascending, in the segment of before."""
        self._shifts = [START - begin.offset]
        """By how much offsets from there on have moved."""
        self._synced = 0
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        self._descriptor = os.open(self.path, flags, 0o600)
        write_all(self._descriptor, [encode_start(segment.mark)], 0)

    def write(self, data: bytes, end: int) -> None:
        """Append what has ended at `end` in the segment of before. Raises OSError."""
        self.end = write_all(self._descriptor, [data], self.end)
        shift = self.end - end
        if shift != self._shifts[-1]:
            self._ends.append(end)
            self._shifts.append(shift)
        if self.end - self._synced >= _SYNCED_BYTES:
            self.sync()

    def sync(self) -> None:
        """Wait until what was written is on the disk. Raises OSError."""
        os.fsync(self._descriptor)
        self._synced = self.end

    def moved(self, position: Position) -> Position:
        """Where that is now which began at a position of the segment of before."""
        shift = self._shifts[bisect_right(self._ends, position.offset) - 1]
        return Position(position.offset + shift, position.number)

    def finish(self) -> None:
        """Make it durable, with what was sent meanwhile noted in it. Raises OSError."""
        segment = self._segment
        cursor = encode_cursor(segment.mark, self.moved(segment.position))
        os.pwrite(self._descriptor, cursor, CURSOR_AT)
        self.sync()

    def discard(self) -> None:
        """Close it, and remove it where it has not taken the place of the other."""
        os.close(self._descriptor)
        with suppress(OSError):
            self.path.unlink(missing_ok=True)


def rewrite_queue(queue: Rewritable, rename: RequestRename, *, is_trial: bool = False) -> Steps:
    """Take an id out of all that waits in a queue; what is appended meanwhile stays.

    Raises OSError, and then all of it is to be done again. Nothing changes where it is a trial.
    """
    if not is_trial:
        queue.close_growing()
    done = count = 0
    segments = queue.segments
    for segment in segments:
        if segment in queue.segments and not segment.is_spent and queue.is_readable(segment):
            for count in rewrite_segment(segment, rename, queue.replace, is_trial=is_trial):
                yield done + count
            done += count
    waiting = {segment.path for segment in queue.segments if not segment.is_spent}
    files = {*queue.directory.glob("*.corrupt"), *(segment.path for segment in segments)}
    for path in () if is_trial else sorted(files - waiting):
        with suppress(FileNotFoundError):
            rewrite_unused(path, rename)
        yield done
    if not is_trial:
        # Nor does a power cut bring back a file that was removed before.
        sync_directory(queue.directory)


def rewrite_segment(
    segment: Segment,
    rename: RequestRename,
    replace: Callable[[Segment, SegmentCopy], None],
    *,
    is_trial: bool,
) -> Steps:
    """Take the id out of a segment that is not appended to; `replace` puts the copy in its place.

    Without the id nothing is written. What cannot be read has the id overwritten. Raises OSError.
    """
    begin, count = segment.position, 0
    copy: SegmentCopy | None = None
    with opened(segment.path, os.O_RDONLY) as source:
        size = os.fstat(source).st_size
        try:
            has_remains = False
            for start, end in ((START, begin.offset), (segment.end, size)):
                for data in _blocks(source, start, end, len(rename.id_bytes)):
                    has_remains |= rename.id_bytes in data
                    yield count
            if has_remains and not is_trial:
                # The copy has neither what was sent nor what a crash has cut off.
                copy = SegmentCopy(segment, begin)
            for piece in find_pieces(source, segment.mark, begin.offset, segment.end):
                data, is_changed = _without_id(source, segment.mark, piece, rename)
                count += is_changed and piece.head is not None
                if copy is None and is_changed and not is_trial:
                    copy = SegmentCopy(segment, begin)
                    for before in _blocks(source, begin.offset, piece.start):
                        copy.write(before, copy.end - START + begin.offset + len(before))
                        yield count
                if copy is not None:
                    copy.write(data, piece.end)
                yield count
            if copy is not None:
                replace(segment, copy)
        finally:
            if copy is not None:
                copy.discard()
    yield count


def _without_id(
    source: int, mark: bytes, piece: Piece, rename: RequestRename
) -> tuple[bytes, bool]:
    """What lies in a segment as it is to be, and whether that is something else."""
    data = read_all(source, piece.end - piece.start, piece.start)
    if piece.head is not None:
        sound = with_payload(mark, piece.head, data, rename.payload)
        if sound is not None:
            return sound, sound is not data
    blank = _blanked(data, rename.id_bytes)
    return blank, blank is not data


def _blanked(data: bytes, id_bytes: bytes) -> bytes:
    """Bytes that nobody can read as what they were; as many, so that nothing else moves."""
    return data.replace(id_bytes, b"*" * len(id_bytes)) if id_bytes in data else data


def _blocks(source: int, start: int, end: int, overlap: int = 0) -> Iterator[bytes]:
    """What lies between two offsets, in blocks; each begins with the last bytes of the one before.

    These are one byte less than `overlap`, so that nothing of that length lies across two.
    """
    while start < end:
        data = read_all(source, min(_MIB, end - start), start)
        if not data:
            return
        yield data
        start += len(data) if start + len(data) >= end else max(len(data) - max(overlap - 1, 0), 1)


def rewrite_unused(path: Path, rename: RequestRename) -> None:
    """Take the id out of a file of which nothing is sent any more. Raises OSError."""
    data = path.read_bytes()
    blank = _blanked(data, rename.id_bytes)
    if blank is not data:
        replace_with(path, [blank])


def rewrite_refused(folder: Path, rename: RequestRename, *, is_trial: bool) -> Steps:
    """Take the id out of requests that were set aside. Raises OSError.

    One that is being sent again meanwhile is waited for: it must not come back once it is removed.
    """
    if not folder.exists():
        return
    if not is_trial:
        remove_unfinished(folder)
    count = 0
    for request in refused_requests(folder):
        while True:
            try:
                with request.held(is_patient=False):
                    count += _rewrite_request(request, rename, is_trial=is_trial)
                break
            except BlockingIOError:
                time.sleep(_LOCKED_RETRY_S)
                yield count
            except FileNotFoundError:
                break  # It was sent again.
        yield count


def _rewrite_request(request: RefusedRequest, rename: RequestRename, *, is_trial: bool) -> bool:
    """Returns whether it has had the id."""
    payload = request.path.read_bytes()
    changed = rename.payload(request.signal, payload)
    if changed is not payload and not is_trial:
        replace_with(request.path, [changed])
    has_named = False
    with suppress(FileNotFoundError, ValueError):
        notes = json.loads(request.notes.read_bytes())
        message = notes.get("refused") if isinstance(notes, dict) else None
        if isinstance(message, str) and (said := rename.text(message)) != message:
            has_named = True
            if not is_trial:
                replace_with(request.notes, [json.dumps({**notes, "refused": said}).encode()])
    return changed is not payload or has_named
