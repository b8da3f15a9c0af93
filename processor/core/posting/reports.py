"""Calls that other traces report as well, and which of these traces a turn needs as a whole.

Whether two reports may be of one call is seen from their rows. A whole trace is read only where a
call in it is charged otherwise from now on; most turns need none.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from copy import copy
from typing import NamedTuple

from processor.core.attribution import Trace
from processor.core.attribution.same_response import (
    KnownReports,
    Report,
    SpanKey,
    digest_of,
    restate,
)
from processor.core.model import Intake, SpanRow
from processor.core.posting.intake import gives_way, node_of
from processor.core.posting.rebuild import stored_node
from processor.core.posting.stamp import entry_of


class OlderReports(NamedTuple):
    """The known reports of the responses of a batch."""

    by_response: Mapping[int, Sequence[Report]]
    crowded: Container[int]
    """Responses that more spans report than are looked at."""


NO_REPORTS = OlderReports({}, ())


def older_reports(
    traces: Mapping[bytes, Trace],
    reports: Mapping[int, KnownReports],
    rows: Mapping[SpanKey, SpanRow],
) -> OlderReports:
    """The known reports as they are in `traces`, or as `rows` have them, and then settled."""
    by_response = {
        response: list(_older(traces, known, rows, are_settled=True))
        for response, known in reports.items()
    }
    return OlderReports(by_response, _crowded(reports))


def _older(
    traces: Mapping[bytes, Trace],
    known: KnownReports,
    rows: Mapping[SpanKey, SpanRow],
    *,
    are_settled: bool,
) -> Iterator[Report]:
    for key in known.spans:
        trace_id, span_id = key
        if trace_id not in traces:
            if key in rows:
                yield Report(trace_id, stored_node(rows[key]), are_settled)
        elif span_id in traces[trace_id].nodes:
            yield Report(trace_id, traces[trace_id].nodes[span_id])


def _crowded(reports: Mapping[int, KnownReports]) -> set[int]:
    return {response for response, known in reports.items() if not known.are_all}


def traces_to_correct(
    intake: Intake,
    traces: Mapping[bytes, Trace],
    reports: Mapping[int, KnownReports],
    rows: Mapping[SpanKey, SpanRow],
) -> list[bytes]:
    """The traces of `rows` in which a batch changes what a call is charged; changes nothing.

    `traces` are those at hand, those of the batch among them.
    """
    wanted = {
        response: known
        for response, known in reports.items()
        if any(key in rows for key in known.spans)
    }
    if not wanted:
        return []
    arriving = list(_arriving(intake, traces, wanted))
    keys = {(report.trace_id, report.node.span_id) for report in arriving}
    older = {
        response: [
            Report(report.trace_id, copy(report.node))
            for report in _older(traces, known, rows, are_settled=False)
            if (report.trace_id, report.node.span_id) not in keys
        ]
        for response, known in wanted.items()
    }
    changed = restate(arriving, older, _crowded(wanted))
    return [trace_id for trace_id in changed if trace_id not in traces]


def _arriving(
    intake: Intake, traces: Mapping[bytes, Trace], wanted: Mapping[int, KnownReports]
) -> Iterator[Report]:
    """The calls of a batch that report one of some responses and change anything."""
    spans, seen = intake.spans, set[SpanKey]()
    for charge in intake.charges:
        call = charge.call
        if call.aggregate is None and digest_of(call.response_id) in wanted:
            trace_id = spans.trace_ids[call.mark.row]
            node = node_of(spans, call.mark, entry_of(charge, call.mark.service))
            trace, key = traces.get(trace_id), (trace_id, node.span_id)
            if trace is None or key in seen:
                continue
            seen.add(key)
            known = trace.nodes.get(node.span_id)
            if known is None or gives_way(known, node):
                yield Report(trace_id, node)
