"""Backends that do exactly what a test says, byte by byte where it matters.

`GrpcScript` speaks HTTP/2 by hand and `HttpScript` HTTP/1.1: each answers the requests it gets with
one script after another, the last of them for ever. A script is a coroutine that is given the
`Exchange` and may answer, answer wrongly, hang up in the middle, or never say anything.
"""

from __future__ import annotations

import asyncio
import base64
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]  # no py.typed
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # no py.typed

_PREFACE_BYTES = 24
_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _PING, _GOAWAY, _WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
_CONTINUATION = 9
_FRAME_MAX = 16_384
_END_STREAM, _END_HEADERS, _ACK = 1, 4, 1
_STATUS_200 = b"\x88"  # an entry of HPACK's static table
_GRPC_PREFIX_BYTES = 5

NO_ERROR, INTERNAL_ERROR, REFUSED_STREAM, CANCEL, ENHANCE_YOUR_CALM = 0, 2, 7, 8, 11
"""HTTP/2 error codes."""


@dataclass
class Exchange:
    """One request, and the connection on which it is to be answered."""

    writer: asyncio.StreamWriter
    stream: int = 1
    body: bytes = b""
    head: str = ""
    """The head of an HTTP/1.1 request."""

    async def send(self, *pieces: bytes) -> None:
        """Write bytes as they are."""
        self.writer.write(b"".join(pieces))
        await self.writer.drain()

    async def drip(self, data: bytes, pause_s: float = 0.05) -> None:
        """Write one byte at a time."""
        for at in range(len(data)):
            await self.send(data[at : at + 1])
            await asyncio.sleep(pause_s)  # what a slow backend is

    def hang_up(self) -> None:
        """Reset the connection, as a process does that dies."""
        linger = struct.pack("ii", 1, 0)
        connection = self.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()


Script = Callable[[Exchange], Awaitable[None]]


