"""A backend as a `Destination`: splitting, merging and retries around one transport."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from typing import Final

from processor.core.errors import RetryableError
from processor.core.model import Metadata, Receipt, Signal
from processor.core.otlp.signals import SIGNALS
from processor.io.exporter.batcher import Batcher, MergePolicy
from processor.io.exporter.destination import Counters
from processor.io.exporter.retrying_sender import RetryingSender, RetryPolicy
from processor.io.exporter.splitting_sender import Split, SplittingSender, unsplit
from processor.io.exporter.transport import AttemptError, Failure, Transport

_MIB = 1024 * 1024
_DELAY_MAX_S: Final = 60.0


class Backend:
    """An OTLP backend behind any `Transport`."""

    def __init__(
        self,
        transport: Transport,
        *,
        retry: RetryPolicy | None = None,
        attempt_timeout_s: float = 10.0,
        cuts_attempts: bool = True,
        max_message_bytes: int = 128 * _MIB,
        split: Split = unsplit,
        merge: MergePolicy | None = None,
        forwards: Collection[str] = (),
        chance: Callable[[], float] = random.random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Without `merge` every payload is a request of its own; see `RetryingSender` for the rest.

        `split` cuts what is larger than `max_message_bytes`, or than the backend proves to take.
        `forwards` names the metadata of a payload that this backend is sent.
        """
        self.name = transport.name
        self.counters = Counters()
        self._transport = transport
        self._retry = retry or RetryPolicy()
        self._chance = chance
        self._forwards = frozenset(forwards)
        retrying = RetryingSender(
            transport,
            self.counters,
            self._retry,
            attempt_timeout_s=attempt_timeout_s,
            cuts_attempts=cuts_attempts,
            chance=chance,
            sleep=sleep,
        )
        self._batcher = Batcher(retrying.send, merge, self.counters) if merge else None
        splitting = partial(
            SplittingSender,
            split=split,
            counters=self.counters,
            name=self.name,
            max_bytes=max_message_bytes,
        )
        self._unmerged = splitting(retrying.send)
        self._splitting = splitting(self._batcher.send) if self._batcher else self._unmerged

    def takes(self, signal: Signal) -> bool:
        """Whether this backend takes a signal at all."""
        return self._transport.takes(signal)

    async def start(self) -> None:
        """Prepare the connection; it is made with the first payload."""
        await self._transport.start()

    async def close(self) -> None:
        """Close the connection; what is still under way ends as unavailable."""
        if self._batcher is not None:
            await self._batcher.close()
        await self._transport.close()

    async def deliver(
        self, signal: Signal, payload: bytes, timeout_s: float | None, metadata: Metadata = ()
    ) -> Receipt:
        """Send until the backend gives a final answer, or the time is up; see `Destination`."""
        with self.counters.follow(len(payload)):
            return await self.send(signal, payload, self.budget_s(timeout_s), metadata)

    @property
    def is_tls(self) -> bool:
        """Whether it is spoken to over TLS."""
        return self._transport.is_tls

    async def ask(self, timeout_s: float) -> Failure | None:
        """Send one request without anything in it; why it failed, or None where it did not.

        OTLP has a backend answer it with success. It is in no counter.
        """
        signal = next(each for each in SIGNALS if self._transport.takes(each))
        try:
            await self._transport.attempt(signal, b"", timeout_s)
        except AttemptError as error:
            return error.failure
        return None

    def budget_s(self, timeout_s: float | None) -> float:
        """How long a payload is tried whose sender gives up after `timeout_s`."""
        return self._retry.budget_s(timeout_s)

    def forwarded_metadata(self, metadata: Metadata) -> Metadata:
        """The part of a payload's metadata that this backend is sent."""
        return tuple(pair for pair in metadata if pair[0] in self._forwards)

    def pause_s(self, failures: int) -> float:
        """How long to wait before the backend is tried again that has failed so often in a row."""
        return self._retry.pause_s(failures, self._chance())

    async def send(
        self,
        signal: Signal,
        payload: bytes,
        budget_s: float,
        metadata: Metadata = (),
        *,
        merges: bool = True,
    ) -> Receipt:
        """Send for `budget_s` without counting what becomes of it; raises what `deliver` raises.

        For a caller that keeps what the backend does not take for now. Without `merges` the answer
        is about this payload alone.
        """
        sender = self._splitting if merges else self._unmerged
        try:
            forwarded = self.forwarded_metadata(metadata)
            return await sender.send(signal, payload, budget_s, forwarded)
        except RetryableError as error:
            # A backend may ask for years, but no sender that waits so long comes back.
            error.delay_s = min(error.delay_s, _DELAY_MAX_S)
            raise
