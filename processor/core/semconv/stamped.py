"""Spans that another processor like this one has written on, read as they were before that."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple, cast, get_args

from processor.core.enrich.names import CORRECTION, COST, STATUS
from processor.core.model import Spans, Status, Value
from processor.core.money import Amount, parse_usd

_TOKENS = frozenset({"llm.tokens.input", "llm.tokens.output", "llm.tokens.total"})
_PARTS = ("input", "output", "cache_read", "cache_write")
_STATUSES = frozenset(get_args(Status))
_USD_MAX = 9 * 10**9
"""What a column holds in nano-USD."""


class Written(NamedTuple):
    """What a processor like this one has written on a call, or on a span that changes others."""

    status: Status | None
    """None: it is no call."""
    reason: str
    model: str
    price_version: str
    amount: Amount | None
    correction_nano_usd: int
    saved_nano_usd: int

    @property
    def adds_nano_usd(self) -> int:
        """What it adds to a sum over spans."""
        return (0 if self.amount is None else self.amount.total) + self.correction_nano_usd


def read_written(spans: Spans, row: int) -> Written | None:
    """What another processor has written on a span about money; None when it has not."""
    keys = spans.keys[spans.shapes[row]]
    if STATUS not in keys and CORRECTION not in keys:
        return None
    found = dict(zip(keys, spans.values[row], strict=True))
    status = found.get(STATUS)
    return Written(
        cast("Status", status) if status in _STATUSES else None,
        _text(found, "llm.cost.reason"),
        _text(found, "llm.cost.model"),
        _text(found, "llm.cost.price_version"),
        _amount(found) if status in _STATUSES else None,
        _nano_usd(found.get(CORRECTION)) or 0,
        _nano_usd(found.get("llm.cache.cost_saved_usd")) or 0,
    )


def _amount(found: Mapping[str, Value]) -> Amount | None:
    """The cost and its parts; what they do not make up, or all where they are more, is a fee."""
    total = _nano_usd(found.get(COST))
    if total is None:
        return None
    parts = [_nano_usd(found.get(f"llm.cost.{name}_usd")) or 0 for name in _PARTS]
    rest = total - sum(parts)
    return Amount._make((total, *parts, rest)) if rest >= 0 else Amount(total, fees=total)


def _nano_usd(value: Value) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not math.isfinite(value) or abs(value) > _USD_MAX:
        return None
    return parse_usd(Decimal(repr(value)))


def _text(found: Mapping[str, Value], key: str) -> str:
    value = found.get(key)
    return value if isinstance(value, str) else ""


def as_reported(shape: tuple[str, ...]) -> tuple[str, ...]:
    """The names of a shape in their places, with ``""`` for counts that a processor has added.

    It writes its status and, where a span has no counts under these names, the tokens after it.
    What the span reported of itself must be read again as the first processor has read it, so that
    both come to the same sums.
    """
    if STATUS not in shape:
        return shape
    at = shape.index(STATUS)
    return tuple(
        "" if position > at and key in _TOKENS else key for position, key in enumerate(shape)
    )
