"""What is charged in each trace, gathered until it is drawn; bounded, whatever comes."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from processor.core.model import (
    NOTHING,
    Crossing,
    Intake,
    Plan,
    SpanRow,
    Totals,
    TraceOwner,
)
from processor.surfaces.terminal.live.changes import changes_of

_QUIET_S: Final = 1.0
"""How long a trace has to be quiet once its root has come."""
_QUIET_WITHOUT_ROOT_S: Final = 15.0
"""The same before: SDKs send every five seconds what has ended, and the root ends last."""
_WAIT_MAX_S: Final = 30.0
"""How long what is known is held back of a trace that is never quiet."""
_KINDS_MAX: Final = 20
"""Kinds of trouble and crossings that are kept of one trace."""
_CHARACTERS_MAX: Final = 200
"""Kept of a name."""

_TROUBLE: Final = frozenset({"unpriced", "usage_missing", "implausible", "late"})
_NOBODY: Final = TraceOwner()


class Trouble(NamedTuple):
    """Why calls of a trace have no known cost."""

    status: str
    model: str
    reason: str


@dataclass(slots=True)
class ChargedTrace:
    """A trace with what has come of it since it was drawn the last time."""

    trace_id: bytes
    first_s: float
    last_s: float
    change: Totals = field(default_factory=Totals)
    """What it was charged since then."""
    total: Totals = field(default_factory=Totals)
    """What it was charged altogether."""
    owner: TraceOwner = _NOBODY
    service: str = ""
    agent: str = ""
    """The name of the agent that ended last: of nested ones, the outermost."""
    agent_end_ns: int = 0
    root: str = ""
    """The name of its root span."""
    has_root: bool = False
    model: str = ""
    """Of the last call."""
    troubles: Counter[Trouble] = field(default_factory=Counter)
    crossings: list[Crossing] = field(default_factory=list)
    hidden_crossings: int = 0

    @property
    def is_new(self) -> bool:
        """Whether all of it came since it was drawn the last time, or it never was."""
        first, whole = self.change, self.total
        return (first.calls, first.tokens, first.cost_nano_usd) == (
            whole.calls,
            whole.tokens,
            whole.cost_nano_usd,
        )

    @property
    def is_worth_showing(self) -> bool:
        """Whether anything was charged or crossed; a repeat changes nothing."""
        return not self.change.is_zero or bool(self.crossings) or bool(self.troubles)


@dataclass(slots=True)
class LeftOut:
    """What was charged in traces that are not drawn, since there were too many."""

    traces: int = 0
    change: Totals = field(default_factory=Totals)
    crossings: list[Crossing] = field(default_factory=list)
    hidden_crossings: int = 0

    def add(self, traces: int, change: Totals, crossings: Collection[Crossing]) -> None:
        """Add some of them."""
        self.traces += traces
        self.change = self.change.plus(change)
        room = _KINDS_MAX - len(self.crossings)
        self.crossings += list(crossings)[:room]
        self.hidden_crossings += max(len(crossings) - room, 0)


class ChargedTraces:
    """Gathers what turns charge. `note` and `take` are called on the event loop."""

    def __init__(
        self, traces_max: int = 500, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        """Of traces beyond `traces_max` only the sums are kept."""
        self._traces_max = traces_max
        self._clock_s = clock_s
        self._traces: dict[bytes, ChargedTrace] = {}
        self._left_out = LeftOut()

    def note(self, intake: Intake, plan: Plan) -> None:
        """Take in what a turn has charged."""
        now_s = self._clock_s()
        changes = changes_of(plan)
        summaries = {summary.trace_id: summary for summary in plan.traces}
        for trace_id, change in changes.items():
            summary = summaries.get(trace_id)
            trace = self._find(trace_id, now_s)
            if trace is None:
                is_new = summary is not None and summary.totals.calls == change.calls
                self._left_out.add(int(is_new), change, ())
                continue
            trace.last_s, trace.change = now_s, trace.change.plus(change)
            if summary is not None:
                trace.total, trace.owner = summary.totals, summary.owner
        for row in plan.rows:
            trace = self._traces.get(row.trace_id)
            if trace is not None:
                _note_row(trace, row, intake)
            elif row.stamp.crossings:
                self._left_out.add(0, NOTHING, row.stamp.crossings)

    def take(self, at_most: int, *, is_last: bool = False) -> tuple[list[ChargedTrace], LeftOut]:
        """Up to so many traces to draw, and what stands for the others that were ready as well.

        They are forgotten: what comes of them later is drawn as what it adds. `is_last`: whatever
        is there is ready.
        """
        now_s = self._clock_s()
        ready = [each for each in self._traces.values() if is_last or _is_ready(each, now_s)]
        for trace in ready:
            del self._traces[trace.trace_id]
        shown = [trace for trace in ready if trace.is_worth_showing]
        left_out, self._left_out = self._left_out, LeftOut()
        for trace in shown[at_most:]:
            left_out.add(int(trace.is_new), trace.change, trace.crossings)
        return shown[:at_most], left_out

    def _find(self, trace_id: bytes, now_s: float) -> ChargedTrace | None:
        """The trace, which there may be from now on; None where there are too many."""
        trace = self._traces.get(trace_id)
        if trace is None and len(self._traces) < self._traces_max:
            trace = self._traces[trace_id] = ChargedTrace(trace_id, now_s, now_s)
        return trace


def _is_ready(trace: ChargedTrace, now_s: float) -> bool:
    quiet_s = _QUIET_S if trace.has_root else _QUIET_WITHOUT_ROOT_S
    return now_s - trace.last_s >= quiet_s or now_s - trace.first_s >= _WAIT_MAX_S


def _note_row(trace: ChargedTrace, row: SpanRow, intake: Intake) -> None:
    """What a span says of its trace beside the sums."""
    stamp = row.stamp
    trace.service = trace.service or row.service[:_CHARACTERS_MAX]
    if row.is_local_root:
        trace.has_root = True
        if not row.parent_id or not trace.root:
            trace.root = _name_of(intake, row)[:_CHARACTERS_MAX]
    if row.is_agent and row.own.agent and row.time_ns >= trace.agent_end_ns:
        trace.agent, trace.agent_end_ns = row.own.agent[:_CHARACTERS_MAX], row.time_ns
    if stamp.entry is not None:
        trace.model = (stamp.entry.model or trace.model)[:_CHARACTERS_MAX]
        if stamp.entry.status in _TROUBLE:
            model = stamp.entry.model or next(iter(stamp.entry.asked[1]), "")
            trouble = Trouble(stamp.entry.status, model, stamp.entry.reason)
            if trouble in trace.troubles or len(trace.troubles) < _KINDS_MAX:
                trace.troubles[trouble] += 1
    if stamp.crossings:
        room = _KINDS_MAX - len(trace.crossings)
        trace.crossings += stamp.crossings[:room]
        trace.hidden_crossings += max(len(stamp.crossings) - room, 0)


def _name_of(intake: Intake, row: SpanRow) -> str:
    """The name of a span of the batch; ``""`` for one of an earlier batch that had waited."""
    spans, at = intake.spans, -1
    while True:
        try:
            at = spans.span_ids.index(row.span_id, at + 1)
        except ValueError:
            return ""
        if spans.trace_ids[at] == row.trace_id:
            return spans.names[at]
