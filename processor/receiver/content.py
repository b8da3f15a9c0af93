"""Bodies of HTTP requests: what they hold, how they are packed, and how much they may become."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Final, Literal

from processor.errors import TooLargeError, UndecodableError
from processor.receiver.status import UnsupportedRequestError

Encoding = Literal["protobuf", "json"]

MEDIA_TYPES: Final[dict[str, Encoding]] = {
    "application/x-protobuf": "protobuf",
    "application/json": "json",
}
_GZIP: Final = frozenset({"gzip", "x-gzip"})
_PIECE_BYTES = 1024 * 1024
"""How much is inflated before others get their turn."""
_MEMBERS_MAX = 4096
"""Parts of one gzip body. Each costs time, even an empty one of 20 bytes."""
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


def encoding_of(content_type: str) -> Encoding:
    """What a Content-Type stands for, whatever its parameters.

    Raises UnsupportedRequestError for one that is not OTLP's, or none.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type in MEDIA_TYPES:
        return MEDIA_TYPES[media_type]
    message = f"send Content-Type {' or '.join(MEDIA_TYPES)}, not {media_type[:80] or 'none'}"
    raise UnsupportedRequestError(415, message)


def is_gzip(content_encoding: str) -> bool:
    """Whether a Content-Encoding says gzip, and not nothing.

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
    """A whole body, inflated. Raises TooLargeError as soon as more than `max_bytes` are known of.

    Raises UndecodableError for gzip that is broken, cut off or followed by something else.
    """
    gunzip = _Gunzip()
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
        if received > max_bytes:  # Gzip can go on for ever without giving anything.
            raise TooLargeError(f"the body is larger than {max_bytes} bytes")
    if gzipped:
        gunzip.finish()
    return b"".join(parts)


class _Gunzip:
    """Inflates a gzip body of one or more members."""

    def __init__(self) -> None:
        self._inflater = zlib.decompressobj(_GZIP_WINDOW)
        self._members = 1

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What comes out for what goes in, in pieces of bounded size. Raises UndecodableError."""
        while True:
            if self._inflater.eof and data:
                self._begin_member()
            try:
                piece = self._inflater.decompress(data, _PIECE_BYTES)
            except zlib.error as error:
                raise UndecodableError(f"the body is not gzip: {error}") from error
            if piece:
                yield piece
            is_over = self._inflater.eof
            data = self._inflater.unused_data if is_over else self._inflater.unconsumed_tail
            # A full piece may mean that more is to come, even when all input has been taken.
            if not data and (is_over or len(piece) < _PIECE_BYTES):
                return

    def finish(self) -> None:
        """Raise UndecodableError unless the last member is complete."""
        if not self._inflater.eof:
            raise UndecodableError("the body's gzip is cut off")

    def _begin_member(self) -> None:
        if self._members == _MEMBERS_MAX:
            raise UndecodableError(f"the body's gzip has more than {_MEMBERS_MAX} members")
        self._inflater = zlib.decompressobj(_GZIP_WINDOW)
        self._members += 1
