"""Working copies of traces from the rows that the ledger has of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from processor.core.attribution import Arrival, Node, Trace, attach, attach_in_steps
from processor.core.model import SpanRow, TraceSummary


def stored_node(row: SpanRow) -> Node:
    """The node of a span as its row has it."""
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
        is_tool=row.is_tool,
    )
    node.is_cut, node.is_charged_elsewhere = row.is_cut, row.is_charged_elsewhere
    node.is_excluded = row.is_excluded
    node.stamp, node.row_id = row.stamp, row.id
    return node


def _add(nodes: dict[bytes, Node], row: SpanRow) -> None:
    """Add a span, or what a later row says of it."""
    node = nodes.get(row.span_id)
    if node is None:
        nodes[row.span_id] = stored_node(row)
    else:
        _amend(node, row)


def _amend(node: Node, row: SpanRow) -> None:
    node.entry = row.entry
    node.is_charged_elsewhere = row.is_charged_elsewhere
    node.is_excluded = row.is_excluded
    node.stamp, node.row_id = row.stamp, row.id


def rebuild(trace_id: bytes, rows: Collection[SpanRow]) -> Trace:
    """The working copy of one trace from what the ledger holds of it, nothing being a new trace."""
    trace = Trace(trace_id)
    if not rows:
        return trace
    nodes: dict[bytes, Node] = {}
    for row in rows:
        _add(nodes, row)
    attach(trace, [Arrival(node) for node in nodes.values()], {})
    for node in nodes.values():
        node.row = -1
    return trace


def continue_from(trace: Trace, kept: TraceSummary) -> None:
    """Have a working copy of which rows are deleted go on from what is kept of its trace.

    `kept` has all sums of the trace, and the time and owner of the deleted calls.
    """
    trace.total, trace.kept_owner = kept.totals, kept.owner
    if kept.end_ns:
        trace.start_ns = min(trace.start_ns, kept.start_ns) if trace.end_ns else kept.start_ns
        trace.end_ns = max(trace.end_ns, kept.end_ns)


def rebuild_in_steps(
    trace_id: bytes, rows: Iterable[Sequence[SpanRow]], step_spans: int
) -> Iterator[Trace | None]:
    """Likewise a part at a time; yields None until the working copy is whole, and then that.

    `rows` are asked for a part at a time as well, and are those of one moment. A step takes
    `step_spans` of these spans into the tree.
    """
    nodes: dict[bytes, Node] = {}
    for some in rows:
        for row in some:
            _add(nodes, row)
        yield None
    trace = Trace(trace_id)
    for _ in attach_in_steps(trace, list(nodes.values()), step_spans):
        yield None
    yield trace


def add_rows(trace: Trace, rows: Iterable[SpanRow]) -> None:
    """Take the rows that a trace has got since then into its working copy."""
    new: dict[bytes, Node] = {}
    amended: dict[bytes, Node] = {}
    for row in rows:
        node = trace.nodes.get(row.span_id)
        if node is None:
            _add(new, row)
        else:
            _amend(node, row)
            amended[row.span_id] = node
    arrivals = [Arrival(node) for node in new.values()]
    arrivals += [Arrival(node, is_amendment=True) for node in amended.values()]
    attach(trace, arrivals, {})
