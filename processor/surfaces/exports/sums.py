"""The sums that rows of calls and of usage have in common, and how their values are written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from processor.core.columns import Column, Value
from processor.core.model import Parts, Totals

SUMS: Final = (
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


def sums_of(totals: Totals, parts: Parts) -> tuple[Value, ...]:
    """The values of `SUMS`; the cost is None while nothing of it is known."""
    return (
        None if is_cost_unknown(totals) else totals.cost_nano_usd,
        totals.unpriced > 0,
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


def is_cost_unknown(totals: Totals) -> bool:
    """Whether there are calls of unknown cost, and nothing else that has one."""
    return totals.unpriced > 0 and not totals.is_cost_known


def object_text(values: Mapping[str, str]) -> str | None:
    """Names and their values as a JSON object; None for none."""
    return json.dumps(dict(values), ensure_ascii=False, sort_keys=True) if values else None
