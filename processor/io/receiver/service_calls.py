"""Calls of the services that are offered beside OTLP's: who calls is checked before the body comes.

Like the Export methods they are registered as streams of one message, so that this runs before the
body is read.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any, Final

import grpc

from processor.core.errors import UndecodableError
from processor.core.otlp.addresses import is_local_peer
from processor.core.ports import Caller, Service
from processor.io.receiver.authentication import BearerTokens, authorization_of
from processor.io.receiver.responder import Context, Responder

_PASSED_ON: Final = frozenset({"forwarded", "via", "x-real-ip"})
_PASSED_ON_PREFIXES: Final = ("x-forwarded-", "x-envoy-")
"""Headers that proxies add. Who makes them up loses rights and gains none."""


def handler_of(
    service: Service, responder: Responder, tokens: BearerTokens
) -> grpc.GenericRpcHandler[Any, Any]:
    """The handler to register at the gRPC server for a service of unary methods."""

    async def answer(method: str, context: Context) -> bytes:
        service.check(method, _caller_of(context, tokens))
        body = await context.read()
        if not isinstance(body, bytes):
            raise UndecodableError("the request has no message")
        return await service.methods[method](body)

    async def call(method: str, _body: object, context: Context) -> bytes:
        return await responder.respond(context, answer(method, context))

    return grpc.method_handlers_generic_handler(
        service.name,
        {
            name: grpc.stream_unary_rpc_method_handler(partial(call, name))
            for name in service.methods
        },
    )


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
