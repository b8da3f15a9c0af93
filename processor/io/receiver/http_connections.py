"""Connections of OTLP/HTTP: how many are open, which of them are idle, and unreadable requests."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from aiohttp import EMPTY_PAYLOAD, StreamReader, web
from aiohttp.http_exceptions import BadStatusLine, HttpProcessingError, LineTooLong

from processor.core.errors import ProcessorError, UndecodableError
from processor.io.receiver.headers import HEADERS_READ
from processor.io.receiver.protocol_mismatch import ProtocolMismatchFilter, is_other_protocol
from processor.io.receiver.status import HeadersTooLargeError, NotHttpError

_log = logging.getLogger(__name__)
library_log: Final = logging.getLogger(f"{__name__}.aiohttp")
"""What the library itself logs."""
# Some signs of a wrong protocol are logged for debugging only; the filter drops the rest of that.
library_log.setLevel(logging.DEBUG)
library_log.addFilter(ProtocolMismatchFilter(_log))

IDLE_TIMEOUT_S: Final = 75.0
"""How long a connection may be without a complete request head; above what load balancers keep."""
_LINGER_S: Final = 5.0
"""How long the rest of a refused body is discarded, so that its sender reads the answer."""

_HEADS_BYTES: Final = 16 * 1024 * 1024
"""What may have come of request heads that are not complete, over all connections. Beyond it the
connection that has been idle the longest is closed: nothing else counts these bytes."""

_READ_BYTES: Final = 16 * 1024
"""How much is read at a time of what has come, since one byte can be a chunk of its own."""
_OVERHEAD_BYTES: Final = 8 * 1024
_OVERHEAD: Final = 1 / 8
"""What a chunked body may have besides its payload: so much, and this part of the payload, which
chunks of 48 bytes need on average. Each chunk takes some microseconds, however small it is."""

_CHUNKS_TOO_SMALL: Final = (
    "the chunks of the HTTP body hold too little of it: send larger ones, or a Content-Length"
)
_TOO_LARGE: Final = (
    "the request line and headers are longer than is read here; see receivers.otlp.max_header_kib"
)
Refuse = Callable[[ProcessorError], web.Response]
"""Counts a request whose head cannot be read, and gives its answer."""


class Connections(web.Server):
    """An HTTP server that bounds how many connections are open.

    One beyond that takes the place of the one that has been idle the longest; where none is idle,
    it is closed at once. A connection is idle while no request of it is being answered, so also
    while the head of one is still coming.
    """

    def __init__(
        self,
        handle: Any,  # noqa: ANN401 - as in aiohttp
        refuse: Refuse,
        *,
        max_connections: int,
        max_header_bytes: int,
    ) -> None:
        self.max_head_bytes = HEADERS_READ * max_header_bytes
        super().__init__(
            self._serve,
            access_log=None,
            logger=library_log,
            auto_decompress=False,  # It would not stop at our limit.
            keepalive_timeout=IDLE_TIMEOUT_S,
            lingering_time=_LINGER_S,
            # Headers beyond our own limit are read as well, so that we can say what is wrong.
            max_line_size=self.max_head_bytes,
            max_field_size=self.max_head_bytes,
        )
        self._handle = handle
        self._refuse = refuse
        self._max_connections = max_connections
        self._heads_bytes = 0
        self._open = 0
        self._idle: dict[asyncio.BaseProtocol, None] = {}
        """In the order in which they became so."""

    def __call__(self) -> web.RequestHandler:
        """The protocol of one more connection."""
        return _Connection(self, self._refuse, loop=self._loop, **self._kwargs)

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        """Count a connection."""
        super().connection_made(handler, transport)
        self._open += 1
        if self._open > self._max_connections and not self.close_idle():
            transport.abort()
            return
        self._idle[handler] = None

    def connection_lost(
        self, handler: web.RequestHandler, exc: BaseException | None = None
    ) -> None:
        """Forget a connection."""
        super().connection_lost(handler, exc)
        self._open -= 1
        self._idle.pop(handler, None)
        self.note_head(handler, 0)

    def close_idle(self) -> bool:
        """Close the connection that has been idle the longest; False where none is."""
        longest = next(iter(self._idle), None)
        if longest is None:
            return False
        del self._idle[longest]
        if isinstance(longest, web.RequestHandler):
            self.note_head(longest, 0)
            longest.force_close()
        return True

    def note_head(self, connection: web.RequestHandler, size_bytes: int) -> None:
        """So much has come of an incomplete head; idle connections give way to too much."""
        if not isinstance(connection, _Connection):
            return
        self._heads_bytes += size_bytes - connection.head_bytes
        connection.head_bytes = size_bytes
        while self._heads_bytes > _HEADS_BYTES and self.close_idle():
            pass

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = request.protocol
        self._idle.pop(connection, None)
        try:
            answer: web.StreamResponse = await self._handle(request)
            if isinstance(connection, _Connection) and connection.is_cut_off:
                answer.force_close()
        finally:
            if request.transport is not None:
                self._idle[connection] = None
        return answer


class _Connection(web.RequestHandler):
    """One connection, whose errors are answered as OTLP has them."""

    __slots__ = (
        "_body", "_connections", "_overhead_bytes", "_refuse", "head_bytes", "is_cut_off"
    )  # fmt: skip

    def __init__(self, manager: Connections, refuse: Refuse, **settings: Any) -> None:  # noqa: ANN401 - as in aiohttp
        super().__init__(manager, **settings)
        self._connections = manager
        self._refuse = refuse
        self._body: StreamReader = EMPTY_PAYLOAD
        """Of the last request whose head was complete."""
        self.head_bytes = 0
        """What has come of a head that is not complete."""
        self._overhead_bytes = 0
        """What has come of a body that is not complete besides its payload."""
        self.is_cut_off = False
        """Whether the rest of a body is not read, and so no further request."""

    def data_received(self, data: bytes) -> None:
        """Read what has come, in parts after each of which reading may be over."""
        for start in range(0, len(data), _READ_BYTES):
            if not self.is_cut_off:
                self._read(data[start : start + _READ_BYTES])

    def _read(self, data: bytes) -> None:
        """Read a part; the library bounds single headers, and not all of them together."""
        body = self._body
        is_body = not body.is_eof()
        before_bytes = body.total_bytes if is_body else 0
        super().data_received(data)
        if self._messages:
            self._body = self._messages[-1][1]
        if is_body and body is self._body and not body.is_eof():
            self._overhead_bytes += len(data) - (body.total_bytes - before_bytes)
            if self._overhead_bytes > _OVERHEAD_BYTES + _OVERHEAD * body.total_bytes:
                self._cut_off(body)
        else:
            self._overhead_bytes = 0
        if self._messages or is_body:
            self._connections.note_head(self, 0)
            return
        size_bytes = self.head_bytes + len(data)
        self._connections.note_head(self, size_bytes)
        if size_bytes > self._connections.max_head_bytes and self.transport is not None:
            self._end_with(HeadersTooLargeError(_TOO_LARGE))

    def _cut_off(self, body: StreamReader) -> None:
        """Read no more of a body; who reads it gets the error, and the connection is closed."""
        self.is_cut_off = True
        with suppress(RuntimeError):  # Somebody waits for more, so there is nothing to let go of.
            body.read_nowait()  # Its thousands of parts would stay until garbage is collected.
        body.set_exception(UndecodableError(_CHUNKS_TOO_SMALL))
        body.feed_eof()

    def _end_with(self, error: ProcessorError) -> None:
        """Answer in place of the library, which still waits for the end of the head."""
        answer = self._refuse(error)
        body = answer.body if isinstance(answer.body, bytes) else b""
        lines = [
            f"HTTP/1.1 {answer.status} {answer.reason}",
            f"Content-Type: {answer.content_type}",
            f"Content-Length: {len(body)}",
            "Connection: close\r\n\r\n",
        ]
        if self.transport is not None:
            self.transport.write("\r\n".join(lines).encode() + body)
        self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to a request that the library could not read; all others are ours."""
        if not isinstance(exc, HttpProcessingError) or request.writer.output_size > 0:
            return super().handle_error(request, status, exc, message)
        # The filter of this log recognises other protocols, and drops the rest.
        self.log_exception("Error handling request from %s", request.remote, exc_info=exc)
        error: ProcessorError
        if isinstance(exc, LineTooLong):
            error = HeadersTooLargeError(_TOO_LARGE)
        elif isinstance(exc, BadStatusLine) or is_other_protocol(exc):
            error = NotHttpError("what came is no HTTP/1.1 request")
        else:
            error = UndecodableError("the HTTP request is malformed")
        answer = self._refuse(error)
        answer.force_close()
        return answer
