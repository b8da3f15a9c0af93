"""Working copies of what the ledger holds, and one turn upon them.

Nothing here is asynchronous and nothing is shared: one thread owns it. A working copy that a
failed turn may have touched is discarded and read again from the rows.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from functools import partial

from processor.core import posting
from processor.core.attribution import Trace
from processor.core.attribution.pending import PendingSpans
from processor.core.attribution.same_response import KnownReports
from processor.core.budgets.policy import Budget, Policy
from processor.core.counters import LedgerCounters, MemoryUse
from processor.core.model import NS_PER_S, Intake, PendingRows, Plan
from processor.io.ledger.budget_states import BudgetStates
from processor.io.ledger.forgetting.outdated import OutdatedCopies
from processor.io.ledger.forgetting.texts import as_in_json
from processor.io.ledger.kept_from import KeptFrom
from processor.io.ledger.limits import Limits
from processor.io.ledger.month_steps import MonthSums
from processor.io.ledger.resumed_traces import add_deleted, note_resumed, set_aside
from processor.io.ledger.spend_rows import SpendBy
from processor.io.ledger.store import Store

_ROWS_READ_FOR_REPORTS = 5_000
"""Of traces that are not in memory, in one turn, to correct reports in them: 0.2 s of CPU. Beyond
that both reports are charged, with doubt."""
_PENDING_RENAMED = 500
"""Traces that wait, between two looks at the clock."""
_PENDING_KEPT = 2
"""How many times the spans that may wait in memory are kept: what had its call is among them."""


class WorkingSet:
    """Working copies of traces and budget states, and the turns that change them."""

    def __init__(self, store: Store, policy: Policy, limits: Limits) -> None:
        self.store = store
        self.counters = LedgerCounters()
        self.months = MonthSums(store)
        self.pending = PendingSpans(limits.waiting_spans)
        self._limits = limits
        self.trace_spans = max(min(limits.trace_spans, limits.spans // 2), 1)
        self._traces = self.in_memory = OrderedDict[bytes, Trace]()
        self.budgets = BudgetStates(store, policy, limits.states, self._traces)
        self._outdated = OutdatedCopies()
        self._sizes: dict[bytes, int] = {}
        """Nodes of each working copy when it was last touched."""
        self._spans = 0
        self._touched: set[bytes] = set()
        self._passing: set[bytes] = set()
        """Traces with a working copy that goes with the transaction at hand."""
        self._taken_pending: list[posting.TakenSpan] = []
        self._new_pending: list[PendingRows] = []
        self.kept_from = KeptFrom()  # May be read from any thread.
        self.partly_deleted = b""
        """The trace of which a part is deleted, if there is one: the rest comes before its use."""
        self.is_current = False
        """Whether that and what waits are as committed; if not, the next turn loads both."""

    def turn(self, intake: Intake, trace_ids: AbstractSet[bytes]) -> Plan:
        """Load, decide and write one batch; the caller commits. Raises what the store raises."""
        if not self.is_current:
            self.load()
        if self.store.forgotten:
            intake = self._with_forgotten(intake)
        if self.partly_deleted in trace_ids:
            self.store.deleted.calls.finish()
        traces = {trace_id: self._trace(trace_id) for trace_id in sorted(trace_ids)}
        intake, traces, late = set_aside(self.store, self.kept_from, intake, traces)
        deleted = [trace for trace in traces.items() if trace[1].is_deleted]
        reports = self._reports(intake)
        older = self._older(intake, traces, reports) if reports else posting.NO_REPORTS
        posted = posting.post(intake, traces, self.pending, self.trace_spans, older, late=late)
        try:
            plan = self._decide(self.budgets.follow(posted), self.budgets.call_budgets)
            note_resumed(self.store, deleted)
            self._write(plan)
            if plan.pending or posted.taken_pending:
                kept_max = _PENDING_KEPT * self._limits.waiting_spans
                taken = [(trace_id, span_id) for trace_id, span_id, _ in posted.taken_pending]
                self.store.keep_pending(plan.pending, kept_max, taken)
        except BaseException:
            self._return_pending(posted.taken_pending)
            raise
        self._taken_pending += posted.taken_pending
        self._new_pending += plan.pending
        for rows in plan.pending:
            self.pending.keep_rows(rows)
        return plan

    def forget(self, trace_ids: Iterable[bytes]) -> None:
        """Discard the working copies of traces whose rows are deleted."""
        for trace_id in trace_ids:
            self._traces.pop(trace_id, None)
            self._outdated.discard(trace_id)
            self._measure(trace_id)

    def renamed(self, user: str, tombstone: str) -> None:
        """An id was replaced in all rows. What is in memory follows as it is touched."""
        self._outdated.put(self._traces, user)
        self._traces.clear()
        self._sizes, self._spans = {}, 0
        self.budgets.discard_scope(user)
        change = partial(posting.rename_mark, renamed={user: tombstone}.get)
        self.pending.rename(change, as_in_json(user, depth=2))

    def rename_more(self, end_s: float) -> bool:
        """Go on with that until a moment of the monotonic clock; returns whether all is done."""
        while True:
            trace_id = self._outdated.latest()
            if trace_id is None and self.pending.rename_some(_PENDING_RENAMED):
                return True
            trace = self._outdated.take(trace_id or b"")
            if trace_id is not None and trace is not None:
                self._traces[trace_id] = trace
                self._traces.move_to_end(trace_id, last=False)
                self._measure(trace_id)
            if time.monotonic() >= end_s:
                return False

    def _with_forgotten(self, intake: Intake) -> Intake:
        """A batch in which ids that were taken out stay so, in the traces that were there."""
        number_of, old_ns = self.store.trace_number, self.kept_from.keys * NS_PER_S
        return posting.rename_intake(intake, self.store.forgotten.renamings(number_of, old_ns))

    def _reports(self, intake: Intake) -> dict[int, KnownReports]:
        """What is known of the responses of a batch."""
        found = self.store.reports_of(posting.responses_of(intake))
        traces = {trace_id for known in found.values() for trace_id, _ in known.spans}
        if self.partly_deleted not in traces:
            return found
        self.store.deleted.calls.finish()
        return self.store.reports_of(posting.responses_of(intake))

    def _older(
        self, intake: Intake, traces: dict[bytes, Trace], reports: Mapping[int, KnownReports]
    ) -> posting.OlderReports:
        """Where calls of a batch are reported as well. Adds the traces that it needs as a whole."""
        ids = {key: row_id for known in reports.values() for key, row_id in known.spans.items()}
        for trace_id in sorted({trace_id for trace_id, _ in ids} & self._traces.keys()):
            traces[trace_id] = self._trace(trace_id)
        wanted = [row_id for (trace_id, _), row_id in ids.items() if trace_id not in traces]
        found = self.store.rows_by_id(wanted) if wanted else ()
        rows = {(row.trace_id, row.span_id): row for row in found}
        left = _ROWS_READ_FOR_REPORTS
        for trace_id in posting.traces_to_correct(intake, traces, reports, rows):
            count = self.store.count_rows(trace_id, left + 1)
            if count <= left:
                traces[trace_id] = self._trace(trace_id)
                left -= count
        return posting.older_reports(traces, reports, rows)

    def _write(self, plan: Plan) -> None:
        """Write a plan; the working copies note under which ids their spans are kept now."""
        for row, row_id in zip(plan.rows, self.store.write(plan), strict=True):
            self._traces[row.trace_id].nodes[row.span_id].row_id = row_id

    def load(self) -> None:
        """Read the latest of what waits for a call, from when on things are kept, and renamings."""
        self.pending.load(self.store.pending())
        self.store.forgotten.load()
        calls = self.store.deleted.calls
        number = calls.partly_deleted()
        self.partly_deleted = calls.end_and_id(number)[1] if number else b""
        self.kept_from, self.is_current = self.store.deleted.kept_from(), True

    def follow_spend(self, by: SpendBy) -> None:
        """Keep what metrics show by these; before the first turn, which relies on it."""
        self.store.begin()
        try:
            self.store.spend.follow(by)
            self.store.commit()
        except BaseException:
            self.store.rollback()
            raise

    def change(
        self,
        traces: Mapping[bytes, Trace],
        change: Callable[[Mapping[bytes, Trace]], posting.Posted],
        *,
        is_trial: bool,
    ) -> posting.Followed:
        """Change what older calls are charged; the caller commits.

        Of `traces` turns have the working copies that they have; others stay until then only. A
        trial has copies of its own and writes nothing; the caller discards the rest.
        """
        if not is_trial:
            self._passing = traces.keys() - self._traces.keys()
            self._touched |= traces.keys()
            self._traces.update(traces)
            for trace_id in self._passing:
                add_deleted(self.store, self.kept_from, trace_id, traces[trace_id])
        followed = self.budgets.follow(change(traces))
        plan = self._decide(followed, ())
        if not is_trial:
            self._write(plan)
        return followed

    def _decide(self, followed: posting.Followed, call_budgets: tuple[Budget, ...]) -> Plan:
        store, states = self.store, self.budgets.states_of(followed)
        return posting.decide(followed, call_budgets, states, store.zones, store.spend.dimensions)

    def _trace(self, trace_id: bytes) -> Trace:
        self._touched.add(trace_id)
        trace = self._traces.get(trace_id)
        if trace is None:
            trace = self._outdated.take(trace_id)
        if trace is None:
            trace = posting.rebuild(trace_id, self.store.rows_of(trace_id))
            add_deleted(self.store, self.kept_from, trace_id, trace)
        self._traces[trace_id] = trace
        self._traces.move_to_end(trace_id)
        return trace

    def committed(self, plans: Iterable[Plan]) -> None:
        """The transaction is durable: count it, and evict what is beyond the limits."""
        for trace_id in self._passing:
            self._traces.pop(trace_id, None)
        for trace_id in self._touched:
            self._measure(trace_id)
        self._touched, self._passing = set(), set()
        self.budgets.committed()
        self._taken_pending.clear()
        self._new_pending.clear()
        for plan in plans:
            self.months.note(plan)
            calls = [row for row in plan.rows if posting.is_call(row)]
            new = [row for row in calls if not row.is_amendment]
            self.counters.charged += len(new)
            self.counters.repeats += plan.repeats
            self.counters.conflicts += plan.conflicts
            self.counters.corrections += len(plan.corrections)
            self.counters.crossings += len(plan.crossings)
            self.counters.uncharged += sum(plan.uncharged.values())
            self.counters.unfollowed += plan.unfollowed
            self.counters.late += 0 if plan.late is None else plan.late.count
        limits = self._limits
        # What was touched last is the likeliest to be needed next, and reading it takes longest
        # where it is large. A trace that is followed alone fits; only one of a time when there was
        # more memory may not, and then it has twice as much.
        while len(self._traces) > limits.traces or (
            self._spans > limits.spans * (1 + (len(self._traces) == 1))
        ):
            trace_id, _ = self._traces.popitem(last=False)
            self._spans -= self._sizes.pop(trace_id, 0)
            self.counters.evicted_traces += 1

    @property
    def memory_use(self) -> MemoryUse:
        """How much is in memory now; may be read from any thread."""
        pending = self.pending
        return MemoryUse(
            len(self._traces), self._spans, len(self.budgets), len(pending), pending.evicted_spans
        )

    def _measure(self, trace_id: bytes) -> None:
        trace = self._traces.get(trace_id)
        size = 0 if trace is None else len(trace.nodes)
        self._spans += size - self._sizes.pop(trace_id, 0)
        if size:
            self._sizes[trace_id] = size

    def discard_touched(self) -> None:
        """A turn was undone: discard every working copy that this group has touched."""
        for trace_id in self._touched:
            self._traces.pop(trace_id, None)
            self._measure(trace_id)
        self._touched, self._passing = set(), set()
        self.budgets.discard_touched()

    def discard_group(self) -> None:
        """The whole group was undone: pending spans that its turns have taken are returned."""
        self.discard_touched()
        for rows in self._new_pending:
            self.pending.take_back(rows)
        self._new_pending.clear()
        self._return_pending(self._taken_pending)
        self._taken_pending.clear()

    def discard_all(self) -> None:
        """Nobody knows which rows are durable: they are read again when they are needed."""
        self.forget([*self._traces, *self._outdated])
        self.discard_touched()
        self.budgets.discard_all()
        self.is_current = False

    def _return_pending(self, taken_pending: Iterable[posting.TakenSpan]) -> None:
        for taken in taken_pending:
            self.pending.keep(*taken)
