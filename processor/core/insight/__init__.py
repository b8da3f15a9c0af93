"""What follows from what is stored: what calls cost at other prices, what will be used."""

from processor.core.insight.comparison import (
    Comparison,
    PatternChange,
    Prices,
    Side,
    changed_patterns,
    compare,
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
    "HOUR_S",
    "CallEstimate",
    "CannotTell",
    "Cells",
    "Comparison",
    "Forecast",
    "ForecastKind",
    "Interval",
    "Name",
    "NotComparable",
    "PatternChange",
    "Prices",
    "Reach",
    "Side",
    "WhatIf",
    "WhatIfRow",
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
]
