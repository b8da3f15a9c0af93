"""The OTLP/HTTP server: its paths, its limits, its start and its stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import aiohttp
from aiohttp import web
from google.protobuf import json_format
from google.protobuf.message import Message

from processor.core.errors import (
    CallerLeftError,
    ProcessorError,
    TooLargeError,
    UndecodableError,
)
from processor.core.memory import JSON_FACTOR
from processor.core.model import Signal
from processor.core.otlp.addresses import parse_listen
from processor.core.otlp.json_reader import read_json
from processor.core.otlp.responses import response_to
from processor.core.otlp.signals import SIGNALS
from processor.io.receiver.admission import Admission
from processor.io.receiver.authentication import BearerTokens
from processor.io.receiver.headers import Cors, ForwardedHeaders, check_size
from processor.io.receiver.http_body import (
    MEDIA_TYPES,
    Encoding,
    coding_of,
    encoding_of,
    read_body,
)
from processor.io.receiver.http_connections import Connections
from processor.io.receiver.listening import listen
from processor.io.receiver.place import Peer, Place
from processor.io.receiver.responder import Responder
from processor.io.receiver.status import ErrorStatus, UnsupportedRequestError
from processor.io.receiver.tls import ServerTls, TlsInForce

_SETTING = "receivers.otlp.protocols.http.endpoint"
_PATHS: Final[dict[str, Signal]] = {spec.path: signal for signal, spec in SIGNALS.items()}
_CONTENT_TYPES: Final = {encoding: name for name, encoding in MEDIA_TYPES.items()}
_CALLER_TIMEOUT_S = 10.0
"""HTTP carries no deadline, but OTLP exporters wait this long for an answer by default."""
_CONVERTED_INLINE_BYTES = 256 * 1024
"""Larger JSON is converted beside the event loop, and one body at a time for the memory's sake."""
_CLAIM_BYTES = 64 * 1024
"""What the library may have read of a body before it is asked for it."""
_STOP_S = 1.0
"""How long answers may take to be written when everything else is done."""


@dataclass(frozen=True)
class HttpListener:
    """Where and how OTLP/HTTP is received."""

    listen: str
    max_body_bytes: int = 64 * 1024 * 1024
    """Counted after decompression, and applied while unpacking."""
    max_json_bytes: int = 16 * 1024 * 1024
    """The same for JSON; reading it takes up to `JSON_FACTOR` times its size in memory."""
    tls: ServerTls | None = None
    allowed_origins: tuple[str, ...] = ()
    """Origins whose web pages may send."""
    max_connections: int = 4096
    max_header_bytes: int = 16 * 1024
    """Of the names and values of a request's headers together."""
    bearer_tokens: tuple[str, ...] = field(default=(), repr=False)
    """Tokens of which senders need one, when there are any."""
    processor_tokens: tuple[str, ...] = field(default=(), repr=False)
    """Tokens of other processors, whose charges are adopted."""


