"""Crossings that another processor has found, and has written an event of, on spans that came in.

Where that processor is trusted, and a budget here is equal, the event is not repeated: the crossing
is kept as if it had been found here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from processor.core.budgets.policy import Budget
from processor.core.budgets.verdict import StateKey, Watch
from processor.core.budgets.window import BUCKET_S, rolling_s_of
from processor.core.enrich.names import OWN_EVENTS
from processor.core.model import Crossing, Spans, Value
from processor.core.money import parse_usd, usd

_FROM_SPANS = frozenset({"trace", "agent_run"})
"""Scopes whose totals are known only where something of theirs is in the turn."""


def read_crossings(
    spans: Spans, events: Mapping[int, Sequence[tuple[str, Mapping[str, Value]]]]
) -> list[Crossing]:
    """The crossings that events stand for, by row of `spans`, with the span that carries each."""
    found: list[Crossing] = []
    for row, some in events.items():
        span = f"{spans.trace_ids[row].hex()}:{spans.span_ids[row].hex()}"
        crossings = (read_crossing(*event) for event in some)
        found += [crossing._replace(span=span) for crossing in crossings if crossing is not None]
    return found


def read_crossing(name: str, attributes: Mapping[str, Value]) -> Crossing | None:
    """The crossing that an event stands for; None where the event is not complete."""
    unit = "usd" if "budget.limit_usd" in attributes else "tokens"
    limit = _number(attributes.get(f"budget.limit_{unit}"), unit)
    spent = _number(attributes.get(f"budget.spent_{unit}"), unit)
    texts = [attributes.get(f"budget.{key}") for key in ("name", "scope", "scope_id")]
    start_s = _moment(attributes.get("budget.window_start", ""))
    threshold = attributes.get("budget.threshold", 1.0)
    budget, scope, scope_id = (text if isinstance(text, str) else None for text in texts)
    if name not in OWN_EVENTS or None in {limit, spent, budget, scope, scope_id, start_s}:
        return None
    if not isinstance(threshold, float):
        return None
    return Crossing(
        budget or "", scope or "", scope_id or "", start_s or 0, 0, limit or 0,
        "usd" if unit == "usd" else "tokens", threshold, spent or 0,
        at_least=attributes.get("budget.at_least") is True,
        late=attributes.get("budget.late") is True,
    )  # fmt: skip


class TakenOver(NamedTuple):
    """A crossing that a budget here is equal to."""

    key: StateKey
    """Of the state that it belongs to."""
    key_now: StateKey
    """Of the one in which it must not be found again: another one where a rolling window has moved
    on, or clocks differ, between the two processors."""
    crossing: Crossing


def states_of(
    crossed: Sequence[Crossing], watches: Iterable[Watch], now_s: int
) -> Iterator[TakenOver]:
    """The crossings that a budget here is equal to, each with the states that it belongs to."""
    for crossing in crossed:
        for watch in watches:
            # The start of a rolling window is in those that end before as well.
            length_s = rolling_s_of(watch.window)
            last_s = max(length_s - BUCKET_S, 0)
            key = watch.key(crossing.scope_id, crossing.window_start_s + last_s)
            if key[2] == crossing.window_start_s:
                key_now = watch.key(crossing.scope_id, now_s) if length_s else key
                if abs(key_now[3] - key[3]) >= length_s:
                    key_now = key  # These have no quarter hour in common.
                for budget in watch.budgets:
                    if is_equal(budget, crossing, crossing.threshold):
                        limit = budget.limit_for(crossing.scope_id)
                        taken = crossing._replace(window_end_s=key[3], limit=limit)
                        yield TakenOver(key, key_now, taken)


def is_known(key: StateKey) -> bool:
    """Whether the total of a state can be loaded although nothing of it is in the turn."""
    return key[0].partition("?")[0] not in _FROM_SPANS


def is_equal(budget: Budget, crossing: Crossing, threshold: float) -> bool:
    """Whether a crossing is one of this budget and threshold, as far as an event says."""
    limit = budget.limit_for(crossing.scope_id)
    return (
        (budget.name, budget.scope, budget.unit) == (crossing.budget, crossing.scope, crossing.unit)
        # An amount is written as a double.
        and (limit == crossing.limit or usd(limit) == usd(crossing.limit))
        and threshold == crossing.threshold
        and threshold in budget.thresholds
    )


def _number(value: Value, unit: str) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return parse_usd(Decimal(repr(value))) if unit == "usd" else int(value)


def _moment(value: Value) -> int | None:
    """Epoch seconds of a window's start; 0 for none."""
    if value == "":
        return 0
    try:
        return int(datetime.fromisoformat(str(value)).timestamp())
    except (ValueError, OverflowError):
        return None
