"""What a call costs: prices from the operator's file and the catalogue, compiled to flat tables.

text ─parse_prices─▶ PriceFile ─compile_catalog─▶ Catalog ─price─▶ Charge | Unpriced

    shapes          what a price file says, and the tables that it is compiled to
    parse           reads the file (its form: `form`); `entries`, `rates` and others read parts
    catalog         the value that knows every price, and remembers what it was asked
    resolve         from the names on a span to a price: the order of precedence
    provider_price  the price of one model at one provider
    names           what a model's name is also written as
    entry_index     finds the operator's entry for a name
    entry_tariff    compiles an entry's prices
    catalogues      the catalogues that are asked, one after the other
    genai_prices    genai-prices as one of them; `model_search` finds its model for a name
    litellm         LiteLLM's price file as one of them; `litellm_fields` reads an entry
    written         an entry as lines of a price file
    tariff          rates over time: picked, completed, scaled
    charge          from a call and its price to what it costs
    adopted         what a trusted processor has charged
    explain         why, and what to write where nothing prices a call
"""

from processor.core.pricing.adopted import adopt
from processor.core.pricing.catalog import Catalog, compile_catalog
from processor.core.pricing.charge import price
from processor.core.pricing.explain import (
    Explanation,
    PriceInForce,
    explain,
    price_in_force,
    suggest_entry,
)
from processor.core.pricing.parse import parse_prices
from processor.core.pricing.shapes import PriceFile, PriceSource

__all__ = [
    "Catalog",
    "Explanation",
    "PriceFile",
    "PriceInForce",
    "PriceSource",
    "adopt",
    "compile_catalog",
    "explain",
    "parse_prices",
    "price",
    "price_in_force",
    "suggest_entry",
]
