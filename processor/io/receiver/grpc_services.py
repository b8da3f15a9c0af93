"""The gRPC services of OTLP: the three Export methods, and the standard health service.

The Export methods are unary on the wire. Here they are registered as streams of one message,
because then the handler runs *before* the body is read: a request over the limit is refused while
its body is still with the sender, and a sender that stalls in the middle is timed out.

A message comes as it was sent, and is unpacked here in pieces, each of which is held before the
next is made: gRPC itself would unpack all of it first. How large a message is, it does not say
before all of it is there, so the largest one allowed is held until then.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import grpc
from grpc_health.v1.health import aio  # type: ignore[attr-defined]  # not in its stubs
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from processor.core.errors import UndecodableError
from processor.core.model import Signal
from processor.core.otlp.responses import response_to
from processor.core.otlp.signals import SIGNALS
from processor.io.receiver.admission import Admission
from processor.io.receiver.authentication import BearerTokens, authorization_of
from processor.io.receiver.headers import HEADERS_READ, ForwardedHeaders, check_size
from processor.io.receiver.http_body import unpack_message
from processor.io.receiver.place import Peer, Place
from processor.io.receiver.responder import Context, Responder
from processor.io.receiver.status import CutOffError

_CANCELLED_WITHIN_S = 0.05

_LAST_STATUS_S = 0.25
"""How long watchers of health are kept after the last change of their status."""


class GrpcExport:
    """OTLP's three Export methods: admit, read, handle, answer."""

    def __init__(
        self,
        admission: Admission,
        responder: Responder,
        forwarded: ForwardedHeaders,
        tokens: BearerTokens,
        *,
        max_message_bytes: int,
        max_header_bytes: int,
    ) -> None:
        self._admission = admission
        self._responder = responder
        self._forwarded = forwarded
        self._tokens = tokens
        self._max_message_bytes = max_message_bytes
        self._max_header_bytes = max_header_bytes

    def handlers(self) -> list[grpc.GenericRpcHandler[Any, Any]]:
        """The handlers to register at the gRPC server."""
        return [
            grpc.method_handlers_generic_handler(
                spec.service,
                {"Export": grpc.stream_unary_rpc_method_handler(partial(self._export, signal))},
            )
            for signal, spec in SIGNALS.items()
        ]

    async def _export(self, signal: Signal, _body: object, context: Context) -> bytes:
        return await self._responder.respond(context, self._take(signal, context))

    async def _take(self, signal: Signal, context: Context) -> bytes:
        headers = [(str(key), value) for key, value in context.invocation_metadata() or ()]
        with self._admission.flow.screen(signal, "grpc"):
            check_size(headers, self._max_header_bytes)
            metadata = self._forwarded.pick(headers)
        receipt = await self._admission.take(
            signal,
            partial(self._read, context),
            metadata,
            peer=_peer_of(context.peer()),
            claim_bytes=self._max_message_bytes,
            is_trusted=self._tokens.is_processor(authorization_of(headers)),
        )
        return response_to(signal, receipt).SerializeToString()

    async def _read(self, context: Context, place: Place) -> tuple[bytes, float | None]:
        place.received_bytes = None
        try:
            message = await self._admission.receive(context.read, place)
        except asyncio.CancelledError:
            # Of headers beyond what gRPC itself reads, the request comes here without them.
            limit_kib = HEADERS_READ * self._max_header_bytes >> 10
            raise CutOffError(
                f"gRPC ended it before its body began: its headers are larger than {limit_kib} KiB "
                "(see receivers.otlp.max_header_kib), or its sender left"
            ) from None
        if not isinstance(message, bytes):
            # A body over the limit also ends here; gRPC has then answered RESOURCE_EXHAUSTED by
            # itself, and cancels this coroutine soon after it yields.
            try:
                await asyncio.sleep(_CANCELLED_WITHIN_S)
            except asyncio.CancelledError:
                limit_mib = self._max_message_bytes >> 20
                raise CutOffError(
                    f"gRPC ended it before its body was there: it is larger than {limit_mib} MiB "
                    "(receivers.otlp.protocols.grpc.max_recv_msg_size_mib), or its sender left"
                ) from None
            raise UndecodableError("the request has no message")
        body = unpack_message(message, self._max_message_bytes, place)
        del message
        return await body, context.time_remaining()


def _peer_of(peer: str) -> Peer:
    """Who is behind ``ipv4:127.0.0.1:5000``, ``ipv6:%5B::1%5D:5000`` or ``unix:``."""
    address, colon, port = peer.rpartition(":")
    return Peer(address if colon and port.isdecimal() else peer, peer)


class Health(aio.HealthServicer):  # type: ignore[misc]  # the base class has no types
    """SERVING from `open` to `drain`, unless `show` says another; watchers hear of changes.

    Answers for the server as a whole (the empty service name) and for each service given.
    """

    def __init__(self, services: list[str]) -> None:
        super().__init__()
        self._services = ["", *services]
        self._status = HealthCheckResponse.UNKNOWN
        self._watching: set[asyncio.Task[Any]] = set()
        self._released = False

    async def open(self) -> None:
        """Say SERVING."""
        await self.show(is_well=True)

    async def show(self, *, is_well: bool) -> None:
        """Say SERVING or NOT_SERVING; after `drain` it has no effect."""
        status = HealthCheckResponse.SERVING if is_well else HealthCheckResponse.NOT_SERVING
        if status == self._status:
            return
        self._status = status
        for service in self._services:
            await self.set(service, status)

    async def drain(self) -> None:
        """Say NOT_SERVING, for good."""
        await self.enter_graceful_shutdown()

    async def release(self) -> None:
        """End the streams of all watchers, which would otherwise hold up the server's stop.

        Where there are any, they first get a moment in which the last status can be sent.
        """
        if self._watching:
            await asyncio.sleep(_LAST_STATUS_S)
        self._released = True
        for task in self._watching:
            task.cancel()

    async def Watch(  # noqa: N802 - the name in the health protocol
        self, request: HealthCheckRequest, context: Context
    ) -> None:
        """Stream the status of a service until the caller leaves or `release` is called."""
        task = asyncio.current_task()
        if task is None or self._released:
            return
        self._watching.add(task)
        try:
            await super().Watch(request, context)
        except asyncio.CancelledError:
            if not self._released:
                raise
        finally:
            self._watching.discard(task)
