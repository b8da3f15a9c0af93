"""Traces of which rows are deleted, as turns see them: some have rows again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from processor.core import posting
from processor.core.attribution import Trace
from processor.core.model import Intake, Totals
from processor.core.posting.late import Late
from processor.io.ledger.kept_from import KeptFrom
from processor.io.ledger.store import Store


def add_deleted(store: Store, kept_from: KeptFrom, trace_id: bytes, trace: Trace) -> None:
    """Have a working copy that has all rows go on from what else was charged in its trace."""
    if kept_from.calls and (number := store.trace_number(trace_id)):
        summary = store.deleted.summary_of(number)
        if summary is not None:
            posting.continue_from(trace, summary)


def set_aside(
    store: Store, kept_from: KeptFrom, intake: Intake, traces: Mapping[bytes, Trace]
) -> tuple[Intake, dict[bytes, Trace], Late]:
    """Take out of a batch what comes too late; see `posting.set_aside`."""
    if not kept_from.calls:
        return intake, dict(traces), posting.NOTHING_LATE
    deleted = [trace_id for trace_id, trace in traces.items() if trace.kept_owner is not None]
    numbers = {trace_id: store.trace_number(trace_id) for trace_id in deleted}
    deletions = store.deleted.deletions(numbers, kept_from)
    intake, rest, late = posting.set_aside(intake, traces, deletions)
    for trace_id, span_ids in late.calls.span_ids.items():
        trace = traces[trace_id]
        trace.total = trace.total.plus(Totals(unpriced=len(span_ids)))
    return intake, rest, late


def note_resumed(store: Store, deleted: Iterable[tuple[bytes, Trace]]) -> None:
    """Keep of deleted traces that are about to have rows again what they had before.

    `deleted` has their ids and working copies, in which the new spans are.
    """
    for trace_id, trace in deleted:
        if trace.nodes:
            store.deleted.resume(store.trace_number(trace_id))
