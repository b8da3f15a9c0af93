"""Sending to an OTLP/gRPC backend: raw payloads to the method of their signal."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import grpc

from processor.core.errors import BackendUnavailableError
from processor.core.model import Metadata, Receipt, Signal
from processor.core.otlp.addresses import BackendAddress
from processor.core.otlp.codes import is_retryable
from processor.core.otlp.responses import read_response
from processor.core.otlp.signals import SIGNALS
from processor.io.exporter.grpc_channel import ClientTls, open_channel
from processor.io.exporter.headers import read_headers, user_agent, with_metadata
from processor.io.exporter.hints import hint
from processor.io.exporter.rpc_status import code_of, is_cut_off, message_of, retry_delay_s
from processor.io.exporter.transport import AttemptError, Compression


class GrpcTransport:
    """A connection to an OTLP/gRPC backend, as a `Transport`."""

    def __init__(
        self,
        address: BackendAddress,
        *,
        headers: Mapping[str, str] | None = None,
        compression: Compression = "none",
        tls: ClientTls | None = None,
    ) -> None:
        """Raises ConfigError for bad headers."""
        self.name = str(address)
        self._address = address
        self._headers = read_headers(headers or {})
        self._user_agent = user_agent(headers or {})
        self._compression: Compression = compression
        self._tls = tls or ClientTls()
        self._channel: grpc.aio.Channel | None = None
        self._methods: dict[Signal, grpc.aio.UnaryUnaryMultiCallable[Any, Any]] = {}

    async def start(self) -> None:
        """Prepare the connection; it is made with the first payload."""
        self._channel = open_channel(self._address, self._compression, self._tls, self._user_agent)
        self._methods = {
            signal: self._channel.unary_unary(
                spec.method, request_serializer=None, response_deserializer=None
            )
            for signal, spec in SIGNALS.items()
        }

    def takes(self, signal: Signal) -> bool:
        """Every signal has a method; whether the backend has it too, its answer tells."""
        return signal in SIGNALS

    async def close(self) -> None:
        """Close the connection; calls that are still under way end as unavailable."""
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close(None)

    async def attempt(
        self, signal: Signal, payload: bytes, timeout_s: float, metadata: Metadata = ()
    ) -> Receipt | None:
        """Send once; see `Transport`."""
        if self._channel is None:
            raise BackendUnavailableError(f"{self.name}: not connected, the processor is stopping")
        headers = with_metadata(self._headers, metadata)
        try:
            response = await self._methods[signal](payload, timeout=timeout_s, metadata=headers)
        except grpc.aio.AioRpcError as error:
            raise self._failure(error) from error
        except asyncio.CancelledError:
            if not self._was_closed():
                raise
            # The call was cancelled, by the closing of the channel, and not we.
            message = f"{self.name}: the connection was closed, the processor is stopping"
            raise BackendUnavailableError(message) from None
        return read_response(signal, response)

    def _was_closed(self) -> bool:
        task = asyncio.current_task()
        return self._channel is None and not (task is not None and task.cancelling())

    def _failure(self, error: grpc.aio.AioRpcError) -> AttemptError:
        code, message, asked_s = code_of(error), message_of(error), retry_delay_s(error)
        return AttemptError(
            error.code().name,
            message,
            code,
            is_retryable=is_retryable(code, asked_s) or is_cut_off(error),
            asked_s=asked_s,
            advice=hint(self._address, message),
        )
