"""OTLP's three Export methods: admit, read, hand over, answer.

The methods are unary on the wire. Here they are registered as streams of one message, because
then the handler runs *before* the body is read: a request over the limit is refused while its
body is still with the sender, and a sender that stalls in the middle is timed out.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final

import grpc

from processor.errors import OverloadedError, UndecodableError
from processor.model import Batch, Receipt, Signal
from processor.receiver.acknowledge import acknowledge
from processor.receiver.rpc import Context, Desk

_log = logging.getLogger(__name__)

Handle = Callable[[Batch], Awaitable[Receipt]]
"""Takes one batch all the way; may raise any ProcessorError."""

SERVICES: Final[dict[str, Signal]] = {
    "opentelemetry.proto.collector.trace.v1.TraceService": "traces",
    "opentelemetry.proto.collector.metrics.v1.MetricsService": "metrics",
    "opentelemetry.proto.collector.logs.v1.LogsService": "logs",
}


class Intake:
    """Lets batches in, at most `max_concurrent_requests` at a time."""

    def __init__(
        self,
        handle: Handle,
        desk: Desk,
        *,
        max_concurrent_requests: int,
        read_timeout_s: float,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """`read_timeout_s` bounds how long a sender may take to send one body."""
        self._handle = handle
        self._desk = desk
        self._max_concurrent_requests = max_concurrent_requests
        self._read_timeout_s = read_timeout_s
        self._now_ns = now_ns
        self._reading = 0
        self._carried: set[asyncio.Task[Receipt]] = set()
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._draining = False

    @property
    def under_way(self) -> int:
        """Requests that are being read or carried, those whose caller has left included."""
        return self._reading + len(self._carried)

    def handlers(self) -> list[grpc.GenericRpcHandler[Any, Any]]:
        """What the gRPC server is to be given."""
        return [
            grpc.method_handlers_generic_handler(
                service,
                {"Export": grpc.stream_unary_rpc_method_handler(partial(self._export, signal))},
            )
            for service, signal in SERVICES.items()
        ]

    def refuse_further(self) -> None:
        """From now on answer every new request with UNAVAILABLE."""
        self._draining = True

    async def finish(self, grace_s: float) -> int:
        """Wait for the batches under way, then give up on the rest; returns how many those were."""
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await self._quiet.wait()
        abandoned = list(self._carried)
        for task in abandoned:
            task.cancel()
        await asyncio.gather(*abandoned, return_exceptions=True)
        return len(abandoned)

    async def _export(self, signal: Signal, _body: object, context: Context) -> bytes:
        return await self._desk.answer(context, self._take(signal, context))

    async def _take(self, signal: Signal, context: Context) -> bytes:
        self._admit()
        self._reading += 1
        self._quiet.clear()
        try:
            payload = await self._read(context)
            task = self._carry(Batch(signal, payload, self._now_ns(), context.time_remaining()))
        finally:
            self._reading -= 1
            self._look_quiet()
        # A caller that hangs up cancels this coroutine. What is on the books must still be
        # forwarded, so the batch is carried by a task of its own.
        return acknowledge(signal, await asyncio.shield(task))

    def _admit(self) -> None:
        if self._draining:
            raise OverloadedError("the processor is shutting down")
        if self.under_way >= self._max_concurrent_requests:
            raise OverloadedError(f"{self.under_way} requests are under way, which is the limit")

    async def _read(self, context: Context) -> bytes:
        try:
            async with asyncio.timeout(self._read_timeout_s):
                payload = await context.read()
        except TimeoutError as error:
            message = f"the request body did not arrive within {self._read_timeout_s:g} s"
            raise OverloadedError(message) from error
        if not isinstance(payload, bytes):
            # A body over the limit also ends here; gRPC has then answered RESOURCE_EXHAUSTED by
            # itself, and cancels this coroutine as soon as it lets go.
            await asyncio.sleep(0)
            raise UndecodableError("the request has no message")
        return payload

    def _carry(self, batch: Batch) -> asyncio.Task[Receipt]:
        task = asyncio.ensure_future(self._handle(batch))
        self._carried.add(task)
        task.add_done_callback(self._settle)
        return task

    def _settle(self, task: asyncio.Task[Receipt]) -> None:
        """Forget a finished batch, and look at its outcome in case nobody else still does."""
        self._carried.discard(task)
        self._look_quiet()
        if not task.cancelled() and task.exception() is not None:
            _log.debug("a batch was not delivered: %s", task.exception())

    def _look_quiet(self) -> None:
        if not self.under_way:
            self._quiet.set()
