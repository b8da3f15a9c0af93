"""How budgets stand, and how often they were crossed.

Of a budget that each user, team … has for itself, only the one nearest to its limit is shown, with
how many have crossed it: ids of people are no labels, and would be too many.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from processor.core.budgets import Budget, Policy
from processor.core.budgets.window import rolling_s_of
from processor.core.money import NANO_PER_USD
from processor.core.questions import CrossingCount, CrossingCounts
from processor.surfaces.metrics.declaration import Metric, Sample
from processor.surfaces.queries.answers import BudgetState

_PASSING: Final = frozenset({"call", "trace", "agent_run", "session", "task"})
"""Scopes whose ids come and go: that one is over says little of now, so crossings are counted."""
_LABELS: Final = ("budget", "scope", "window")


def _gauge(name: str, sentence: str, *labels: str) -> Metric:
    return Metric(name, "gauge", sentence, (*_LABELS, *labels))


_NEAREST: Final = "of the scope id that is nearest to its limit, in the window of now."
_SPENT: Final = {
    "usd": _gauge("llm_budget_spent_dollars", f"What was spent {_NEAREST}"),
    "tokens": _gauge("llm_budget_spent_tokens", f"Tokens that were used {_NEAREST}"),
}
_LIMIT: Final = {
    "usd": _gauge("llm_budget_limit_dollars", f"The limit {_NEAREST}"),
    "tokens": _gauge("llm_budget_limit_tokens", f"The limit {_NEAREST}"),
}
_RATIO: Final = _gauge("llm_budget_ratio", f"What was spent by the limit, {_NEAREST}")
_AT_LEAST: Final = _gauge(
    "llm_budget_at_least",
    "1 while what was spent lacks the cost of some calls: it is unknown, or still to be added.",
)
_IDS: Final = _gauge(
    "llm_budget_crossed_ids",
    "Scope ids that have reached a share of their limit in the window of now, also where a "
    "correction has taken them back.",
    "threshold",
)
_CROSSINGS: Final = Metric(
    "llm_budget_crossings_total",
    "counter",
    "Times that a share of a limit was reached, of all that the ledger has; 1 is the limit itself.",
    (*_LABELS, "threshold"),
)
METRICS: Final = (*_SPENT.values(), *_LIMIT.values(), _RATIO, _AT_LEAST, _IDS, _CROSSINGS)


class CrossingTotals:
    """Counts of crossings, so that only those that come are read."""

    def __init__(self) -> None:
        self.last = 0
        """The number of the last one that is counted."""
        self._all = Counter[tuple[str, float]]()
        self._by_window = Counter[tuple[str, int, int, float]]()

    def add(self, found: CrossingCounts) -> None:
        """Count those that have come."""
        self.last = found.last
        for each in found.counts:
            self._all[each.budget, each.threshold] += each.ids
            self._by_window[_key(each)] += each.ids

    def crossings(self, budget: Budget, threshold: float) -> int:
        """All that there were."""
        return self._all[budget.name, threshold]

    def ids(self, budget: Budget, now_s: int, threshold: float) -> int:
        """How many scope ids have reached it in the window of now, at the limits of now.

        Those of a rolling window count each time that they have.
        """
        first_s, limits = budget.crossed_from_s(now_s), {budget.limit, *budget.overrides.values()}
        if not rolling_s_of(budget.window):
            return sum(self._by_window[budget.name, first_s, each, threshold] for each in limits)
        return sum(
            ids
            for (name, start_s, limit, share), ids in self._by_window.items()
            if (name, share) == (budget.name, threshold) and start_s >= first_s and limit in limits
        )

    def forget_before(self, starts_s: Iterable[tuple[str, int]]) -> None:
        """Keep no windows of a budget that began before one."""
        starts = dict(starts_s)
        for key in [key for key in self._by_window if key[1] < starts.get(key[0], 0)]:
            del self._by_window[key]


def _key(each: CrossingCount) -> tuple[str, int, int, float]:
    return each.budget, each.window_start_s, each.limit, each.threshold


def read_budgets(
    policy: Policy, states: Sequence[BudgetState], now_s: int, crossings: CrossingTotals
) -> Iterator[Sample]:
    """Every budget in force. `states` are of the window of now, the highest shares first."""
    by_name: dict[str, BudgetState] = {}
    for state in states:
        by_name.setdefault(state.standing.budget, state)
    for budget in policy.budgets:
        labels = budget.name, budget.scope, budget.window
        for threshold in budget.thresholds:
            share = f"{threshold:g}"
            yield _CROSSINGS(crossings.crossings(budget, threshold), *labels, share)
            if budget.scope not in _PASSING:
                yield _IDS(crossings.ids(budget, now_s, threshold), *labels, share)
        if budget.scope not in _PASSING:
            yield from _standing(budget, by_name.get(budget.name), labels)


def _standing(
    budget: Budget, state: BudgetState | None, labels: tuple[str, ...]
) -> Iterator[Sample]:
    spent, limit, at_least = 0, budget.limit, False
    if state is not None:
        standing = state.standing
        spent, limit, at_least = standing.spent, standing.limit, standing.at_least
    per = NANO_PER_USD if budget.unit == "usd" else 1
    yield _SPENT[budget.unit](spent / per, *labels)
    yield _LIMIT[budget.unit](limit / per, *labels)
    yield _RATIO(spent / limit, *labels)
    yield _AT_LEAST(at_least, *labels)
