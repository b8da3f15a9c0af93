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
        """What comes out for what goes in, in pieces of at most 1 MiB. Raises UndecodableError."""

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


def unpack(coding: str, data: bytes, max_bytes: int) -> bytes:
    """Unpack a whole body; `coding` is a key of `UNPACKERS`.

    Raises UndecodableError, and TooLargeError as soon as more than `max_bytes` have come out.
    """
    unpacker = UNPACKERS[coding]()
    parts: list[bytes] = []
    size = 0
    for piece in unpacker.feed(data):
        size += len(piece)
        if size > max_bytes:
            raise TooLargeError(f"the body is larger than {max_bytes} bytes, uncompressed")
        parts.append(piece)
    unpacker.finish()
    return b"".join(parts)
