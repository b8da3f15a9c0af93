"""Acknowledged requests that the backend refuses for good: a bounded folder of OTLP files.

    20261130T000705.123456Z-1.traces.binpb   the request, as it would have been sent
    20261130T000705.123456Z-1.traces.json    why it was refused, and the headers that belong to it

Nothing here is sent or removed by the processor: ``llm-cost resend`` does, when the cause is gone.
Plain blocking code.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple, get_args

from processor.core.model import Metadata, Signal
from processor.io.exporter.disk_queue.records import Record
from processor.io.exporter.disk_queue.segment import sync_directory, write_new

SUFFIX: Final = ".binpb"
_MIB: Final = 1024 * 1024


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

    def remove(self) -> None:
        """Remove both files. Raises OSError."""
        self.path.unlink(missing_ok=True)
        self.notes.unlink(missing_ok=True)


class RefusedFolder:
    """The folder of one queue."""

    def __init__(self, directory: Path, max_bytes: int) -> None:
        """Nothing is touched before the first request; `max_bytes` is for all of them."""
        self.directory = directory
        self.max_bytes = max_bytes
        self.requests = 0
        """How many there are, as of the last `count` or `keep`."""
        self.size_bytes = 0

    def count(self) -> None:
        """See what is there: others remove what they have sent. Raises OSError."""
        sizes = [each.path.stat().st_size for each in refused_requests(self.directory)]
        self.requests, self.size_bytes = len(sizes), sum(sizes)

    def keep(self, record: Record, message: str, rejected: int = 0) -> Path:
        """Write a request and wait until it is on the disk.

        `message` is the backend's. Of a request that it has taken in part it has `rejected` some
        items, nobody knows which. Raises OSError, also where the folder has no room.
        """
        size = len(record.payload)
        if self.size_bytes + size > self.max_bytes:
            self.count()
        if self.size_bytes + size > self.max_bytes:
            full = f"{self.directory} holds all of its {self.max_bytes // _MIB} MiB"
            raise OSError(errno.ENOSPC, full)
        if not self.directory.exists():
            self.directory.mkdir(mode=0o700, parents=True)
            sync_directory(self.directory.parent)
        path = self._free_name(record.signal)
        partial = {"is_partial": True, "rejected_items": rejected} if rejected else {}
        notes = {"refused": message, "headers": record.metadata, **partial}
        with suppress(ValueError):  # Half of a surrogate pair in what a backend has said.
            write_new(path.with_suffix(".json"), [json.dumps(notes).encode()])
        try:
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

    def _free_name(self, signal: Signal) -> Path:
        now = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
        number = 1
        while (path := self.directory / f"{now}-{number}.{signal}{SUFFIX}").exists():
            number += 1
        return path


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
