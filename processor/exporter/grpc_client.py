"""Delivery to an OTLP/gRPC backend: raw payloads to the method of their signal, with retries."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NoReturn

import grpc

from processor.errors import BackendRefusedError, BackendUnavailableError, TooLargeError
from processor.exporter.address import Address
from processor.exporter.destination import Counters
from processor.exporter.grpc_channel import (
    ClientTls,
    Compression,
    hint,
    open_channel,
    read_headers,
)
from processor.exporter.retry import RetryPolicy, is_retryable
from processor.exporter.rpc_status import code_of, message_of, receipt_in, retry_delay_s
from processor.model import Receipt, Signal

_log = logging.getLogger(__name__)

_MIB = 1024 * 1024
_UNIMPLEMENTED = 12
_LONGEST_DELAY_S = 60.0
_METHODS: Final[dict[Signal, str]] = {
    "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
}


class GrpcDestination:
    """An OTLP/gRPC backend, as a `Destination`."""

    def __init__(
        self,
        address: Address,
        *,
        headers: Mapping[str, str] | None = None,
        compression: Compression = "none",
        tls: ClientTls | None = None,
        retry: RetryPolicy | None = None,
        attempt_timeout_s: float = 10.0,
        max_message_bytes: int = 64 * _MIB,
        chance: Callable[[], float] = random.random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`chance` gives numbers in [0, 1) for jitter. Raises ConfigError for bad headers."""
        self.name = str(address)
        self.counters = Counters()
        self._address = address
        self._headers = read_headers(headers or {})
        self._compression: Compression = compression
        self._tls = tls or ClientTls()
        self._retry = retry or RetryPolicy()
        self._attempt_timeout_s = attempt_timeout_s
        self._max_message_bytes = max_message_bytes
        self._chance = chance
        self._sleep = sleep
        self._channel: grpc.aio.Channel | None = None
        self._methods: dict[Signal, grpc.aio.UnaryUnaryMultiCallable[Any, Any]] = {}
        self._said: set[tuple[Signal, str]] = set()

    async def start(self) -> None:
        """Prepare the connection; it is made with the first payload."""
        self._channel = open_channel(self._address, self._compression, self._tls)
        self._methods = {
            signal: self._channel.unary_unary(
                method, request_serializer=None, response_deserializer=None
            )
            for signal, method in _METHODS.items()
        }

    async def close(self) -> None:
        """Close the connection; calls that are still under way end as unavailable."""
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close(None)

    async def deliver(self, signal: Signal, payload: bytes, timeout_s: float | None) -> Receipt:
        """Send until the backend answers for good, or the time is up; see `Destination`."""
        if len(payload) > self._max_message_bytes:
            self.counters.refused += 1
            size = f"{len(payload)} bytes, and the limit is {self._max_message_bytes}"
            raise TooLargeError(f"the payload for {self.name} has {size}")
        loop = asyncio.get_running_loop()
        end_s = loop.time() + self._retry.budget_s(timeout_s)
        failures, advice = 0, ""
        while True:
            try:
                return await self._attempt(signal, payload, end_s - loop.time())
            except grpc.aio.AioRpcError as error:
                asked_s = retry_delay_s(error)
                if not is_retryable(code_of(error), asked_s):
                    self._refuse(signal, error)
                failures += 1
                # A name with several addresses fails for another reason each time.
                advice = advice or hint(self._address, message_of(error))
                pause_s = self._retry.pause_s(failures, self._chance(), asked_s)
                if loop.time() + pause_s >= end_s:
                    self._give_back(error, failures, asked_s, advice)
            self.counters.retried += 1
            await self._sleep(pause_s)

    async def _attempt(self, signal: Signal, payload: bytes, left_s: float) -> Receipt:
        if self._channel is None:
            raise BackendUnavailableError(f"{self.name}: not connected, the processor is stopping")
        timeout_s = min(self._attempt_timeout_s, max(left_s, 0.0))
        try:
            response = await self._methods[signal](
                payload, timeout=timeout_s, metadata=self._headers
            )
        except asyncio.CancelledError:
            if not self._was_closed():
                raise
            # The call was cancelled, by the closing of the channel, and not we.
            message = f"{self.name}: the connection was closed, the processor is stopping"
            raise BackendUnavailableError(message) from None
        receipt = receipt_in(signal, response)
        self._count(signal, len(payload), receipt)
        return receipt

    def _was_closed(self) -> bool:
        task = asyncio.current_task()
        return self._channel is None and not (task is not None and task.cancelling())

    def _count(self, signal: Signal, size: int, receipt: Receipt) -> None:
        self.counters.delivered += 1
        self.counters.delivered_bytes += size
        self.counters.rejected_items += receipt.rejected
        if receipt.rejected:
            what = "%s rejected %d items of the signal %s: %r"
            self._say(
                signal, "rejected", what, self.name, receipt.rejected, signal, receipt.message
            )

    def _refuse(self, signal: Signal, error: grpc.aio.AioRpcError) -> NoReturn:
        """The backend will never take this payload."""
        self.counters.refused += 1
        code = code_of(error)
        if code == _UNIMPLEMENTED:
            what = (
                "%s does not take the signal %s (%r); senders are told so, and should not send it"
            )
            self._say(signal, "unimplemented", what, self.name, signal, message_of(error))
        raise BackendRefusedError(code, f"{self.name}: {message_of(error)}") from error

    def _give_back(
        self, error: grpc.aio.AioRpcError, failures: int, asked_s: float | None, advice: str
    ) -> NoReturn:
        """The time is up: the sender should try again."""
        self.counters.unavailable += 1
        reason = f"{error.code().name} after {failures} attempts: {message_of(error)}"
        message = f"{self.name}: {reason}"
        delay_s = self._retry.pause_s(failures, 1.0) if asked_s is None else asked_s
        raise BackendUnavailableError(
            f"{message} ({advice})" if advice else message, min(delay_s, _LONGEST_DELAY_S)
        ) from error

    def _say(self, signal: Signal, kind: str, what: str, *values: object) -> None:
        """Log once for each signal and kind; the counters tell how often it happens."""
        if (signal, kind) not in self._said:
            self._said.add((signal, kind))
            _log.warning(what, *values)
