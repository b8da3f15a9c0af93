"""Calls without a price, seen with today's prices."""

from __future__ import annotations

from collections.abc import Iterable

from processor.core.model import Call, Charge, Mark, UnpricedCalls, Usage
from processor.core.posting import LIFETIME
from processor.core.pricing import Catalog, price
from processor.core.pricing.charge import OUT_OF_RANGE

_BEYOND_PRICES = frozenset({LIFETIME, OUT_OF_RANGE})


def mark_priced(unknowns: Iterable[UnpricedCalls], catalog: Catalog) -> list[UnpricedCalls]:
    """The same, each with `has_price` as these prices have it."""
    return [unknown._replace(has_price=_has_price(unknown, catalog)) for unknown in unknowns]


def is_mendable(unknown: UnpricedCalls) -> bool:
    """Whether a price could help at all."""
    return unknown.reason not in _BEYOND_PRICES


def _has_price(unknown: UnpricedCalls, catalog: Catalog) -> bool:
    if not is_mendable(unknown):
        return False
    mark = Mark(row=0, time_ns=unknown.last_ns)
    call = Call(mark, "llm", unknown.provider, unknown.models, Usage(input=1))
    [charge] = price([call], catalog)
    return isinstance(charge, Charge)
