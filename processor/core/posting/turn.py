"""The first stage of a turn: the spans of a batch in their traces, and what moves where."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from processor.core.attribution import Movement, Node, Trace, attach
from processor.core.attribution.pending import PendingSpan, PendingSpans
from processor.core.attribution.same_response import Report, Restated, restate
from processor.core.model import REMOTE_PARENT, Crossing, Intake, PendingRows
from processor.core.posting.full_trace import (
    NOTHING_LEFT_OUT,
    LeftOut,
    has_room,
    is_full,
    leave_out,
    takes_links,
)
from processor.core.posting.intake import TraceArrivals, distribute, pending_rows
from processor.core.posting.late import NOTHING_LATE, Late
from processor.core.posting.reports import NO_REPORTS, OlderReports

TakenSpan = tuple[bytes, bytes, PendingSpan]
"""(trace id, span id, span) taken from the pending ones."""


@dataclass(frozen=True, slots=True)
class Posted:
    """What a batch brought about in the working copies, before budgets are asked."""

    received_ns: int
    traces: Mapping[bytes, Trace]
    added: Sequence[tuple[bytes, Node]]
    amended: Sequence[tuple[bytes, Node]]
    movements: Sequence[tuple[bytes, Movement]]
    """In the order in which budgets count them: by end time, then span id."""
    rows: Mapping[int, Node] = field(default_factory=dict)
    """Row of the batch to its node, repeats included."""
    taken_pending: Sequence[TakenSpan] = ()
    """To be returned to the pending spans if the turn fails."""
    pending: Sequence[PendingRows] = ()
    """Spans of the batch that have no meaning yet, and wait once the turn is written."""
    first_new: Mapping[bytes, Node] = field(default_factory=dict)
    """By trace, a span of this batch that is new: on it is written what pending spans cause."""
    root_passed: Collection[bytes] = ()
    """Traces of which a local root had passed before this turn."""
    repeats: int = 0
    conflicts: int = 0
    restated: Sequence[tuple[bytes, Node]] = ()
    """Older calls that a span of another trace has changed; see `attribution.same_response`."""
    crossed: Sequence[Crossing] = ()
    """See `Intake.crossed`."""
    left_out: Mapping[bytes, LeftOut] = field(default_factory=dict)
    """By trace, how many spans are beyond the limit of one trace."""
    left_rows: Collection[int] = ()
    """Rows of calls beyond that limit."""
    late: Late = NOTHING_LATE
    change: Literal["", "reprice", "exclusion"] = ""
    """Why older calls change; no span of this turn is there to be stamped. Empty for a batch."""


@dataclass(frozen=True, slots=True)
class _Attached:
    """What a batch brought about in one trace."""

    trace_id: bytes
    arrived: TraceArrivals
    added: Sequence[Node]
    movements: Sequence[Movement]
    taken_pending: Sequence[tuple[bytes, PendingSpan]]
    pending: PendingRows | None
    root_passed: bool
    left_out: LeftOut

    @property
    def left_rows(self) -> Iterator[int]:
        """Rows of calls that are beyond the limit now, or were when they came for the first time.

        Such a call may be a link since then.
        """
        if self.left_out is NOTHING_LEFT_OUT and not is_full(self.trace_id, self.arrived.trace):
            return
        for row, span_id in self.arrived.call_rows:
            node = self.arrived.trace.nodes.get(span_id)
            if node is None or node.entry is None:
                yield row

    @property
    def first_new(self) -> Node | None:
        """The span of the batch at hand that is new and comes first in it."""
        present = [node for node in (*self.added, *self.arrived.amended) if node.row >= 0]
        return min(present, key=lambda node: node.row, default=None)


def post(
    intake: Intake,
    traces: Mapping[bytes, Trace],
    pending: PendingSpans,
    trace_spans: int,
    older: OlderReports = NO_REPORTS,
    *,
    late: Late = NOTHING_LATE,
) -> Posted:
    """Take a batch into the working copies of its traces.

    `older` are known reports of the responses of its calls, as they are in `traces`; those of other
    traces stay as they are. `late` is what was set aside of the batch. A trace that has
    `trace_spans` nodes takes nothing but what links them; see `full_trace`.
    Changes `traces`: if the turn is not committed in the end, they have to be discarded.
    """
    arrived = distribute(intake, traces) if traces else {}
    takers = {
        trace_id: each
        for trace_id, each in arrived.items()
        if has_room(each, pending.significant(trace_id), trace_spans)
    }
    restated = _restate(takers, older)
    attached = [
        _attach(*item, pending, trace_spans, restated.get(item[0], {})) for item in arrived.items()
    ]
    firsts = {each.trace_id: each.first_new for each in attached}
    return Posted(
        intake.received_ns,
        traces,
        added=[(each.trace_id, node) for each in attached for node in each.added],
        amended=[(each.trace_id, node) for each in attached for node in each.arrived.amended],
        movements=ordered((each.trace_id, each.movements) for each in attached),
        rows={
            row: each.arrived.trace.nodes[span_id]
            for each in attached
            for row, span_id in each.arrived.rows
            if span_id in each.arrived.trace.nodes
        },
        taken_pending=[
            (each.trace_id, *taken) for each in attached for taken in each.taken_pending
        ],
        pending=[
            *pending_rows(intake, {*traces, *late.traces} if late.traces else traces),
            *(each.pending for each in attached if each.pending is not None),
        ],
        first_new={trace_id: node for trace_id, node in firsts.items() if node is not None},
        root_passed={each.trace_id for each in attached if each.root_passed},
        repeats=sum(each.arrived.repeats for each in attached) + late.repeats,
        conflicts=sum(each.arrived.conflicts for each in attached),
        restated=[(trace_id, node) for trace_id, some in restated.items() for node in some],
        crossed=intake.crossed,
        left_out={
            each.trace_id: each.left_out
            for each in attached
            if each.left_out is not NOTHING_LEFT_OUT
        },
        left_rows=[row for each in attached for row in each.left_rows],
        late=late,
    )


def _restate(arrived: Mapping[bytes, TraceArrivals], older: OlderReports) -> dict[bytes, Restated]:
    """Decide which reports of the responses of this batch are charged, over all traces."""
    arriving = [
        Report(trace_id, arrival.node)
        for trace_id, each in arrived.items()
        for arrival in each.arrivals
    ]
    return restate(arriving, older.by_response, older.crowded)


def _attach(
    trace_id: bytes,
    arrived: TraceArrivals,
    pending: PendingSpans,
    trace_spans: int,
    restated: Restated,
) -> _Attached:
    """Attach what arrived to its trace, with the pending spans that now matter to it."""
    trace, waiting = arrived.trace, pending.significant(trace_id)
    root_passed = trace.has_local_root or any(span.is_local_root for span in waiting.values())
    links, left_out = pending.plain(trace_id), NOTHING_LEFT_OUT
    if arrived.arrivals or arrived.plain:
        left_out = leave_out(trace_id, arrived, waiting, links, trace_spans)
    if takes_links(trace, trace_spans):
        added, movements = attach(trace, arrived.arrivals, arrived.plain, links, restated)
    else:
        added, movements = attach(trace, arrived.arrivals, {}, restated=restated)
    taken = pending.release(trace_id, [node.span_id for node in added])
    kept = pending.plain(trace_id), pending.significant(trace_id)
    waits = {
        span_id: span
        for span_id, span in arrived.waiting_spans()
        if span_id not in trace.nodes and not any(span_id in spans for spans in kept)
    }
    rows = _waiting_rows(trace_id, waits) if waits else None
    return _Attached(trace_id, arrived, added, movements, taken, rows, root_passed, left_out)


def _waiting_rows(trace_id: bytes, waits: Mapping[bytes, PendingSpan]) -> PendingRows:
    spans = waits.values()
    return PendingRows(
        trace_id,
        list(waits),
        [span.parent_id for span in spans],
        [REMOTE_PARENT if span.is_local_root else 0 for span in spans],
        {at: span.mark for at, span in enumerate(spans) if span.mark is not None},
        {at for at, span in enumerate(spans) if span.is_tool},
    )


def ordered(
    movements: Iterable[tuple[bytes, Sequence[Movement]]],
) -> list[tuple[bytes, Movement]]:
    """Movements of several traces in the order in which budgets count them."""
    found = [(trace_id, movement) for trace_id, some in movements for movement in some]
    found.sort(key=lambda item: (item[1].node.time_ns, item[1].node.span_id))
    return found
