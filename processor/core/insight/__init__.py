"""What follows from what is stored: what calls cost at other prices, what will be used."""

from processor.core.insight.advice import (
    METHODS,
    NO_LOW_QUALITY,
    Advisor,
    KnownSiblings,
    LowQuality,
    Suggestion,
    SuggestionKind,
    sibling_of,
)
from processor.core.insight.anomalies import DAYS_BEFORE, Anomaly, anomalies
from processor.core.insight.anomalies import METHOD as ANOMALY_METHOD
from processor.core.insight.comparison import (
    Comparison,
    PatternChange,
    Prices,
    Side,
    changed_patterns,
    compare,
)
from processor.core.insight.efficiency import (
    EFFICIENCY_METHOD,
    TASKS_MIN,
    Baseline,
    baseline_of,
    score_of,
)
from processor.core.insight.estimate import CallEstimate, estimate_call
from processor.core.insight.forecast import CannotTell, Forecast, Interval, forecast
from processor.core.insight.reach import HOUR_S, Cells, ForecastKind, Reach, reach_of
from processor.core.insight.reprice import can_be_priced, mark_priced, price_again
from processor.core.insight.what_if import (
    Name,
    NotComparable,
    WhatIf,
    WhatIfRow,
    compare_call,
    named_model,
)

__all__ = [
    "ANOMALY_METHOD",
    "DAYS_BEFORE",
    "EFFICIENCY_METHOD",
    "HOUR_S",
    "METHODS",
    "NO_LOW_QUALITY",
    "TASKS_MIN",
    "Advisor",
    "Anomaly",
    "Baseline",
    "CallEstimate",
    "CannotTell",
    "Cells",
    "Comparison",
    "Forecast",
    "ForecastKind",
    "Interval",
    "KnownSiblings",
    "LowQuality",
    "Name",
    "NotComparable",
    "PatternChange",
    "Prices",
    "Reach",
    "Side",
    "Suggestion",
    "SuggestionKind",
    "WhatIf",
    "WhatIfRow",
    "anomalies",
    "baseline_of",
    "can_be_priced",
    "changed_patterns",
    "compare",
    "compare_call",
    "estimate_call",
    "forecast",
    "mark_priced",
    "named_model",
    "price_again",
    "reach_of",
    "score_of",
    "sibling_of",
]
