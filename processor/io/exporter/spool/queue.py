"""The spool off the event loop: one thread does the work, and those who wait share one sync."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeVar

from processor.io.exporter.spool.record import Record
from processor.io.exporter.spool.store import Due, Spool

T = TypeVar("T")

_GROUP_MAX: Final = 256
_GROUP_MAX_BYTES: Final = 8 * 1024 * 1024


@dataclass(slots=True)
class _Waiting:
    record: Record
    done: asyncio.Future[None]


class Queue:
    """A `Spool` for coroutines."""

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spool")
        self._waiting: list[_Waiting] = []
        self._writer: asyncio.Task[None] | None = None
        self._written = asyncio.Event()
        self._is_open = False

    async def start(self) -> None:
        """Find what earlier runs have left. Raises OSError."""
        await self._run(self.spool.open)
        self._is_open = True

    async def append(self, record: Record) -> None:
        """Return when a record is on the disk. Raises OSError when it is not."""
        if not self._is_open:
            raise OSError(errno.ESHUTDOWN, "the processor is stopping")
        waiting = _Waiting(record, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._writer is None:
            self._writer = asyncio.ensure_future(self._write_groups())
        await waiting.done

    async def take(self, most: int) -> Due:
        """Wait for records and give the oldest, up to `most`. Raises OSError; see `Spool.take`."""
        while True:
            self._written.clear()
            due = await self._run(lambda: self.spool.take(most, _GROUP_MAX_BYTES))
            if due is not None:
                return due
            await self._written.wait()

    async def finish(self, due: Due) -> None:
        """What was taken needs nothing more."""
        await self._run(lambda: self.spool.finish(due))

    async def close(self) -> None:
        """Write what still waits, then let go of the files."""
        self._is_open = False
        if self._writer is not None:
            await self._writer
        await self._run(self.spool.close)
        self._thread.shutdown()

    async def _write_groups(self) -> None:
        """Write group after group; those who come meanwhile form the next one."""
        while self._waiting:
            group = self._take_group()
            try:
                records = [waiting.record for waiting in group]
                outcomes: list[OSError | None] = await self._run(self._appending(records))
            except Exception as error:  # noqa: BLE001 - whatever it is, nobody may be left waiting
                failure = OSError(errno.EIO, f"{type(error).__name__}: {error}")
                outcomes = [failure] * len(group)
            for waiting, outcome in zip(group, outcomes, strict=True):
                _settle(waiting.done, outcome)
            self._written.set()
        self._writer = None

    def _appending(self, records: list[Record]) -> Callable[[], list[OSError | None]]:
        return lambda: self.spool.append(records)

    def _take_group(self) -> list[_Waiting]:
        """Those who have waited longest, up to a size that bounds the time it takes."""
        size = count = 0
        for waiting in self._waiting[:_GROUP_MAX]:
            size += len(waiting.record.payload)
            if count and size > _GROUP_MAX_BYTES:
                break
            count += 1
        group, self._waiting = self._waiting[:count], self._waiting[count:]
        return group

    async def _run(self, work: Callable[[], T]) -> T:
        # Work that has been given to the thread is done, whoever has left meanwhile.
        loop = asyncio.get_running_loop()
        return await asyncio.shield(loop.run_in_executor(self._thread, work))


def _settle(done: asyncio.Future[None], failure: OSError | None) -> None:
    if done.done():  # its caller has left
        return
    if failure is None:
        done.set_result(None)
    else:
        done.set_exception(failure)
