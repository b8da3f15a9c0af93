"""How much memory a payload takes while it is read, from its bytes before they are parsed.

A message of two bytes on the wire takes 40 to 90 in memory, and a span a thousand, so a payload of
some MiB can become hundreds. The estimate is one of the most that a payload can take: measured, it
is 0.8 to 2 times what is really taken, for floods of each kind of message and for plain telemetry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

Hold = Callable[[int], None]
"""Given the bytes of memory that something will take; raises where they are too many."""
SMALL_BYTES: Final = 1024 * 1024
"""A payload up to this size has no such estimate: it takes 45 MiB at the most beside its spans, and
one is read at a time."""
_SPAN_BYTES: Final = 1100
"""Of an empty span: its place, its message and its columns; measured: 1035."""
_MESSAGES: Final[Mapping[bytes, int]] = {
    b"\x0a": 42,  # a value within an array, an attribute of a resource or within a map
    b"\x1a": 52,  # an attribute of an event or of a scope
    b"\x4a": 80,  # an attribute of a span, with its value
    b"\x5a": 60,  # an event
    b"\x6a": 84,  # a link
}
"""By the tag that each begins with, what one takes at the least size; measured with protobuf 7."""


def hold_nothing(_size_bytes: int) -> None:
    """For those who have no limit."""


def parsed_bytes(payload: bytes, spans: int) -> int:
    """What a request of so many spans takes in memory while it is read, itself included.

    Bytes that only look like a tag count as one: to tell them apart takes as long as parsing.
    """
    size_bytes = len(payload) + spans * _SPAN_BYTES
    if len(payload) <= SMALL_BYTES:
        return size_bytes
    return size_bytes + sum(payload.count(tag) * each for tag, each in _MESSAGES.items())
