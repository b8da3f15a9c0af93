"""All that makes totals say "at least", and how to change that."""

from __future__ import annotations

import time
from typing import Final

from processor.core.errors import QuestionTooSlowError
from processor.core.insight import can_be_priced, mark_priced
from processor.core.model import UnpricedCalls
from processor.core.pricing import Catalog, suggest_entry
from processor.core.questions import UnknownAnswer
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
    "deleted": (
        "nothing makes it known any more; where spans come that late, have senders deliver them "
        "sooner, or raise ledger.retention.calls and keys"
    ),
}


def fix_of(status: str) -> str:
    """What is to be done about calls of a status that no price helps."""
    return _FIXES[status]


UNKNOWN_MAX: Final = 1000
"""Kinds that are listed: senders choose the names of models, and each is looked up."""
TIME_LIMIT_S: Final = 5.0


def with_prices(
    found: UnknownAnswer, catalog: Catalog, time_limit_s: float = TIME_LIMIT_S
) -> UnknownAnswer:
    """The same, each with whether the prices in force have one by now.

    It takes 0.1 ms for each, and is no work for a thread that reads the ledger. Raises
    QuestionTooSlowError beyond the time limit.
    """
    ends_s = time.monotonic() + time_limit_s
    listed: list[UnpricedCalls] = []
    for each in found.listed:
        if time.monotonic() > ends_s:
            message = (
                f"to look up the prices of {len(found.listed)} models takes longer than "
                f"{time_limit_s:g} s; ask for fewer"
            )
            raise QuestionTooSlowError(message)
        listed += mark_priced([each], catalog)
    return found._replace(listed=listed)


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
