"""Protobuf's variable-length integers: seven bits a byte, least first, high bit "more follows".

Source: https://protobuf.dev/programming-guides/encoding/#varints
"""

from __future__ import annotations

from typing import Final

from processor.core.errors import UndecodableError

_BYTES_MAX: Final = 10
_PREPARED: Final = 1 << 14
"""Numbers of one or two bytes, such as tags and the lengths of nearly every span."""
UINT64: Final = (1 << 64) - 1


def read_varint(data: bytes, position: int) -> tuple[int, int]:
    """Read one varint, padded or not: its value in 64 bits, and the position after it.

    Raises UndecodableError when it is longer than ten bytes, IndexError past the end of `data`.
    """
    value = 0
    for shift in range(0, 7 * _BYTES_MAX, 7):
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & UINT64, position
    raise UndecodableError("the payload is not an OTLP trace request: a varint is too long")


def encode_varint(value: int) -> bytes:
    """Encode `value`, which is not negative, in the fewest bytes."""
    return _SHORT[value] if value < _PREPARED else _encode(value)


def _encode(value: int) -> bytes:
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


_SHORT: Final = tuple(map(_encode, range(_PREPARED)))
