"""The short form of a budgets file: daily, weekly and monthly limits for everything together.

cost:
  alerts: {daily_limit: 10.00, weekly_limit: 50.00, monthly_limit: 200.00}
  notifications: [{type: email, threshold: 80%}, {type: slack, threshold: 100%}]
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from processor.core.budgets import checks
from processor.core.budgets.policy import Budget
from processor.core.files.fields import Fields, Untyped, Wrong, number, shown, text
from processor.core.model import Calendar, WindowKind

KEYS = ("alerts", "notifications")

_WINDOWS: dict[str, tuple[str, WindowKind]] = {
    "daily_limit": ("total-daily", "day"),
    "weekly_limit": ("total-weekly", "week"),
    "monthly_limit": ("total-monthly", "month"),
}


def budgets_of(cost: Fields, calendar: Calendar, warnings: list[str]) -> list[Budget]:
    """The budgets that the short form stands for.

    Thresholds below 100 % become warning shares. Where a notification goes is not decided here,
    so its type has no effect, and `warnings` says so.
    """
    alerts = cost.inner("alerts", _WINDOWS)
    warn_at = tuple(sorted({share for share in _thresholds(cost, warnings) if share < 1}))
    return [
        Budget(
            name=name,
            scope="total",
            window=window,
            limit=alerts.read(key, checks.limit_usd, 1),
            unit="usd",
            calendar=calendar,
            warn_at=warn_at,
            source_line=cost.document.line((*alerts.path, key)),
        )
        for key, (name, window) in _WINDOWS.items()
        if alerts.values.get(key) is not None
    ]


def _thresholds(cost: Fields, warnings: list[str]) -> Iterator[Decimal]:
    types: list[str] = []
    for position, value in enumerate(cost.items("notifications")):
        path = (*cost.path, "notifications", position)
        each = Fields(cost.document, path, value, ("type", "threshold"), cost.problems)
        yield each.require("threshold", _threshold, Decimal(1), "write for example 80%")
        types.append(each.read("type", text, ""))
    named = ", ".join(dict.fromkeys(each for each in types if each))
    if named:
        place = cost.document.problem((*cost.path, "notifications"), "").where
        warnings.append(f"{place}: only the thresholds count; nothing is sent by {named}")


def _threshold(value: object) -> Decimal:
    """A share of the limit, as ``80%`` or 0.8."""
    is_percent = isinstance(value, str) and value.strip().endswith("%")
    try:
        share = number(Untyped(str(value).strip()[:-1])) / 100 if is_percent else number(value)
    except Wrong:
        share = Decimal(0)
    if not 0 < share <= 1:
        raise Wrong(
            f"must be above 0 % and at most 100 %, got {shown(value)}", "write for example 80%"
        )
    return share
