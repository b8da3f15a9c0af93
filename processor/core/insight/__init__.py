"""What follows from what is stored: what calls cost at other prices, what will be used."""

from processor.core.insight.comparison import (
    Comparison,
    PatternChange,
    Prices,
    Side,
    changed_patterns,
    compare,
)
from processor.core.insight.forecast import CannotTell, Forecast, Interval, forecast
from processor.core.insight.reach import HOUR_S, Cells, ForecastKind, Reach, reach_of
from processor.core.insight.reprice import can_be_priced, mark_priced, price_again

__all__ = [
    "HOUR_S",
    "CannotTell",
    "Cells",
    "Comparison",
    "Forecast",
    "ForecastKind",
    "Interval",
    "PatternChange",
    "Prices",
    "Reach",
    "Side",
    "can_be_priced",
    "changed_patterns",
    "compare",
    "forecast",
    "mark_priced",
    "price_again",
    "reach_of",
]
