"""From the rows of a batch to arrivals in a trace."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterator, Sequence
from hashlib import blake2b

from processor.core.attribution import Node
from processor.core.attribution.pending import PendingSpan, PendingSpans
from processor.core.model import Charge, Entry, Intake, Mark, Spans, Unpriced, is_local_root

_SPAN_ID_BYTES = 8

LIFETIME = "counts the agent's whole lifetime, not this run"
"""Why an aggregate cannot be priced, whatever prices there are."""


def traces_with_calls(
    charges: Sequence[Charge | Unpriced], marks: Sequence[Mark], spans: Spans
) -> set[bytes]:
    """Ids of the traces that a batch brings calls or agents for, those of log records included."""
    rows = [charge.call.mark.row for charge in charges]
    rows += [mark.row for mark in marks if mark.is_agent]
    found = {spans.trace_ids[row] for row in rows}
    found.update([charge.call.log_trace for charge in charges if charge.call.log_trace])
    return found


def relevant_traces(intake: Intake, known: Container[bytes]) -> set[bytes]:
    """Ids of the traces of a batch that have calls or agents, now or in the ledger."""
    found = traces_with_calls(intake.charges, intake.marks, intake.spans)
    found.update(trace_id for trace_id in set(intake.spans.trace_ids) if trace_id in known)
    return found


def entry_of(charge: Charge | Unpriced, service: str) -> Entry:
    """The ledger row of a priced or unpriced call."""
    call = charge.call
    is_lifetime = call.aggregate == "lifetime"
    priced = charge if isinstance(charge, Charge) and not is_lifetime else None
    return Entry(
        status="unpriced" if is_lifetime else charge.status,
        reason=LIFETIME if is_lifetime else charge.reason,
        provider=charge.provider,
        model=charge.model,
        service=service,
        price_version=charge.price_version,
        usage=call.usage,
        amount=priced.amount if priced else None,
        rates=priced.rates if priced else None,
        aggregate=call.aggregate,
        saved_nano_usd=priced.saved_nano_usd if priced else 0,
        reported_nano_usd=call.reported_nano_usd,
        rule=call.rule,
        has_tokens=call.has_tokens,
        kind=call.kind,
        time_assumed=call.mark.time_assumed,
        asked=(call.provider, call.models, call.tier),
        response_id=call.response_id,
        reported_by=call.reported_by,
        free=call.free,
        scope=call.mark.scope,
        start_ns=call.mark.start_ns,
    )


def node_of(spans: Spans, mark: Mark, entry: Entry | None) -> Node:
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
    )


def marked_nodes(intake: Intake) -> Iterator[Node]:
    """Nodes of all calls, agents and carriers of a batch, in the order of its rows."""
    spans = intake.spans
    pairs: list[tuple[Mark, Charge | Unpriced | None]] = [(mark, None) for mark in intake.marks]
    pairs += [(charge.call.mark, charge) for charge in intake.charges]
    for mark, charge in sorted(pairs, key=lambda pair: pair[0].row):
        entry = None if charge is None else entry_of(charge, mark.service)
        yield node_of(spans, mark, entry)


def log_traces(intake: Intake) -> dict[int, bytes]:
    """Where log records of the same calls are charged, by row; of tools that write such records."""
    calls = [charge.call for charge in intake.charges]
    return {call.mark.row: call.log_trace for call in calls if call.log_trace}


def reference_of(node: Node, trace_id: bytes, log_trace: bytes) -> Node:
    """What the log records of a session are told of a span in its trace; see `rollup.told`.

    It says nothing of owners: the records name theirs.
    """
    return Node(
        blake2b(trace_id + node.span_id, digest_size=_SPAN_ID_BYTES).digest(),
        # It hangs from the session, as the records do, which is no span.
        log_trace[-_SPAN_ID_BYTES:],
        node.time_ns,
        service=node.service,
        entry=node.entry,
        is_reference=True,
    )


def keep_pending(intake: Intake, traces: Collection[bytes], pending: PendingSpans) -> None:
    """Keep the spans of traces that have no call yet, in case one comes."""
    spans = intake.spans
    marks = {mark.row: mark for mark in intake.marks}
    rows: dict[bytes, list[int]] = {}
    for row, trace_id in enumerate(spans.trace_ids):
        if trace_id not in traces:
            rows.setdefault(trace_id, []).append(row)
    for trace_id, some in rows.items():
        pending.keep_rows(trace_id, spans, some, marks)
