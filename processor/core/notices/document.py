"""A crossing as JSON for other programs, with the names that the HTTP API has for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from processor.core.model import Crossing
from processor.core.money import exact_usd
from processor.core.notices.identity import crossing_id
from processor.core.notices.message import Rules


def crossing_document(crossing: Crossing, rules: Rules) -> Mapping[str, Any]:
    """Amounts are decimal texts with nine decimals; what is not known is null, never zero."""
    is_usd = crossing.unit == "usd"
    trace_id, _, span_id = crossing.span.partition(":")
    return {
        "id": crossing_id(crossing),
        "budget": crossing.budget,
        "scope": crossing.scope,
        "scope_id": crossing.scope_id or None,
        "starting_at": _moment(crossing.window_start_s, rules, crossing.budget),
        "ending_at": _moment(crossing.window_end_s, rules, crossing.budget),
        "unit": crossing.unit,
        "limit_usd": exact_usd(crossing.limit) if is_usd else None,
        "spent_usd": exact_usd(crossing.spent) if is_usd else None,
        "limit_tokens": None if is_usd else crossing.limit,
        "spent_tokens": None if is_usd else crossing.spent,
        "ratio": round(crossing.spent / crossing.limit, 6),
        "at_least": crossing.at_least,
        "threshold": crossing.threshold,
        "late": crossing.late,
        "trigger": crossing.trigger or None,
        "trace_id": trace_id or None,
        "span_id": span_id or None,
    }


def _moment(time_s: int, rules: Rules, budget: str) -> str | None:
    """A moment of a window, with the offset of the budget's zone; None for none."""
    if time_s <= 0:
        return None
    return datetime.fromtimestamp(time_s, rules.zone(budget)).isoformat()
