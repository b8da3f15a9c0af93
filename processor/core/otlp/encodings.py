"""The compressions of bodies by their names in Content-Encoding, all with the same interface."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, Protocol

from processor.core.errors import TooLargeError
from processor.core.otlp.gzip import Gunzip, Unzlib
from processor.core.otlp.zstd import Unzstd


class Unpacker(Protocol):
    """Unpacks one body that comes in parts."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What comes out for what goes in, in pieces of at most 1 MiB. Raises UndecodableError.

        Its time grows with the square of `data` where that has many members: see
        `unpack_in_turns`.
        """

    def finish(self) -> None:
        """Raise UndecodableError unless the body was complete."""


UNPACKERS: Final[Mapping[str, Callable[[], Unpacker]]] = {
    "gzip": Gunzip,
    "x-gzip": Gunzip,
    "deflate": Unzlib,
    "zstd": Unzstd,
}
"""By content coding, in lower case."""
_UNADVERTISED: Final = ("x-gzip", "deflate")
"""An old spelling; and a name that some senders give to bytes without the header of zlib
(RFC 9110, 8.4.1.2), which are refused."""
ACCEPTED: Final = ", ".join(coding for coding in UNPACKERS if coding not in _UNADVERTISED)
"""Those that senders are asked for, in Accept-Encoding and in messages."""


_SLICE_BYTES: Final = 64 * 1024
"""Each member or frame of a body costs a copy of what follows it, so only so much may follow."""


def unpack_in_turns(unpacker: Unpacker, data: bytes) -> Iterator[bytes]:
    """What comes out for `data`, however much it is; an empty piece where others may have a turn.

    Takes time in proportion to `data`, whatever it consists of. Raises UndecodableError.
    """
    for start in range(0, len(data), _SLICE_BYTES):
        if start:
            yield b""
        yield from unpacker.feed(data[start : start + _SLICE_BYTES])


def unpack(coding: str, data: bytes, max_bytes: int) -> bytes:
    """Unpack a whole body; `coding` is a key of `UNPACKERS`.

    Raises UndecodableError, and TooLargeError as soon as more than `max_bytes` have come out.
    """
    unpacker = UNPACKERS[coding]()
    parts: list[bytes] = []
    size = 0
    for piece in unpack_in_turns(unpacker, data):
        size += len(piece)
        if size > max_bytes:
            raise TooLargeError(f"the body is larger than {max_bytes} bytes, uncompressed")
        parts.append(piece)
    unpacker.finish()
    return b"".join(parts)
