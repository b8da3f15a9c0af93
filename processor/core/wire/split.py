"""A request that is too large for a backend, cut into several.

The requests of all three signals have the same shape, with the same field numbers: resource groups
(1) hold scope groups (2), and these hold spans, metrics or log records (2). So one walk cuts them
all. A group that has to be cut is repeated in each part, with everything that it says of its own:
resource, scope, schema URL, and unknown fields. What is not cut is copied as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from processor.core.model import RequestPart, Signal, SplitRequest
from processor.core.wire.envelope import (
    RESOURCE_SPANS,
    SCOPE_SPANS,
    SPANS,
    find_records,
    open_record,
)

_NUMBERS: Final = (RESOURCE_SPANS, SCOPE_SPANS, SPANS)
"""Field numbers on the way down to an item, which is at the depth of their count."""
_ITEM: Final = len(_NUMBERS)
_POINTS: Final = (5, 7, 9, 10, 11)
"""Field numbers in Metric: gauge, sum, histogram, exponential histogram, summary."""
_POINT: Final = 1
"""Field number of a data point in each of those."""
_OPENING_MAX: Final = 6
"""Bytes of a tag and a length, of what has less than 2 GiB."""
_REPEATED_MAX: Final = 1 / 4
"""The share of a part that may be repeated. Without a limit a sender could make a gigabyte of a
few megabytes, by putting one of them into the resource."""


def split(signal: Signal, payload: bytes, target_bytes: int, max_bytes: int) -> SplitRequest:
    """Cut a request into several of at most `target_bytes` each, in which every item is once.

    An item that is larger has a part of at most `max_bytes` for itself. Left out and counted are
    items that are too large for that, and those of a group that has to be cut although a quarter
    of `target_bytes` is taken by what it says of its own. Raises UndecodableError when tags and
    lengths do not add up.
    """
    cutter = _Cutter(signal, payload, target_bytes, max_bytes)
    parts = list(cutter.cut(0, len(payload), 0, target_bytes))
    return SplitRequest(parts, cutter.left_out)


class _Cutter:
    """Cuts one payload."""

    def __init__(self, signal: Signal, payload: bytes, target_bytes: int, max_bytes: int) -> None:
        self._signal = signal
        self._payload = payload
        self._least_room = target_bytes - int(target_bytes * _REPEATED_MAX)
        self._beyond = max_bytes - target_bytes
        self.left_out = 0

    def cut(self, start: int, end: int, depth: int, room: int) -> Iterator[RequestPart]:
        """Cut the message that spans `start` to `end` into bodies of `room` bytes at most.

        Only what holds a single large item may be larger.
        """
        payload = self._payload
        records = find_records(payload, start, end, _NUMBERS[depth])
        edges = [start, *(edge for head, _, tail in records for edge in (head, tail)), end]
        own = b"".join(payload[edges[at] : edges[at + 1]] for at in range(0, len(edges), 2))
        room -= len(own)
        if room < self._least_room:
            self.left_out += self._count(start, end, depth)
            return
        held: list[bytes] = []
        size = items = 0
        for record in records:
            for piece, count in self._fit(*record, depth + 1, room):
                if held and size + len(piece) > room:
                    yield RequestPart(b"".join((own, *held)), items)
                    held, size, items = [], 0, 0
                held.append(piece)
                size += len(piece)
                items += count
        if held:
            yield RequestPart(b"".join((own, *held)), items)

    def _fit(self, head: int, start: int, end: int, depth: int, room: int) -> Iterator[RequestPart]:
        """A record, its tag and length included: as it is or, if too large, as several."""
        limit = room + self._beyond if depth == _ITEM else room
        if end - head <= limit:
            yield RequestPart(self._payload[head:end], self._count(start, end, depth))
        elif depth == _ITEM:
            self.left_out += self._count(start, end, depth)
        else:
            for body, items in self.cut(start, end, depth, room - _OPENING_MAX):
                yield RequestPart(open_record(_NUMBERS[depth - 1], len(body)) + body, items)

    def _count(self, start: int, end: int, depth: int) -> int:
        """Count the items of a message: of metrics the data points, as OTLP does."""
        if depth < _ITEM:
            records = find_records(self._payload, start, end, _NUMBERS[depth])
            return sum(self._count(first, last, depth + 1) for _, first, last in records)
        if self._signal != "metrics":
            return 1
        return sum(
            len(find_records(self._payload, first, last, _POINT))
            for number in _POINTS
            for _, first, last in find_records(self._payload, start, end, number)
        )
