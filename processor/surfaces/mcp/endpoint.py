"""The SDK's server at /mcp: an ASGI application, asked by the HTTP server that is there.

It keeps no sessions: each request is answered by itself, as JSON, by all versions of the protocol.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from aiohttp import hdrs, web

from processor.core.errors import TooLargeError
from processor.surfaces.mcp.tools import Ask, MissingPackageError

MCP_PATH: Final = "/mcp"
_BODY_MAX_BYTES: Final = 256 * 1024
_HEADERS: Final = {"Server": "llm-cost-processor", "Cache-Control": "no-store"}
_NOT_IMPLEMENTED: Final = 501

Message = MutableMapping[str, Any]
Application = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
    Awaitable[None],
]
"""As ASGI has it: a scope, what receives, and what sends."""


class McpEndpoint:
    """Answers requests of agents. The SDK is imported, beside the event loop, with the first."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._application: Application | None = None
        self._starting = asyncio.Lock()
        self._running: asyncio.Task[None] | None = None

    async def serve(self, request: web.BaseRequest) -> web.Response:
        """The answer to a request that may be answered. Raises TooLargeError."""
        if request.method != hdrs.METH_POST:
            return _refusal(405, "agents ask by POST; there are no sessions", {"Allow": "POST"})
        body = await _read_body(request)
        try:
            application = await self._started()
        except MissingPackageError as error:
            return _refusal(_NOT_IMPLEMENTED, str(error))
        return await _answer(application, request, body)

    async def close(self) -> None:
        """End what is under way."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def _started(self) -> Application:
        async with self._starting:
            if self._application is None:
                manager = await asyncio.to_thread(_build, self._ask)
                ready = asyncio.Event()

                async def run() -> None:
                    async with manager.run():
                        ready.set()
                        await asyncio.Event().wait()

                self._running = asyncio.create_task(run())
                await ready.wait()
                self._application = manager.handle_request
            return self._application


def _build(ask: Ask) -> Any:  # noqa: ANN401 - a type of the SDK, which may be missing
    try:
        from processor.surfaces.mcp.server import build_manager  # noqa: PLC0415 - slow, an extra
    except ModuleNotFoundError:
        raise MissingPackageError from None
    return build_manager(ask)


async def _read_body(request: web.BaseRequest) -> bytes:
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > _BODY_MAX_BYTES:
            raise TooLargeError(f"a request of an agent has at most {_BODY_MAX_BYTES} bytes")
    return bytes(body)


async def _answer(application: Application, request: web.BaseRequest, body: bytes) -> web.Response:
    scope: Message = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.scheme,
        "path": request.path,
        "raw_path": request.raw_path.encode(),
        "query_string": request.query_string.encode(),
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.raw_headers],
        "client": (request.remote or "", 0),
        "server": None,
    }
    received = iter([{"type": "http.request", "body": body, "more_body": False}])
    status, headers, parts = 500, list[tuple[bytes, bytes]](), list[bytes]()

    async def receive() -> Message:
        message = next(received, None)
        if message is None:
            await asyncio.Event().wait()  # Who has gone cancels all of this.
        return message or {}

    async def send(message: Message) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status, headers = message["status"], message.get("headers", [])
        else:
            parts.append(message.get("body", b""))

    await application(scope, receive, send)
    answer = web.Response(status=status, body=b"".join(parts), headers=_HEADERS)
    for name, value in headers:
        if name.lower() not in {b"content-length", b"server", b"date"}:
            answer.headers[name.decode("latin-1")] = value.decode("latin-1")
    return answer


def _refusal(status: int, text: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(status=status, text=f"{text}\n", headers=_HEADERS | (headers or {}))
