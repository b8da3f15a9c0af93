"""Emptying a disk queue: what waits on the disk is sent, oldest first, until nothing is left."""

from __future__ import annotations

import asyncio
import logging
import math
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

from processor.core.errors import PermanentError, RetryableError, SignalNotTakenError
from processor.core.memory import MemoryLimit
from processor.core.model import Signal
from processor.io.exporter.backend import Backend
from processor.io.exporter.destination import is_about_credentials, reason_of
from processor.io.exporter.disk_queue.async_queue import AsyncDiskQueue
from processor.io.exporter.disk_queue.losses import Losses
from processor.io.exporter.disk_queue.queue import Due
from processor.io.exporter.disk_queue.records import Record

_log = logging.getLogger(__name__)

_DELAY_S: Final = 5.0
_COPIES: Final = 2
"""Of what is being sent: gRPC makes one, and so does compression."""
_UNAUTHORIZED_DELAY_S: Final = 60.0
_PROBES: Final = 2
"""Sent at a time to a backend that takes nothing: two, since one could be a bad payload."""
_ROUNDS_OF_PROBES: Final = 8
"""Every so many rounds the usual number is sent, as both probes may be bad payloads."""


class _Unsent(NamedTuple):
    """A record that has to be sent again, and when."""

    record: Record
    delay_s: float


