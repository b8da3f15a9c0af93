"""Who may send: bearer tokens, checked before a body is read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

import grpc

from processor.core.bearer import KnownTokens, check_token, token_of
from processor.core.errors import UnauthenticatedError
from processor.io.receiver.responder import Context, Responder

_OPEN_SERVICE: Final = "grpc.health.v1.Health"
"""Load balancers and kubelets check health, and have no token."""

_Handler = Any
"""A handler as gRPC has it, for requests and responses of whatever type."""
_Next = Callable[[grpc.HandlerCallDetails], Awaitable[_Handler]]


class BearerTokens:
    """The accepted bearer tokens; without any, no token is needed."""

    def __init__(self, tokens: Iterable[str], processors: Iterable[str] = ()) -> None:
        """`processors` are the tokens of other processors; they are accepted as well."""
        self._processors = KnownTokens(processors)
        self._tokens = KnownTokens(tokens)

    def replace(self, tokens: Iterable[str]) -> None:
        """Accept these tokens, and no others, from the next request on."""
        self._tokens.replace(tokens)

    @property
    def is_required(self) -> bool:
        """Whether a token is needed."""
        return bool(self._tokens)

    def allow(self, authorization: str) -> bool:
        """Whether an ``Authorization`` value shows one of the tokens, or none is needed."""
        try:
            self.check(authorization)
        except UnauthenticatedError:
            return False
        return True

    def check(self, authorization: str) -> None:
        """Raise UnauthenticatedError unless an ``Authorization`` value shows one of the tokens."""
        if self._tokens:
            check_token(authorization, (self._tokens, self._processors))

    def is_processor(self, authorization: str) -> bool:
        """Whether an ``Authorization`` value shows the token of another processor."""
        if not self._processors:
            return False
        token = token_of(authorization)
        return bool(token) and self._processors.know(token)


class BearerInterceptor(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]  # only its stub has them
    """Requires a token of every gRPC call that sends.

    The health service is open, and services with a rule of their own check it themselves. It runs
    before the handler is chosen, so a body without a valid token is neither decompressed nor read.
    """

    def __init__(
        self, tokens: BearerTokens, responder: Responder, others: Iterable[str] = ()
    ) -> None:
        """`others` are the names of services that check who calls."""
        self._tokens = tokens
        self._responder = responder
        self._open = tuple(f"/{name}/" for name in (_OPEN_SERVICE, *others))

    async def intercept_service(
        self, continuation: _Next, handler_call_details: grpc.HandlerCallDetails
    ) -> _Handler:
        """The handler of the method, or one that refuses without reading."""
        details = handler_call_details
        if not details.method.startswith(self._open):
            try:
                self._tokens.check(authorization_of(details.invocation_metadata or ()))
            except UnauthenticatedError as error:
                return self._refuse(error)
        return await continuation(details)

    def _refuse(self, error: UnauthenticatedError) -> _Handler:
        async def refuse(_body: object, context: Context) -> bytes:
            return await self._responder.respond(context, _raise(error))

        return grpc.stream_unary_rpc_method_handler(refuse)


def authorization_of(headers: Iterable[tuple[object, object]]) -> str:
    """The value of the first header ``authorization`` of a gRPC call; ``""`` without one."""
    return next((str(value) for key, value in headers if key == "authorization"), "")


async def _raise(error: UnauthenticatedError) -> bytes:
    raise error
