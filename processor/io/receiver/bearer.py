"""Who is let in: senders that show a bearer token, before anything of their body is read.

Source: RFC 6750, "The OAuth 2.0 Authorization Framework: Bearer Token Usage".
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

import grpc

from processor.io.receiver.responder import Context, Responder
from processor.io.receiver.status import UnauthenticatedError

_SCHEME: Final = "bearer"
_OPEN_METHODS: Final = "/grpc.health.v1.Health/"
"""Load balancers and kubelets ask for health, and have no token."""

_Handler = Any
"""A handler as gRPC has it, for requests and responses of whatever type."""
_Next = Callable[[grpc.HandlerCallDetails], Awaitable[_Handler]]


class Bearer:
    """Knows the tokens that are let in; without any, everybody is."""

    def __init__(self, tokens: Iterable[str]) -> None:
        self._digests = tuple(_digest(token) for token in tokens)

    @property
    def is_asked_for(self) -> bool:
        """Whether there is any token to show."""
        return bool(self._digests)

    def check(self, authorization: str) -> None:
        """Raise UnauthenticatedError unless an ``Authorization`` value shows one of the tokens.

        Digests are compared, and all of them, so that the time it takes tells nothing.
        """
        if not self._digests:
            return
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != _SCHEME or not token.strip():
            message = "a bearer token is needed: send the header Authorization: Bearer <token>"
            raise UnauthenticatedError(message, 'Bearer realm="llm-cost"')
        shown = _digest(token.strip())
        matches = [hmac.compare_digest(shown, known) for known in self._digests]
        if not any(matches):
            challenge = 'Bearer realm="llm-cost", error="invalid_token"'
            raise UnauthenticatedError("the bearer token is none of those known here", challenge)


class BearerGuard(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]  # only its stub has them
    """Asks every gRPC call for a token, but for the health service.

    It stands before the handler is even chosen, so a body that nobody may send is neither
    decompressed nor read.
    """

    def __init__(self, bearer: Bearer, responder: Responder) -> None:
        self._bearer = bearer
        self._responder = responder

    async def intercept_service(
        self, continuation: _Next, handler_call_details: grpc.HandlerCallDetails
    ) -> _Handler:
        """The handler that was asked for, or one that refuses without reading."""
        details = handler_call_details
        if not details.method.startswith(_OPEN_METHODS):
            metadata = {str(key): value for key, value in details.invocation_metadata or ()}
            try:
                self._bearer.check(str(metadata.get("authorization", "")))
            except UnauthenticatedError as error:
                return self._refuse(error)
        return await continuation(details)

    def _refuse(self, error: UnauthenticatedError) -> _Handler:
        async def refuse(_body: object, context: Context) -> bytes:
            return await self._responder.answer(context, _raise(error))

        return grpc.stream_unary_rpc_method_handler(refuse)


async def _raise(error: UnauthenticatedError) -> bytes:
    raise error


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
