"""A backend with a queue on the disk: what it does not take for now is kept until it does.

A payload is first sent as without a queue. One that fails in a way that may pass is written to the
disk, and then acknowledged; while the backend is known to be away, the others are written there at
once. A task empties the queue, oldest first. Once the backend takes payloads again, new ones go to
it directly, whatever still waits: OTLP promises no order between requests.
"""

from __future__ import annotations

import asyncio
import logging
import math
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from processor.core.counters import Backlog
from processor.core.errors import (
    BackendRefusedError,
    BackendUnavailableError,
    ConfigError,
    LastFailure,
    Problem,
    RetryableError,
)
from processor.core.memory import MemoryLimit
from processor.core.model import Metadata, Receipt, RequestRename, Signal
from processor.core.wording import counted
from processor.io.exporter.backend import Backend
from processor.io.exporter.destination import Counters, is_about_credentials
from processor.io.exporter.disk_queue.async_queue import AsyncDiskQueue
from processor.io.exporter.disk_queue.drain import Drain
from processor.io.exporter.disk_queue.losses import Losses
from processor.io.exporter.disk_queue.queue import DiskQueue
from processor.io.exporter.disk_queue.records import Record
from processor.io.exporter.outage_log import OutageLog

_log = logging.getLogger(__name__)

_DELAY_S: Final = 5.0
_MIB: Final = 1024 * 1024


