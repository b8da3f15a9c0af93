"""Questions that need prices and the books together: what a call would cost at other prices."""

from processor.insight.reprice import price_again

__all__ = ["price_again"]
