"""Spans of traces that have no call yet: kept for a while, in bounded memory.

Parents usually end after their children, so few spans wait long. A restart or too many spans
lose some of them. What is lost then is a link: whom a call belongs to, and that a parent further
up repeats it. A span that is sent again mends it; what memory had to give up is counted.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from processor.model import Mark, Spans

_REMOTE_PARENT = 0x300
"""OTLP span flags: "is remote" is known (0x100) and true (0x200)."""


class Waiting(NamedTuple):
    """What is kept of a span until its trace turns out to have calls."""

    parent_id: bytes
    mark: Mark | None
    """What it says of its owner; None for a plain span."""
    is_entry: bool


class _Held(NamedTuple):
    """Rows of one batch; only these columns of it are kept alive."""

    span_ids: Sequence[bytes]
    parent_ids: Sequence[bytes]
    flags: Sequence[int]
    marks: Mapping[int, Mark]
    rows: Sequence[int]


class _Trace:
    """The spans of one trace that wait: as rows until somebody asks for them."""

    __slots__ = ("held", "size", "spans")

    def __init__(self) -> None:
        self.held: list[_Held] = []
        self.spans: dict[bytes, Waiting] = {}
        self.size = 0


def is_entry(parent_id: bytes, flags: int) -> bool:
    """True for a root, and for a span whose parent is in another process."""
    return not parent_id or flags & _REMOTE_PARENT == _REMOTE_PARENT


class WaitingRoom:
    """Bounded memory of spans by trace; the trace that waited longest is given up first."""

    def __init__(self, limit_spans: int) -> None:
        self._traces: OrderedDict[bytes, _Trace] = OrderedDict()
        self._limit_spans = limit_spans
        self._count = 0
        self.evicted_spans = 0

    def __len__(self) -> int:
        return self._count

    def keep(self, trace_id: bytes, span_id: bytes, span: Waiting) -> None:
        """Remember a span; the first copy stays."""
        spans = self._open(trace_id)
        if span_id not in spans.spans:
            spans.spans[span_id] = span
            self._add(spans, 1)

    def keep_rows(
        self, trace_id: bytes, spans: Spans, rows: Sequence[int], marks: Mapping[int, Mark]
    ) -> None:
        """Remember rows of a batch, at next to no cost for each: most are never asked for."""
        trace = self._traces.get(trace_id)
        if trace is None:
            trace = self._traces[trace_id] = _Trace()
        held = _Held(spans.span_ids, spans.parent_ids, spans.flags, marks, rows)
        trace.held.append(held)
        self._add(trace, len(rows))

    def of(self, trace_id: bytes) -> dict[bytes, Waiting]:
        """The spans of a trace that wait, by id; do not change it."""
        return self._open(trace_id).spans if trace_id in self._traces else {}

    def release(self, trace_id: bytes, span_ids: set[bytes]) -> None:
        """Let go of spans that have become part of the skeleton."""
        if trace_id not in self._traces:
            return
        trace = self._open(trace_id)
        gone = [span_id for span_id in span_ids if trace.spans.pop(span_id, None) is not None]
        self._add(trace, -len(gone))
        if not trace.spans:
            self._count -= trace.size
            del self._traces[trace_id]

    def _open(self, trace_id: bytes) -> _Trace:
        """The trace with its held rows turned into spans; the first copy of each stays."""
        trace = self._traces.get(trace_id)
        if trace is None:
            trace = self._traces[trace_id] = _Trace()
        for span_ids, parent_ids, flags, marks, rows in trace.held:
            for row in rows:
                parent_id = parent_ids[row]
                span = Waiting(parent_id, marks.get(row), is_entry(parent_id, flags[row]))
                trace.spans.setdefault(span_ids[row], span)
        if trace.held:
            trace.held = []
            self._add(trace, len(trace.spans) - trace.size)
        return trace

    def _add(self, trace: _Trace, spans: int) -> None:
        trace.size += spans
        self._count += spans
        while self._count > self._limit_spans and self._traces:
            _, dropped = self._traces.popitem(last=False)
            self._count -= dropped.size
            self.evicted_spans += dropped.size
