"""A backend as a `Destination`: the limit on size, merging, retries, and what became of it all."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final

from processor.errors import PermanentError, RetryableError, TooLargeError
from processor.exporter.courier import Courier
from processor.exporter.destination import Counters
from processor.exporter.merge import MergePolicy, Merger
from processor.exporter.retry import RetryPolicy
from processor.exporter.transport import Transport
from processor.model import Receipt, Signal

_MIB = 1024 * 1024
_LONGEST_DELAY_S: Final = 60.0


class Backend:
    """An OTLP backend behind any `Transport`."""

    def __init__(
        self,
        transport: Transport,
        *,
        retry: RetryPolicy | None = None,
        attempt_timeout_s: float = 10.0,
        max_message_bytes: int = 128 * _MIB,
        merge: MergePolicy | None = None,
        chance: Callable[[], float] = random.random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Without `merge` every payload is a request of its own; `chance` gives jitter."""
        self.name = transport.name
        self.counters = Counters()
        self._transport = transport
        self._retry = retry or RetryPolicy()
        self._max_message_bytes = max_message_bytes
        courier = Courier(
            transport,
            self.counters,
            self._retry,
            attempt_timeout_s=attempt_timeout_s,
            chance=chance,
            sleep=sleep,
        )
        self._merger = Merger(courier.send, merge, self.counters) if merge else None
        self._send = self._merger.send if self._merger else courier.send

    def takes(self, signal: Signal) -> bool:
        """Whether this backend is told of a signal at all."""
        return self._transport.takes(signal)

    async def start(self) -> None:
        """Prepare the connection; it is made with the first payload."""
        await self._transport.start()

    async def close(self) -> None:
        """Close the connection; what is still under way ends as unavailable."""
        if self._merger is not None:
            await self._merger.close()
        await self._transport.close()

    async def deliver(self, signal: Signal, payload: bytes, timeout_s: float | None) -> Receipt:
        """Send until the backend answers for good, or the time is up; see `Destination`."""
        try:
            self._check_size(payload)
            receipt = await self._send(signal, payload, self._retry.budget_s(timeout_s))
        except PermanentError:
            self.counters.refused += 1
            raise
        except RetryableError as error:
            self.counters.unavailable += 1
            # A backend may ask for years, but nobody who waits that long comes back.
            error.delay_s = min(error.delay_s, _LONGEST_DELAY_S)
            raise
        self.counters.delivered += 1
        self.counters.delivered_bytes += len(payload)
        return receipt

    def _check_size(self, payload: bytes) -> None:
        if len(payload) > self._max_message_bytes:
            size = f"{len(payload)} bytes, and the limit is {self._max_message_bytes}"
            raise TooLargeError(f"the payload for {self.name} has {size}")
