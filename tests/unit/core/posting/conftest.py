"""Turns without a ledger: what is decided is kept in plain dicts."""

from __future__ import annotations

from functools import reduce
from zoneinfo import ZoneInfo

import pytest

from processor.core import posting
from processor.core.attribution.pending import PendingSpans
from processor.core.attribution.same_response import KnownReports
from processor.core.budgets.verdict import State, compile_watches
from processor.core.budgets.watches import Watches
from processor.core.budgets.zones import ReportingZones
from processor.core.model import DimensionSet, Totals

ZONES = ReportingZones.of(ZoneInfo("UTC"))


class Turns:
    """Takes batches one after the other, as the ledger does with a store behind it."""

    def __init__(self, given):
        self.given = given
        self.pending = PendingSpans(1000)
        self.trace_spans = 1000
        self.traces = {}
        self.states = {}
        self.plans = []
        self.responses = {}
        """Spans that report each response, as (trace id, span id), with their latest rows."""
        self.charges = {}
        """What each span is charged now, by the id of its latest row."""
        self.spend_by = ()
        """The dimensions that metrics tell apart."""
        self.stamps = {}
        """The last stamp of each span, by (trace number, span number)."""
        self.use()

    def use(self, *budgets):
        """Puts these budgets into force; to be called before the first turn."""
        self.watches = Watches(compile_watches(self.given.policy(*budgets)))
        self.calls = tuple(budget for budget in budgets if budget.scope == "call")

    def turn(self, *specs, now_s=None):
        """Takes one batch; returns the plan."""
        intake = self.given.batch(*specs, now_s=now_s or self.given.NOW_S)
        ids = posting.relevant_traces(intake, self.traces)
        reports = {
            response: KnownReports(self.responses.get(response, {}))
            for response, _ in posting.responses_of(intake)
        }
        ids.update(trace_id for known in reports.values() for trace_id, _ in known.spans)
        traces = {trace_id: self._trace(trace_id) for trace_id in sorted(ids)}
        posted = posting.post(
            intake,
            traces,
            self.pending,
            self.trace_spans,
            posting.older_reports(traces, reports, {}),
        )
        followed = posting.follow(posted, self.watches)
        keys = sorted(followed.keys)
        states = {key: self.states.setdefault(key, State(Totals(), set())) for key in keys}
        plan = posting.decide(followed, self.calls, states, ZONES, self.spend_by)
        self._number(plan)
        for rows in plan.pending:
            self.pending.keep_rows(rows)
        self.plans.append(plan)
        for row, one in enumerate(specs):
            if row in plan.stamps:
                self.stamps[one.trace, one.span] = plan.stamps[row]
        return plan

    def _trace(self, trace_id):
        return self.traces.setdefault(trace_id, posting.rebuild(trace_id, []))

    def restart(self):
        """Reads every trace again from its rows."""
        for trace_id in self.traces:
            rows = [row for plan in self.plans for row in plan.rows if row.trace_id == trace_id]
            self.traces[trace_id] = posting.rebuild(trace_id, rows)
        self.pending = PendingSpans(1000)
        for plan in self.plans:
            for rows in plan.pending:
                self.pending.keep_rows(rows)

    def _number(self, plan):
        """Gives the rows of a plan ids, as a store does, and keeps what is charged now."""
        first = 1 + sum(len(each.rows) for each in self.plans)
        for row_id, row in enumerate(plan.rows, first):
            row.id = row_id
        for charge in plan.charges:
            if charge.row >= 0:
                self.charges.pop(charge.row_id, None)
            row_id = plan.rows[charge.row].id if charge.row >= 0 else charge.row_id
            self.charges[row_id] = charge
        for row in plan.rows:
            if row.entry is not None and row.entry.response:
                key = row.trace_id, row.span_id
                self.responses.setdefault(row.entry.response, {})[key] = row.id
            self.traces[row.trace_id].nodes[row.span_id].row_id = row.id

    def total(self, scope, scope_id=""):
        """What all plans together have posted for one owner, over all time."""
        if scope in DimensionSet._fields:
            changes = [
                sums.totals
                for plan in self.plans
                for (_, dimensions), sums in plan.hours.items()
                if getattr(dimensions, scope) == scope_id
            ]
            return reduce(Totals.plus, changes, Totals())
        changes = [
            change
            for plan in self.plans
            for (name, owner, _), change in plan.postings.items()
            if (name, owner) == (scope, scope_id)
        ]
        return reduce(Totals.plus, changes, Totals())

    @property
    def crossings(self):
        return [crossing for plan in self.plans for crossing in plan.crossings]

    @property
    def shown(self):
        """Nano-USD that a backend gets which adds up what is written on spans."""
        return self.given.shown_total(self.stamps.values())


@pytest.fixture
def turns(given):
    return Turns(given)
