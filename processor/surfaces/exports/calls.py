"""The dataset `calls`: a row for each call, with what it is charged now."""

from __future__ import annotations

from itertools import compress
from typing import Final

from processor.core.columns import Column, Value
from processor.core.questions import SET_DIMENSIONS, CallRow
from processor.surfaces.exports.sums import SUMS, object_text, sums_of

_UNTIL_TIME: Final = (
    Column("trace_id"),
    Column("span_id"),
    Column("parent_span_id"),
    Column("started_at", "time"),
    Column("ended_at", "time"),
)
_OF_MANY: Final = frozenset({
    "doubtful_calls", "cache_hits", "agent_runs", "response_cache_hits",
})  # fmt: skip
"""Sums that say of one call what its other columns say."""
_IS_SHOWN: Final = [column.name not in _OF_MANY for column in SUMS]
COLUMNS: Final = (
    *_UNTIL_TIME,
    *map(Column, SET_DIMENSIONS),
    Column("user"),
    Column("session"),
    Column("task"),
    Column("dimensions"),
    *compress(SUMS, _IS_SHOWN),
    *map(Column, ("reason", "doubt", "rule", "price_version", "aggregate")),
)
"""`cost_usd` is null while nothing of it is known; `calls` is 0 for what an aggregate adds and for
a call that was excluded, so that sums over rows are those of the ledger."""


def row_of(call: CallRow) -> tuple[Value, ...]:
    """A call in the order of `COLUMNS`."""
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
        object_text(dict(call.dimensions.own)),
        *compress(sums_of(call.totals, call.parts), _IS_SHOWN),
        call.reason or None,
        call.doubt or None,
        call.rule or None,
        call.price_version or None,
        call.aggregate or None,
    )
