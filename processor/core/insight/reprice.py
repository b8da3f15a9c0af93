"""What stored calls cost at the prices of today's file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from processor.core.model import Call, Charge, Entry, Mark, StoredCall, UnpricedCalls, Usage
from processor.core.posting import BEYOND_LIMIT, LIFETIME, entry_of
from processor.core.pricing import Catalog, price
from processor.core.pricing.catalog import Question
from processor.core.pricing.charge import OUT_OF_RANGE

_SOME_RESPONSE: Final = "kept as its digest"
"""For what is priced it matters only that there was a response."""


def price_again(row: StoredCall, catalog: Catalog) -> Entry:
    """The entry that a stored call has with this catalog, as of the time of the call.

    Its own entry where cost, status and the name it is charged under stay as they are. A call
    that was free for what it was (served from a gateway's cache, replayed) stays free.
    """
    entry = row.entry
    if entry is None:
        raise ValueError("the row is not of a call")
    if entry.adopted_nano_usd is not None or entry.reason == BEYOND_LIMIT:
        return entry  # Another processor has priced it, or no price helps.
    [charge] = price([call_of(row, entry, entry.asked)], catalog)
    found = replace(entry_of(charge, entry.service), response=entry.response)
    return entry if _shown(found) == _shown(entry) else found


def call_of(row: StoredCall, entry: Entry, asked: Question) -> Call:
    """A stored call to be priced under some names of provider, models and service tier."""
    provider, models, tier = asked
    return Call(
        Mark(
            row=0,
            time_ns=row.time_ns,
            time_assumed=entry.time_assumed,
            start_ns=entry.start_ns,
            scope=entry.scope,
            time_rescaled=entry.time_rescaled,
        ),
        kind=entry.kind,
        provider=provider,
        models=models,
        usage=entry.usage,
        aggregate=entry.aggregate,
        tier=tier,
        response_id=_SOME_RESPONSE if entry.response else "",
        failed=entry.status == "failed",
        reported_nano_usd=entry.reported_nano_usd,
        reported_by=entry.reported_by,
        rule=entry.rule,
        has_tokens=entry.has_tokens,
        free=entry.free,
        doubt=entry.doubt,
        is_cumulative=entry.is_cumulative,
        may_exclude_cache=entry.may_exclude_cache,
        implausible=entry.reason if entry.status == "implausible" else "",
    )


def _shown(entry: Entry) -> tuple[object, ...]:
    """What makes two entries of one call different in the ledger."""
    return (
        entry.amount, entry.status, entry.rates, entry.provider, entry.model, entry.saved_nano_usd
    )  # fmt: skip


_BEYOND_PRICES = frozenset({BEYOND_LIMIT, LIFETIME, OUT_OF_RANGE})


def mark_priced(unknowns: Iterable[UnpricedCalls], catalog: Catalog) -> list[UnpricedCalls]:
    """The same, each with `has_price` as these prices have it."""
    return [unknown._replace(has_price=_has_price(unknown, catalog)) for unknown in unknowns]


def can_be_priced(unknown: UnpricedCalls) -> bool:
    """Whether a price could help at all."""
    return unknown.status == "unpriced" and unknown.reason not in _BEYOND_PRICES


def _has_price(unknown: UnpricedCalls, catalog: Catalog) -> bool:
    if not can_be_priced(unknown):
        return False
    mark = Mark(row=0, time_ns=unknown.last_ns)
    call = Call(mark, "llm", unknown.provider, unknown.models, Usage(input=1))
    [charge] = price([call], catalog)
    return isinstance(charge, Charge)
