"""Every answer as a document: what the API sends, and what commands draw.

values      amounts, times and names; the moment an answer is of
sums        what some calls used together
costs       totals, series, rankings, a comparison
calls       calls one by one; traces: as a whole, and as trees; executions: by other names
forecasts   what will have been used by the end of a window
advice      what would have cost less, and days unlike those before
efficiency  a task beside others of its type
what_ifs    what calls would have cost
owners      a session, a user, an agent, a task or another owner
budgets     how budgets stand, and crossings; checks: whether a call may be made
events      what is new, as events
names       dimensions and their values, models and their prices
state       what makes totals say "at least", the audit, how the processor is
"""

from processor.surfaces.api.documents.advice import (
    AdviceDocument,
    AnomalyDocument,
    SuggestionDocument,
)
from processor.surfaces.api.documents.budgets import (
    BudgetDocument,
    BudgetRule,
    BudgetsDocument,
    CrossingDocument,
    CrossingsDocument,
)
from processor.surfaces.api.documents.calls import CallDocument, CallsDocument
from processor.surfaces.api.documents.checks import (
    BudgetCheckDocument,
    CheckedBudget,
    ReleaseDocument,
)
from processor.surfaces.api.documents.costs import CostRow, CostsDocument, PreviousCosts, Rest
from processor.surfaces.api.documents.efficiency import BaselineDocument, EfficiencyDocument
from processor.surfaces.api.documents.events import (
    CallsEvent,
    CrossingsEvent,
    GapEvent,
    TotalsEvent,
)
from processor.surfaces.api.documents.executions import (
    Execution,
    ExecutionCall,
    ExecutionCallsDocument,
    ExecutionDocument,
)
from processor.surfaces.api.documents.forecasts import ForecastDocument, HistoryDocument
from processor.surfaces.api.documents.names import (
    DimensionDocument,
    DimensionsDocument,
    ModelPrice,
    PricesDocument,
)
from processor.surfaces.api.documents.notifications import NotificationsDocument
from processor.surfaces.api.documents.owners import OwnerDocument
from processor.surfaces.api.documents.state import (
    AuditDocument,
    AuditLine,
    StatusDocument,
    UnknownDocument,
    UnpricedDocument,
)
from processor.surfaces.api.documents.sums import CacheUseDocument, Sums, TokenClasses, Tokens
from processor.surfaces.api.documents.traces import (
    SpanDocument,
    TraceDocument,
    TracesDocument,
    TraceSummary,
)
from processor.surfaces.api.documents.values import Answer, AsOfDocument, Document
from processor.surfaces.api.documents.what_ifs import (
    NotComparableDocument,
    WhatIfDocument,
    WhatIfRowDocument,
)

__all__ = [
    "AdviceDocument",
    "AnomalyDocument",
    "Answer",
    "AsOfDocument",
    "AuditDocument",
    "AuditLine",
    "BaselineDocument",
    "BudgetCheckDocument",
    "BudgetDocument",
    "BudgetRule",
    "BudgetsDocument",
    "CacheUseDocument",
    "CallDocument",
    "CallsDocument",
    "CallsEvent",
    "CheckedBudget",
    "CostRow",
    "CostsDocument",
    "CrossingDocument",
    "CrossingsDocument",
    "CrossingsEvent",
    "DimensionDocument",
    "DimensionsDocument",
    "Document",
    "EfficiencyDocument",
    "Execution",
    "ExecutionCall",
    "ExecutionCallsDocument",
    "ExecutionDocument",
    "ForecastDocument",
    "GapEvent",
    "HistoryDocument",
    "ModelPrice",
    "NotComparableDocument",
    "NotificationsDocument",
    "OwnerDocument",
    "PreviousCosts",
    "PricesDocument",
    "ReleaseDocument",
    "Rest",
    "SpanDocument",
    "StatusDocument",
    "SuggestionDocument",
    "Sums",
    "TokenClasses",
    "Tokens",
    "TotalsEvent",
    "TraceDocument",
    "TraceSummary",
    "TracesDocument",
    "UnknownDocument",
    "UnpricedDocument",
    "WhatIfDocument",
    "WhatIfRowDocument",
]
