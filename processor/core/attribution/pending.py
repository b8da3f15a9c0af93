"""Spans of traces that have no call yet: kept for a while, in bounded memory.

Parents usually end after their children, so few spans wait long. The ledger keeps them as well and
loads them at its start, so that only too many spans lose some. What is lost then is a link: whom
a call belongs to, and that a parent further up repeats it. A span that is sent again restores it;
what was evicted is counted.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate, repeat
from typing import Final, NamedTuple, Protocol

from processor.core.attribution.attach import PlainSpan
from processor.core.model import Mark, PendingRows, is_local_root


class PendingSpan(NamedTuple):
    """What is kept of a span until its trace turns out to have calls."""

    parent_id: bytes
    mark: Mark | None
    """What it says of its owner; None for a plain span."""
    is_local_root: bool
    is_tool: bool = False


class PendingTurn(Protocol):
    """Spans of one turn that wait, as the ledger keeps them: most are never asked for."""

    @property
    def trace_ids(self) -> Sequence[bytes]:
        """Their traces, of which one may come several times."""

    @property
    def sizes(self) -> Sequence[int]:
        """How many spans there are, by position of the trace."""

    def may_say(self, text: str) -> bool:
        """Whether some of the spans say whom they belong to, and that text somewhere."""

    def rows(self, at: int) -> PendingRows:
        """The spans of the trace at a position."""


_NO_SIGNIFICANT: Final[dict[bytes, PendingSpan]] = {}
_NO_PLAIN: Final[dict[bytes, PlainSpan]] = {}
"""What most traces have: nobody ever asks for their spans one by one."""


class _Trace:
    """The spans of one trace that wait: as rows until somebody asks for them."""

    __slots__ = ("batches", "plain", "significant", "size")

    def __init__(self) -> None:
        self.batches: list[PendingRows] = []
        self.significant = _NO_SIGNIFICANT
        """Roots, and spans that say whom they belong to."""
        self.plain = _NO_PLAIN
        self.size = 0

    def add(self, span_id: bytes, span: PendingSpan) -> None:
        """Add a span; the first copy stays."""
        if self.plain is _NO_PLAIN:
            self.significant, self.plain = {}, {}
        if span_id in self.significant or span_id in self.plain:
            return
        if span.mark is not None or span.is_local_root:
            self.significant[span_id] = span
        else:
            self.plain[span_id] = PlainSpan(span.parent_id, is_tool=span.is_tool)


_Stored = tuple[PendingTurn, int]
"""The spans of a trace that nobody has touched since they were loaded: a turn, and a position."""


class PendingSpans:
    """Bounded memory of spans by trace; the trace that waited longest is evicted first."""

    def __init__(self, limit_spans: int) -> None:
        self._traces: OrderedDict[bytes, _Trace | _Stored] = OrderedDict()
        self._limit_spans = limit_spans
        self._count = 0
        self._change: Callable[[Mark], Mark] | None = None
        """What marks are to be changed to once their trace is touched."""
        self._changed: set[bytes] = set()
        """Traces that were touched since, or were not there yet."""
        self._unchanged: list[bytes] | None = None
        """Traces to look at; None before that has begun, since it takes a moment to list them."""
        self._having = ""
        self.evicted_spans = 0

    def __len__(self) -> int:
        return self._count

    def keep(self, trace_id: bytes, span_id: bytes, span: PendingSpan) -> None:
        """Remember a span; the first copy stays."""
        trace = self._unpacked(trace_id)
        trace.add(span_id, span)
        self._update_size(trace)

    def keep_rows(self, rows: PendingRows) -> None:
        """Remember spans of one trace, at little cost for each: most are never asked for."""
        trace = self._made(rows.trace_id)
        trace.batches.append(rows)
        self._add_to_size(trace, len(rows.span_ids))

    def take_back(self, rows: PendingRows) -> None:
        """Undo `keep_rows` of these very rows, as far as nobody has asked for the trace since."""
        trace = self._found(rows.trace_id)
        if trace is None:
            return
        others = [batch for batch in trace.batches if batch is not rows]
        if len(others) < len(trace.batches):
            trace.batches = others
            self._add_to_size(trace, -len(rows.span_ids))
            if not trace.size:
                del self._traces[rows.trace_id]

    def load(self, latest_first: Iterable[PendingTurn]) -> None:
        """Remember the latest of these, and nothing else; a trace is read when it is touched."""
        found = list[tuple[PendingTurn, Sequence[int]]]()
        left = self._limit_spans
        for turn in latest_first:
            if sum(turn.sizes) <= left:
                found.append((turn, range(len(turn.sizes))))
                left -= sum(turn.sizes)
                continue
            # A trace that is larger than all that may wait keeps no others out.
            places = [at for at, size in enumerate(turn.sizes) if size <= self._limit_spans]
            until = list(accumulate(turn.sizes[at] for at in places))
            fitting = places[: bisect_right(until, left)]
            found.append((turn, fitting))
            if len(fitting) < len(places):
                break
            left -= until[-1] if until else 0
        self._traces.clear()
        self._end_renaming()
        self._count = 0
        for turn, loaded in reversed(found):
            self._load_turn(turn, loaded)

    def _load_turn(self, turn: PendingTurn, places: Sequence[int]) -> None:
        ids = [turn.trace_ids[at] for at in places]
        if len(set(ids)) == len(ids) and self._traces.keys().isdisjoint(ids):
            self._traces.update(zip(ids, zip(repeat(turn), places, strict=False), strict=True))
            self._count += sum(turn.sizes[at] for at in places)
        else:
            for at in places:
                self.keep_rows(turn.rows(at))

    def significant(self, trace_id: bytes) -> Mapping[bytes, PendingSpan]:
        """Waiting roots and carriers of a trace, by id."""
        return self._unpacked(trace_id).significant if trace_id in self._traces else {}

    def plain(self, trace_id: bytes) -> Mapping[bytes, PlainSpan]:
        """Waiting spans of a trace without meaning of their own, by id."""
        return self._unpacked(trace_id).plain if trace_id in self._traces else {}

    def release(
        self, trace_id: bytes, span_ids: Iterable[bytes]
    ) -> list[tuple[bytes, PendingSpan]]:
        """Remove spans that have become part of the tree; returns those that waited."""
        if trace_id not in self._traces:
            return []
        trace, gone = self._unpacked(trace_id), []
        for span_id in span_ids:
            span = trace.significant.pop(span_id, None)
            if span is None and (plain := trace.plain.pop(span_id, None)) is not None:
                span = PendingSpan(
                    plain.parent_id, None, is_local_root=False, is_tool=plain.is_tool
                )
            if span is not None:
                gone.append((span_id, span))
        self._update_size(trace)
        if not trace.size:
            del self._traces[trace_id]
        return gone

    def rename(self, change: Callable[[Mark], Mark], having: str) -> None:
        """Have other marks in place of those that wait, from when on each trace is touched.

        Those of turns that do not say `having`, as the ledger keeps them, stay.
        """
        self._change, self._having = change, having
        self._changed, self._unchanged = set(), None

    def rename_some(self, count: int) -> bool:
        """Go on with that, for so many traces; returns whether it is done."""
        if self._change is None:
            return True
        if self._unchanged is None:
            self._unchanged = list(self._traces)
        for trace_id in self._unchanged[-count:]:
            self._rename(trace_id, self._change)
        del self._unchanged[-count:]
        if self._unchanged:
            return False
        self._end_renaming()
        return True

    def _end_renaming(self) -> None:
        self._change, self._having = None, ""
        self._changed, self._unchanged = set(), None

    def _rename(self, trace_id: bytes, change: Callable[[Mark], Mark]) -> None:
        """Do it once for a trace, and never for one that waits only from now on."""
        if trace_id in self._changed:
            return
        self._changed.add(trace_id)
        found = self._traces.get(trace_id)
        if isinstance(found, tuple):
            turn, at = found
            if not turn.may_say(self._having) or all(
                change(mark) is mark for mark in turn.rows(at).marks.values()
            ):
                return
        elif found is None:
            return
        trace = self._made(trace_id)
        trace.batches = [
            rows._replace(marks={at: change(mark) for at, mark in rows.marks.items()})
            if rows.marks
            else rows
            for rows in trace.batches
        ]
        for span_id, span in trace.significant.items():
            if span.mark is not None:
                trace.significant[span_id] = span._replace(mark=change(span.mark))

    def _found(self, trace_id: bytes) -> _Trace | None:
        """A trace that waits, read if it was not yet."""
        if self._change is not None:
            self._rename(trace_id, self._change)
        found = self._traces.get(trace_id)
        if not isinstance(found, tuple):
            return found
        trace = self._traces[trace_id] = _Trace()
        turn, at = found
        trace.batches.append(turn.rows(at))
        trace.size = turn.sizes[at]
        return trace

    def _made(self, trace_id: bytes) -> _Trace:
        """The same; an empty one where none waits."""
        trace = self._found(trace_id)
        if trace is None:
            trace = self._traces[trace_id] = _Trace()
        return trace

    def _unpacked(self, trace_id: bytes) -> _Trace:
        """The trace with its rows turned into spans."""
        trace = self._made(trace_id)
        for _, span_ids, parent_ids, flags, marks, tools in trace.batches:
            for at, span_id in enumerate(span_ids):
                is_root = is_local_root(parent_ids[at], flags[at])
                trace.add(span_id, PendingSpan(parent_ids[at], marks.get(at), is_root, at in tools))
        if trace.batches:
            trace.batches = []
            self._update_size(trace)
        return trace

    def _update_size(self, trace: _Trace) -> None:
        self._add_to_size(trace, len(trace.significant) + len(trace.plain) - trace.size)

    def _add_to_size(self, trace: _Trace, spans: int) -> None:
        trace.size += spans
        self._count += spans
        while self._count > self._limit_spans and self._traces:
            _, dropped = self._traces.popitem(last=False)
            if isinstance(dropped, tuple):
                turn, at = dropped
                size = turn.sizes[at]
            else:
                size, dropped.size = dropped.size, 0
            self._count -= size
            self.evicted_spans += size
