"""What a stored call costs at the prices of today's file."""

from __future__ import annotations

from processor.core.model import Call, Entry, Mark, SpanRow
from processor.core.posting import entry_of
from processor.core.pricing import Catalog, price


def price_again(row: SpanRow, catalog: Catalog) -> Entry:
    """The entry that a row's call has with this catalog, as of the time of the call.

    The row's own entry where cost, status and the name it is booked under stay as they are. A call
    that was free for what it was (served from a gateway's cache, replayed) stays free.
    """
    entry = row.entry
    if entry is None:
        raise ValueError("the row is not of a call")
    provider, models, tier = entry.asked
    call = Call(
        Mark(
            row=0,
            time_ns=row.time_ns,
            time_assumed=entry.time_assumed,
            start_ns=entry.start_ns,
            scope=entry.scope,
        ),
        entry.kind,
        provider,
        models,
        entry.usage,
        entry.aggregate,
        tier,
        entry.response_id,
        failed=entry.status == "failed",
        reported_nano_usd=entry.reported_nano_usd,
        reported_by=entry.reported_by,
        rule=entry.rule,
        has_tokens=entry.has_tokens,
        free=entry.free,
    )
    [charge] = price([call], catalog)
    found = entry_of(charge, entry.service)
    return entry if _telling(found) == _telling(entry) else found


def _telling(entry: Entry) -> tuple[object, ...]:
    """What makes two entries of one call different in the books."""
    return entry.amount, entry.status, entry.rates, entry.provider, entry.model