class Drain:
    """Sends what is in a queue, for as long as `run` runs."""

    def __init__(
        self,
        queue: AsyncDiskQueue,
        backend: Backend,
        *,
        losses: Losses,
        consumers: int,
        round_s: float,
        on_taken: Callable[[Signal], None],
        on_refused: Callable[[Signal], None],
        on_failed: Callable[[Signal, str], None],
        sleep: Callable[[float], Awaitable[None]],
        max_age_s: float = math.inf,
        clock_s: Callable[[], float] = time.time,
        memory: MemoryLimit | None = None,
    ) -> None:
        """`consumers` requests are under way at a time, and each is tried for `round_s` in a row.

        `on_taken` is called after each delivery, `on_refused` after each refusal for good,
        `on_failed` with the reason after a round in which the backend took nothing. What has
        waited for longer than `max_age_s`, by the time of day, is given up. What is being sent
        is counted in `memory`.
        """
        self.is_busy = False
        """Whether something is being sent, which will show when the backend is back."""
        self.delivered = 0
        self.losses = losses
        self.put_back = 0
        """How often a record was written again at the end of the queue."""
        self._queue = queue
        self._backend = backend
        self._consumers = consumers
        self._round_s = round_s
        self._failed_rounds = 0
        self._since = 0
        """When what is being sent was taken."""
        self._on_taken = on_taken
        self._on_refused = on_refused
        self._on_failed = on_failed
        self._reasons: dict[Signal, str] = {}
        """Why the last record of a signal could not be delivered; until one is."""
        self._max_age_s = max_age_s
        self._clock_s = clock_s
        self._memory = memory or MemoryLimit(sys.maxsize)
        self._sleep = sleep

    async def run(self) -> None:
        """Send until cancelled. What is being sent then stays on the disk."""
        most = self._consumers
        while True:
            try:
                if pause_s := await self._send_next(most):
                    await self._sleep(pause_s)
                most = _PROBES if self._failed_rounds % _ROUNDS_OF_PROBES else self._consumers
            except Exception as error:  # noqa: BLE001 - nothing is lost, all of it is still on the disk
                what = "%s: sending from %s is tried again in %g s, because of %r"
                folder = self._queue.disk_queue.directory
                _log.error(what, self._backend.name, folder, _DELAY_S, error)
                await self._sleep(_DELAY_S)
            finally:
                self.is_busy = False

    async def _send_next(self, most: int) -> float:
        """Wait for records, and send them; returns how long to wait before the next ones.

        In a frame that ends with them, so that they need no memory during that wait.
        """
        due = await self._queue.take(most)
        self._since = due.since
        try:
            return await self._send(due)
        finally:
            self._queue.under_way.end(due.since)

    async def _send(self, due: Due) -> float:
        self.is_busy = True
        fresh = [record for record in due.records if not self._is_too_old(record)]
        with self._memory.open() as holding:
            # Not refused, as it is bounded by the queue, but counted: receivers give way to it.
            holding.set(_COPIES * sum(len(record.payload) for record in due.records))
            pause_s = await self._send_due(fresh)
        if pause_s is not None:
            return pause_s
        await self._queue.finish(due)
        if old := len(due.records) - len(fresh):
            self.losses.drop("too_old", old)
        return 0.0

    def _is_too_old(self, record: Record) -> bool:
        return 0.0 < record.kept_s < self._clock_s() - self._max_age_s

    async def _send_due(self, records: Sequence[Record]) -> float | None:
        """Send records; a pause, and they stay where they are, when the backend takes nothing."""
        left = await self._send_all(records)
        if left and len(left) == len(records):
            self._failed_rounds += 1
            for signal, why in self._reasons.items():
                self._on_failed(signal, why)
            return self._pause_s(left, self._failed_rounds)
        self._failed_rounds = 0
        # The backend takes others, so the payload is the cause: it waits behind the others.
        tries = 0
        while left and (rest := await self._put_back([record for record, _ in left])):
            tries += 1
            await self._sleep(self._pause_s(left, tries))
            left = await self._send_all(rest)
        return None

    def _pause_s(self, left: Sequence[_Unsent], failures: int) -> float:
        """As long as the backend asks for, and the longer the more often it has failed."""
        return max(*(delay_s for _, delay_s in left), self._backend.pause_s(failures))

    async def _send_all(self, records: Sequence[Record]) -> list[_Unsent]:
        """Send records; returns those that have to be sent again."""
        delays_s = await asyncio.gather(*map(self._send_one, records))
        pairs = zip(records, delays_s, strict=True)
        return [_Unsent(record, delay_s) for record, delay_s in pairs if delay_s is not None]

    async def _send_one(self, record: Record) -> float | None:
        """Send one record; returns how long to wait before it is sent again, None for never."""
        try:
            # A merged request that is taken in part does not say whose items were rejected.
            receipt = await self._backend.send(
                record.signal, record.payload, self._round_s, record.metadata, merges=False
            )
        except RetryableError as error:
            self._reasons[record.signal] = str(error)
            return error.delay_s
        except PermanentError as error:
            if is_about_credentials(error):
                self._reasons[record.signal] = str(error)
                self.losses.note_credentials(error)
                return _UNAUTHORIZED_DELAY_S
            self._reasons.pop(record.signal, None)
            self._on_refused(record.signal)
            if isinstance(error, SignalNotTakenError):
                self.losses.drop_not_taken()
                return None
            kept = self._kept_as(record)
            return await self.losses.set_aside(kept, reason_of(error), str(error))
        self._reasons.pop(record.signal, None)
        self.losses.note_delivery()
        self._on_taken(record.signal)
        self.delivered += 1
        if receipt.rejected:
            await self.losses.set_aside_copy(self._kept_as(record), receipt)
        return None

    async def _put_back(self, records: Sequence[Record]) -> list[Record]:
        """Write records to the end of the queue; returns those for which that was not possible."""
        appended = (self._queue.append(self._kept_as(record)) for record in records)
        outcomes = await asyncio.gather(*appended, return_exceptions=True)
        pairs = zip(records, outcomes, strict=True)
        left = [record for record, outcome in pairs if isinstance(outcome, BaseException)]
        self.put_back += len(records) - len(left)
        self.losses.note_displaced()
        return left

    def _kept_as(self, record: Record) -> Record:
        """A record that is being sent as it is kept now: an id may have been taken out."""
        return self._queue.under_way.renamed(record, self._since)
