"""All that makes totals say "at least", and how to change that."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from processor.core.insight import can_be_priced, mark_priced
from processor.core.model import UnpricedCalls
from processor.core.pricing import Catalog, suggest_entry
from processor.surfaces.queries.answers import UnknownCalls

_FIXES: Final = {
    "usage_missing": (
        "the spans report no tokens: have the application ask for them, of OpenAI's streams with "
        'stream_options={"include_usage": true}, and the instrumentation write them'
    ),
    "implausible": (
        "the tokens that the spans report cannot be true: correct the instrumentation, or raise "
        "pricing.implausible_above if they are"
    ),
    "late": "the spans came after call rows of their time were deleted: send them earlier",
}


def with_fixes(unpriced: Iterable[UnpricedCalls], catalog: Catalog) -> list[UnknownCalls]:
    """The same, each with what is to be done about it at the prices in force."""
    return [with_fix(calls) for calls in mark_priced(unpriced, catalog)]


def with_fix(calls: UnpricedCalls) -> UnknownCalls:
    """Calls whose `has_price` is set, with what is to be done about them."""
    if calls.status in _FIXES:
        return UnknownCalls(calls, _FIXES[calls.status], ())
    if calls.has_price:
        return UnknownCalls(calls, "there is a price by now: charge it with llm-cost reprice", ())
    if not can_be_priced(calls):
        return UnknownCalls(calls, "no price would help: the reason says why", ())
    entry = suggest_entry(calls.provider, calls.models)
    if not entry:
        fix = "have the application name the model on its spans, as gen_ai.response.model"
        return UnknownCalls(calls, fix, ())
    fix = "add a price to the price file, and charge it with llm-cost reprice"
    return UnknownCalls(calls, fix, entry)
