"""Deletes ids of deleted spans, and traces without rows, that are older than they are kept."""

from __future__ import annotations

import time
from collections.abc import Iterable

from processor.core.model import NS_PER_S
from processor.io.ledger.deleted_rows import DeletedRows
from processor.io.ledger.kept_from import KeptFrom
from processor.io.ledger.retention.sweep import READ, STEP_S, Frontier
from processor.io.ledger.trace_deletion import KeptTrace
from processor.io.ledger.working_set import WorkingSet


class _TracesSweep:
    """Goes through traces, or what is kept of the spans of deleted ones."""

    def __init__(self, rows: DeletedRows, mark_s: int, now_s: int) -> None:
        self._rows = rows
        self._mark_s = mark_s
        self._frontier = Frontier(mark_s, now_s)
        self._position = 0
        self._last_end_ns = now_s * NS_PER_S
        self.is_done = False

    def _read(self) -> list[KeptTrace]:
        """The next ones to look at."""
        raise NotImplementedError

    def _delete(self, traces: Iterable[KeptTrace]) -> None:
        """Delete those that are older."""
        raise NotImplementedError

    def step(self) -> None:
        """See `Sweep`."""
        end_s = time.monotonic() + STEP_S
        while not self.is_done and time.monotonic() < end_s:
            found = self._read()
            self.is_done = not found
            older = []
            for trace in found:
                self._position = trace.number
                # One in which nothing was charged is as old as the one before it.
                self._last_end_ns = trace.end_ns or self._last_end_ns
                if self._last_end_ns < self._mark_s * NS_PER_S:
                    older.append(trace)
                if self._frontier.is_reached(trace.start_ns or self._last_end_ns):
                    self.is_done = True
                    break
            self._delete(older)

    def committed(self) -> None:
        """See `Sweep`."""


class KeysSweep(_TracesSweep):
    """Deletes the ids of deleted spans, once they need not be recognised any more."""

    def _read(self) -> list[KeptTrace]:
        return self._rows.traces.keys_after(self._position, READ)

    def _delete(self, traces: Iterable[KeptTrace]) -> None:
        numbers = [trace.number for trace in traces]
        if numbers:
            self._rows.move("keys", self._mark_s)
            self._rows.traces.delete_keys(numbers)


class TracesSweep(_TracesSweep):
    """Deletes traces without rows."""

    def __init__(self, working_set: WorkingSet, marks: KeptFrom, now_s: int) -> None:
        super().__init__(working_set.store.deleted, marks.traces, now_s)
        self._working_set = working_set
        self._keys_s = marks.keys

    def _read(self) -> list[KeptTrace]:
        return self._rows.traces.traces_after(self._position, READ)

    def _delete(self, traces: Iterable[KeptTrace]) -> None:
        for trace in traces:
            if not trace.has_rows and self._rows.traces.delete_trace(trace):
                # From now on only its age tells that its calls may have been charged.
                self._rows.move("keys", self._keys_s)
                self._rows.move("traces", self._mark_s)
                self._working_set.forget([trace.trace_id])
