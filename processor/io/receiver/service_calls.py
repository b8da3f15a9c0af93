"""Calls of the services that are offered beside OTLP's: who calls is checked before the body comes.

Like the Export methods they are registered as streams of one message, so that this runs before the
body is read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial
from typing import Any, Final

import grpc

from processor.core.errors import SlowSenderError, UndecodableError
from processor.core.otlp.addresses import is_local_peer
from processor.core.ports import Caller, Service
from processor.io.receiver.authentication import BearerTokens, authorization_of
from processor.io.receiver.responder import Context, Responder

_PASSED_ON: Final = frozenset({"forwarded", "via", "x-real-ip"})
_PASSED_ON_PREFIXES: Final = ("x-forwarded-", "x-envoy-")
"""Headers that proxies add. Who makes them up loses rights and gains none."""

_READ_AT_ONCE_MAX: Final = 8
"""How many bodies are read at a time. A question is small and comes at once; what is read can be as
large as the largest payload, and how large it is gRPC says only when all of it is there."""
_READ_S: Final = 5.0


class ServiceCalls:
    """Reads and answers the calls of services."""

    def __init__(self, responder: Responder, tokens: BearerTokens) -> None:
        self._responder = responder
        self._tokens = tokens
        self._reading = asyncio.Semaphore(_READ_AT_ONCE_MAX)

    def handler_of(self, service: Service) -> grpc.GenericRpcHandler[Any, Any]:
        """The handler to register at the gRPC server for a service of unary methods."""
        return grpc.method_handlers_generic_handler(
            service.name,
            {
                name: grpc.stream_unary_rpc_method_handler(partial(self._call, service, name))
                for name in service.methods
            },
        )

    async def _call(self, service: Service, method: str, _body: object, context: Context) -> bytes:
        return await self._responder.respond(context, self._answer(service, method, context))

    async def _answer(self, service: Service, method: str, context: Context) -> bytes:
        service.check(method, _caller_of(context, self._tokens))
        body = b"" if method in service.without_message else await self._read(context)
        return await service.methods[method](body)

    async def _read(self, context: Context) -> bytes:
        try:
            async with asyncio.timeout(_READ_S), self._reading:
                body = await context.read()
        except TimeoutError:
            raise SlowSenderError(f"the question did not come within {_READ_S:g} s") from None
        if not isinstance(body, bytes):
            raise UndecodableError("the request has no message")
        return body


def _caller_of(context: Context, tokens: BearerTokens) -> Caller:
    headers = [(str(key), value) for key, value in context.invocation_metadata() or ()]
    authorization = authorization_of(headers)
    return Caller(
        is_local=is_local_peer(context.peer()) and not _is_passed_on(key for key, _ in headers),
        authorization=authorization,
        may_send=tokens.allow(authorization),
    )


def _is_passed_on(names: Iterable[str]) -> bool:
    """Whether a proxy says that it passes the request on for somebody else."""
    return any(name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIXES) for name in names)
