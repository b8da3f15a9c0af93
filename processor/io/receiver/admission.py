"""Admission, which both protocols share: how many requests at a time, each handled to its end."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from processor.core.errors import OverloadedError, SlowSenderError, StoppingError
from processor.core.flow import FlowCounters
from processor.core.model import Batch, Metadata, Receipt, Signal, Transport

_log = logging.getLogger(__name__)

T = TypeVar("T")

Handle = Callable[[Batch], Awaitable[Receipt]]
"""Handles one batch to its end; may raise any ProcessorError."""

Read = Callable[[], Awaitable[tuple[bytes, float | None]]]
"""Reads a request's payload as protobuf, and what is then left of its caller's time limit."""


class Admission:
    """Admits requests, at most `max_concurrent_requests` at a time."""

    def __init__(
        self,
        handle: Handle,
        *,
        max_concurrent_requests: int,
        read_timeout_s: float,
        flow: FlowCounters | None = None,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """`read_timeout_s` bounds how long a sender may take to send one body."""
        self._handle = handle
        self.flow = flow or FlowCounters()
        self._max_concurrent_requests = max_concurrent_requests
        self._read_timeout_s = read_timeout_s
        self._now_ns = now_ns
        self._reading = 0
        self._handling: set[asyncio.Task[Receipt]] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._draining = False

    @property
    def under_way(self) -> int:
        """Requests that are being read or handled, those whose caller has disconnected included."""
        return self._reading + len(self._handling)

    async def take(
        self,
        signal: Signal,
        read: Read,
        metadata: Metadata = (),
        transport: Transport = "grpc",
    ) -> Receipt:
        """Admit a request, read its body, and handle it to its end.

        Raises OverloadedError before `read` is called, and whatever reading and handling raise.
        """
        with self.flow.arrive(signal, transport), self._reserve():
            payload, timeout_s = await read()
            now_ns = self._now_ns()
            batch = Batch(signal, payload, now_ns, timeout_s, metadata, transport)
            task = self._start_handling(batch)
        # A caller that disconnects cancels this coroutine. What is in the ledger must still be
        # forwarded, so the batch is handled in a task of its own.
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if not task.cancelled():
                raise
            raise StoppingError("the processor stopped before this was delivered") from None

    async def receive(self, body: Awaitable[T]) -> T:
        """Wait for a body. Raises SlowSenderError when its sender takes too long."""
        try:
            async with asyncio.timeout(self._read_timeout_s):
                return await body
        except TimeoutError as error:
            message = f"the request body did not arrive within {self._read_timeout_s:g} s"
            raise SlowSenderError(message) from error

    def refuse_further(self) -> None:
        """From now on refuse every new request."""
        self._draining = True

    async def finish(self, grace_s: float) -> int:
        """Wait for the batches under way, then give up on the rest; returns how many those were."""
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await self._idle.wait()
        abandoned = list(self._handling)
        for task in abandoned:
            task.cancel()
        await asyncio.gather(*abandoned, return_exceptions=True)
        return len(abandoned)

    @contextmanager
    def _reserve(self) -> Iterator[None]:
        if self._draining:
            raise StoppingError("the processor is shutting down")
        if self.under_way >= self._max_concurrent_requests:
            raise OverloadedError(f"{self.under_way} requests are under way, which is the limit")
        self._reading += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._reading -= 1
            self._check_idle()

    def _start_handling(self, batch: Batch) -> asyncio.Task[Receipt]:
        task = asyncio.ensure_future(self._handle(batch))
        self._handling.add(task)
        task.add_done_callback(self._finish_handling)
        return task

    def _finish_handling(self, task: asyncio.Task[Receipt]) -> None:
        """Forget a finished batch, and read its outcome in case its caller no longer does."""
        self._handling.discard(task)
        self._check_idle()
        if not task.cancelled() and task.exception() is not None:
            _log.debug("a batch was not delivered: %s", task.exception())

    def _check_idle(self) -> None:
        if not self.under_way:
            self._idle.set()
