"""The dataset `usage`: what each combination of dimensions has used in each hour or day."""

from __future__ import annotations

from typing import Final

from processor.core.columns import Column, Value
from processor.core.model import NS_PER_S
from processor.core.questions import SET_DIMENSIONS, CellRow
from processor.surfaces.exports.calls import own_text

_SUMS: Final = (
    Column("cost_usd", "usd"),
    Column("at_least", "flag"),
    Column("calls", "count"),
    Column("unpriced_calls", "count"),
    Column("doubtful_calls", "count"),
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
    Column("cache_hits", "count"),
    Column("agent_runs", "count"),
    Column("response_cache_hits", "count"),
    Column("response_cache_saved_usd", "usd"),
)
COLUMNS: Final = (
    Column("starting_at", "time"),
    Column("ending_at", "time"),
    *map(Column, SET_DIMENSIONS),
    Column("dimensions"),
    *_SUMS,
)
"""Users, sessions, tasks and traces are in `calls` alone."""


def row_of(cell: CellRow, start_s: int, end_s: int) -> tuple[Value, ...]:
    """What was used in ``[start, end)``, in the order of `COLUMNS`."""
    totals, parts = cell.totals, cell.parts
    is_unknown = totals.unpriced > 0
    return (
        start_s * NS_PER_S,
        end_s * NS_PER_S,
        *(name or None for name in cell.dimensions[:-1]),
        own_text(cell.dimensions.own),
        None if is_unknown and not totals.is_cost_known else totals.cost_nano_usd,
        is_unknown,
        totals.calls,
        totals.unpriced,
        totals.doubtful_calls,
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
        totals.cache_hits,
        totals.agent_runs,
        totals.response_cache_hits,
        totals.response_cache_saved_nano_usd,
    )
