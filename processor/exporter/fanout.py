"""One exporter in front of any number of destinations: reserve once, deliver to all, merge."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from processor.errors import (
    BackendRefusedError,
    BackendUnavailableError,
    ProcessorError,
    RetryableError,
)
from processor.exporter.destination import Destination
from processor.exporter.gate import Gate
from processor.model import Batch, Receipt

_log = logging.getLogger(__name__)

_UNIMPLEMENTED = 12


class Fanout:
    """The `Exporter` of the house (see ports.py)."""

    def __init__(
        self, destinations: Sequence[Destination], gate: Gate, *, close_grace_s: float = 10.0
    ) -> None:
        """`close_grace_s` is how long `close` waits for what is under way."""
        self._destinations = tuple(destinations)
        self._gate = gate
        self._close_grace_s = close_grace_s

    @contextmanager
    def reserve(self, batch: Batch) -> Iterator[_Place]:
        """Take a place for a batch. Raises OverloadedError, before anything has changed."""
        with self._gate.place(len(batch.payload)):
            yield _Place(batch, [each for each in self._destinations if each.takes(batch.signal)])

    async def start(self) -> None:
        """Start every destination; those already started are closed when one cannot be."""
        started: list[Destination] = []
        try:
            for destination in self._destinations:
                await destination.start()
                started.append(destination)
        except BaseException:
            for destination in started:
                await destination.close()
            raise

    async def close(self) -> None:
        """Finish what is under way, within bounds, then close every destination."""
        if not await self._gate.drain(self._close_grace_s):
            count = self._gate.requests_under_way
            _log.warning("closing while %d requests are still under way", count)
        for destination in self._destinations:
            await destination.close()


class _Place:
    """A reserved place on the way to every destination."""

    def __init__(self, batch: Batch, destinations: Sequence[Destination]) -> None:
        self._signal = batch.signal
        self._destinations = destinations
        self._payload: bytes | None = None
        self._ends_s = None if batch.timeout_s is None else _now_s() + batch.timeout_s

    def fill(self, payload: bytes) -> None:
        """Say what to send."""
        self._payload = payload

    async def settled(self) -> Receipt:
        """Deliver to all, wait for all, and give the worst answer; see `merge`."""
        if self._payload is None:
            raise RuntimeError("settled() before fill()")
        if not self._destinations:
            message = f"no backend here takes the signal {self._signal}; it should not be sent"
            raise BackendRefusedError(_UNIMPLEMENTED, message)
        left_s = None if self._ends_s is None else max(self._ends_s - _now_s(), 0.0)
        deliveries = [
            destination.deliver(self._signal, self._payload, left_s)
            for destination in self._destinations
        ]
        if len(deliveries) == 1:
            return await deliveries[0]
        return merge(await asyncio.gather(*deliveries, return_exceptions=True))


def merge(outcomes: Sequence[Receipt | BaseException]) -> Receipt:
    """The worst of several answers, raised when it is an error.

    Worst first: a bug of ours; "try again", because one destination may still get it that way;
    "never"; a partial success; success. Destinations that delivered get the payload again when
    another one asks for a retry: OTLP backends must expect duplicates. Several partial successes
    name much the same items, so the largest count stands for all.
    """
    errors = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    bugs = [error for error in errors if not isinstance(error, ProcessorError)]
    retryable = [error for error in errors if isinstance(error, RetryableError)]
    if bugs:
        raise bugs[0]
    if retryable:
        message = "; ".join(str(error) for error in retryable)
        raise BackendUnavailableError(message, max(error.delay_s for error in retryable))
    if errors:
        raise errors[0]
    receipts = [outcome for outcome in outcomes if isinstance(outcome, Receipt)]
    messages = dict.fromkeys(receipt.message for receipt in receipts if receipt.message)
    rejected = max((receipt.rejected for receipt in receipts), default=0)
    return Receipt(rejected, "; ".join(messages))


def _now_s() -> float:
    return asyncio.get_running_loop().time()