@dataclass
class _Scripted:
    """What both protocols share: the scripts, and what has been seen."""

    scripts: list[Script]
    bodies: list[bytes] = field(default_factory=list)
    """Of the requests that came in whole, in the order they did."""
    heads: list[str] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        """Listen while the block lasts; gives the port."""
        tasks: set[asyncio.Task[None]] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.connections += 1
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            try:
                with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                    await self._serve(reader, writer)
            finally:
                writer.transport.abort()

        server = await asyncio.start_server(serve, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self.port
        finally:
            # A connection that is accepted in the very turn in which the server closes would be
            # left open by asyncio, so it accepts none from here on.
            for listener in server.sockets:
                asyncio.get_running_loop().remove_reader(listener.fileno())
            await _turn_the_loop()  # for connections that have come just now
            server.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await _turn_the_loop()  # for those that have just been aborted

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise NotImplementedError

    async def _play(self, exchange: Exchange) -> None:
        self.bodies.append(exchange.body)
        self.heads.append(exchange.head)
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        with suppress(ConnectionError):
            await script(exchange)


async def _turn_the_loop() -> None:
    """A connection takes several turns of the loop from its arrival to its task, or to its end."""
    for _ in range(10):
        await asyncio.sleep(0)  # only lets others run


class HttpScript(_Scripted):
    """HTTP/1.1; requests on one connection come one after another."""

    def __init__(self, *scripts: Script) -> None:
        super().__init__(list(scripts))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            size = int(head.lower().split("content-length: ")[1].split("\r\n")[0])
            body = await reader.readexactly(size)
            await self._play(Exchange(writer, body=body, head=head))
            if writer.transport.is_closing():
                return


class GrpcScript(_Scripted):
    """HTTP/2 by hand; scripts of one connection run side by side."""

    def __init__(self, *scripts: Script) -> None:
        super().__init__(list(scripts))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(_PREFACE_BYTES)
        writer.write(frame(_SETTINGS, 0, 0, b""))
        bodies: dict[int, bytes] = {}
        playing: set[asyncio.Task[None]] = set()
        try:
            while True:
                head = b"\0" + await reader.readexactly(9)
                size, kind, flags, stream = struct.unpack(">IBBI", head)
                data = await reader.readexactly(size)
                if kind == _SETTINGS and not flags & _ACK:
                    writer.write(frame(_SETTINGS, _ACK, 0, b""))
                elif kind == _PING and not flags & _ACK:
                    writer.write(frame(_PING, _ACK, 0, data))
                elif kind == _DATA:
                    bodies[stream] = bodies.get(stream, b"") + data
                    if data:
                        more = struct.pack(">I", len(data))
                        writer.write(frame(_WINDOW_UPDATE, 0, 0, more))
                        writer.write(frame(_WINDOW_UPDATE, 0, stream, more))
                    if flags & _END_STREAM:
                        body = bodies.pop(stream)[_GRPC_PREFIX_BYTES:]
                        play = self._play(Exchange(writer, stream, body))
                        playing.add(asyncio.create_task(play))
        finally:
            for task in playing:
                task.cancel()
            await asyncio.gather(*playing, return_exceptions=True)


class Silent:
    """A listener whose connections come about and are never looked at, as after a power cut."""

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            yield listener.getsockname()[1]


def frame(kind: int, flags: int, stream: int, body: bytes) -> bytes:
    """An HTTP/2 frame."""
    size = struct.pack(">I", len(body))[1:]
    return size + bytes([kind, flags]) + struct.pack(">I", stream) + body


def grpc_answer(stream: int, message: bytes = b"") -> bytes:
    """All of a successful answer."""
    return (
        grpc_headers(stream, {})
        + grpc_message(stream, message)
        + grpc_trailers(stream, {"grpc-status": b"0"})
    )


def grpc_ok(message: bytes = b"") -> Script:
    """Take it."""

    async def script(exchange: Exchange) -> None:
        await exchange.send(grpc_answer(exchange.stream, message))

    return script


def grpc_status(
    code: int, *, after_s: float | None = None, message: str = "go away", details: bytes = b""
) -> Script:
    """Refuse it with a status, with RetryInfo where a delay is given."""

    async def script(exchange: Exchange) -> None:
        trailers = {"grpc-status": str(code).encode(), "grpc-message": message.encode()}
        if after_s is not None:
            status = Status(code=code, message=message)
            info = RetryInfo()
            info.retry_delay.FromNanoseconds(int(after_s * 1e9))
            status.details.add().Pack(info)
            trailers["grpc-status-details-bin"] = base64.b64encode(status.SerializeToString())
        elif details:
            trailers["grpc-status-details-bin"] = base64.b64encode(details)
        await exchange.send(grpc_headers(exchange.stream, trailers, is_last=True))

    return script


def grpc_reset(error: int) -> Script:
    """Give the stream up without an answer (RST_STREAM)."""

    async def script(exchange: Exchange) -> None:
        await exchange.send(frame(_RST_STREAM, 0, exchange.stream, struct.pack(">I", error)))

    return script


def grpc_torn(kept: int) -> Script:
    """Break off after so many bytes of a successful answer."""

    async def script(exchange: Exchange) -> None:
        await exchange.send(grpc_answer(exchange.stream)[:kept])
        exchange.hang_up()

    return script


async def grpc_drip(exchange: Exchange) -> None:
    """A successful answer, one byte at a time."""
    await exchange.drip(grpc_answer(exchange.stream))


def goaway(last_stream: int, error: int = NO_ERROR) -> bytes:
    """The frame that says: no more streams on this connection beyond that one."""
    return frame(_GOAWAY, 0, 0, struct.pack(">II", last_stream, error))


def http_answer(status: str = "200 OK", body: bytes = b"", **headers: str) -> Script:
    """An answer in one piece; underscores in names of headers stand for hyphens."""

    async def script(exchange: Exchange) -> None:
        named = {"Content-Length": str(len(body)), **headers}
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in named.items()]
        await exchange.send("\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode(), body)

    return script


async def hang_up(exchange: Exchange) -> None:
    """Take the request and drop the connection without an answer."""
    exchange.hang_up()


async def say_nothing(_exchange: Exchange) -> None:
    """Take the request and leave the sender waiting."""
    await asyncio.sleep(3600)  # longer than any test


def say(data: bytes, *, then: Script | None = None) -> Script:
    """Write these bytes, whatever they are."""

    async def script(exchange: Exchange) -> None:
        await exchange.send(data)
        if then is not None:
            await then(exchange)

    return script


def drip(data: bytes) -> Script:
    """Write these bytes one at a time."""

    async def script(exchange: Exchange) -> None:
        await exchange.drip(data)

    return script


def grpc_page(status: int, body: bytes) -> Script:
    """A page for people over HTTP/2, as a proxy sends it: no gRPC status anywhere."""

    async def script(exchange: Exchange) -> None:
        block = b"\x08" + _sized(str(status).encode()) + _literal("content-type", b"text/html")
        pieces = [_headers(exchange.stream, block, 0 if body else _END_STREAM)]
        if body:
            pieces.append(frame(_DATA, _END_STREAM, exchange.stream, body))
        await exchange.send(*pieces)

    return script


def grpc_headers(stream: int, headers: dict[str, bytes], *, is_last: bool = False) -> bytes:
    """What an answer begins with; or all there is of it."""
    block = _STATUS_200 + _literal("content-type", b"application/grpc") + _block(headers)
    return _headers(stream, block, _END_STREAM if is_last else 0)


def grpc_message(
    stream: int, message: bytes, *, is_compressed: bool = False, size: int | None = None
) -> bytes:
    """The body of an answer, which may lie about its size."""
    data = struct.pack(">BI", is_compressed, len(message) if size is None else size) + message
    pieces = (data[at : at + _FRAME_MAX] for at in range(0, len(data), _FRAME_MAX))
    return b"".join(frame(_DATA, 0, stream, piece) for piece in pieces)


def grpc_trailers(stream: int, trailers: dict[str, bytes]) -> bytes:
    """What an answer ends with."""
    return _headers(stream, _block(trailers), _END_STREAM)


def _headers(stream: int, block: bytes, flags: int) -> bytes:
    """A block of headers, in as many frames as it takes."""
    first, rest = block[:_FRAME_MAX], block[_FRAME_MAX:]
    if not rest:
        return frame(_HEADERS, flags | _END_HEADERS, stream, first)
    pieces = [rest[at : at + _FRAME_MAX] for at in range(0, len(rest), _FRAME_MAX)]
    more = [
        frame(_CONTINUATION, _END_HEADERS if piece is pieces[-1] else 0, stream, piece)
        for piece in pieces
    ]
    return frame(_HEADERS, flags, stream, first) + b"".join(more)


def _block(headers: dict[str, bytes]) -> bytes:
    return b"".join(_literal(name, value) for name, value in headers.items())


def _literal(name: str, value: bytes) -> bytes:
    """One header without compression (HPACK, literal without indexing)."""
    return b"\0" + _sized(name.encode()) + _sized(value)


def _sized(text: bytes) -> bytes:
    """A text with its length before it (RFC 7541, section 5.1, with a prefix of seven bits)."""
    if len(text) < 127:
        return bytes([len(text)]) + text
    rest, size = len(text) - 127, bytearray([127])
    while rest >= 128:
        size.append(rest % 128 + 128)
        rest //= 128
    return bytes([*size, rest]) + text
