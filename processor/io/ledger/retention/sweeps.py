"""Each goes once through what is kept of one kind, and deletes what is older than a moment.

What is kept lies in the order in which it came, so that the oldest stands first. A sweep ends where
much of what it meets is newer; what came late is met by a later sweep.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Final, Protocol

from processor.core.model import NS_PER_S
from processor.core.wording import counted
from processor.io.ledger.deleted_rows import DeletedRows, KeptTrace
from processor.io.ledger.folded_hours import Total
from processor.io.ledger.kept_from import KeptFrom
from processor.io.ledger.store import Store
from processor.io.ledger.working_set import WorkingSet

_LOG = logging.getLogger(__name__)
STEP_S: Final = 0.005
"""How long a step goes on; a turn that comes meanwhile waits for its end."""
_READ: Final = 256
_NEWER_MAX: Final = 4096
"""After so many that are newer, one after the other, a sweep ends."""
_GIVEN_BACK: Final = 32
"""Pages at a time; each is filled with the last one of the file."""
_FREE_MAX: Final = 0.25
"""From which share of the file on free pages are given back."""
_FREE_LEFT: Final = 0.1
"""What is left of them then, for what comes."""
_FREE_LEAST: Final = 2048
"""Fewer pages are not worth it."""
_LOOKED_AT_MAX: Final = 100_000
"""Traces that stay, and whose further rows are not looked at again."""


class Sweep(Protocol):
    """One way through what is kept of one kind."""

    is_done: bool

    def step(self) -> None:
        """Go on for some milliseconds; the caller commits.

        One that was undone must not go on.
        """

    def committed(self) -> None:
        """What the last step has deleted is gone for good."""


class _Frontier:
    """Notices where what is newer begins. Times in the future, and 0, say nothing."""

    def __init__(self, mark_s: int, now_s: int) -> None:
        self._mark_ns, self._now_ns = mark_s * NS_PER_S, now_s * NS_PER_S
        self._newer = 0

    def is_reached(self, time_ns: int) -> bool:
        """Note the time of one more, and say whether it was the last to look at."""
        if self._mark_ns <= time_ns <= self._now_ns:
            self._newer += 1
        elif 0 < time_ns < self._mark_ns:
            self._newer = 0
        return self._newer >= _NEWER_MAX


class CallsSweep:
    """Deletes the calls of traces that are older as a whole."""

    def __init__(self, working_set: WorkingSet, mark_s: int, now_s: int) -> None:
        self._working_set = working_set
        self._rows = working_set.store.deleted
        self._mark_s = mark_s
        self._frontier = _Frontier(mark_s, now_s)
        self._position = 0
        self._stay: set[int] = set()
        self._deleted = self._spans = self._traces = 0
        self.is_done = False

    def step(self) -> None:
        """See `Sweep`."""
        end_s = time.monotonic() + STEP_S
        while not self.is_done and time.monotonic() < end_s:
            found = self._rows.spans_after(self._position, _READ)
            self.is_done = not found
            for span in found:
                self._position = span.id
                if span.trace not in self._stay:
                    self._look_at(span.trace)
                if self._frontier.is_reached(span.time_ns):
                    self.is_done = True
                if self.is_done or time.monotonic() >= end_s:
                    break

    def _look_at(self, trace: int) -> None:
        found = self._rows.delete_calls(trace, self._mark_s * NS_PER_S)
        if found is not None:
            self._rows.move("calls", self._mark_s)
            # Also where it is undone: then the working copy is read again.
            self._working_set.forget([found.trace_id])
            self._deleted += 1
            self._spans += found.spans
        if len(self._stay) >= _LOOKED_AT_MAX:
            self._stay.clear()
        # Of one that is deleted there may be further rows in what was read.
        self._stay.add(trace)

    def committed(self) -> None:
        """See `Sweep`."""
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


class _TracesSweep:
    """Goes through traces, or what is kept of the spans of deleted ones."""

    def __init__(self, rows: DeletedRows, mark_s: int, now_s: int) -> None:
        self._rows = rows
        self._mark_s = mark_s
        self._frontier = _Frontier(mark_s, now_s)
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
        return self._rows.keys_after(self._position, _READ)

    def _delete(self, traces: Iterable[KeptTrace]) -> None:
        numbers = [trace.number for trace in traces]
        if numbers:
            self._rows.move("keys", self._mark_s)
            self._rows.delete_keys(numbers)


class TracesSweep(_TracesSweep):
    """Deletes traces without rows."""

    def __init__(self, working_set: WorkingSet, marks: KeptFrom, now_s: int) -> None:
        super().__init__(working_set.store.deleted, marks.traces, now_s)
        self._working_set = working_set
        self._keys_s = marks.keys

    def _read(self) -> list[KeptTrace]:
        return self._rows.traces_after(self._position, _READ)

    def _delete(self, traces: Iterable[KeptTrace]) -> None:
        for trace in traces:
            if not trace.has_rows and self._rows.delete_trace(trace):
                # From now on only its age tells that its calls may have been charged.
                self._rows.move("keys", self._keys_s)
                self._rows.move("traces", self._mark_s)
                self._working_set.forget([trace.trace_id])


class HoursSweep:
    """Deletes sums by hour, and adds totals by quarter hour up by day."""

    def __init__(
        self, store: Store, range_s: tuple[int, int], day_of: Callable[[int], tuple[int, int]]
    ) -> None:
        """`range_s` is from where all is added up already to where it has to be: ends of days."""
        self._rows = store.deleted
        self._range_s = range_s
        self._day_of = day_of
        self._has_hours = True
        self._total: Total | None = None
        self._from_s: int | None = None
        """From when on the total at hand is still to be added up; None once it is."""
        self.is_done = False

    def step(self) -> None:
        """See `Sweep`."""
        end_s = time.monotonic() + STEP_S
        hours, (_, before_s) = self._rows.hours, self._range_s
        self._rows.move("hours", before_s)
        while not self.is_done and time.monotonic() < end_s:
            if self._has_hours:
                self._has_hours = hours.delete_hour(before_s)
                continue
            if self._from_s is None:
                self._total, self._from_s = hours.next_total(self._total), self._range_s[0]
            if self._total is None:
                self._rows.move("folded", before_s)
                self.is_done = True
            else:
                self._from_s = hours.fold(self._total, (self._from_s, before_s), self._day_of)

    def committed(self) -> None:
        """See `Sweep`."""


class SpaceSweep:
    """Gives free pages back to the disk where they are many; the others are used again."""

    def __init__(self, rows: DeletedRows) -> None:
        self._rows = rows
        self._is_wanted = False
        self.is_done = False

    def step(self) -> None:
        """See `Sweep`."""
        end_s = time.monotonic() + STEP_S
        while not self.is_done and time.monotonic() < end_s:
            found = self._rows.free_pages()
            share = _FREE_LEFT if self._is_wanted else _FREE_MAX
            if found.free <= max(found.pages * share, _FREE_LEAST):
                self.is_done = True
            elif not found.can_be_given_back:
                self.is_done = True
                _LOG.info(
                    "%d of %d MiB of the ledger's file are free, and used again: the file gets "
                    "smaller by a copy, made with llm-cost backup and put in its place",
                    found.free * found.page_bytes >> 20,
                    found.pages * found.page_bytes >> 20,
                )
            else:
                self._is_wanted = True
                self._rows.give_back(_GIVEN_BACK)

    def committed(self) -> None:
        """See `Sweep`."""
