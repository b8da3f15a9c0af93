"""Calls that come after what would tell what they repeat was deleted.

Of a trace whose calls are deleted nobody knows what a further span of that time repeats, and of a
trace that is unknown and so old that its ids may be deleted, whether it was charged before. Such
calls are charged nothing, which is said on each, and they make every total with them say "at
least". What is no call passes as it is.

A call that began after all that is deleted had ended repeats none of it: it is charged as always,
and the trace has rows again. An aggregate may add up calls that are deleted, so it stays late.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import NamedTuple

from processor.core.attribution import Movement, Trace
from processor.core.attribution.owner import resolve
from processor.core.model import (
    NO_PARTS,
    NO_SUMS,
    NS_PER_S,
    Charge,
    Entry,
    Intake,
    LateCalls,
    Mark,
    Stamp,
    Sums,
    Totals,
    Unpriced,
)
from processor.core.posting.intake import node_of, traces_with_calls

OF_DELETED = "the calls of its trace are no longer kept (ledger.retention.calls)"
"""The reason on a call of a trace whose calls are deleted, whether or not it is a repeat."""
TOO_OLD = "ended before what would tell it from a repeat is kept (ledger.retention.keys)"
"""The reason on an old call of an unknown trace."""
_HOUR_S = 3_600
_ONE_UNKNOWN = Sums(Totals(unpriced=1), NO_PARTS)


class Deletions(NamedTuple):
    """What was deleted that concerns a batch."""

    span_ids: Mapping[bytes, Container[bytes]]
    """By trace with deleted calls, the ids of their spans as far as they are kept."""
    keys_from_ns: int = 0
    """A call of an unknown trace that ended before may have been charged; 0 where none was."""
    calls_from_ns: int = 0
    """All that is deleted ended before."""


@dataclass(slots=True, eq=False)
class Late:
    """What a batch brings that is set aside."""

    calls: LateCalls = field(default_factory=LateCalls)
    movements: list[tuple[bytes, Movement]] = field(default_factory=list)
    """What is new of unknown cost."""
    stamps: dict[int, Stamp] = field(default_factory=dict)
    """By row of the batch: the same each time a span is sent."""
    traces: Collection[bytes] = ()
    """Traces of which nothing is attached, and nothing waits."""
    repeats: int = 0


NOTHING_LATE = Late()
"""Where nothing was deleted; nothing is ever added to it."""


def set_aside(
    intake: Intake, traces: Mapping[bytes, Trace], deletions: Deletions
) -> tuple[Intake, dict[bytes, Trace], Late]:
    """Divide a batch into what is posted, with the traces of that, and what comes too late.

    `traces` are those that it concerns, as the ledger has them.
    """
    if not deletions.span_ids:
        marks_at_hand = chain((charge.call.mark for charge in intake.charges), intake.marks)
        if all(mark.time_ns >= deletions.keys_from_ns for mark in marks_at_hand):
            return intake, dict(traces), NOTHING_LATE
    division = _Division(intake, traces, deletions)
    charges = [charge for charge in intake.charges if not division.takes_call(charge)]
    marks = [mark for mark in intake.marks if not division.takes_mark(mark)]
    late = division.late
    going_on = traces_with_calls(charges, marks, intake.spans)
    going_on.update(trace_id for trace_id in deletions.span_ids if traces[trace_id].nodes)
    late.traces = {*deletions.span_ids, *division.old} - going_on
    late.calls.span_ids = {
        trace_id: sorted(ids)
        for trace_id, ids in division.new.items()
        if ids and trace_id in deletions.span_ids
    }
    rest = {trace_id: trace for trace_id, trace in traces.items() if trace_id not in late.traces}
    return replace(intake, charges=charges, marks=marks), rest, late


class _Division:
    """Takes out of a batch what comes too late."""

    def __init__(self, intake: Intake, traces: Mapping[bytes, Trace], deletions: Deletions) -> None:
        self._spans = intake.spans
        self._traces = traces
        self._deletions = deletions
        self.late = Late()
        self.new: dict[bytes, set[bytes]] = {}
        """By trace, the ids of calls that were not known."""
        self.old: set[bytes] = set()
        """Unknown traces with something that is too old."""

    def takes_call(self, charge: Charge | Unpriced) -> bool:
        """Take a call if it comes too late: as a repeat, or as one more of unknown cost."""
        mark = charge.call.mark
        trace_id, span_id = self._spans.trace_ids[mark.row], self._spans.span_ids[mark.row]
        known = self._deletions.span_ids.get(trace_id)
        if known is None and not self._is_old(mark, trace_id):
            return self._takes_link(mark, trace_id, span_id)
        if known is not None and self._is_of_rest(charge, trace_id, span_id):
            return False
        self.late.stamps[mark.row] = _TOO_OLD_STAMP if known is None else _OF_DELETED_STAMP
        new = self.new.setdefault(trace_id, set())
        if span_id in new or (known is not None and span_id in known):
            self.late.repeats += 1
        else:
            new.add(span_id)
            self._note(trace_id, charge, TOO_OLD if known is None else OF_DELETED)
        return True

    def _is_of_rest(self, charge: Charge | Unpriced, trace_id: bytes, span_id: bytes) -> bool:
        """Whether a call of a trace with deleted calls has a row, or repeats nothing deleted."""
        node, mark = self._traces[trace_id].nodes.get(span_id), charge.call.mark
        if node is not None and node.entry is not None:
            return True
        if charge.call.aggregate is not None or span_id in self._deletions.span_ids[trace_id]:
            return False
        # One that began before may be around a deleted one, and report the same usage.
        return self._is_after_deleted(mark, mark.start_ns or mark.time_ns)

    def _is_after_deleted(self, mark: Mark, time_ns: int) -> bool:
        """Whether a time of a span is after all that is deleted; an assumed one says nothing."""
        return not mark.time_assumed and time_ns >= self._deletions.calls_from_ns

    def _takes_link(self, mark: Mark, trace_id: bytes, span_id: bytes) -> bool:
        """Take a call that was too old when it came first, and has linked others since then."""
        if mark.time_ns >= self._deletions.keys_from_ns or trace_id not in self._traces:
            return False
        node = self._traces[trace_id].nodes.get(span_id)
        if node is None or node.entry is not None or node.is_agent:
            return False
        self.late.stamps[mark.row] = _TOO_OLD_STAMP
        self.late.repeats += 1
        return True

    def takes_mark(self, mark: Mark) -> bool:
        """Take what is no call, if it comes too late: it passes."""
        trace_id = self._spans.trace_ids[mark.row]
        known = self._deletions.span_ids.get(trace_id)
        if known is not None:
            span_id = self._spans.span_ids[mark.row]
            if span_id in self._traces[trace_id].nodes:
                return False
            if span_id not in known and self._is_after_deleted(mark, mark.time_ns):
                return False
            self.late.repeats += span_id in known
            return True
        return mark.is_agent and self._is_old(mark, trace_id)

    def _is_old(self, mark: Mark, trace_id: bytes) -> bool:
        """Whether a span of a trace of which nothing is known ended before ids are kept."""
        trace = self._traces.get(trace_id)
        if trace is None or trace.nodes or mark.time_ns >= self._deletions.keys_from_ns:
            return False
        self.old.add(trace_id)
        return True

    def _note(self, trace_id: bytes, charge: Charge | Unpriced, reason: str) -> None:
        """Count a call as one of unknown cost, of whom it says itself that it belongs to."""
        call, mark = charge.call, charge.call.mark
        entry = replace(
            _entry(reason), provider=charge.provider, model=charge.model, service=mark.service,
            aggregate=call.aggregate, kind=call.kind,
        )  # fmt: skip
        node = node_of(self._spans, mark, entry)
        ids, _ = resolve(Trace(trace_id), node)
        movement = Movement(node, node, None, NO_SUMS, ids, _ONE_UNKNOWN)
        self.late.movements.append((trace_id, movement))
        # Before 1970 it is the first hour, as in the totals.
        hour_s = max(mark.time_ns, 0) // NS_PER_S // _HOUR_S * _HOUR_S
        hours = self.late.calls.hours
        hours[hour_s] = hours.get(hour_s, 0) + 1


def _entry(reason: str) -> Entry:
    return Entry("late", reason, "", "", "", "", None, None, None)


_OF_DELETED_STAMP = Stamp(_entry(OF_DELETED))
_TOO_OLD_STAMP = Stamp(_entry(TOO_OLD))
