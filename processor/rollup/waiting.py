"""Spans of traces that have no call yet: kept for a while, in bounded memory.

Parents usually end after their children, so few spans wait long. A restart or too many spans
lose some of them; what is lost is attribution, never money, and it is counted.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from processor.model import Mark


class Waiting(NamedTuple):
    """What is kept of a span until its trace turns out to have calls."""

    parent_id: bytes
    mark: Mark | None
    """What it says of its owner; None for a plain span."""
    is_entry: bool


class WaitingRoom:
    """Bounded memory of spans by trace; the trace that waited longest is given up first."""

    def __init__(self, limit_spans: int) -> None:
        self._traces: OrderedDict[bytes, dict[bytes, Waiting]] = OrderedDict()
        self._limit_spans = limit_spans
        self._count = 0
        self.evicted_spans = 0

    def __len__(self) -> int:
        return self._count

    def keep(self, trace_id: bytes, span_id: bytes, span: Waiting) -> None:
        """Remember a span; the first copy stays."""
        spans = self._traces.setdefault(trace_id, {})
        if span_id in spans:
            return
        spans[span_id] = span
        self._count += 1
        while self._count > self._limit_spans:
            _, dropped = self._traces.popitem(last=False)
            self._count -= len(dropped)
            self.evicted_spans += len(dropped)

    def of(self, trace_id: bytes) -> dict[bytes, Waiting]:
        """The spans of a trace that wait, by id; do not change it."""
        return self._traces.get(trace_id, {})

    def release(self, trace_id: bytes, span_ids: set[bytes]) -> None:
        """Let go of spans that have become part of the skeleton."""
        spans = self._traces.get(trace_id)
        if spans is None:
            return
        for span_id in span_ids:
            if spans.pop(span_id, None) is not None:
                self._count -= 1
        if not spans:
            del self._traces[trace_id]
