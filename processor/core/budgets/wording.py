"""A budget in words."""

from __future__ import annotations

from typing import Final

from processor.core.budgets.policy import Budget
from processor.core.budgets.window import rolling_s_of
from processor.core.money import format_usd

_UNITS: Final = {"d": "day", "h": "hour", "m": "minute"}


def window_words(window: str, each: str) -> str:
    """How often a limit is renewed: ``per day`` with "per", ``in any 7 days`` of a rolling one."""
    if not rolling_s_of(window):
        return f"{each} {window}"
    length = window.removeprefix("rolling ")
    number, unit = length[:-1], _UNITS[length[-1]]
    return f"in any {unit}" if number == "1" else f"in any {number} {unit}s"


def budget_text(budget: Budget) -> str:
    """What a budget says, but for its name: ``50.00 USD per day for each user; warning at 0.8``."""

    def amount(limit: int) -> str:
        return f"{format_usd(limit)} USD" if budget.unit == "usd" else f"{limit} tokens"

    window = "" if budget.window == "none" else f" {window_words(budget.window, 'per')}"
    parts = [f"{amount(budget.limit)}{window} for each {budget.scope}"]
    if budget.scope == "total":
        parts = [f"{amount(budget.limit)}{window} in all"]
    if budget.warn_at:
        parts.append(f"warning at {', '.join(map(str, budget.warn_at))}")
    parts += [f"{name} {' or '.join(accepted)}" for name, accepted in budget.match.items()]
    parts += [f"{scope_id} {amount(limit)}" for scope_id, limit in budget.overrides.items()]
    return "; ".join(parts)
