"""Questions about cost: what can be asked, and which stored sums answer it.

    question  questions and answers
    buckets   where the buckets of a series begin and end
    plan      from a question to the tables that answer it exactly
    series    totals that budgets follow, several at once
    moments   moments as people and programs write them

Nothing here reads: `core.ports.LedgerReader` says who does.
"""

from processor.core.questions.buckets import (
    BUCKETS_MAX,
    WIDTHS,
    BucketWidth,
    TooManyBucketsError,
    bucket_at,
    edges_of,
)
from processor.core.questions.moments import moment_ns
from processor.core.questions.plan import (
    ReadingPlan,
    Segment,
    Source,
    Stored,
    has_lifetime,
    plan_reading,
    scope_of,
)
from processor.core.questions.question import (
    CHARGE_DIMENSIONS,
    DIMENSIONS,
    SET_DIMENSIONS,
    TIME_END_S,
    CallRow,
    CallsQuestion,
    CellRow,
    CellsAnswer,
    Filters,
    Freshness,
    Measure,
    PricedBy,
    TraceRow,
    TraceSpan,
    TracesQuestion,
    UnknownAnswer,
    UsageAnswer,
    UsageQuestion,
    UsageRow,
    ValueInOther,
)
from processor.core.questions.running_sums import (
    CrossingCount,
    CrossingCounts,
    Spend,
    SpendRow,
)
from processor.core.questions.series import SeriesSum, SeriesWindow

__all__ = [
    "BUCKETS_MAX",
    "CHARGE_DIMENSIONS",
    "DIMENSIONS",
    "SET_DIMENSIONS",
    "TIME_END_S",
    "WIDTHS",
    "BucketWidth",
    "CallRow",
    "CallsQuestion",
    "CellRow",
    "CellsAnswer",
    "CrossingCount",
    "CrossingCounts",
    "Filters",
    "Freshness",
    "Measure",
    "PricedBy",
    "ReadingPlan",
    "Segment",
    "SeriesSum",
    "SeriesWindow",
    "Source",
    "Spend",
    "SpendRow",
    "Stored",
    "TooManyBucketsError",
    "TraceRow",
    "TraceSpan",
    "TracesQuestion",
    "UnknownAnswer",
    "UsageAnswer",
    "UsageQuestion",
    "UsageRow",
    "ValueInOther",
    "bucket_at",
    "edges_of",
    "has_lifetime",
    "moment_ns",
    "plan_reading",
    "scope_of",
]
