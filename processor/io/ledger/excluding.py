"""Taking stored calls out of all sums, and putting them back.

Rows are never edited: a call that is excluded, or is no longer, gets a further row, its totals the
difference, and the difference a correction row. What was stamped on spans stays.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from processor.core import posting
from processor.core.attribution import Trace
from processor.core.model import NS_PER_S, Exclusion, ExclusionRequest, JobProgress
from processor.io.ledger.exclusion_row import Counts
from processor.io.ledger.stepped_trace import TraceCopies
from processor.io.ledger.working_set import WorkingSet

_STEP_S: Final = 0.005
"""How long a step looks for what it changes; that is written after it."""
_TRACES_CHANGED: Final = 32
_SPANS_CHANGED: Final = 64
"""Most that a step changes, in one trace or in several."""

_Spans = dict[bytes, list[bytes]]
"""Ids of spans by that of their trace."""


@dataclass(slots=True)
class _Steps(ABC):
    """Does what is asked, some traces at a time."""

    working_set: WorkingSet
    asked: ExclusionRequest
    number: int = 0
    """That of its row; 0 for a dry run."""
    position: int = 0
    counts: Counts = field(default_factory=Counts)
    is_done: bool = False
    last: int = 0
    """The highest position, as far as it is known."""
    _copies: TraceCopies | None = None

    @property
    @abstractmethod
    def progress(self) -> JobProgress:
        """How far it has come."""

    def _progress(self, job: str, counted: str) -> JobProgress:
        left = max(self.last - self.position, 0)
        return JobProgress(job, counted, self.position, left, self.counts.calls)

    def result(self) -> Exclusion:
        """What has changed so far."""
        changed = self.counts.sums.result()
        kept_from_s = self.working_set.kept_from.calls
        return Exclusion(
            self.asked.undoes or self.number,
            self.counts.calls,
            self.counts.agents,
            changed.before_nano_usd,
            changed.after_nano_usd,
            changed.models,
            changed.budgets,
            self.counts.lost,
            changed.is_partial,
            0
            if self.asked.undoes or self.asked.selection.start_ns >= kept_from_s * NS_PER_S
            else kept_from_s,
        )

    @abstractmethod
    def find_last(self) -> None:
        """Find the highest position."""

    def step(self) -> None:
        """Change some traces; the caller commits or undoes it."""
        self._step(is_trial=False)

    def try_step(self) -> None:
        """Likewise, with working copies of its own: what would change is added up only."""
        try:
            self._step(is_trial=True)
        finally:
            self.working_set.discard_touched()

    def _step(self, *, is_trial: bool) -> None:
        working_set = self.working_set
        if self._copies is None:
            in_memory = {} if is_trial else working_set.in_memory
            self._copies = TraceCopies(working_set.store, in_memory, working_set.trace_spans)
        self._copies.begin_step()
        self._change_some(self._copies, time.monotonic() + _STEP_S, is_trial=is_trial)
        self.find_last()

    @abstractmethod
    def _change_some(self, copies: TraceCopies, end_s: float, *, is_trial: bool) -> None:
        """Change some spans of which there are working copies by then, and move the position."""

    def _change(
        self,
        copies: TraceCopies,
        traces: Mapping[bytes, Trace],
        spans: Mapping[bytes, Sequence[bytes]],
        *,
        is_excluded: bool,
        is_trial: bool,
    ) -> Mapping[bytes, Sequence[bytes]]:
        """Take spans of `traces` out or put them back; returns which of them have changed."""
        if not spans:
            return {}
        now_ns = self.asked.now_ns
        followed = self.working_set.change(
            traces,
            lambda given: posting.exclude(given, spans, now_ns, is_excluded=is_excluded),
            is_trial=is_trial,
        )
        changed: _Spans = {}
        row_ids: dict[bytes, int] = {}
        for trace_id, node in followed.posted.amended:
            changed.setdefault(trace_id, []).append(node.span_id)
            row_ids[trace_id] = max(node.row_id, row_ids.get(trace_id, 0))
            self.counts.calls += node.entry is not None and not node.is_reference
            self.counts.agents += node.entry is None
        if not is_trial:
            copies.skip(row_ids)
        self.counts.sums.add(followed, self.working_set.budgets.spent)
        return changed


@dataclass(slots=True)
class Excluder(_Steps):
    """Takes charges out in the order of their ids; what comes meanwhile and matches as well.

    A log record of a call adds what the call's span does not say, so it goes with it.
    """

    def _change_some(self, copies: TraceCopies, end_s: float, *, is_trial: bool) -> None:
        exclusions = self.working_set.store.exclusions
        found = exclusions.charges(self.asked.selection, self.position, _SPANS_CHANGED)
        position, is_last, last = found.position, found.is_last, self.position
        traces: dict[bytes, Trace] = {}
        spans: _Spans = {}
        for at, (trace_id, span_id) in found.spans:
            if trace_id not in traces:
                is_enough = traces and (len(traces) >= _TRACES_CHANGED or time.monotonic() >= end_s)
                trace = None if is_enough else copies.read(trace_id, end_s)
                if trace is None:
                    position, is_last = last, False
                    break
                traces[trace_id] = trace
            spans.setdefault(trace_id, []).append(span_id)
            last = at
        if not self._add_references(copies, traces, spans, end_s):
            return
        changed = self._change(copies, traces, spans, is_excluded=True, is_trial=is_trial)
        if not is_trial:
            for trace_id, span_ids in changed.items():
                exclusions.add(self.number, trace_id, span_ids)
        self.position, self.is_done = position, is_last

    def _add_references(
        self, copies: TraceCopies, traces: dict[bytes, Trace], spans: _Spans, end_s: float
    ) -> bool:
        """Add log records of these calls; returns False while traces of theirs are to be read."""
        for trace_id, span_ids in posting.references(traces, spans).items():
            if trace_id not in traces:
                if not self.working_set.store.trace_number(trace_id):
                    continue
                trace = copies.read(trace_id, end_s)
                if trace is None:
                    return False
                traces[trace_id] = trace
            spans.setdefault(trace_id, []).extend(span_ids)
        return True

    def find_last(self) -> None:
        """Find the highest position: an id of charges, of which there come more meanwhile."""
        self.last = self.working_set.store.exclusions.last()

    @property
    def progress(self) -> JobProgress:
        """How far it has come."""
        return self._progress("exclude", "charges")


@dataclass(slots=True)
class Restorer(_Steps):
    """Puts back what an exclusion has taken out, in the order of its traces.

    A restart begins the trace at hand again, and passes what is put back.
    """

    _found: deque[tuple[int, bytes, list[bytes]]] = field(default_factory=deque)
    """What is to be put back next, by trace."""
    _found_to: tuple[int, bool] = 0, False
    """The position after that, and whether it is the last."""

    def _change_some(self, copies: TraceCopies, end_s: float, *, is_trial: bool) -> None:
        exclusions, number = self.working_set.store.exclusions, self.asked.undoes
        if not self._found:
            found = exclusions.spans_of(number, self.position, _TRACES_CHANGED)
            self._found_to = found.position, found.is_last
            self._found.extend((each, key, list(ids)) for each, key, ids in found.traces)
        traces: dict[bytes, Trace] = {}
        spans: _Spans = {}
        done, left = [], _SPANS_CHANGED
        while self._found and left > 0:
            number_of_trace, trace_id, span_ids = self._found[0]
            trace = copies.read(trace_id, end_s)
            if trace is None:
                break
            traces[trace_id], spans[trace_id] = trace, span_ids[-left:]
            del span_ids[-left:]
            left -= len(spans[trace_id])
            if not span_ids:
                done.append(number_of_trace)
                self._found.popleft()
            if time.monotonic() >= end_s:
                break
        self._change(copies, traces, spans, is_excluded=False, is_trial=is_trial)
        for self.position in done:
            if not is_trial:
                exclusions.drop(number, self.position)
        if not self._found:
            self.position, self.is_done = self._found_to
        if self.is_done:
            self.counts.lost = self._excluded() - self.counts.calls - self.counts.agents

    def _excluded(self) -> int:
        """How many calls and agents were taken out: the rows of some may be deleted by now."""
        jobs = self.working_set.store.exclusions.jobs()
        job = next(each for each in jobs if each.id == self.asked.undoes)
        counts = Counts.from_json(job.progress)
        return counts.calls + counts.agents

    def find_last(self) -> None:
        """Find the highest position: the number of a trace."""
        self.last = self.working_set.store.last_trace()

    @property
    def progress(self) -> JobProgress:
        """How far it has come."""
        return self._progress("undo", "traces")


def steps_of(
    working_set: WorkingSet,
    asked: ExclusionRequest,
    number: int = 0,
    position: int = 0,
    counts: Counts | None = None,
) -> Excluder | Restorer:
    """What does that, from a position on."""
    kind = Restorer if asked.undoes else Excluder
    return kind(working_set, asked, number, position, counts or Counts())
