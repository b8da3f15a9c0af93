"""Turns that no batch brings about: older calls get other entries, or leave all sums.

What was stamped stays as it was. The working copies that are given are changed, as `post` does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from processor.core.attribution import Arrival, Movement, Node, Trace, attach
from processor.core.attribution.trace import is_of_logs
from processor.core.model import Entry
from processor.core.posting.intake import reference_of
from processor.core.posting.turn import Posted, ordered
from processor.core.semconv.dialects.logs import LOG_TOOLS
from processor.core.semconv.ids import log_trace


def amend(
    traces: Mapping[bytes, Trace], entries: Mapping[bytes, Mapping[bytes, Entry]], now_ns: int
) -> Posted:
    """Give older calls other entries, by trace and span id."""
    amended = []
    for trace_id, changes in entries.items():
        for span_id, entry in changes.items():
            node = traces[trace_id].nodes[span_id]
            node.entry = entry
            amended.append((trace_id, node))
    return _posted(traces, amended, now_ns, "reprice")


def exclude(
    traces: Mapping[bytes, Trace],
    spans: Mapping[bytes, Collection[bytes]],
    now_ns: int,
    *,
    is_excluded: bool,
) -> Posted:
    """Take calls and agents out of all sums, or put them back, by trace and span id.

    Spans above and beside them are charged what they were: what is excluded still explains what
    it used, and stays the one of several reports of a call that would be charged. Spans that are
    unknown, charged nothing, or as they should be already, are left out.
    """
    amended = []
    for trace_id, span_ids in spans.items():
        for span_id in span_ids:
            node = traces[trace_id].nodes.get(span_id)
            if node is None or node.is_excluded == is_excluded:
                continue
            if node.posted.is_zero and is_excluded and not node.is_reference:
                continue
            node.is_excluded = is_excluded
            amended.append((trace_id, node))
    return _posted(traces, amended, now_ns, "exclusion")


def references(
    traces: Mapping[bytes, Trace], spans: Mapping[bytes, Collection[bytes]]
) -> dict[bytes, list[bytes]]:
    """Where references to calls may be, by the trace of log records that would have them.

    A log record of a call adds what the call's span does not say, so it has to go with it.
    """
    found: dict[bytes, list[bytes]] = {}
    for trace_id, span_ids in spans.items():
        if is_of_logs(trace_id):
            continue
        nodes = traces[trace_id].nodes
        for node in filter(None, map(nodes.get, span_ids)):
            session = node.own.session or node.inherited.session
            for tool in LOG_TOOLS if node.entry is not None and session else ():
                log_trace_id = log_trace(tool, session or "")
                reference = reference_of(node, trace_id, log_trace_id).span_id
                found.setdefault(log_trace_id, []).append(reference)
    return found


def _posted(
    traces: Mapping[bytes, Trace],
    amended: Sequence[tuple[bytes, Node]],
    now_ns: int,
    change: Literal["reprice", "exclusion"],
) -> Posted:
    arrivals: dict[bytes, list[Arrival]] = {}
    for trace_id, node in amended:
        arrivals.setdefault(trace_id, []).append(Arrival(node, is_amendment=True))
    movements: list[tuple[bytes, Sequence[Movement]]] = [
        (trace_id, attach(traces[trace_id], some, {})[1]) for trace_id, some in arrivals.items()
    ]
    return Posted(now_ns, traces, (), amended, ordered(movements), change=change)
