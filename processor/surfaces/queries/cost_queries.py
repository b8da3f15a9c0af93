"""Questions about cost, answered from the ledger and the prices in force.

Surfaces ask them of a running processor, and commands of a ledger that no processor has open.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, cast

from processor.core.budgets import Policy
from processor.core.budgets.window import window_of
from processor.core.insight import NO_LOW_QUALITY, LowQuality
from processor.core.model import NS_PER_S, Calendar, Totals, WindowKind
from processor.core.ports import LedgerReader, LedgerView
from processor.core.pricing import Catalog
from processor.core.questions import CrossingCounts, Spend, UnknownAnswer
from processor.surfaces.queries import (
    budgets,
    checks,
    exclusions,
    owners,
    prices,
    traces,
    usage,
    values,
)
from processor.surfaces.queries.answers import (
    AsOf,
    AuditPage,
    BudgetsReport,
    CallsPage,
    CrossingsPage,
    NotificationsPage,
    OwnerReport,
    TraceReport,
    TracesPage,
    UnknownReport,
    UsageReport,
    as_of,
)
from processor.surfaces.queries.insight_queries import InsightQueries
from processor.surfaces.queries.news import Known, News, check_windows, news_since
from processor.surfaces.queries.prices import PricesReport
from processor.surfaces.queries.requests import (
    CallsRequest,
    TimeRange,
    TracesRequest,
    UsageRequest,
)
from processor.surfaces.queries.traces import SPANS_MAX
from processor.surfaces.queries.unknown import UNKNOWN_MAX, with_fix, with_prices
from processor.surfaces.queries.values import DimensionsReport


class WindowTotals(NamedTuple):
    """Totals of a scope, and the window that they are of in epoch seconds; (0, 0) for all time."""

    totals: Totals
    start_s: int
    end_s: int
    label: str = ""
    """What people call the scope id: the title of a task."""
    partial: tuple[str, ...] = ()
    """Why something is missing from the totals, which are then at least these."""


class CostQueries:
    """Answers from the ledger, which it only reads.

    `policy` and `catalog` give the budgets and prices in force at the moment of asking; `reader`
    answers without the thread that writes. `price_file` is where prices are from, empty for the
    bundled ones.

    Every method raises LedgerUnavailableError when the ledger cannot be read, OverloadedError when
    too many questions wait, QuestionTooSlowError, and InvalidQuestionError for what cannot be
    asked. `at_ns` is a moment in nanoseconds since the Unix epoch, None for now.
    """

    def __init__(
        self,
        policy: Callable[[], Policy],
        reader: LedgerReader,
        catalog: Callable[[], Catalog],
        now_ns: Callable[[], int] = time.time_ns,
        *,
        price_file: str = "",
        low_quality: LowQuality = NO_LOW_QUALITY,
    ) -> None:
        self._policy = policy
        self._reader = reader
        self._catalog = catalog
        self._now_ns = now_ns
        self.price_file = price_file
        self.insight = InsightQueries(policy, reader, catalog, now_ns, low_quality)
        """Questions about what follows from what was used."""

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The operator's own dimensions, which questions may name as scopes."""
        return self._policy().dimensions

    @property
    def calendar(self) -> Calendar:
        """Where days and weeks begin for questions that name no time zone."""
        return self._policy().calendar

    @property
    def policy(self) -> Policy:
        """The budgets in force."""
        return self._policy()

    @property
    def catalog(self) -> Catalog:
        """The prices in force."""
        return self._catalog()

    async def usage(self, request: UsageRequest) -> UsageReport:
        """How much was used in a time: in all, by buckets, and by up to two dimensions."""
        policy = self._policy()
        asked = usage.check_usage(request, policy.calendar, policy.dimensions, self._now_ns())
        return await self._reader.ask(lambda view: usage.usage_report(view, asked))

    async def owner(
        self,
        dimension: str,
        value: str,
        request: UsageRequest | None = None,
        *,
        traces_limit: int = 20,
    ) -> OwnerReport:
        """A session, user, agent, task …: what it has used, by model, and its newest traces."""
        policy = self._policy()
        limit = checks.check_limit(traces_limit, owners.TRACES_MAX, "traces_limit")
        checks.check_dimension("dimension", dimension, policy.dimensions)
        about = owners.narrowed(request or UsageRequest(), dimension, value)
        asked = usage.check_usage(about, policy.calendar, policy.dimensions, self._now_ns())
        return await self._reader.ask(
            lambda view: owners.owner_report(view, dimension, value, asked, limit)
        )

    async def calls(self, request: CallsRequest) -> CallsPage:
        """Calls one by one, newest first."""
        policy, now_ns = self._policy(), self._now_ns()
        question = traces.check_calls(request, policy.calendar, policy.dimensions, now_ns)
        return await self._reader.ask(lambda view: traces.calls_page(view, question, now_ns))

    async def traces(self, request: TracesRequest) -> TracesPage:
        """Traces, the last that began to be charged first."""
        question = traces.check_traces(request)
        now_ns = self._now_ns()
        return await self._reader.ask(lambda view: traces.traces_page(view, question, now_ns))

    async def trace(self, trace_id: str, *, spans: int = SPANS_MAX) -> TraceReport:
        """A trace as a tree of up to `spans`, by its id in hex or how that begins.

        Raises InvalidQuestionError, NotFoundError.
        """
        ids, now_ns = checks.check_trace_beginning("trace", trace_id), self._now_ns()
        return await self._reader.ask(
            lambda view: traces.trace_report(view, ids, now_ns, limit=spans)
        )

    async def whole_trace(self, trace_id: str) -> TracesPage:
        """One trace without its spans, likewise. Raises InvalidQuestionError, NotFoundError."""
        ids, now_ns = checks.check_trace_beginning("trace", trace_id), self._now_ns()
        return await self._reader.ask(lambda view: traces.whole_trace(view, ids, now_ns))

    async def run(self, run_id: str, *, spans: int = SPANS_MAX) -> TraceReport:
        """The run of an agent, ``trace id:span id``, likewise. Raises NotFoundError."""
        (key, span_id), now_ns = traces.check_run_id(run_id), self._now_ns()
        return await self._reader.ask(
            lambda view: traces.trace_report(view, (key, key), now_ns, span_id, spans)
        )

    async def budgets(self, *, ids: int = 10, with_projections: bool = False) -> BudgetsReport:
        """Every budget, with up to `ids` scope ids that have spent most in the window of now.

        With projections each says when its limit will be met.
        """
        policy, now_ns = self._policy(), self._now_ns()
        limit = checks.check_limit(ids, checks.GROUPS_MAX, "ids")

        def work(view: LedgerView) -> BudgetsReport:
            states = budgets.all_states(view, policy, now_ns // NS_PER_S, limit)
            if with_projections:
                states = budgets.with_projections(view, policy, states, now_ns // NS_PER_S)
            return BudgetsReport(states, as_of(view.freshness(), now_ns))

        return await self._reader.ask(work)

    async def crossings(self, cursor: str = "", *, limit: int = 50) -> CrossingsPage:
        """Budget crossings, latest first."""
        checks.check_limit(limit, checks.GROUPS_MAX)
        now_ns = self._now_ns()
        return await self._reader.ask(
            lambda view: budgets.crossings_page(view, cursor, limit, now_ns)
        )

    async def notifications(self, cursor: str = "", *, limit: int = 50) -> NotificationsPage:
        """Notifications, latest first, and what of each channel has not arrived."""
        checks.check_limit(limit, checks.GROUPS_MAX)
        now_ns = self._now_ns()
        return await self._reader.ask(
            lambda view: budgets.notifications_page(view, cursor, limit, now_ns)
        )

    async def spend(self) -> Spend:
        """What has been used in all, by the dimensions of metrics, in sums that only grow."""
        return await self._reader.ask(lambda view: view.spend())

    async def crossing_counts(self, after: int = 0) -> CrossingCounts:
        """How many crossings there were after a number, alike ones together."""
        return await self._reader.ask(lambda view: view.crossing_counts(after))

    async def unknown(self, *, limit: int = UNKNOWN_MAX) -> UnknownReport:
        """All that makes totals say "at least", and how to change that."""
        now_ns = self._now_ns()
        checks.check_limit(limit, UNKNOWN_MAX)

        def work(view: LedgerView) -> tuple[UnknownAnswer, AsOf]:
            return view.unknown(limit), as_of(view.freshness(), now_ns)

        found, moment = await self._reader.ask(work)
        found = await self._with_prices(found)
        fixes = [with_fix(each) for each in found.listed]
        return UnknownReport(fixes, found.calls, *found.left_out, moment)

    async def freshness(self) -> AsOf:
        """How far the ledger reaches."""
        now_ns = self._now_ns()
        return await self._reader.ask(lambda view: as_of(view.freshness(), now_ns))

    async def totals(
        self, scope: str, scope_id: str, window: str, at_ns: int | None
    ) -> WindowTotals:
        """Totals of a scope in the window that holds a moment; see `check_totals`."""
        time_s = (at_ns or self._now_ns()) // NS_PER_S
        kind = cast("WindowKind", window)
        start_s, end_s = window_of(kind, time_s, self._policy().calendar)

        def work(view: LedgerView) -> WindowTotals:
            totals, partial = budgets.total_of(view, scope, scope_id, (start_s, end_s))
            titles = view.task_titles([scope_id]) if scope == "task" else {}
            return WindowTotals(totals, start_s, end_s, titles.get(scope_id, ""), partial)

        return await self._reader.ask(work)

    async def unpriced(self) -> UnknownAnswer:
        """Calls whose cost is unknown, alike ones together; those with most calls are listed."""
        return await self._with_prices(
            await self._reader.ask(lambda view: view.unknown(UNKNOWN_MAX))
        )

    async def _with_prices(self, found: UnknownAnswer) -> UnknownAnswer:
        """When the ledger has been read, in a thread that holds nothing of it."""
        return await asyncio.to_thread(with_prices, found, self._catalog())

    async def news(self, known: Known) -> News | None:
        """What is new in the ledger, with the totals of today; None where nothing is."""
        windows = check_windows(self._policy(), self._now_ns())
        return await self._reader.ask(lambda view: news_since(view, known, windows))

    async def audit(self, since_ns: int = 0, cursor: str = "", *, limit: int = 100) -> AuditPage:
        """Who has changed what, latest first."""
        checks.check_limit(limit, exclusions.AUDIT_MAX)
        now_ns = self._now_ns()
        return await self._reader.ask(
            lambda view: exclusions.audit_page(view, since_ns, cursor, limit, now_ns)
        )

    async def used_values(
        self, names: Sequence[str], time: TimeRange, *, limit: int = 20
    ) -> DimensionsReport:
        """The dimensions there are, with the values of some that cost most in a time.

        `names` are those whose values are wanted.
        """
        policy, now_ns = self._policy(), self._now_ns()
        asked = values.check_values(names, time, policy, limit, now_ns)
        return await self._reader.ask(
            lambda view: values.dimensions_report(view, asked, policy.dimensions)
        )

    async def prices(self, time: TimeRange, *, limit: int = 100) -> PricesReport:
        """The models that were used in a time, with what they cost now and where that is from."""
        policy, now_ns = self._policy(), self._now_ns()
        request = UsageRequest(time, group_by=("provider", "model"), limit=limit)
        asked = usage.check_usage(request, policy.calendar, policy.dimensions, now_ns)
        report = await self._reader.ask(lambda view: usage.usage_report(view, asked))
        return await asyncio.to_thread(prices.with_prices_in_force, report, self._catalog(), now_ns)
