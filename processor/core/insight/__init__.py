"""Questions that need prices and the ledger together: what calls cost at other prices."""

from processor.core.insight.comparison import (
    Comparison,
    PatternChange,
    Prices,
    Side,
    changed_patterns,
    compare,
)
from processor.core.insight.reprice import can_be_priced, mark_priced, price_again

__all__ = [
    "Comparison",
    "PatternChange",
    "Prices",
    "Side",
    "can_be_priced",
    "changed_patterns",
    "compare",
    "mark_priced",
    "price_again",
]
