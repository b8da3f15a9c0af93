"""OTLP's three Export methods over gRPC: admit, read, hand over, answer.

The methods are unary on the wire. Here they are registered as streams of one message, because
then the handler runs *before* the body is read: a request over the limit is refused while its
body is still with the sender, and a sender that stalls in the middle is timed out.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import grpc

from processor.core.errors import UndecodableError
from processor.core.model import Signal
from processor.core.otlp.responses import response_to
from processor.core.otlp.signals import SIGNALS
from processor.io.receiver.admission import Admission
from processor.io.receiver.forwarded import ForwardedHeaders
from processor.io.receiver.responder import Context, Responder

_CANCELLED_WITHIN_S = 0.05


class GrpcExport:
    """Takes batches in over gRPC."""

    def __init__(
        self, admission: Admission, responder: Responder, forwarded: ForwardedHeaders
    ) -> None:
        self._admission = admission
        self._responder = responder
        self._forwarded = forwarded

    def handlers(self) -> list[grpc.GenericRpcHandler[Any, Any]]:
        """What the gRPC server is to be given."""
        return [
            grpc.method_handlers_generic_handler(
                spec.service,
                {"Export": grpc.stream_unary_rpc_method_handler(partial(self._export, signal))},
            )
            for signal, spec in SIGNALS.items()
        ]

    async def _export(self, signal: Signal, _body: object, context: Context) -> bytes:
        return await self._responder.answer(context, self._take(signal, context))

    async def _take(self, signal: Signal, context: Context) -> bytes:
        with self._admission.flow.screen(signal, "grpc"):
            metadata = self._forwarded.pick(context.invocation_metadata)
        receipt = await self._admission.take(signal, partial(self._read, context), metadata)
        return response_to(signal, receipt).SerializeToString()

    async def _read(self, context: Context) -> tuple[bytes, float | None]:
        payload = await self._admission.arrive(context.read())
        if not isinstance(payload, bytes):
            # A body over the limit also ends here; gRPC has then answered RESOURCE_EXHAUSTED by
            # itself, and cancels this coroutine soon after it lets go.
            await asyncio.sleep(_CANCELLED_WITHIN_S)
            raise UndecodableError("the request has no message")
        return payload, context.time_remaining()
