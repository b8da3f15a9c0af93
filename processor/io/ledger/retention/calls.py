"""Deletes the calls of traces that are older as a whole, of a large trace in parts."""

from __future__ import annotations

import logging
import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from processor.core.model import NS_PER_S
from processor.core.wording import counted
from processor.io.ledger.call_deletion import ROWS_AT_ONCE, KeptSpan
from processor.io.ledger.retention.sweep import READ, STEP_S, Frontier
from processor.io.ledger.working_set import WorkingSet

_LOG = logging.getLogger(__name__)
_LOOKED_AT_MAX: Final = 100_000
"""Traces that stay, and whose further rows are not looked at again."""


@dataclass(slots=True)
class _Trace:
    """The one at hand."""

    number: int
    last: int = 0
    """The last of its rows that was looked at."""
    is_partly_deleted: bool = False


class CallsSweep:
    """One way through the rows of spans, in the order in which they came."""

    def __init__(self, working_set: WorkingSet, mark_s: int, now_s: int) -> None:
        self._working_set = working_set
        self._rows = working_set.store.deleted
        self._mark_s = mark_s
        self._frontier = Frontier(mark_s, now_s)
        self._position = 0
        self._read: deque[KeptSpan] = deque()
        self._is_last = False
        self._stay: set[int] = set()
        self._at: _Trace | None = None
        if unfinished := self._rows.calls.partly_deleted():
            self._at = _Trace(unfinished, is_partly_deleted=True)
        self._deleted = self._spans = self._traces = 0
        self.is_done = False

    def step(self) -> None:
        """See `Sweep`."""
        end_s = time.monotonic() + STEP_S
        while not self.is_done:
            if self._at is not None:
                self._look_at(self._at)
            elif self._is_last:
                self.is_done = True
            else:
                self._find()
            if time.monotonic() >= end_s:
                break

    def _find(self) -> None:
        """Find the next trace to look at in some rows of spans."""
        if not self._read:
            self._read.extend(self._rows.calls.spans_after(self._position, READ))
            self._is_last = not self._read
        while self._read and self._at is None and not self._is_last:
            span = self._read.popleft()
            self._position = span.id
            if span.trace not in self._stay:
                if len(self._stay) >= _LOOKED_AT_MAX:
                    self._stay.clear()
                # Of one that is deleted there may be further rows in what was read.
                self._stay.add(span.trace)
                self._at = _Trace(span.trace)
            self._is_last = self._frontier.is_reached(span.time_ns)

    def _look_at(self, trace: _Trace) -> None:
        """Look at some rows of a trace, or delete some."""
        calls = self._rows.calls
        if trace.is_partly_deleted:
            if calls.partly_deleted() != trace.number:
                # A turn or other work was in need of all of it, and has deleted the rest.
                self._end(is_deleted=True)
            else:
                self._delete(trace)
            return
        mark_ns = self._mark_s * NS_PER_S
        end_ns, trace_id = calls.end_and_id(trace.number)
        found = calls.spans_of(trace.number, trace.last, ROWS_AT_ONCE)
        if end_ns >= mark_ns or any(span.time_ns >= mark_ns for span in found):
            self._end(is_deleted=False)
            return
        trace.last = found[-1].id if found else trace.last
        if len(found) == ROWS_AT_ONCE:
            return
        if trace.last in {0, calls.last_span()}:
            self._end(is_deleted=False)
            return
        self._rows.move("calls", self._mark_s)
        # Also where it is undone: then the working copy is read again.
        self._working_set.forget([trace_id])
        self._working_set.partly_deleted = trace_id
        self._delete(trace)

    def _delete(self, trace: _Trace) -> None:
        part = self._rows.calls.delete_part(trace.number)
        trace.is_partly_deleted = True
        self._spans += part.rows
        if part.is_last:
            self._end(is_deleted=True)

    def _end(self, *, is_deleted: bool) -> None:
        self._deleted += is_deleted
        self._at = None

    def committed(self) -> None:
        """See `Sweep`."""
        if self._at is None or not self._at.is_partly_deleted:
            self._working_set.partly_deleted = b""
        counters = self._working_set.counters
        counters.deleted_traces += self._deleted
        counters.deleted_spans += self._spans
        self._traces += self._deleted
        self._deleted = self._spans = 0
        if self.is_done and self._traces:
            before = datetime.fromtimestamp(self._mark_s, UTC)
            _LOG.info(
                "the calls of %s that ended before %s are deleted (ledger.retention.calls)",
                counted(self._traces, "trace"),
                f"{before:%Y-%m-%d %H:%M} UTC",
            )
