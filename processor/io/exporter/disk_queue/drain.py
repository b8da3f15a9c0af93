"""Emptying a disk queue: what waits on the disk is sent, oldest first, until nothing is left."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

from processor.core.errors import BackendRefusedError, PermanentError, RetryableError
from processor.core.otlp.codes import Code
from processor.io.exporter.backend import Backend
from processor.io.exporter.disk_queue.async_queue import AsyncDiskQueue
from processor.io.exporter.disk_queue.queue import Due
from processor.io.exporter.disk_queue.records import Record

_log = logging.getLogger(__name__)

_DELAY_S: Final = 5.0
_UNAUTHORIZED: Final = frozenset({Code.UNAUTHENTICATED, Code.PERMISSION_DENIED})
"""Final for a sender, which hears of it. But what is on the disk was acknowledged, and the next
token may be valid."""
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
        consumers: int,
        round_s: float,
        on_taken: Callable[[], None],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        """`consumers` requests are under way at a time, and each is tried for `round_s` in a row.

        `on_taken` is called after each delivery.
        """
        self.is_busy = False
        """Whether something is being sent, which will show when the backend is back."""
        self.delivered = 0
        self.dropped: Counter[str] = Counter()
        """Records that the backend will never take, by reason; their senders cannot be informed."""
        self.put_back = 0
        """How often a record was written again at the end of the queue."""
        self._queue = queue
        self._backend = backend
        self._consumers = consumers
        self._round_s = round_s
        self._failed_rounds = 0
        self._is_unauthorized = False
        self._on_taken = on_taken
        self._sleep = sleep

    async def run(self) -> None:
        """Send until cancelled. What is being sent then stays on the disk."""
        most = self._consumers
        while True:
            try:
                await self._send_next(most)
                most = _PROBES if self._failed_rounds % _ROUNDS_OF_PROBES else self._consumers
            except Exception as error:  # noqa: BLE001 - nothing is lost, all of it is still on the disk
                what = "%s: sending from %s is tried again in %g s, because of %r"
                folder = self._queue.disk_queue.directory
                _log.error(what, self._backend.name, folder, _DELAY_S, error)
                await self._sleep(_DELAY_S)
            finally:
                self.is_busy = False

    async def _send_next(self, most: int) -> None:
        """Wait for records, and send them; in a frame that ends with them, as they need memory."""
        due = await self._queue.take(most)
        self.is_busy = True
        await self._send_due(due)

    async def _send_due(self, due: Due) -> None:
        """Send all that is due; wait, and leave it where it is, when the backend takes nothing."""
        left = await self._send_all(due.records)
        if len(left) == len(due.records):
            self._failed_rounds += 1
            await self._pause(left, self._failed_rounds)
            return
        self._failed_rounds = 0
        # The backend takes others, so the payload is the cause: it waits behind the others.
        tries = 0
        while left and (rest := await self._put_back([record for record, _ in left])):
            tries += 1
            await self._pause(left, tries)
            left = await self._send_all(rest)
        await self._queue.finish(due)

    async def _pause(self, left: Sequence[_Unsent], failures: int) -> None:
        """Wait as long as the backend asks for, and the longer the more often it has failed."""
        asked_s = max(delay_s for _, delay_s in left)
        await self._sleep(max(asked_s, self._backend.pause_s(failures)))

    async def _send_all(self, records: Sequence[Record]) -> list[_Unsent]:
        """Send records; returns those that have to be sent again."""
        delays_s = await asyncio.gather(*map(self._send_one, records))
        pairs = zip(records, delays_s, strict=True)
        return [_Unsent(record, delay_s) for record, delay_s in pairs if delay_s is not None]

    async def _send_one(self, record: Record) -> float | None:
        """Send one record; returns how long to wait before it is sent again, None for never."""
        signal, payload, metadata = record
        try:
            await self._backend.send(signal, payload, self._round_s, metadata)
        except RetryableError as error:
            return error.delay_s
        except PermanentError as error:
            if isinstance(error, BackendRefusedError) and error.code in _UNAUTHORIZED:
                self._log_unauthorized(error)
                return _UNAUTHORIZED_DELAY_S
            if error.reason not in self.dropped:
                what = (
                    "%s refuses what was acknowledged to its sender; it is dropped and counted: %s"
                )
                _log.error(what, self._backend.name, error)
            self.dropped[error.reason] += 1
            return None
        self._is_unauthorized = False
        self._on_taken()
        self.delivered += 1
        return None

    def _log_unauthorized(self, error: BackendRefusedError) -> None:
        if not self._is_unauthorized:
            what = "%s refuses our credentials; what waits in %s is kept until it takes them: %s"
            _log.error(what, self._backend.name, self._queue.disk_queue.directory, error)
        self._is_unauthorized = True

    async def _put_back(self, records: Sequence[Record]) -> list[Record]:
        """Write records to the end of the queue; returns those for which that was not possible."""
        appended = (self._queue.append(record) for record in records)
        outcomes = await asyncio.gather(*appended, return_exceptions=True)
        pairs = zip(records, outcomes, strict=True)
        left = [record for record, outcome in pairs if isinstance(outcome, BaseException)]
        self.put_back += len(records) - len(left)
        return left