class HttpServer:
    """Receives batches over HTTP/1.1, as protobuf or as JSON."""

    def __init__(
        self,
        listener: HttpListener,
        admission: Admission,
        responder: Responder,
        forwarded: ForwardedHeaders,
    ) -> None:
        """Raises ConfigError for an invalid address."""
        self._address = parse_listen(listener.listen, _SETTING)
        self._listener = listener
        self._limits: Final[dict[Encoding, int]] = {
            "protobuf": listener.max_body_bytes,
            "json": min(listener.max_json_bytes, listener.max_body_bytes),
        }
        self._admission = admission
        self._responder = responder
        self._forwarded = forwarded
        self.tokens = BearerTokens(listener.bearer_tokens, listener.processor_tokens)
        self.tls = None if listener.tls is None else TlsInForce(listener.tls)
        self._cors = Cors(listener.allowed_origins)
        self._converting = asyncio.Lock()
        self._connections: Connections | None = None
        self._runner: web.ServerRunner | None = None

    async def start(self) -> int:
        """Listen, and return the port. Raises ConfigError when that is not possible."""
        server = Connections(
            self._serve,
            self._refuse_unreadable,
            max_connections=self._listener.max_connections,
            max_header_bytes=self._listener.max_header_bytes,
        )
        sockets = listen(self._address)
        runner = web.ServerRunner(server, shutdown_timeout=_STOP_S)
        await runner.setup()
        context = None if self.tls is None else self.tls.http_context()
        for each in sockets:
            await web.SockSite(runner, each, ssl_context=context).start()
        self._runner, self._connections = runner, server
        port: int = sockets[0].getsockname()[1]
        return port

    async def refuse_connections(self) -> None:
        """Stop listening; connections that are open stay so until `stop`."""
        if self._runner is not None:
            for site in self._runner.sites:
                await site.stop()

    async def stop(self) -> None:
        """Write the answers that are due, and close all connections."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def close_idle(self) -> bool:
        """Close the connection that has been idle the longest; False where none is."""
        return self._connections is not None and self._connections.close_idle()

    def _refuse_unreadable(self, error: ProcessorError) -> web.Response:
        self._admission.flow.unreadable["http", error.reason] += 1
        return _response(self._responder.refuse(error), "json")

    async def _serve(self, request: web.BaseRequest) -> web.Response:
        if self._cors.is_preflight(request.method, request.headers):
            headers = self._cors.preflight_headers(request.headers)
            return web.Response(status=204, headers=headers)
        outcome = await self._responder.outcome_of(self._take(request))
        response = _response(outcome, _response_encoding(request))
        response.headers.update(self._cors.headers(request.headers))
        if _expects_continue(request) and not request.content.is_eof():
            # Whether the body still follows is the sender's choice, so the beginning of the next
            # request could not be distinguished from it.
            response.force_close()
        return response

    async def _take(self, request: web.BaseRequest) -> Message:
        self.tokens.check(request.headers.get("Authorization", ""))
        signal = _PATHS.get(request.rel_url.raw_path)
        if signal is None:
            message = f"there is only {', '.join(_PATHS)}"
            raise UnsupportedRequestError(404, message)
        if request.method != "POST":
            raise UnsupportedRequestError(405, "only POST is served here", Allow="POST")
        with self._admission.flow.screen(signal, "http"):
            check_size(request.headers.items(), self._listener.max_header_bytes)
            encoding = encoding_of(request.headers.get("Content-Type", ""))
            coding = coding_of(",".join(request.headers.getall("Content-Encoding", [])))
            if (request.content_length or 0) > self._limits[encoding]:
                raise TooLargeError(f"the body is larger than {self._limits[encoding]} bytes")
            metadata = self._forwarded.pick(request.headers.items())
        read = partial(self._read, request, signal, encoding, coding)
        receipt = await self._admission.take(
            signal,
            read,
            metadata,
            "http",
            peer=_peer_of(request),
            claim_bytes=max(_CLAIM_BYTES, request.content_length or 0),
            is_trusted=self.tokens.is_processor(request.headers.get("Authorization", "")),
        )
        return response_to(signal, receipt)

    async def _read(
        self,
        request: web.BaseRequest,
        signal: Signal,
        encoding: Encoding,
        coding: str,
        place: Place,
    ) -> tuple[bytes, float]:
        loop = asyncio.get_running_loop()
        end_s = loop.time() + _CALLER_TIMEOUT_S
        if _expects_continue(request):
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0  # The answer itself has not begun.
        chunks, max_bytes = _chunks(request, place), self._limits[encoding]
        read = partial(read_body, chunks, coding=coding, max_bytes=max_bytes, place=place)
        payload = await self._admission.receive(read, place)
        if encoding == "json":
            payload = await self._convert(signal, payload, place)
        return payload, max(end_s - loop.time(), 0.0)

    async def _convert(self, signal: Signal, body: bytes, place: Place) -> bytes:
        max_bytes = self._limits["json"]
        if len(body) <= _CONVERTED_INLINE_BYTES:
            return read_json(signal, body, max_bytes)
        async with self._converting:
            place.holding.require(JSON_FACTOR * len(body))
            return await asyncio.to_thread(read_json, signal, body, max_bytes)


def _peer_of(request: web.BaseRequest) -> Peer:
    found = request.transport.get_extra_info("peername") if request.transport else None
    if isinstance(found, tuple) and len(found) >= 2:
        return Peer(str(found[0]), f"{found[0]}:{found[1]}")
    return Peer("", str(id(request.protocol)))


async def _chunks(request: web.BaseRequest, place: Place) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.content.iter_any():
            place.receive(len(chunk))
            yield chunk
    except ConnectionError as error:
        raise CallerLeftError("the sender disconnected before its body had arrived") from error
    except (web.RequestPayloadError, aiohttp.ClientPayloadError) as error:
        raise UndecodableError("the HTTP body is malformed") from error


def _expects_continue(request: web.BaseRequest) -> bool:
    return request.headers.get("Expect", "").lower() == "100-continue"


def _response_encoding(request: web.BaseRequest) -> Encoding:
    """The request's own encoding; JSON for an unknown one, since people can read it."""
    try:
        return encoding_of(request.headers.get("Content-Type", ""))
    except UnsupportedRequestError:
        return "json"


def _response(outcome: Message | ErrorStatus, encoding: Encoding) -> web.Response:
    """A response message or a google.rpc.Status. Both are small, so they are never compressed."""
    message = outcome.http_body if isinstance(outcome, ErrorStatus) else outcome
    if encoding == "json":
        body = json_format.MessageToJson(message, indent=None).encode()
    else:
        body = message.SerializeToString()
    headers = {"Content-Type": _CONTENT_TYPES[encoding], "Server": "llm-cost-processor"}
    if not isinstance(outcome, ErrorStatus):
        return web.Response(body=body, headers=headers)
    headers.update(outcome.headers)
    return web.Response(status=outcome.http_status, body=body, headers=headers)
