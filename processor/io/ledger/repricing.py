"""Pricing stored calls again, after a price was added or corrected.

Rows are never edited: a call whose price changes gets a further row, its totals the difference,
and the difference a correction row. What was stamped on spans stays, here and in the backend.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from processor.core import posting
from processor.core.attribution import Trace
from processor.core.model import (
    NS_PER_S,
    Entry,
    JobProgress,
    Repricing,
    SpanRow,
    StoredCall,
)
from processor.core.ports import PricesAgain
from processor.io.ledger.reprice_sums import RepriceSums
from processor.io.ledger.stepped_trace import ROWS_AT_ONCE, SteppedTrace
from processor.io.ledger.working_set import WorkingSet

_STEP_S: Final = 0.005
"""How long a step reads; what it has found to change is written after that."""
_CALLS_CHANGED: Final = 32
"""With so many calls to change a step looks at no further one; small traces are done whole."""
_TRACES_READ: Final = 256
_NUMBERS_PASSED: Final = 10_000
"""Traces that a step passes at most because they are of another time."""


def progress_of(position: int, last: int, calls: int) -> JobProgress:
    """How far a reprice has come that has changed so many calls, in numbers of traces."""
    return JobProgress("reprice", "traces", position, max(last - position, 0), calls)


@dataclass(slots=True)
class _LargeTrace:
    """One that is done in several steps; a restart begins it again.

    What has its price already stays as it is then.
    """

    number: int
    trace_id: bytes
    stepped: SteppedTrace
    last: bytes = b""
    """Spans with ids up to this one are done."""
    left: list[bytes] = field(default_factory=list)
    """Ids of those that are not, the highest first."""
    _trace: Trace | None = None

    def read(self, end_s: float) -> Trace | None:
        """Its working copy, with what is left in it; None while there is more to read."""
        trace = self.stepped.read(self.trace_id, end_s)
        if trace is not None and trace is not self._trace:
            self._trace = trace
            self.left = sorted((each for each in trace.nodes if each > self.last), reverse=True)
        return trace


@dataclass(slots=True)
class Repricer:
    """Prices stored calls again, trace by trace in the order in which these came."""

    working_set: WorkingSet
    prices: PricesAgain
    span_ns: tuple[int, int]
    now_ns: int
    last: int
    """The number of the last trace; later ones have the prices in force already."""
    position: int = 0
    """The number of the last trace that is done."""
    sums: RepriceSums = field(default_factory=RepriceSums)
    _large: _LargeTrace | None = None
    """The trace after `position`, while it is being done."""

    def find_last(self) -> None:
        """Price what there is now."""
        self.last = self.working_set.store.last_trace()

    @property
    def is_done(self) -> bool:
        """Whether all traces are done."""
        return self.position >= self.last

    @property
    def progress(self) -> JobProgress:
        """How far it has come."""
        return progress_of(self.position, self.last, self.sums.calls)

    def result(self) -> Repricing:
        """What has changed so far."""
        kept_from_s = self.working_set.kept_from.calls
        return self.sums.result()._replace(
            price_version=self.prices.version,
            span_ns=self.span_ns,
            kept_from_s=kept_from_s if self.span_ns[0] < kept_from_s * NS_PER_S else 0,
        )

    def step(self) -> None:
        """Price the calls of some traces again; the caller commits or undoes it."""
        self._step(is_trial=False)

    def try_step(self) -> None:
        """Likewise, with working copies of its own: what would change is added up only."""
        try:
            self._step(is_trial=True)
        finally:
            self.working_set.discard_touched()

    def _step(self, *, is_trial: bool) -> None:
        end_s = time.monotonic() + _STEP_S
        if self._large is None:
            self._price_some(end_s, is_trial=is_trial)
        else:
            self._go_on(self._large, end_s, is_trial=is_trial)

    def _price_some(self, end_s: float, *, is_trial: bool) -> None:
        """Price the calls of small traces again, up to a large one."""
        store = self.working_set.store
        last = min(self.position + _NUMBERS_PASSED, self.last)
        found = store.charged_traces((self.position, last), self.span_ns, _TRACES_READ)
        if len(found) == _TRACES_READ:
            last = found[-1][0]
        entries: dict[bytes, dict[bytes, Entry]] = {}
        rows: dict[bytes, Sequence[SpanRow]] = {}
        count = 0
        for number, trace_id in found:
            rows[trace_id] = store.rows_after(trace_id, 0, ROWS_AT_ONCE + 1)
            if len(rows[trace_id]) > ROWS_AT_ONCE:
                in_memory = {} if is_trial else self.working_set.in_memory
                trace = SteppedTrace(store, in_memory)
                self._large, last = _LargeTrace(number, trace_id, trace), number - 1
                break
            latest = {row.span_id: row for row in rows[trace_id]}
            again = ((span_id, self._again(row)) for span_id, row in latest.items())
            if changed := {span_id: entry for span_id, entry in again if entry is not None}:
                entries[trace_id] = changed
                count += len(changed)
            if count >= _CALLS_CHANGED or time.monotonic() >= end_s:
                last = number
                break
        if entries:
            in_memory = {} if is_trial else self.working_set.in_memory
            traces = {
                trace_id: in_memory.get(trace_id) or posting.rebuild(trace_id, rows[trace_id])
                for trace_id in sorted(entries)
            }
            self.sums.add(
                self._change(traces, entries, is_trial=is_trial), self.working_set.budgets.spent
            )
        self.position = last

    def _go_on(self, large: _LargeTrace, end_s: float, *, is_trial: bool) -> None:
        """Price some calls of a large trace again, in the order of the ids of its spans."""
        trace = large.read(end_s)
        if trace is None:
            return
        changed: dict[bytes, Entry] = {}
        while large.left and len(changed) < _CALLS_CHANGED:
            large.last = large.left.pop()
            entry = self._again(trace.nodes[large.last])
            if entry is not None:
                changed[large.last] = entry
            if time.monotonic() >= end_s:
                break
        if changed:
            entries = {large.trace_id: changed}
            followed = self._change({large.trace_id: trace}, entries, is_trial=is_trial)
            if not is_trial:
                large.stepped.skip(max(node.row_id for _, node in followed.posted.amended))
            self.sums.add(followed, self.working_set.budgets.spent, are_done=False)
        if not large.left:
            self.sums.close_trace()
            self.position, self._large = large.number, None

    def _change(
        self,
        traces: Mapping[bytes, Trace],
        entries: Mapping[bytes, Mapping[bytes, Entry]],
        *,
        is_trial: bool,
    ) -> posting.Followed:
        return self.working_set.change(
            traces, lambda copies: posting.amend(copies, entries, self.now_ns), is_trial=is_trial
        )

    def _again(self, call: StoredCall) -> Entry | None:
        """The entry that it gets; None where nothing changes."""
        start_ns, end_ns = self.span_ns
        if call.entry is None or not start_ns <= call.time_ns < end_ns:
            return None
        entry = self.prices.entry(call)
        return None if entry is call.entry else entry
