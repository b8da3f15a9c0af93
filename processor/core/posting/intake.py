"""From the rows of a batch to what arrives in each of its traces."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from processor.core.attribution import Arrival, Node, PlainSpan, Trace
from processor.core.attribution.pending import PendingSpan
from processor.core.attribution.same_response import digest_of
from processor.core.model import (
    NOBODY,
    SPAN_ID_BYTES,
    TRACE_ID_BYTES,
    Charge,
    Entry,
    Intake,
    Mark,
    PendingRows,
    Spans,
    Unpriced,
    is_local_root,
)
from processor.core.posting.stamp import entry_of


def traces_with_calls(
    charges: Sequence[Charge | Unpriced], marks: Sequence[Mark], spans: Spans
) -> set[bytes]:
    """Ids of the traces that a batch brings calls or agents for, those of log records included."""
    rows = [charge.call.mark.row for charge in charges]
    rows += [mark.row for mark in marks if mark.is_agent]
    found = {spans.trace_ids[row] for row in rows}
    found.update([charge.call.log_trace for charge in charges if charge.call.log_trace])
    return found


def responses_of(intake: Intake) -> list[tuple[int, int]]:
    """The responses that calls of a batch report, with their ends in nanoseconds."""
    return [
        (digest_of(call.response_id), call.mark.time_ns)
        for call in (charge.call for charge in intake.charges)
        if call.response_id and call.aggregate is None
    ]


def relevant_traces(intake: Intake, known: Container[bytes]) -> set[bytes]:
    """Ids of the traces of a batch that have calls or agents, now or in the ledger."""
    found = traces_with_calls(intake.charges, intake.marks, intake.spans)
    found.update(trace_id for trace_id in set(intake.spans.trace_ids) if trace_id in known)
    return found


def node_of(spans: Spans, mark: Mark, entry: Entry | None, *, is_tool: bool = False) -> Node:
    """The node of a call, agent or carrier in the batch at hand."""
    row = mark.row
    return Node(
        spans.span_ids[row],
        spans.parent_ids[row],
        mark.time_ns,
        row=row,
        is_agent=mark.is_agent,
        is_local_root=is_local_root(spans.parent_ids[row], spans.flags[row]),
        own=mark.own,
        inherited=mark.inherited,
        service=mark.service,
        entry=entry,
        is_tool=is_tool,
    )


def pending_node(span_id: bytes, span: PendingSpan) -> Node:
    """The node of a span that waited for its trace to have a call."""
    mark = span.mark or Mark(row=-1, time_ns=0)
    return Node(
        span_id,
        span.parent_id,
        mark.time_ns,
        is_local_root=span.is_local_root,
        own=mark.own,
        inherited=mark.inherited,
        service=mark.service,
        is_tool=span.is_tool,
    )


def marked_nodes(intake: Intake) -> Iterator[Node]:
    """Nodes of all calls, agents and carriers of a batch, in the order of its rows."""
    spans = intake.spans
    pairs: list[tuple[Mark, Charge | Unpriced | None]] = [(mark, None) for mark in intake.marks]
    pairs += [(charge.call.mark, charge) for charge in intake.charges]
    for mark, charge in sorted(pairs, key=lambda pair: pair[0].row):
        entry = None if charge is None else entry_of(charge, mark.service)
        yield node_of(spans, mark, entry, is_tool=mark.row in intake.tools)


def log_traces(intake: Intake) -> dict[int, bytes]:
    """Where log records of the same calls are charged, by row; of tools that write such records."""
    calls = [charge.call for charge in intake.charges]
    return {call.mark.row: call.log_trace for call in calls if call.log_trace}


def reference_of(node: Node, trace_id: bytes, log_trace: bytes) -> Node:
    """The reference to a span among the log records of its session; see `log_matching`.

    It names no owners: the records name theirs.
    """
    return Node(
        blake2b(trace_id + node.span_id, digest_size=SPAN_ID_BYTES).digest(),
        # Its parent is the session, as that of the records is, which is no span.
        log_trace[-SPAN_ID_BYTES:],
        node.time_ns,
        service=node.service,
        entry=node.entry,
        is_reference=True,
    )


@dataclass(slots=True)
class TraceArrivals:
    """What one batch brings to one trace."""

    trace: Trace
    arrivals: list[Arrival] = field(default_factory=list)
    nodes: dict[bytes, Node] = field(default_factory=dict)
    """The nodes of `arrivals`, by span id."""
    plain: dict[bytes, PlainSpan] = field(default_factory=dict)
    rows: list[tuple[int, bytes]] = field(default_factory=list)
    """All its rows in the batch, with their span ids, repeats included."""
    call_rows: list[tuple[int, bytes]] = field(default_factory=list)
    """Those of calls and aggregates."""
    left: dict[bytes, Node] = field(default_factory=dict)
    """What is beyond the limit of one trace, and waits in case it links others."""
    repeats: int = 0
    conflicts: int = 0

    @property
    def amended(self) -> list[Node]:
        """Nodes that the trace has already, and that get their usage now."""
        return [arrival.node for arrival in self.arrivals if arrival.is_amendment]

    def add(self, node: Node) -> bool:
        """Add a call, agent or carrier, or its usage where the ledger has it without.

        Returns False for a repeat, which changes nothing.
        """
        known = self.nodes.get(node.span_id) or self.trace.nodes.get(node.span_id)
        if known is None:
            self._arrive(Arrival(node))
            return True
        if gives_way(known, node):
            known.entry, known.row = node.entry, node.row
            if node.span_id not in self.nodes:
                self._arrive(Arrival(known, is_amendment=True))
            return True
        self.repeats += 1
        self.conflicts += _differs(known, node)
        return False

    def add_plain(self, span_id: bytes, plain: PlainSpan, root: Node | None) -> None:
        """Add a span that means nothing by itself; `root` is its node if it is a local root."""
        if span_id in self.trace.nodes or span_id in self.nodes:
            self.repeats += 1
        elif root is not None:
            self._arrive(Arrival(root))
        else:
            self.plain.setdefault(span_id, plain)

    def drop_repeats(self, pending: Mapping[bytes, PendingSpan]) -> None:
        """Leave out roots and carriers that wait already: their first copies stay."""
        arrivals = []
        for arrival in self.arrivals:
            node = arrival.node
            if node.span_id in pending and node.entry is None and not node.is_agent:
                del self.nodes[node.span_id]
                self.repeats += 1
            else:
                arrivals.append(arrival)
        self.arrivals = arrivals

    def add_pending(self, pending: Mapping[bytes, PendingSpan]) -> None:
        """Add the roots and carriers that waited for this trace to have a call."""
        arriving = frozenset(self.nodes)
        for span_id, span in pending.items():
            if span_id not in self.trace.nodes and span_id not in arriving:
                self._arrive(Arrival(pending_node(span_id, span)))

    def waiting_spans(self) -> Iterator[tuple[bytes, PendingSpan]]:
        """What may link others later: plain spans, and all that is beyond the limit."""
        for span_id, plain in self.plain.items():
            span = PendingSpan(plain.parent_id, None, is_local_root=False, is_tool=plain.is_tool)
            yield span_id, span
        for span_id, node in self.left.items():
            if not node.is_reference:
                yield span_id, _waiting_span(node)

    def _arrive(self, arrival: Arrival) -> None:
        self.nodes[arrival.node.span_id] = arrival.node
        self.arrivals.append(arrival)


def _waiting_span(node: Node) -> PendingSpan:
    """A span of the batch at hand as one that waits."""
    mark = None
    if node.own is not NOBODY or node.inherited is not NOBODY:
        mark = Mark(-1, node.time_ns, own=node.own, inherited=node.inherited, service=node.service)
    return PendingSpan(node.parent_id, mark, is_local_root=node.is_local_root, is_tool=node.is_tool)


def distribute(intake: Intake, traces: Mapping[bytes, Trace]) -> dict[bytes, TraceArrivals]:
    """What a batch brings to each of `traces`; rows of other traces are left out."""
    spans, found = intake.spans, {each: TraceArrivals(trace) for each, trace in traces.items()}
    marked: set[int] = set()
    log_trace_of = log_traces(intake)
    for node in marked_nodes(intake):
        row = node.row
        marked.add(row)
        trace_id, log_trace = spans.trace_ids[row], log_trace_of.get(row)
        arrivals = found.get(trace_id)
        if arrivals is None:
            continue
        arrivals.rows.append((row, node.span_id))
        if node.entry is not None:
            arrivals.call_rows.append((row, node.span_id))
        # Records refer to what is charged, so a copy that changes nothing adds no reference.
        if arrivals.add(node) and log_trace is not None:
            log_arrivals = found.get(log_trace)
            if log_arrivals is not None:  # Else the calls of that trace are deleted.
                log_arrivals.add(reference_of(node, trace_id, log_trace))
    for row, trace_id in enumerate(spans.trace_ids):
        arrivals = found.get(trace_id)
        if row in marked or arrivals is None:
            continue
        span_id, parent_id = spans.span_ids[row], spans.parent_ids[row]
        arrivals.rows.append((row, span_id))
        root, is_tool = None, row in intake.tools
        if is_local_root(parent_id, spans.flags[row]):
            received_ns = intake.received_ns
            root = Node(
                span_id, parent_id, received_ns, row=row, is_local_root=True, is_tool=is_tool
            )
        arrivals.add_plain(span_id, PlainSpan(parent_id, row, is_tool), root)
    return found


def gives_way(known: Node, copy: Node) -> bool:
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


def pending_rows(intake: Intake, traces: Collection[bytes]) -> list[PendingRows]:
    """The spans of a batch whose traces have no call yet, by trace: in case one comes.

    Spans with ids of a wrong size are rejected, and link nothing.
    """
    rows: dict[bytes, list[int]] = {}
    span_ids = intake.spans.span_ids
    for row, trace_id in enumerate(intake.spans.trace_ids):
        is_whole = len(trace_id) == TRACE_ID_BYTES and len(span_ids[row]) == SPAN_ID_BYTES
        if is_whole and trace_id not in traces:
            rows.setdefault(trace_id, []).append(row)
    marks = {mark.row: mark for mark in intake.marks} if rows else {}
    return [_pending_rows(intake, trace_id, some, marks) for trace_id, some in rows.items()]


def _pending_rows(
    intake: Intake, trace_id: bytes, rows: Sequence[int], marks: Mapping[int, Mark]
) -> PendingRows:
    """Rows of a batch, with nothing else of it."""
    spans, tools = intake.spans, intake.tools
    return PendingRows(
        trace_id,
        [spans.span_ids[row] for row in rows],
        [spans.parent_ids[row] for row in rows],
        [spans.flags[row] for row in rows],
        {at: marks[row] for at, row in enumerate(rows) if row in marks} if marks else {},
        {at for at, row in enumerate(rows) if row in tools} if tools else (),
    )
