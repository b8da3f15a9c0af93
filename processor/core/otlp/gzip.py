"""Gzip, by ISA-L where it is installed and by zlib where it is not.

Both write the same format, and refuse the same. ISA-L packs several times as fast as zlib at its
fastest level, into no more bytes. It comes with the extra ``fast``.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any, Final

from processor.core.errors import UndecodableError

_codec: Any
try:
    from isal import isal_zlib as _codec
except ImportError:
    _codec = zlib

_WITH_GZIP_HEADER: Final = 16 + zlib.MAX_WBITS
_LEVEL: Final = 1
"""Nothing beyond it is worth its time for telemetry."""
_PIECE_BYTES: Final = 1024 * 1024
"""How much is unpacked before others get their turn."""
_MEMBERS_MAX: Final = 4096
"""Parts of one gzip body. Each costs time, even an empty one of 20 bytes."""


def gzip(data: bytes) -> bytes:
    """Pack `data`, at the speed of the fastest level."""
    packed: bytes = _codec.compress(data, _LEVEL, _WITH_GZIP_HEADER)
    return packed


class Gunzip:
    """Unpacks gzip that comes in parts, of one or more members, and never much at once."""

    _window_bits = _WITH_GZIP_HEADER
    _head_bytes = 4
    """How much of a member is there before it is unpacked: up to the flags (RFC 1952, 2.3)."""

    def __init__(self) -> None:
        self._inflater: Any = None
        self._head = b""
        """The beginning of a member, until enough of it is there."""
        self._members = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What comes out for what goes in, in pieces of bounded size. Raises UndecodableError."""
        while True:
            if self._inflater is None or (self._inflater.eof and data):
                data = self._begin_member(data)
            if self._inflater is None:
                return
            try:
                piece: bytes = self._inflater.decompress(data, _PIECE_BYTES)
            except (zlib.error, _codec.error) as error:
                raise UndecodableError("the body is not gzip, or was damaged on its way") from error
            if piece:
                yield piece
            is_over = self._inflater.eof
            data = self._inflater.unused_data if is_over else self._inflater.unconsumed_tail
            # A full piece may mean that more is to come, even when all input has been taken.
            if not data and (is_over or len(piece) < _PIECE_BYTES):
                return

    def finish(self) -> None:
        """Raise UndecodableError unless the last member is complete."""
        if self._inflater is None or not self._inflater.eof:
            raise UndecodableError("the body's gzip is cut off")

    def _begin_member(self, data: bytes) -> bytes:
        """Begin a member when enough of it is there; gives what is to be unpacked."""
        self._inflater, data, self._head = None, self._head + data, b""
        if len(data) < self._head_bytes:
            self._head = data
            return b""
        if self._members == _MEMBERS_MAX:
            raise UndecodableError(f"the body's gzip has more than {_MEMBERS_MAX} members")
        self._members += 1
        self._inflater = self._codec_for(data).decompressobj(self._window_bits)
        return data

    def _codec_for(self, data: bytes) -> Any:  # noqa: ANN401 - one module or the other
        """Optional fields of the header are for zlib: ISA-L refuses them where they come in parts.

        Hardly any sender writes them.
        """
        return zlib if data[3] else _codec


class Unzlib(Gunzip):
    """The same for zlib, which HTTP and gRPC call deflate."""

    _window_bits = zlib.MAX_WBITS
    _head_bytes = 0

    def _codec_for(self, _data: bytes) -> Any:  # noqa: ANN401 - see above
        return _codec
