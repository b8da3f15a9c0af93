"""Whether a movement takes a budget over its limit: at most one crossing for each key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple

from processor.core.budgets.policy import Budget, Policy, amount_at
from processor.core.budgets.window import rolling_s_of, window_of
from processor.core.model import Calendar, Crossing, Standing, Totals

_KEPT = frozenset({"total", "user", "org", "trace", "agent_run"})
"""Scopes whose totals in any window are there whatever budgets there are. Those of traces and
agent runs are the sums of their spans."""
_LIFETIME = frozenset({"session", "task"})
"""Likewise for all time only."""
_OF_BUDGETS = "?"

StateKey = tuple[str, str, int, int, int]
"""(series, scope id, window start, window end, length of a rolling window): the window in epoch
seconds, 0 and 0 for none; its length in seconds, 0 for all others."""


class State:
    """How one scope stands in one window: what it has spent, and what it has crossed."""

    __slots__ = ("crossed", "total")

    def __init__(self, total: Totals, crossed: set[tuple[str, int, str, float]]) -> None:
        self.total = total
        self.crossed = crossed
        """(budget, limit, unit, threshold) of every crossing written so far."""


class Watch(NamedTuple):
    """One total that is followed, and the budgets that depend on it."""

    series: str
    """Name of the totals; see `series_of`."""
    scope: str
    window: str
    """See `Budget.window`."""
    calendar: Calendar
    match: Mapping[str, tuple[str, ...]]
    budgets: tuple[Budget, ...]

    @property
    def has_own_totals(self) -> bool:
        """Whether these totals are kept only because budgets look at them."""
        return _OF_BUDGETS in self.series

    def key(self, scope_id: str, time_s: int) -> StateKey:
        """The key of the state that a moment counts for; the last one, of a rolling window."""
        start, end = window_of(self.window, time_s, self.calendar)
        return self.series, scope_id, start, end, rolling_s_of(self.window)

    def key_now(self, scope_id: str, time_s: int, now_s: int) -> StateKey | None:
        """The same at a later moment; None where a rolling window has left `time_s` behind."""
        if not rolling_s_of(self.window):
            return self.key(scope_id, time_s)
        key = self.key(scope_id, now_s)
        return key if key[2] <= time_s < key[3] else None


def series_of(budget: Budget) -> str:
    """The name of the totals that a budget looks at.

    It is that of the scope where these are there in any case, else they are kept for budgets only.
    """
    is_there = budget.scope in _KEPT or (budget.window == "none" and budget.scope in _LIFETIME)
    if budget.digest or not is_there:
        return f"{budget.scope}{_OF_BUDGETS}{budget.digest}"
    return budget.scope


def followed(scope: str) -> str:
    """The name of the totals of each id of a scope, where budgets without a filter follow them."""
    return f"{scope}{_OF_BUDGETS}"


def compile_watches(policy: Policy) -> tuple[Watch, ...]:
    """The totals to follow: one for each distinct scope, filter and window of the budgets.

    Lifetime totals of sessions are always followed, since they are written on root spans.
    """
    groups: dict[tuple[str, str, Calendar | None], list[Budget]] = {}
    groups["session", "none", None] = []
    for budget in policy.budgets:
        if budget.scope != "call":
            has_calendar = budget.window != "none" and not rolling_s_of(budget.window)
            calendar = budget.calendar if has_calendar else None
            groups.setdefault((series_of(budget), budget.window, calendar), []).append(budget)
    watches = []
    for (series, window, calendar), budgets in groups.items():
        scope = budgets[0].scope if budgets else "session"
        match = budgets[0].match if budgets else {}
        zone = calendar or policy.calendar
        watches.append(Watch(series, scope, window, zone, match, tuple(budgets)))
    return tuple(watches)


def matches(match: Mapping[str, tuple[str, ...]], ids: Mapping[str, str | None]) -> bool:
    """True when every filtered name has a value that fits one of its patterns."""
    for name, patterns in match.items():
        value = ids.get(name) or ""
        if not any(fnmatchcase(value, pattern) for pattern in patterns):
            return False
    return True


class Window(NamedTuple):
    """The window that a crossing is in, and the moment of the check."""

    start_s: int
    end_s: int
    now_s: int


def crossings(budget: Budget, scope_id: str, state: State, window: Window) -> Iterator[Crossing]:
    """Crossings that the state has just reached; marks them in the state, so that none repeats."""
    limit = budget.limit_for(scope_id)
    spent = spent_of(budget, state.total)
    for threshold in budget.thresholds:
        if not is_reached(spent, limit, threshold):
            return
        mark = (budget.name, limit, budget.unit, threshold)
        if mark in state.crossed:
            continue
        state.crossed.add(mark)
        yield Crossing(
            budget=budget.name,
            scope=budget.scope,
            scope_id=scope_id,
            window_start_s=window.start_s,
            window_end_s=window.end_s,
            limit=limit,
            unit=budget.unit,
            threshold=threshold,
            spent=spent,
            at_least=state.total.unpriced > 0,
            late=bool(window.end_s) and window.now_s >= window.end_s,
        )


def is_reached(spent: int, limit: int, threshold: float) -> bool:
    """True when `spent` is at or over that share of the limit; exact, as the share was written."""
    return spent >= amount_at(limit, threshold)


def spent_of(budget: Budget, total: Totals) -> int:
    """What counts against the budget: nano-USD or tokens."""
    return total.cost_nano_usd if budget.unit == "usd" else total.tokens


def standing_of(budget: Budget, scope_id: str, window: tuple[int, int], total: Totals) -> Standing:
    """How a scope id stands against a budget, given its total in the window."""
    spent, limit = spent_of(budget, total), budget.limit_for(scope_id)
    return Standing(
        budget.name,
        budget.scope,
        scope_id,
        budget.window,
        *window,
        limit,
        budget.unit,
        spent,
        at_least=total.unpriced > 0,
        exceeded=is_reached(spent, limit, 1.0),
    )
