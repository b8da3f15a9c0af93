"""What a call costs: prices from the operator's file and the catalogue, compiled to flat tables.

text ─parse_prices─▶ PriceFile ─compile_catalog─▶ Catalog ─price─▶ Charge | Unpriced
"""

from processor.core.pricing.catalog import Catalog, compile_catalog
from processor.core.pricing.charge import price
from processor.core.pricing.explain import Explanation, explain
from processor.core.pricing.parse import parse_prices
from processor.core.pricing.shapes import PriceFile
from processor.core.pricing.suggestion import suggest_entry

__all__ = [
    "Catalog",
    "Explanation",
    "PriceFile",
    "compile_catalog",
    "explain",
    "parse_prices",
    "price",
    "suggest_entry",
]
