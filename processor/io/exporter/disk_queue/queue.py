"""The queue on the disk: a folder of segments with the records of one backend.

First in, first out, within a limit.

    000000000007.spool      records wait in it
    000000000005.corrupt    is damaged; what can be read of it is sent, the file is kept

Plain blocking code for one thread; a lock on the folder keeps other processes away.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from processor.io.exporter.destination import DiskQueueCounters
from processor.io.exporter.disk_queue.records import MARK_BYTES, START, Record, encoded_bytes
from processor.io.exporter.disk_queue.rewriting import SegmentCopy
from processor.io.exporter.disk_queue.segment import (
    OtherVersionError,
    Segment,
    Taken,
    create_segment,
    load_segment,
    remove_old_corrupt,
    remove_unfinished,
    sync_directory,
    unlink,
)

_log = logging.getLogger(__name__)

_MIB: Final = 1024 * 1024
_SEGMENT_MAX_BYTES: Final = 64 * _MIB
_SEGMENTS: Final = 16
_TRANSIENT: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EINTR, errno.EAGAIN})
"""Errors that say nothing about the file that could not be read."""


@dataclass(slots=True)
class Due:
    """Records that are to be sent now; they stay where they are until `DiskQueue.finish`."""

    segment: Segment
    taken: Taken
    """Where they end may move meanwhile, when the segment is written anew."""
    since: int = 0
    """When they were taken, see `UnderWay`."""

    @property
    def records(self) -> Sequence[Record]:
        """Never empty: what is damaged has been skipped."""
        return self.taken.records


class DiskQueue:
    """A queue of records on the disk."""

    def __init__(
        self,
        directory: Path,
        *,
        max_bytes: int = 1024 * _MIB,
        drops_oldest: bool = False,
        new_mark: Callable[[int], bytes] = os.urandom,
    ) -> None:
        """Nothing is touched before `open`. `max_bytes` is the limit of all segments together.

        With `drops_oldest` a record for which there is no room displaces the oldest ones.
        """
        self.directory = directory
        self.max_bytes = max_bytes
        self.counters = DiskQueueCounters()
        self._segment_bytes = min(_SEGMENT_MAX_BYTES, max_bytes // _SEGMENTS)
        self._new_mark = new_mark
        self._drops_oldest = drops_oldest
        self._due: Due | None = None
        """The records that were taken last; they may be on their way."""
        self._segments: list[Segment] = []
        """Oldest first."""
        self._growing: Segment | None = None
        """The last of them, while it may be appended to."""
        self._unreadable: set[Path] = set()
        """Left alone until the next start."""
        self._next_name = 1
        self._lock: int | None = None

    @property
    def waiting(self) -> int:
        """How many records are still to be sent."""
        return sum(segment.waiting for segment in self._segments)

    @property
    def size_bytes(self) -> int:
        """What the segments take on the disk, sent records included until their file goes."""
        return sum(segment.end for segment in self._segments)

    def open(self) -> None:
        """Lock the folder and find what is there. Raises OSError; BlockingIOError when locked."""
        folders = (self.directory, *self.directory.parents)
        missing = [folder for folder in folders if not folder.exists()]
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in missing:
            sync_directory(folder.parent)
        self._lock = os.open(self.directory, os.O_RDONLY)
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        remove_unfinished(self.directory)
        names = {path for path in self.directory.iterdir() if path.stem.isdecimal()}
        for path in sorted(names, key=lambda path: int(path.stem)):
            self._next_name = int(path.stem) + 1
            if path.suffix in {".spool", ".corrupt"}:
                self._load(path)
        self.counters.found = self.waiting

    def append(self, records: Sequence[Record]) -> list[OSError | None]:
        """Write records and wait until they are on the disk; None for each that is."""
        sizes = list(map(encoded_bytes, records))
        if self._drops_oldest:
            room = self._make_room(min(sum(sizes), self.max_bytes - START))
        else:
            room = self.max_bytes - self.size_bytes - START
        full = OSError(errno.ENOSPC, f"it holds all of its {self.max_bytes // _MIB} MiB")
        outcomes: list[OSError | None] = []
        fitting: list[Record] = []
        for record, size in zip(records, sizes, strict=True):
            fits = size <= room
            outcomes.append(None if fits else full)
            if fits:
                room -= size
                fitting.append(record)
        failure = self._write(fitting) if fitting else None
        outcomes = [outcome or failure for outcome in outcomes]
        failed = sum(outcome is not None for outcome in outcomes)
        self.counters.failed += failed
        self.counters.kept += len(records) - failed
        return outcomes

    def take(self, most: int, most_bytes: int) -> Due | None:
        """The oldest records, up to `most`; of more than `most_bytes` only one. None: all is sent.

        Raises OSError when they cannot be read for now.
        """
        for segment in tuple(self._segments):
            while not segment.is_spent and segment.path not in self._unreadable:
                try:
                    due = Due(segment, segment.take(most, most_bytes))
                except OSError as error:
                    if error.errno in _TRANSIENT:
                        raise
                    self._skip_unreadable(segment, error)
                    break
                if due.records:
                    self._due = due
                    return due
                self.finish(due)
            self._remove_if_spent(segment)
        return None

    def finish(self, due: Due) -> None:
        """What was due needs nothing more: the backend has taken it, or never will."""
        segment, taken = due.segment, due.taken
        self._due = None
        self.counters.done += len(taken.records)
        if taken.lost:
            self.counters.lost += taken.lost
            _log.error("%s: %d records are damaged and lost", segment.path, taken.lost)
            self._quarantine(segment)
        try:
            segment.advance(taken)
        except OSError as error:
            # It is dealt with all the same; only a restart would send it again.
            _log.warning("%s: what was sent cannot be noted: %s", segment.path, error)
        self._remove_if_spent(segment)

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The files with records, oldest first."""
        return tuple(self._segments)

    def is_readable(self, segment: Segment) -> bool:
        """Whether a segment could be read when it was last tried."""
        return segment.path not in self._unreadable

    def close_growing(self) -> None:
        """Append no more to any segment there is."""
        self._growing = None

    def replace(self, segment: Segment, copy: SegmentCopy) -> None:
        """Put a copy in its place, unless all of it was sent meanwhile. Raises OSError."""
        if segment not in self._segments or segment.is_spent:
            return
        copy.finish()
        copy.path.replace(segment.path)
        if self._due is not None and self._due.segment is segment:
            taken = self._due.taken
            self._due.taken = taken._replace(position=copy.moved(taken.position))
        segment.position, segment.end = copy.moved(segment.position), copy.end
        sync_directory(self.directory)

    def close(self) -> None:
        """Unlock the folder; everything in it is on the disk already."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _write(self, records: Sequence[Record]) -> OSError | None:
        """Write all of the records or none."""
        segment = self._growing
        try:
            if segment is None or segment.end >= self._segment_bytes:
                path = self.directory / f"{self._next_name:012}.spool"
                # A name is used once, whatever comes of it.
                self._next_name += 1
                segment = self._growing = create_segment(path, self._new_mark(MARK_BYTES))
                self._segments.append(segment)
            segment.append(records)
        except (OSError, MemoryError) as error:
            # How much a failed sync has kept is unknown: the next record gets another file.
            self._growing = None
            if segment is not None:
                self._remove_if_spent(segment)
            no_memory = OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))
            return error if isinstance(error, OSError) else no_memory
        return None

    def _make_room(self, wanted_bytes: int) -> int:
        """Give up whole segments, oldest first, until there is room, or nothing to give up."""
        while (room := self.max_bytes - self.size_bytes - START) < wanted_bytes:
            due = self._due and self._due.segment
            oldest = next((each for each in self._segments if each is not due), None)
            if oldest is None:
                return room
            waiting = oldest.waiting
            oldest.give_up()
            self._remove_if_spent(oldest)
            if oldest in self._segments:
                return room
            self.counters.displaced += waiting
        return room

    def _load(self, path: Path) -> None:
        """Load a segment of an earlier run."""
        try:
            segment = load_segment(path)
        except OtherVersionError as error:
            self.counters.other_version_segments += 1
            _log.error("%s is left alone, for the program that can read it: it has %s", path, error)
            return
        except OSError as error:
            _log.error("%s is left alone until the next start: %s", path, error)
            return
        if segment.torn_bytes:
            self.counters.torn_bytes += segment.torn_bytes
            what = "%s ends with %d bytes of an unfinished write, which are skipped"
            _log.warning(what, path, segment.torn_bytes)
        if segment.is_spent and path.suffix == ".corrupt":
            return
        self._segments.append(segment)
        if segment.is_damaged:
            self._quarantine(segment)
        self._remove_if_spent(segment)

    def _quarantine(self, segment: Segment) -> None:
        """Keep a damaged segment for inspection, whatever becomes of its records."""
        if segment is self._growing:
            self._growing = None
        if segment.path.suffix == ".corrupt":
            return
        self.counters.corrupt_segments += 1
        aside = segment.path.with_suffix(".corrupt")
        _log.error("%s is damaged, and kept as %s", segment.path, aside)
        try:
            segment.path = segment.path.rename(aside)
        except OSError as error:
            _log.error("%s cannot be renamed: %s", segment.path, error)

    def _skip_unreadable(self, segment: Segment, error: OSError) -> None:
        self._unreadable.add(segment.path)
        what = "%s cannot be read, its %d records wait for the next start: %s"
        _log.error(what, segment.path, segment.waiting, error)

    def _remove_if_spent(self, segment: Segment) -> None:
        """Delete a segment of which nothing is needed; tried again later where that fails."""
        if not segment.is_spent or segment not in self._segments:
            return
        if segment is self._growing:
            self._growing = None
        if segment.path.suffix == ".corrupt":
            self._segments.remove(segment)
            remove_old_corrupt(self.directory, {each.path for each in self._segments})
        elif unlink(segment.path):
            self._segments.remove(segment)