class QueuedBackend:
    """A `Backend` and its `DiskQueue` as one `Destination`."""

    def __init__(
        self,
        backend: Backend,
        disk_queue: DiskQueue,
        *,
        setting: str,
        refused_max_bytes: int = 256 * _MIB,
        max_age_s: float = math.inf,
        memory: MemoryLimit | None = None,
        spill_after_s: float = 1.0,
        consumers: int = 10,
        max_concurrent_requests: int = 0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`setting` names the setting of the folder, for messages.

        What the backend refuses after it was acknowledged is kept in a folder below that of the
        queue, up to `refused_max_bytes`; what has waited for `max_age_s` is given up.
        After `spill_after_s` no further attempt is made at delivering a payload, and one that is
        under way ends before its sender gives up. So many `consumers` requests from the disk are
        under way at a time, and up to `max_concurrent_requests` others, 0 for any number; what gets
        no place among them within `spill_after_s` goes to the disk. The backend should not cut
        attempts short, see `RetryingSender`.
        """
        self.name = backend.name
        self.backend = backend
        self._queue = AsyncDiskQueue(disk_queue, refused_max_bytes=refused_max_bytes)
        self._losses = Losses(self._queue, backend.name)
        self._setting = setting
        self._spill_after_s = spill_after_s
        self._drain = Drain(
            self._queue,
            backend,
            losses=self._losses,
            max_age_s=max_age_s,
            memory=memory,
            consumers=consumers,
            round_s=spill_after_s,
            on_taken=self._note_delivery,
            on_refused=self._note_answer,
            on_failed=self._note_unsent,
            sleep=sleep,
        )
        self._drain_task: asyncio.Task[None] | None = None
        backend.counters.backlog = self._backlog
        self._away: dict[Signal, LastFailure] = {}
        """From a payload of a signal that could not be delivered until the next one that is."""
        self._unsent: dict[Signal, LastFailure] = {}
        """The same from a payload on the disk, while no other one says whether it is away."""
        self._reached: set[Signal] = set()
        """Signals whose last payload was delivered without the disk."""
        self._since_s = 0.0
        """When it went away, in seconds since 1970."""
        self._is_failing = False
        self._outages = OutageLog()
        self._places = asyncio.Semaphore(max_concurrent_requests or sys.maxsize)

    @property
    def counters(self) -> Counters:
        """What has become of payloads; those on the disk are safe, so they count as delivered."""
        return self.backend.counters

    def _backlog(self) -> Backlog:
        queue = self._queue.disk_queue
        counters = queue.counters
        refused = self._queue.refused
        self._queue.recount_refused()
        unsent = self._unsent if queue.waiting else {}
        away = next(iter((*self._away.values(), *unsent.values())), None)
        return Backlog(
            waiting=queue.waiting,
            size_bytes=queue.size_bytes,
            max_bytes=queue.max_bytes,
            is_away=away is not None,
            away_reason=away.message if away else "",
            away_since_s=self._since_s if away else 0.0,
            folder=str(queue.directory),
            found=counters.found,
            kept=counters.kept - self._drain.put_back,
            failed=counters.failed,
            delivered=self._drain.delivered,
            set_aside=dict(self._losses.aside),
            not_set_aside=self._losses.not_set_aside,
            dropped=self._losses.dropped,
            lost=counters.lost,
            torn_bytes=counters.torn_bytes,
            corrupt_segments=counters.corrupt_segments,
            other_version_segments=counters.other_version_segments,
            is_failing=self._is_failing,
            files=refused.requests,
            files_bytes=refused.size_bytes,
            files_folder=str(refused.directory),
            last_trouble=self._losses.last_trouble,
            lasting_troubles=tuple(self._losses.lasting.values()) if queue.waiting else (),
        )

    def takes(self, signal: Signal) -> bool:
        """Whether this backend takes a signal at all."""
        return self.backend.takes(signal)

    async def start(self) -> None:
        """Open the queue and begin to send what is in it. Raises ConfigError."""
        folder = self._queue.disk_queue.directory
        try:
            await self._queue.start()
        except OSError as error:
            await self._queue.close()
            what = f"{folder} cannot be used: {error.strerror or error}"
            fix = "choose a folder that this user may write to"
            if isinstance(error, BlockingIOError):
                what, fix = f"another process uses {folder}", "give each its own data_dir"
            raise ConfigError([Problem(self._setting, what, fix)]) from error
        await self.backend.start()
        if found := self._queue.disk_queue.counters.found:
            wait = counted(found, "request waits", "requests wait")
            _log.info("%s: %s in %s to be sent", self.name, wait, folder)
        if aside := self._queue.refused.requests:
            what = "%s: %s set aside in %s (%.1f MiB): llm-cost resend %s"
            are = counted(aside, "request is", "requests are")
            size_mib, refused = self._queue.refused.size_bytes / _MIB, self._queue.refused.directory
            _log.warning(what, self.name, are, refused, size_mib, refused)
        self._drain_task = asyncio.ensure_future(self._drain.run())

    async def close(self) -> None:
        """Stop sending from the disk, finish what is being written, and close everything."""
        if self._drain_task is not None:
            self._drain_task.cancel()
            await asyncio.gather(self._drain_task, return_exceptions=True)
        await self._queue.close()
        await self.backend.close()

    async def rename(self, rename: RequestRename, *, is_trial: bool) -> Mapping[str, int]:
        """Take an id out of what is on the disk; see `AsyncDiskQueue.rename`."""
        return await self._queue.rename(rename, is_trial=is_trial)

    async def deliver(
        self, signal: Signal, payload: bytes, timeout_s: float | None, metadata: Metadata = ()
    ) -> Receipt:
        """Return once the backend has taken a payload or it is on the disk; see `Destination`."""
        with self.counters.follow(len(payload)), self._queue.under_way.follow() as since:
            # A request from the disk that is being sent will show when the backend is back.
            if signal not in self._away or not self._drain.is_busy:
                receipt = await self._try(signal, payload, timeout_s, metadata)
                if receipt is not None:
                    return receipt
            # Headers can be credentials: those that are for other backends are not written here.
            forwarded = self.backend.forwarded_metadata(metadata)
            record = Record(signal, payload, forwarded, time.time())
            await self._keep(self._queue.under_way.renamed(record, since))
        # It is on the disk, and counts as delivered; but the backend is failing all the same.
        self.counters.last_failure = self._away.get(signal) or next(iter(self._away.values()), None)
        return Receipt()

    async def _try(
        self, signal: Signal, payload: bytes, timeout_s: float | None, metadata: Metadata
    ) -> Receipt | None:
        """Send as without a queue, but not for long; None when the backend does not take it."""
        longest_s = self.backend.budget_s(timeout_s)
        started_s = time.monotonic()
        busy = f"{signal} find no place"
        if not self._places.locked():
            self._outages.succeed(busy, "%s are sent to %s without a wait again", signal, self.name)
        try:
            async with asyncio.timeout(min(longest_s, self._spill_after_s)):
                await self._places.acquire()
        except TimeoutError:
            what = "%s go to %s first, as many requests are under way to %s as may be"
            folder = self._queue.disk_queue.directory
            self._outages.fail(busy, what, signal, folder, self.name)
            return None
        try:
            waited_s = time.monotonic() - started_s
            return await self._send(signal, payload, max(longest_s - waited_s, 0.0), metadata)
        finally:
            self._places.release()

    async def _send(
        self, signal: Signal, payload: bytes, longest_s: float, metadata: Metadata
    ) -> Receipt | None:
        """Send, and note whether the backend is away.

        Refused credentials are no word on the payload: the next token may be valid.
        """
        try:
            async with asyncio.timeout(longest_s):
                budget_s = min(longest_s, self._spill_after_s)
                receipt = await self.backend.send(signal, payload, budget_s, metadata)
        except (RetryableError, BackendRefusedError, TimeoutError) as error:
            if isinstance(error, BackendRefusedError) and not is_about_credentials(error):
                raise
            self._note_away(signal, str(error) or f"no answer within {longest_s:g} s")
            return None
        self._reached.add(signal)
        self._note_delivery(signal)
        return receipt

    def _note_away(self, signal: Signal, why: str) -> None:
        before = self._away.get(signal)
        what = "%s that are sent to %s are kept in %s until it takes them: %s"
        folder = self._queue.disk_queue.directory
        self._outages.fail(signal, what, signal, self.name, folder, why)
        times = before.times if before else 0
        self._note_since()
        self._reached.discard(signal)
        self._away[signal] = LastFailure(why, time.monotonic(), times + 1)

    def _note_unsent(self, signal: Signal, why: str) -> None:
        """The backend takes nothing from the disk.

        New payloads are tried all the same: while it takes them, those on the disk are the cause.
        """
        if signal in self._away:
            self._away[signal] = self._away[signal]._replace(message=why)
        elif signal not in self._reached:
            self._note_since()
            self._unsent[signal] = LastFailure(why, time.monotonic())

    def _note_since(self) -> None:
        if not self._away and not self._unsent:
            self._since_s = time.time()

    def _note_delivery(self, signal: Signal) -> None:
        self._outages.succeed(signal, "%s takes %s again", self.name, signal)
        self._note_answer(signal)

    def _note_answer(self, signal: Signal) -> None:
        """The backend is there, whatever it says of the payload."""
        self._away.pop(signal, None)
        self._unsent.pop(signal, None)
        self.counters.last_failure = next(iter(self._away.values()), None)

    async def _keep(self, record: Record) -> None:
        try:
            await self._queue.append(record)
        except OSError as error:
            why = f"{self._queue.disk_queue.directory} cannot be written: {error.strerror or error}"
            what = "%s; senders are asked to try again"
            self._outages.fail("disk", what, why, level=logging.ERROR)
            self._is_failing = True
            raise BackendUnavailableError(f"{self.name} is away, and {why}", _DELAY_S) from error
        finally:
            # Room is made before the write, which may fail all the same.
            self._losses.note_displaced()
        self._outages.succeed("disk", "%s can be written again", self._queue.disk_queue.directory)
        self._is_failing = False
