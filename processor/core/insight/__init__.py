"""Questions that need prices and the books together: what calls cost at other prices."""

from processor.core.insight.comparison import (
    Asked,
    Comparison,
    Prices,
    Side,
    changed_patterns,
    compare,
)
from processor.core.insight.reprice import price_again
from processor.core.insight.unknown import is_mendable, mark_priced

__all__ = [
    "Asked",
    "Comparison",
    "Prices",
    "Side",
    "changed_patterns",
    "compare",
    "is_mendable",
    "mark_priced",
    "price_again",
]
