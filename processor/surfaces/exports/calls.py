"""The dataset `calls`: a row for each call, with what it is charged now."""

from __future__ import annotations

import json
from typing import Final

from processor.core.columns import Column, Value
from processor.core.questions import SET_DIMENSIONS, CallRow

_UNTIL_TIME: Final = (
    Column("trace_id"),
    Column("span_id"),
    Column("parent_span_id"),
    Column("started_at", "time"),
    Column("ended_at", "time"),
)
_SUMS: Final = (
    Column("cost_usd", "usd"),
    Column("at_least", "flag"),
    Column("calls", "count"),
    Column("unpriced_calls", "count"),
    Column("input_tokens", "quantity"),
    Column("cached_tokens", "quantity"),
    Column("cache_write_tokens", "quantity"),
    Column("output_tokens", "quantity"),
    Column("reasoning_tokens", "quantity"),
    Column("input_usd", "usd"),
    Column("output_usd", "usd"),
    Column("cache_read_usd", "usd"),
    Column("cache_write_usd", "usd"),
    Column("saved_usd", "usd"),
    Column("response_cache_saved_usd", "usd"),
)
COLUMNS: Final = (
    *_UNTIL_TIME,
    *map(Column, SET_DIMENSIONS),
    Column("user"),
    Column("session"),
    Column("task"),
    Column("dimensions"),
    *_SUMS,
    *map(Column, ("reason", "doubt", "rule", "price_version", "aggregate")),
)
"""`cost_usd` is null while nothing of it is known; `calls` is 0 for what an aggregate adds and for
a call that was excluded, so that sums over rows are those of the ledger."""


def row_of(call: CallRow) -> tuple[Value, ...]:
    """A call in the order of `COLUMNS`."""
    totals, parts = call.totals, call.parts
    is_unknown = totals.unpriced > 0
    return (
        call.trace_id.hex(),
        call.span_id.hex(),
        call.parent_id.hex() or None,
        call.start_ns or None,
        call.end_ns,
        *(name or None for name in call.dimensions[:-1]),
        call.user or None,
        call.session or None,
        call.task or None,
        own_text(call.dimensions.own),
        None if is_unknown and not totals.cost_nano_usd else totals.cost_nano_usd,
        is_unknown,
        totals.calls,
        totals.unpriced,
        totals.input_tokens,
        totals.cached_tokens,
        parts.cache_write_tokens,
        totals.output_tokens,
        parts.reasoning_tokens,
        parts.input_nano_usd,
        parts.output_nano_usd,
        parts.cache_read_nano_usd,
        parts.cache_write_nano_usd,
        totals.saved_nano_usd,
        totals.response_cache_saved_nano_usd,
        call.reason or None,
        call.doubt or None,
        call.rule or None,
        call.price_version or None,
        call.aggregate or None,
    )


def own_text(own: tuple[tuple[str, str], ...]) -> str | None:
    """The operator's own dimensions as a JSON object; None for none."""
    return json.dumps(dict(own), ensure_ascii=False, sort_keys=True) if own else None
