"""The disk queue for coroutines: one thread does the work, and writes that wait share one sync."""

from __future__ import annotations

import asyncio
import errno
import math
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from processor.core.model import RequestRename
from processor.io.exporter.disk_queue.queue import DiskQueue, Due
from processor.io.exporter.disk_queue.records import Record
from processor.io.exporter.disk_queue.refused import REFUSED, RefusedFolder
from processor.io.exporter.disk_queue.rewriting import Steps, rewrite_queue, rewrite_refused
from processor.io.exporter.disk_queue.under_way import UnderWay, without_id

T = TypeVar("T")

WAITING: Final = "requests on the disk"
SET_ASIDE: Final = "requests set aside"
"""What has had an id, in words."""
_STEP_S: Final = 0.02
_GROUP_MAX: Final = 256
_MIB: Final = 1024 * 1024
_GROUP_MAX_BYTES: Final = 8 * _MIB


@dataclass(slots=True)
class _Waiting:
    record: Record
    done: asyncio.Future[None]


class AsyncDiskQueue:
    """A `DiskQueue` whose methods are coroutines."""

    def __init__(self, disk_queue: DiskQueue, *, refused_max_bytes: int = 256 * _MIB) -> None:
        """What the backend refuses is kept in a folder within that of the queue."""
        self.disk_queue = disk_queue
        self.refused = RefusedFolder(disk_queue.directory / REFUSED, refused_max_bytes)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="disk-queue")
        self._waiting: list[_Waiting] = []
        self._writer: asyncio.Task[None] | None = None
        self._written = asyncio.Event()
        self._is_open = False
        self._opened = asyncio.Event()
        self.under_way = UnderWay()
        self.recount_s = 5.0
        """How often what is set aside is counted at most; a folder of many files takes a while."""
        self._recounted_s = -math.inf

    async def start(self) -> None:
        """Find what earlier runs have left. Raises OSError."""
        await self._run(self.disk_queue.open)
        await self._run(self.refused.count)
        self._is_open = True
        self._opened.set()

    async def append(self, record: Record) -> None:
        """Return when a record is on the disk. Raises OSError when it is not."""
        if not self._is_open:
            raise _stopping()
        waiting = _Waiting(record, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._writer is None:
            self._writer = asyncio.ensure_future(self._write_groups())
        try:
            await waiting.done
        finally:
            # An error that it holds would keep this frame, and this frame would keep it.
            del waiting

    async def take(self, most: int) -> Due:
        """Wait for records and give the oldest, up to `most`. Raises OSError.

        They are under way until the caller says that they are not.
        """
        while True:
            self._written.clear()
            since, due = self.under_way.begin(), None
            try:
                due = await self._run(lambda: self.disk_queue.take(most, _GROUP_MAX_BYTES))
            finally:
                if due is None:
                    self.under_way.end(since)
            if due is not None:
                due.since = since
                return due
            await self._written.wait()

    async def finish(self, due: Due) -> None:
        """What was taken needs nothing more."""
        await self._run(lambda: self.disk_queue.finish(due))

    async def keep_refused(self, record: Record, message: str, rejected: int = 0) -> Path:
        """Keep a record aside that the backend has refused for good; see `RefusedFolder.keep`."""
        return await self._run(lambda: self.refused.keep(record, message, rejected))

    async def rename(self, rename: RequestRename, *, is_trial: bool = False) -> Mapping[str, int]:
        """Take an id out of all that is kept, beside other work; returns how much had it.

        Waits until the queue is open. Raises OSError, and then all of it is to be done again.
        """
        await self._opened.wait()
        if not is_trial:
            self.under_way.add(rename)
            for waiting in self._waiting:
                waiting.record = without_id(waiting.record, rename)
        queue, folder = self.disk_queue, self.refused.directory
        kept = await self._in_steps(rewrite_queue(queue, rename, is_trial=is_trial))
        refused = await self._in_steps(rewrite_refused(folder, rename, is_trial=is_trial))
        return {WAITING: kept, SET_ASIDE: refused}

    async def _in_steps(self, steps: Steps) -> int:
        """Do all steps; what else waits for the thread comes in between."""
        count = 0

        def some() -> bool:
            nonlocal count
            if not self._is_open:
                raise _stopping()
            end_s = time.monotonic() + _STEP_S
            for done in steps:
                count = done
                if time.monotonic() >= end_s:
                    return False
            return True

        while not await self._run(some):
            pass
        return count

    def recount_refused(self) -> None:
        """Have what is set aside counted again, for whoever asks next: others remove it."""
        now_s = time.monotonic()
        if self._is_open and now_s - self._recounted_s >= self.recount_s:
            self._recounted_s = now_s
            self._thread.submit(self._recount)

    def _recount(self) -> None:
        # Where the folder cannot be read, the last count stands.
        with suppress(OSError):
            self.refused.count()

    async def close(self) -> None:
        """Write what still waits, then close the files."""
        self._is_open = False
        if self._writer is not None:
            await self._writer
        await self._run(self.disk_queue.close)
        self._thread.shutdown()

    async def _write_groups(self) -> None:
        """Write group after group; records that arrive meanwhile form the next one."""
        while self._waiting:
            group = self._take_group()
            try:
                records = [waiting.record for waiting in group]
                outcomes: list[OSError | None] = await self._run(self._appending(records))
            except Exception as error:  # noqa: BLE001 - whatever fails, no caller may wait for ever
                failure = OSError(errno.EIO, f"{type(error).__name__}: {error}")
                outcomes = [failure] * len(group)
            for waiting, outcome in zip(group, outcomes, strict=True):
                _resolve(waiting.done, outcome)
            self._written.set()
        self._writer = None

    def _appending(self, records: list[Record]) -> Callable[[], list[OSError | None]]:
        return lambda: self.disk_queue.append(records)

    def _take_group(self) -> list[_Waiting]:
        """The records that have waited longest, up to a size that bounds the time it takes."""
        size = count = 0
        for waiting in self._waiting[:_GROUP_MAX]:
            size += len(waiting.record.payload)
            if count and size > _GROUP_MAX_BYTES:
                break
            count += 1
        group, self._waiting = self._waiting[:count], self._waiting[count:]
        return group

    async def _run(self, work: Callable[[], T]) -> T:
        # Work that the thread has begun is finished, though its caller is cancelled meanwhile.
        loop = asyncio.get_running_loop()
        return await asyncio.shield(loop.run_in_executor(self._thread, work))


def _stopping() -> OSError:
    return OSError(errno.ESHUTDOWN, "the processor is stopping")


def _resolve(done: asyncio.Future[None], failure: OSError | None) -> None:
    if done.done():  # its caller was cancelled
        return
    if failure is None:
        done.set_result(None)
    else:
        done.set_exception(failure)
