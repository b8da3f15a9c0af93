"""Questions about cost, answered from the ledger and the prices in force, and about health.

    requests      what surfaces ask; checks: what is wrong with it, and how to put it right
    cost_queries  the questions there are; answers: what they are answered with
    cost_changes  what changes the ledger
    insight_queries  what follows from what was used; forecasts: what will be used
    advice        what would have cost less, and days unlike those before
    efficiency    a task beside others of its type
    what_ifs      what calls would have cost; stored_calls: kept calls in slices
    usage         totals, series, rankings, comparisons, caches; owners: sessions, users, agents
    traces        calls in pages, traces and runs as trees; cursors
    budgets       how budgets stand, crossings; questions: their objections in words
    budget_checks whether a call may be made, and what is held for it
    exclusions    calls that are taken out of all sums; the audit
    partial       why something is missing from an answer
    values        the dimensions there are and their most used values; prices: those in force
    news          what is new since a position in the ledger
    unknown       what makes totals say "at least"
    health        whether the processor can do its work
    outcomes      what has become of the last requests
    deliveries    what the backends have made of them; samples: the half minute of both

A surface parses its input, asks `CostQueries`, and writes the answer in its own form. README.md
says which tables answer which question.
"""

from processor.surfaces.queries.advice import ADVICE_MAX, AdviceReport, DayUnlike
from processor.surfaces.queries.answers import (
    AsOf,
    AuditPage,
    Bucket,
    BudgetsReport,
    BudgetState,
    CacheUse,
    CallsPage,
    CrossingsPage,
    Group,
    NotificationsPage,
    Others,
    OwnerReport,
    Previous,
    TraceReport,
    TracesPage,
    TreeSpan,
    UnknownCalls,
    UnknownReport,
    UsageReport,
)
from processor.surfaces.queries.budget_checks import BudgetCheckAnswer, BudgetChecks
from processor.surfaces.queries.checks import (
    CALLS_MAX,
    GROUPS_MAX,
    check_zone,
    listed_values,
    unknown_word,
)
from processor.surfaces.queries.cost_changes import CostChanges
from processor.surfaces.queries.cost_queries import CostQueries, WindowTotals
from processor.surfaces.queries.efficiency import EfficiencyReport
from processor.surfaces.queries.exclusions import AUDIT_MAX, audit_page
from processor.surfaces.queries.forecasts import ForecastReport
from processor.surfaces.queries.health import Health, Report
from processor.surfaces.queries.insight_queries import InsightQueries
from processor.surfaces.queries.news import Known, News, Position
from processor.surfaces.queries.owners import TRACES_MAX
from processor.surfaces.queries.prices import PricedModel, PricesReport
from processor.surfaces.queries.questions import (
    RESERVATION_ID,
    RESERVED_MAX_S,
    SCOPES_MAX,
    check_totals,
    objection,
)
from processor.surfaces.queries.requests import (
    RESERVED_S,
    AdviceRequest,
    BudgetCheckRequest,
    CallsRequest,
    ExcludeRequest,
    ForecastRequest,
    TimeRange,
    TracesRequest,
    UsageRequest,
    WhatIfRequest,
)
from processor.surfaces.queries.traces import SPANS_MAX, TRACE_OWNERS
from processor.surfaces.queries.unknown import UNKNOWN_MAX, with_fix, with_prices
from processor.surfaces.queries.values import DimensionsReport, UsedDimension
from processor.surfaces.queries.what_ifs import WhatIfReport

__all__ = [
    "ADVICE_MAX",
    "AUDIT_MAX",
    "CALLS_MAX",
    "GROUPS_MAX",
    "RESERVATION_ID",
    "RESERVED_MAX_S",
    "RESERVED_S",
    "SCOPES_MAX",
    "SPANS_MAX",
    "TRACES_MAX",
    "TRACE_OWNERS",
    "UNKNOWN_MAX",
    "AdviceReport",
    "AdviceRequest",
    "AsOf",
    "AuditPage",
    "Bucket",
    "BudgetCheckAnswer",
    "BudgetCheckRequest",
    "BudgetChecks",
    "BudgetState",
    "BudgetsReport",
    "CacheUse",
    "CallsPage",
    "CallsRequest",
    "CostChanges",
    "CostQueries",
    "CrossingsPage",
    "DayUnlike",
    "DimensionsReport",
    "EfficiencyReport",
    "ExcludeRequest",
    "ForecastReport",
    "ForecastRequest",
    "Group",
    "Health",
    "InsightQueries",
    "Known",
    "News",
    "NotificationsPage",
    "Others",
    "OwnerReport",
    "Position",
    "Previous",
    "PricedModel",
    "PricesReport",
    "Report",
    "TimeRange",
    "TraceReport",
    "TracesPage",
    "TracesRequest",
    "TreeSpan",
    "UnknownCalls",
    "UnknownReport",
    "UsageReport",
    "UsageRequest",
    "UsedDimension",
    "WhatIfReport",
    "WhatIfRequest",
    "WindowTotals",
    "audit_page",
    "check_totals",
    "check_zone",
    "listed_values",
    "objection",
    "unknown_word",
    "with_fix",
    "with_prices",
]
