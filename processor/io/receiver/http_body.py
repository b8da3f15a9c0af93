"""Bodies of requests: their media type, their compression, and their limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from typing import Final, Literal

from processor.core.errors import TooLargeError, UndecodableError
from processor.core.otlp.encodings import ACCEPTED, UNPACKERS, unpack_in_turns
from processor.io.receiver.place import Place
from processor.io.receiver.status import UnsupportedRequestError

Encoding = Literal["protobuf", "json"]

MEDIA_TYPES: Final[dict[str, Encoding]] = {
    "application/x-protobuf": "protobuf",
    "application/json": "json",
}
_GZIP: Final = b"\x1f\x8b"
_WIRE_TYPE: Final = 0b111
"""Of a tag, the bits that say how its field is encoded; types above 5 do not exist."""
_LAST_WIRE_TYPE: Final = 5
_ZLIB: Final = b"\x78"


def encoding_of(content_type: str) -> Encoding:
    """The encoding that a Content-Type names, whatever its parameters.

    Raises UnsupportedRequestError for one that is not OTLP's, or none.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type in MEDIA_TYPES:
        return MEDIA_TYPES[media_type]
    message = f"send Content-Type {' or '.join(MEDIA_TYPES)}, not {media_type[:80] or 'none'}"
    raise UnsupportedRequestError(415, message)


def coding_of(content_encoding: str) -> str:
    """The compression that a Content-Encoding names; ``""`` for none.

    Raises UnsupportedRequestError for any other, or more than one.
    """
    coding = content_encoding.strip().lower()
    if coding in {"", "identity"}:
        return ""
    if coding in UNPACKERS:
        return coding
    message = f"send Content-Encoding {ACCEPTED} or none, not {coding[:80]}"
    raise UnsupportedRequestError(415, message, Accept_Encoding=ACCEPTED)


async def read_body(
    chunks: AsyncIterable[bytes], *, coding: str, max_bytes: int, place: Place
) -> bytes:
    """A whole body, unpacked; `place` holds what has come of it.

    Raises TooLargeError as soon as it exceeds `max_bytes`, MemoryFullError where no more memory
    is left, UndecodableError for compressed data that is broken, cut off or followed by other
    bytes.
    """
    unpacker = UNPACKERS[coding]() if coding else None
    parts: list[bytes] = []
    size = received = 0
    async for chunk in chunks:
        received += len(chunk)
        for piece in unpack_in_turns(unpacker, chunk) if unpacker else (chunk,):
            size += len(piece)
            if size > max_bytes:
                raise TooLargeError(f"the body is larger than {max_bytes} bytes, uncompressed")
            place.hold(size + len(chunk) if unpacker else size)
            if piece:
                parts.append(piece)
            if unpacker:
                await asyncio.sleep(0)
        if received > max_bytes:  # Gzip can go on for ever without any output.
            raise TooLargeError(f"the body is larger than {max_bytes} bytes")
    if unpacker:
        unpacker.finish()
    if len(parts) == 1:
        return parts[0]
    place.hold(2 * size)
    return b"".join(parts)


async def unpack_message(message: bytes, max_bytes: int, place: Place) -> bytes:
    """A message of gRPC, unpacked where it is packed; raises what `read_body` raises.

    Its compression is named in a header that a handler is not given, so it is read from the first
    bytes: those of gzip cannot begin a message of protobuf, and those of zlib begin none of OTLP.
    """
    if message.startswith(_GZIP):
        coding = "gzip"
    elif message.startswith(_ZLIB) and int.from_bytes(message[:2]) % 31 == 0:
        coding = "deflate"
    elif message and message[0] & _WIRE_TYPE > _LAST_WIRE_TYPE:
        raise UndecodableError("the message is neither protobuf nor packed as gRPC has it")
    else:
        return message
    return await read_body(_once(message), coding=coding, max_bytes=max_bytes, place=place)


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
