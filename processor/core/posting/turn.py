"""The first half of a turn: hang the spans of a batch into their traces."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from processor.core.attribution import Arrival, Movement, Node, Plain, Trace, attach
from processor.core.attribution.pending import PendingSpan, PendingSpans
from processor.core.budgets.verdict import StateKey, Watch
from processor.core.model import Entry, Intake, SpanRow, Totals, is_local_root
from processor.core.posting.intake import log_traces, marked_nodes, pending_node, reference_of


class Change(NamedTuple):
    """What one movement changes in one total that budgets follow."""

    watch: Watch
    key: StateKey
    change: Totals


@dataclass(slots=True)
class Posted:
    """What a batch brought about in the working copies, before budgets are asked."""

    received_ns: int
    traces: Mapping[bytes, Trace]
    added: list[tuple[bytes, Node]] = field(default_factory=list)
    amended: list[tuple[bytes, Node]] = field(default_factory=list)
    movements: list[tuple[bytes, Movement]] = field(default_factory=list)
    """In the order in which budgets count them: by end time, then span id."""
    changes: list[list[Change]] = field(default_factory=list)
    """For each movement, filled in by `changes.needs`."""
    rows: dict[int, Node] = field(default_factory=dict)
    """Row of the batch to its node, repeats included."""
    before: dict[tuple[str, str], Totals] = field(default_factory=dict)
    """Totals of the traces and agent runs that budgets follow, before this turn, by scope and
    id; filled in by `changes.needs`."""
    taken_pending: list[tuple[bytes, bytes, PendingSpan]] = field(default_factory=list)
    """(trace id, span id, span) taken from the pending spans; put back if the turn fails."""
    first_new: dict[bytes, Node] = field(default_factory=dict)
    """By trace, a span of this batch that is new: it called in those that had waited."""
    root_passed: set[bytes] = field(default_factory=set)
    """Traces whose entry span had passed before this turn."""
    repeats: int = 0
    conflicts: int = 0
    is_repricing: bool = False
    """Older calls get other prices: no span of this turn is there to be stamped."""

    def sort(self) -> None:
        """Put the movements into the order in which budgets count them."""
        self.movements.sort(key=lambda item: (item[1].node.time_ns, item[1].node.span_id))


@dataclass(slots=True)
class TraceArrivals:
    """What one batch brings to one trace."""

    arrivals: list[Arrival] = field(default_factory=list)
    plain: dict[bytes, Plain] = field(default_factory=dict)
    rows: list[tuple[int, bytes]] = field(default_factory=list)

    def leave_out(self) -> None:
        """Keep only what is charged or counted."""
        self.plain.clear()
        self.arrivals = [
            arrival
            for arrival in self.arrivals
            if arrival.node.entry is not None or arrival.node.is_agent
        ]


def post(
    intake: Intake, traces: Mapping[bytes, Trace], pending: PendingSpans, trace_spans: int
) -> Posted:
    """Take a batch into the working copies of its traces.

    A trace that has `trace_spans` nodes takes calls and agents only, so that no sender can make
    one trace cost more and more.
    Changes `traces`: if the turn is not committed in the end, they have to be thrown away.
    """
    posted = Posted(intake.received_ns, traces)
    shares = {trace_id: TraceArrivals() for trace_id in traces}
    _distribute(intake, traces, shares, posted)
    for trace_id, share in shares.items():
        trace = traces[trace_id]
        if trace.has_local_root or any(
            span.is_local_root for span in pending.significant(trace_id).values()
        ):
            posted.root_passed.add(trace_id)
        if len(trace.nodes) >= trace_spans:
            share.leave_out()
        elif share.arrivals or share.plain:
            _take_pending(pending.significant(trace_id), trace, share)
        added, movements = attach(trace, share.arrivals, share.plain, pending.plain(trace_id))
        called = pending.release(trace_id, [node.span_id for node in added])
        posted.taken_pending += ((trace_id, span_id, span) for span_id, span in called)
        for span_id, plain in share.plain.items():
            if plain.row >= 0 and span_id not in trace.nodes:
                pending.keep(
                    trace_id, span_id, PendingSpan(plain.parent_id, None, is_local_root=False)
                )
        posted.added += ((trace_id, node) for node in added)
        posted.movements += ((trace_id, movement) for movement in movements)
        present = [node for node in (*added, *_amended(share)) if node.row >= 0]
        if present:
            posted.first_new[trace_id] = min(present, key=lambda node: node.row)
        for row, span_id in share.rows:
            if span_id in trace.nodes:
                posted.rows[row] = trace.nodes[span_id]
    posted.sort()
    return posted


def _amended(share: TraceArrivals) -> list[Node]:
    return [arrival.node for arrival in share.arrivals if arrival.is_amendment]


def amend(
    traces: Mapping[bytes, Trace], entries: Mapping[bytes, Mapping[bytes, Entry]], now_ns: int
) -> Posted:
    """Give older calls other entries, by trace and span id; what was stamped stays as it was.

    Changes `traces`, as `post` does.
    """
    posted = Posted(now_ns, traces, is_repricing=True)
    for trace_id, changes in entries.items():
        trace = traces[trace_id]
        arrivals = []
        for span_id, entry in changes.items():
            node = trace.nodes[span_id]
            node.entry = entry
            arrivals.append(Arrival(node, is_amendment=True))
            posted.amended.append((trace_id, node))
        _, movements = attach(trace, arrivals, {})
        posted.movements += ((trace_id, movement) for movement in movements)
    posted.sort()
    return posted


def _take_pending(waiting: Mapping[bytes, PendingSpan], trace: Trace, share: TraceArrivals) -> None:
    """Bring in the roots and carriers that waited for this trace to have a call."""
    arriving = {arrival.node.span_id for arrival in share.arrivals} if waiting else ()
    for span_id, span in waiting.items():
        if span_id in trace.nodes or span_id in arriving:
            continue
        share.arrivals.append(Arrival(pending_node(span_id, span)))


@dataclass(slots=True)
class _Arrivals:
    """The significant spans of a batch, each on its way into its trace unless that knows it."""

    traces: Mapping[bytes, Trace]
    shares: Mapping[bytes, TraceArrivals]
    posted: Posted
    nodes: dict[tuple[bytes, bytes], Node] = field(default_factory=dict)
    """By trace id and span id."""

    def take(self, trace_id: bytes, node: Node) -> bool:
        """Let a span in, or its usage where the ledger has it without; False for a repeat."""
        key = (trace_id, node.span_id)
        known = self.nodes.get(key) or self.traces[trace_id].nodes.get(node.span_id)
        if known is None:
            self.nodes[key] = node
            self.shares[trace_id].arrivals.append(Arrival(node))
            return True
        if _gives_way(known, node):
            known.entry, known.row = node.entry, node.row
            if key not in self.nodes:
                self.nodes[key] = known
                self.shares[trace_id].arrivals.append(Arrival(known, is_amendment=True))
                self.posted.amended.append((trace_id, known))
            return True
        self.posted.repeats += 1
        self.posted.conflicts += _differs(known, node)
        return False


def _distribute(
    intake: Intake,
    traces: Mapping[bytes, Trace],
    shares: Mapping[bytes, TraceArrivals],
    posted: Posted,
) -> None:
    spans, arrivals = intake.spans, _Arrivals(traces, shares, posted)
    significant: set[int] = set()
    told = log_traces(intake)
    for node in marked_nodes(intake):
        significant.add(node.row)
        trace_id, log_trace = spans.trace_ids[node.row], told.get(node.row)
        if trace_id not in traces:
            continue
        shares[trace_id].rows.append((node.row, node.span_id))
        # Only what is charged is told, so a copy that changes nothing tells nothing either.
        if arrivals.take(trace_id, node) and log_trace is not None:
            arrivals.take(log_trace, reference_of(node, trace_id, log_trace))
    for row, trace_id in enumerate(spans.trace_ids):
        if row in significant or trace_id not in traces:
            continue
        span_id, parent_id = spans.span_ids[row], spans.parent_ids[row]
        share = shares[trace_id]
        share.rows.append((row, span_id))
        if span_id in traces[trace_id].nodes or (trace_id, span_id) in arrivals.nodes:
            posted.repeats += 1
        elif is_local_root(parent_id, spans.flags[row]):
            node = Node(span_id, parent_id, intake.received_ns, row=row, is_local_root=True)
            arrivals.nodes[trace_id, span_id] = node
            share.arrivals.append(Arrival(node))
        else:
            share.plain.setdefault(span_id, Plain(parent_id, row))


def _gives_way(known: Node, copy: Node) -> bool:
    """True when the copy brings the usage that the first one missed."""
    return (
        known.entry is not None
        and known.entry.status == "usage_missing"
        and copy.entry is not None
        and copy.entry.usage is not None
    )


def _differs(known: Node, copy: Node) -> bool:
    """True when a repeat reports other usage, or another model, than the first copy."""
    if known.entry is None or copy.entry is None:
        return known.entry is not copy.entry
    first, second = known.entry, copy.entry
    if first.usage != second.usage:
        return True
    # A catalog reloaded in between may name the price differently; that is not the sender's doing.
    return first.price_version == second.price_version and first.model != second.model


def rebuild(trace_id: bytes, rows: Collection[SpanRow]) -> Trace:
    """The working copy of one trace from what the ledger holds of it, nothing being a new trace."""
    trace = Trace(trace_id)
    if not rows:
        return trace
    nodes: dict[bytes, Node] = {}
    for row in rows:
        node = nodes.get(row.span_id)
        if node is None:
            node = Node(
                row.span_id,
                row.parent_id,
                row.time_ns,
                is_agent=row.is_agent,
                is_local_root=row.is_local_root,
                own=row.own,
                inherited=row.inherited,
                service=row.service,
                entry=row.entry,
                is_reference=row.is_reference,
            )
            node.is_cut = row.is_cut
            nodes[row.span_id] = node
        else:
            node.entry = row.entry
        node.stamp = row.stamp
    attach(trace, [Arrival(node) for node in nodes.values()], {})
    for node in nodes.values():
        node.row = -1
    return trace
