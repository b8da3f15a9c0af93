"""Zstandard, by Python's own library, which ``backports.zstd`` brings to those before 3.14."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final

from processor.core.errors import UndecodableError

if sys.version_info >= (3, 14):
    from compression import zstd as _codec
else:
    from backports import zstd as _codec

_LEVEL: Final = 1
"""Nothing beyond it is worth its time for telemetry."""
_PIECE_BYTES: Final = 1024 * 1024
"""How much is unpacked before others get their turn."""
_FRAMES_MAX: Final = 4096
"""Parts of one body. Each costs time, even an empty one."""
_WINDOW_LOG_MAX: Final = 23
"""8 MiB, which a decoder must be able to hold, and no sender may exceed (RFC 9659, section 3)."""


def zstd(data: bytes) -> bytes:
    """Pack `data`, at the speed of a fast level."""
    return _codec.compress(data, _LEVEL)


class Unzstd:
    """Unpacks Zstandard that comes in parts, of one or more frames, and never much at once.

    While a frame is open it holds up to 8 MiB beside what it has given.
    """

    def __init__(self) -> None:
        self._decoder = _new_decoder()
        self._frames = 1

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What comes out for what goes in, in pieces of bounded size. Raises UndecodableError."""
        while True:
            if self._decoder.eof:
                if not data:
                    return
                self._begin_frame()
            try:
                piece = self._decoder.decompress(data, _PIECE_BYTES)
            except _codec.ZstdError as error:
                what = "the body is not zstd with a window of up to 8 MiB, or was damaged"
                raise UndecodableError(what) from error
            if piece:
                yield piece
            if self._decoder.eof:
                data = self._decoder.unused_data
            elif self._decoder.needs_input:
                return
            else:
                data = b""

    def finish(self) -> None:
        """Raise UndecodableError unless the last frame is complete."""
        if not self._decoder.eof:
            raise UndecodableError("the body's zstd is cut off")

    def _begin_frame(self) -> None:
        if self._frames == _FRAMES_MAX:
            raise UndecodableError(f"the body's zstd has more than {_FRAMES_MAX} frames")
        self._decoder = _new_decoder()
        self._frames += 1


def _new_decoder() -> _codec.ZstdDecompressor:
    option = _codec.DecompressionParameter.window_log_max
    return _codec.ZstdDecompressor(options={option: _WINDOW_LOG_MAX})
