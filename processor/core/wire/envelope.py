"""Where messages lie inside messages: offsets, which no protobuf library gives.

The walk checks only the outline of a payload. It reads tags and lengths only, skips whole
messages, and comes to an end with whatever bytes it is given.
"""

from __future__ import annotations

from processor.core.errors import TooLargeError, UndecodableError
from processor.core.otlp.varint import encode_varint, read_varint

RESOURCE_SPANS = 1
"""Field number in ExportTraceServiceRequest."""
SCOPE_SPANS = 2
"""Field number in ResourceSpans."""
SPANS = 2
"""Field number in ScopeSpans."""
ATTRIBUTES = 9
"""Field number in Span."""

_VARINT, _FIXED64, _DELIMITED, _GROUP_START, _GROUP_END, _FIXED32 = range(6)
_PADDING = 0x80
"""A varint byte that only says "more follows"."""

_GROUPED_MAX = 1000
"""Fields within groups, which no telemetry has."""
_UNBOUNDED = 1 << 62
_TOO_MANY = "the request has more spans, groups of spans and fields around them than are taken"

Record = tuple[int, int, int]
"""One message inside another: where its tag begins, where its own bytes begin, where they end."""


def delimited_tag(number: int) -> int:
    """The tag of a length-delimited field; one byte on the wire for field numbers up to 15."""
    return number << 3 | _DELIMITED


def open_record(number: int, size: int) -> bytes:
    """The tag and length before `size` bytes of field `number`, which is 15 at the most."""
    return bytes((delimited_tag(number),)) + encode_varint(size)


def find_records(payload: bytes, start: int, end: int, number: int) -> list[Record]:
    """Find the records of field `number` in the message that spans `start` to `end`.

    A field of that number with another wire type is an unknown field, as it is for a parser.
    Raises UndecodableError when tags and lengths do not add up to the message.
    """
    return walk_fields(payload, start, end, number, _UNBOUNDED)[0]


def walk_fields(
    payload: bytes, start: int, end: int, number: int, fields_max: int
) -> tuple[list[Record], int]:
    """Like `find_records`, and count all fields. Raises TooLargeError about `fields_max` of them.

    It is exact up to a factor of two, and keeps a hostile message from costing more than that.
    """
    wanted = delimited_tag(number)
    found: list[Record] = []
    others = 0
    position = start
    try:
        while position < end:
            head = position
            tag = payload[position]
            position += 1
            if tag >= 0x80:
                tag, position = read_varint(payload, head)
            if tag != wanted:
                position = _skip(payload, position, tag)
                others += 1
                if others > fields_max:
                    raise TooLargeError(_TOO_MANY)
                continue
            size = payload[position]
            position += 1
            if size >= 0x80:
                more = payload[position]
                if more < 0x80:  # Two bytes: the length of nearly every span.
                    size += (more << 7) - 0x80
                    position += 1
                else:
                    size, position = read_varint(payload, position - 1)
            found.append((head, position, position + size))
            position += size
            if len(found) > fields_max:
                raise TooLargeError(_TOO_MANY)
    except IndexError:
        position = -1
    if position != end:
        raise UndecodableError(
            "the payload is not an OTLP trace request: a field reaches past its message"
        )
    return found, len(found) + others


def find_head(payload: bytes, start: int) -> int:
    """Find the tag of the span whose message begins at `start`, walking backwards over its length.

    This is exact: only the last byte of a varint is below 0x80, which separates the tag from the
    length. The tag, field 2 with wire type 2, is 0x12, or 0x92 0x80* 0x00 when it is padded.
    """
    position = start - 1
    while payload[position - 1] >= 0x80:
        position -= 1
    position -= 1
    if payload[position] == delimited_tag(SPANS):
        return position
    position -= 1
    while payload[position] == _PADDING:
        position -= 1
    return position


def _skip(payload: bytes, position: int, tag: int) -> int:
    """Return the position after the value of a field that is not wanted.

    Groups, long out of use, can hold further groups; a counter replaces recursion.
    """
    depth = 0
    for _ in range(_GROUPED_MAX):
        kind = tag & 7
        if kind == _VARINT:
            _, position = read_varint(payload, position)
        elif kind == _FIXED64:
            position += 8
        elif kind == _DELIMITED:
            size, position = read_varint(payload, position)
            position += size
        elif kind == _FIXED32:
            position += 4
        elif kind == _GROUP_START:
            depth += 1
        elif kind == _GROUP_END and depth:
            depth -= 1
        else:
            raise UndecodableError(
                f"the payload is not an OTLP trace request: a field has the wire type {kind}"
            )
        if not depth:
            return position
        tag, position = read_varint(payload, position)
    raise TooLargeError(_TOO_MANY)
