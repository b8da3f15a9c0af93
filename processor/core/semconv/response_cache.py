"""Whether a response came from an application's or a gateway's own cache, so that it cost nothing.

A prompt cache is another thing: there the provider charges less for a part of the input. Some
marks say only that "the cache" was hit; where the span shows what a prompt cache gave, they mean
that one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from processor.core.model import Usage
from processor.core.semconv.dialects.calls import (
    CACHE_HITS,
    CACHE_MARKS,
    CACHE_SAVED,
    CACHED_AT_NO_COST,
)
from processor.core.semconv.sources import Columns, Condition, Row, first, resolve
from processor.core.semconv.values import read_count

RESPONSE_CACHE = "response_cache"
"""The reason why such a call is free."""

_HITS = frozenset({"true", "hit", "semantic hit", "semantic_hit", "simple hit", "exact hit"})


class CacheColumns(NamedTuple):
    """Where such spans may say that a cache answered."""

    hits: Columns
    marks: Columns
    """Of these, only where no prompt cache is in sight."""
    costs: Columns
    saved: Columns


def lay_out_cache(
    index: Mapping[str, int], conditions: frozenset[Condition]
) -> CacheColumns | None:
    """Resolve all marks for one shape; None when there are none."""
    columns = CacheColumns(
        resolve(CACHE_HITS, index, conditions),
        resolve(CACHE_MARKS, index, conditions),
        resolve(CACHED_AT_NO_COST, index, conditions),
        resolve(CACHE_SAVED, index, conditions),
    )
    return columns if columns.hits or columns.marks or columns.costs else None


def find_response_cache(columns: CacheColumns, row: Row, usage: Usage | None) -> str:
    """Find the reason why the call was free; ``""`` when it was not."""
    is_hit = (
        first(row, columns.hits, _read_hit)
        or first(row, columns.costs, _read_zero)
        or (first(row, columns.marks, _read_hit) and not _shows_prompt_cache(columns, row, usage))
    )
    return RESPONSE_CACHE if is_hit else ""


def _shows_prompt_cache(columns: CacheColumns, row: Row, usage: Usage | None) -> bool:
    if usage is None:
        return False
    saved = first(row, columns.saved, read_count) or 0
    return usage.cached_tokens > 0 or 0 < saved < usage.input_tokens


def _read_hit(value: object) -> bool | None:
    """Read a mark; a number may be a count of tokens and says nothing, and "miss" is an answer."""
    if isinstance(value, bool):
        return value
    if isinstance(value, tuple | list) and len(value) == 1:
        value = value[0]
    return value.strip().lower() in _HITS if isinstance(value, str) and value else None


def _read_zero(value: object) -> bool | None:
    """Read LangChain's mark: a cost of the whole number zero, written for nothing else."""
    return True if type(value) is int and value == 0 else None
