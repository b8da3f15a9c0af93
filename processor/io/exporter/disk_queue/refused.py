"""Acknowledged requests that the backend refuses for good: a bounded folder of OTLP files.

    20261130T000705.123456Z-1.traces.binpb   the request, as it would have been sent
    20261130T000705.123456Z-1.traces.json    why it was refused, and the headers that belong to it

Nothing here is sent or removed by the processor: ``llm-cost resend`` does, when the cause is gone.
Plain blocking code.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple, get_args

from processor.core.model import Metadata, Signal
from processor.io.exporter.disk_queue.records import Record
from processor.io.exporter.disk_queue.segment import opened, sync_directory, write_new

REFUSED: Final = "refused"
"""The name of such a folder, within that of its queue."""
SUFFIX: Final = ".binpb"
_MIB: Final = 1024 * 1024
_BLOCK_BYTES: Final = 4096
"""What a file takes on the disk is a multiple of this with the usual file systems."""
_REQUESTS_MAX: Final = 100_000
"""However large a folder may be: each request is two files, of which no disk has any number."""
_SETTLED_NS: Final = 1_000_000_000
"""Times of a folder are coarser than its changes. Only after so long one cannot stand for two."""


class RefusedRequest(NamedTuple):
    """A request in a folder."""

    path: Path
    signal: Signal

    @property
    def notes(self) -> Path:
        """The file that says why it was refused."""
        return self.path.with_suffix(".json")

    def read(self) -> Record:
        """The request. Raises OSError."""
        metadata: Metadata = ()
        with suppress(FileNotFoundError, ValueError, TypeError, AttributeError):
            found = json.loads(self.notes.read_text("utf-8")).get("headers", [])
            metadata = tuple((str(name), str(value)) for name, value in found)
        return Record(self.signal, self.path.read_bytes(), metadata)

    @contextmanager
    def held(self, *, is_patient: bool = True) -> Iterator[None]:
        """Nobody else who asks for it sends, removes or rewrites a request of the folder.

        Raises OSError; BlockingIOError where somebody else does, unless it waits patiently.
        """
        with opened(self.path.parent, os.O_RDONLY) as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if is_patient else fcntl.LOCK_NB))
            yield

    def remove(self) -> None:
        """Remove both files. Raises OSError."""
        self.path.unlink(missing_ok=True)
        self.notes.unlink(missing_ok=True)


class RefusedFolder:
    """The folder of one queue."""

    def __init__(self, directory: Path, max_bytes: int) -> None:
        """Nothing is touched before the first request; `max_bytes` is for all that they take."""
        self.directory = directory
        self.max_bytes = max_bytes
        self.requests = 0
        """How many there are, as of the last `count` or `keep`."""
        self.size_bytes = 0
        """What all files take on the disk, in whole blocks, with what is said of each request."""
        self._counted_as_of_ns = 0
        """When the folder had changed for the last time as it was counted; 0 for unknown."""

    def count(self) -> None:
        """See what is there, unless nothing has changed: others remove what they have sent.

        Raises OSError.
        """
        try:
            changed_ns = self.directory.stat().st_mtime_ns
        except FileNotFoundError:
            self.requests = self.size_bytes = 0
            return
        if changed_ns == self._counted_as_of_ns:
            return
        now_ns = time.time_ns()
        requests = size_bytes = 0
        with os.scandir(self.directory) as files:
            for each in files:
                with suppress(FileNotFoundError):
                    size_bytes += _on_disk_bytes(each.stat().st_size)
                    requests += each.name.endswith(SUFFIX)
        self.requests, self.size_bytes = requests, size_bytes
        is_settled = now_ns - changed_ns > _SETTLED_NS
        self._counted_as_of_ns = changed_ns if is_settled else 0

    def keep(self, record: Record, message: str, rejected: int = 0) -> Path:
        """Write a request and wait until it is on the disk.

        `message` is the backend's. Of a request that it has taken in part it has `rejected` some
        items, nobody knows which. Raises OSError, also where the folder has no room.
        """
        partial = {"is_partial": True, "rejected_items": rejected} if rejected else {}
        notes = json.dumps({"refused": message, "headers": record.metadata, **partial}).encode()
        size = _on_disk_bytes(len(record.payload)) + _on_disk_bytes(len(notes))
        self._check_room(size)
        if not self.directory.exists():
            self.directory.mkdir(mode=0o700, parents=True)
            sync_directory(self.directory.parent)
        path = self._free_name(record.signal)
        try:
            write_new(path.with_suffix(".json"), [notes])
            write_new(path, [record.payload])
            sync_directory(self.directory)
        except BaseException:
            for each in (path, path.with_suffix(".json")):
                with suppress(OSError):
                    each.unlink(missing_ok=True)
            raise
        self.requests += 1
        self.size_bytes += size
        return path

    def _check_room(self, wanted_bytes: int) -> None:
        if not self._has_room(wanted_bytes):
            self.count()
        if not self._has_room(wanted_bytes):
            most = f"{self.max_bytes // _MIB} MiB"
            if self.requests >= _REQUESTS_MAX:
                most = f"{_REQUESTS_MAX} requests"
            raise OSError(errno.ENOSPC, f"{self.directory} holds all of its {most}")

    def _has_room(self, wanted_bytes: int) -> bool:
        return self.requests < _REQUESTS_MAX and self.size_bytes + wanted_bytes <= self.max_bytes

    def _free_name(self, signal: Signal) -> Path:
        now = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
        number = 1
        while (path := self.directory / f"{now}-{number}.{signal}{SUFFIX}").exists():
            number += 1
        return path


def _on_disk_bytes(size_bytes: int) -> int:
    """What a file of a size takes: whole blocks, and one where a file system would need less."""
    return max(-(-size_bytes // _BLOCK_BYTES), 1) * _BLOCK_BYTES


def refused_requests(place: Path) -> Iterator[RefusedRequest]:
    """The requests of a folder, oldest first, or the one of a file. Raises OSError.

    A file with another suffix, or without a signal in its name, is left out.
    """
    files = sorted(place.iterdir()) if place.is_dir() else [place]
    for path in (each for each in files if each.suffix == SUFFIX):
        signal = Path(path.stem).suffix.removeprefix(".")
        for known in get_args(Signal):
            if signal == known:
                yield RefusedRequest(path, known)
