"""Bodies of HTTP requests: their media type, their compression, and their limit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final, Literal

from processor.core.errors import TooLargeError
from processor.core.otlp.gzip import Gunzip
from processor.io.receiver.status import UnsupportedRequestError

Encoding = Literal["protobuf", "json"]

MEDIA_TYPES: Final[dict[str, Encoding]] = {
    "application/x-protobuf": "protobuf",
    "application/json": "json",
}
_GZIP: Final = frozenset({"gzip", "x-gzip"})


def encoding_of(content_type: str) -> Encoding:
    """The encoding that a Content-Type names, whatever its parameters.

    Raises UnsupportedRequestError for one that is not OTLP's, or none.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type in MEDIA_TYPES:
        return MEDIA_TYPES[media_type]
    message = f"send Content-Type {' or '.join(MEDIA_TYPES)}, not {media_type[:80] or 'none'}"
    raise UnsupportedRequestError(415, message)


def is_gzip(content_encoding: str) -> bool:
    """Whether a Content-Encoding is gzip; False for none.

    Raises UnsupportedRequestError for any other, or more than one.
    """
    coding = content_encoding.strip().lower()
    if coding in {"", "identity"}:
        return False
    if coding in _GZIP:
        return True
    message = f"send Content-Encoding gzip or none, not {coding[:80]}"
    raise UnsupportedRequestError(415, message, Accept_Encoding="gzip")


async def read_body(chunks: AsyncIterator[bytes], *, gzipped: bool, max_bytes: int) -> bytes:
    """A whole body, unpacked. Raises TooLargeError as soon as it exceeds `max_bytes`.

    Raises UndecodableError for gzip that is broken, cut off or followed by other bytes.
    """
    gunzip = Gunzip()
    parts: list[bytes] = []
    received = size = 0
    async for chunk in chunks:
        received += len(chunk)
        for piece in gunzip.feed(chunk) if gzipped else (chunk,):
            size += len(piece)
            if size > max_bytes:
                raise TooLargeError(f"the body is larger than {max_bytes} bytes, uncompressed")
            parts.append(piece)
            if gzipped:
                await asyncio.sleep(0)
        if received > max_bytes:  # Gzip can go on for ever without any output.
            raise TooLargeError(f"the body is larger than {max_bytes} bytes")
    if gzipped:
        gunzip.finish()
    return b"".join(parts)
