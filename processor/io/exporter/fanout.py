"""One exporter for any number of destinations: reserve once, deliver to all, merge answers."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from typing import Final

from processor.core.errors import (
    BackendRefusedError,
    BackendUnavailableError,
    ProcessorError,
    RetryableError,
    SignalNotTakenError,
)
from processor.core.model import Batch, Metadata, Receipt, RequestRename, Signal
from processor.core.otlp.codes import Code
from processor.io.exporter.destination import Destination
from processor.io.exporter.disk_queue import QueuedBackend
from processor.io.exporter.in_flight import InFlightLimiter

Receipts = Mapping[Destination, Receipt]
_NOTHING: Final[Receipts] = {}


class _Delivered:
    """Remembers which destinations have a request whose sender was asked to send it again.

    One of them was away, so the sender sends all of it again; without this memory those that were
    there would get it as often as the sender tries. It is a memory only: after a restart, or when
    more requests wait for another attempt than fit, they do get it again, which OTLP has them
    expect. A repeat is recognised by its content.
    """

    def __init__(self, max_requests: int = 1024) -> None:
        """Beyond `max_requests` the one that was used least recently is forgotten."""
        self._max_requests = max_requests
        self._receipts: OrderedDict[bytes, Receipts] = OrderedDict()

    def __len__(self) -> int:
        return len(self._receipts)

    def recall(self, signal: Signal, payload: bytes, metadata: Metadata) -> Receipts:
        """The receipts of destinations that took this request before; usually there are none."""
        if not self._receipts:
            return _NOTHING
        return self._receipts.get(_key(signal, payload, metadata), _NOTHING)

    def keep(self, signal: Signal, payload: bytes, metadata: Metadata, receipts: Receipts) -> None:
        """Remember which destinations have a request that will come again; none: it will not."""
        if not receipts and not self._receipts:
            return
        key = _key(signal, payload, metadata)
        self._receipts.pop(key, None)
        if receipts:
            self._receipts[key] = receipts
        while len(self._receipts) > self._max_requests:
            self._receipts.popitem(last=False)


def _key(signal: Signal, payload: bytes, metadata: Metadata) -> bytes:
    digest = blake2b(repr((signal, metadata)).encode() + b"\0", digest_size=32)
    digest.update(payload)
    return digest.digest()


_log = logging.getLogger(__name__)


class Fanout:
    """Every destination as one `Exporter` (see ports.py)."""

    def __init__(
        self,
        destinations: Sequence[Destination],
        in_flight: InFlightLimiter,
        *,
        close_grace_s: float = 10.0,
    ) -> None:
        """`close_grace_s` is how long `close` waits for what is under way."""
        self.destinations = tuple(destinations)
        self.in_flight = in_flight
        self._close_grace_s = close_grace_s
        self._delivered = _Delivered()

    @contextmanager
    def reserve(self, batch: Batch) -> Iterator[_Reservation]:
        """Reserve capacity for a batch. Raises OverloadedError, before anything has changed."""
        with self.in_flight.reserve(len(batch.payload)):
            destinations = [each for each in self.destinations if each.takes(batch.signal)]
            reservation = _Reservation(batch, destinations, self._delivered)
            del batch  # What is delivered is not what was received, which may be gone by then.
            yield reservation

    async def start(self) -> None:
        """Start every destination; those already started are closed when one cannot be."""
        started: list[Destination] = []
        try:
            for destination in self.destinations:
                await destination.start()
                started.append(destination)
        except BaseException:
            for destination in started:
                await destination.close()
            raise

    async def rename(self, rename: RequestRename, *, is_trial: bool = False) -> Mapping[str, int]:
        """Take an id out of requests that wait or were set aside; returns how many had it.

        Waits until their folders are open. Raises OSError, and then all of it is to be done again.
        """
        found = Counter[str]()
        for destination in self.destinations:
            if isinstance(destination, QueuedBackend):
                found.update(await destination.rename(rename, is_trial=is_trial))
        return found

    async def close(self) -> None:
        """Finish what is under way, within bounds, then close every destination."""
        if not await self.in_flight.drain(self._close_grace_s):
            count = self.in_flight.requests_under_way
            _log.warning("closing while %d requests are still under way", count)
        for destination in self.destinations:
            await destination.close()


class _Reservation:
    """Reserved capacity for one batch, on the way to every destination."""

    def __init__(
        self, batch: Batch, destinations: Sequence[Destination], delivered: _Delivered
    ) -> None:
        self._signal = batch.signal
        self._metadata = batch.metadata
        self._destinations = destinations
        self._delivered = delivered
        self._ends_s = None if batch.timeout_s is None else _now_s() + batch.timeout_s

    async def deliver(self, payload: bytes) -> Receipt:
        """Deliver to all, wait for all, and give the worst answer; see `merge`."""
        if not self._destinations:
            message = f"no backend here takes the signal {self._signal}; it should not be sent"
            raise BackendRefusedError(Code.UNIMPLEMENTED, message)
        left_s = None if self._ends_s is None else max(self._ends_s - _now_s(), 0.0)
        if len(self._destinations) == 1:
            only = self._destinations[0]
            return await only.deliver(self._signal, payload, left_s, self._metadata)
        return await self._deliver_to_all(payload, left_s)

    async def _deliver_to_all(self, payload: bytes, left_s: float | None) -> Receipt:
        """Deliver to those that do not have it from an earlier attempt of the sender."""
        signal, metadata = self._signal, self._metadata
        before = self._delivered.recall(signal, payload, metadata)
        rest = [each for each in self._destinations if each not in before]
        deliveries = [each.deliver(signal, payload, left_s, metadata) for each in rest]
        outcomes = await asyncio.gather(*deliveries, return_exceptions=True)
        taken = {
            destination: outcome
            for destination, outcome in zip(rest, outcomes, strict=True)
            if isinstance(outcome, Receipt)
        }
        comes_again = any(isinstance(outcome, RetryableError) for outcome in outcomes)
        self._delivered.keep(signal, payload, metadata, {**before, **taken} if comes_again else {})
        try:
            return merge([*before.values(), *outcomes])
        finally:
            # What is raised is one of them, and holds this frame.
            del outcomes


def merge(outcomes: Sequence[Receipt | BaseException]) -> Receipt:
    """The worst of several answers, raised when it is an error.

    Worst first: a bug of ours; "try again", because one destination may still get it that way;
    "never"; a partial success; success. That one has no such signal is its answer only where no
    other has another one. Several partial successes name much the same items, so the
    largest count stands for all.
    """
    others = [outcome for outcome in outcomes if not isinstance(outcome, SignalNotTakenError)]
    outcomes = others or outcomes
    worst = _worst([outcome for outcome in outcomes if isinstance(outcome, BaseException)])
    if worst is not None:
        try:
            raise worst
        finally:
            del worst, outcomes, others  # It holds this frame from here on.
    receipts = [outcome for outcome in outcomes if isinstance(outcome, Receipt)]
    messages = dict.fromkeys(receipt.message for receipt in receipts if receipt.message)
    rejected = max((receipt.rejected for receipt in receipts), default=0)
    return Receipt(rejected, "; ".join(messages))


def _worst(errors: Sequence[BaseException]) -> BaseException | None:
    """The error to raise, if any; see `merge`."""
    bugs = [error for error in errors if not isinstance(error, ProcessorError)]
    retryable = [error for error in errors if isinstance(error, RetryableError)]
    if retryable and not bugs:
        message = "; ".join(str(error) for error in retryable)
        return BackendUnavailableError(message, max(error.delay_s for error in retryable))
    return next(iter(bugs or errors), None)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
