"""What a reprice has changed so far: in all, by model, and by window of a budget."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import astuple, dataclass
from heapq import nlargest
from typing import Final

from processor.core import posting
from processor.core.budgets.policy import Budget
from processor.core.budgets.verdict import StateKey
from processor.core.model import Difference, Repricing

_SHOWN_MAX: Final = 100
_SUMS_MAX: Final = 10_000
"""Models, and windows, whose sums are kept: of more, those with the smallest differences give
way."""
_WRITTEN_MAX: Final = 100
"""Models and windows together that are written with every step."""


@dataclass(slots=True)
class _Sum:
    calls: int = 0
    before: int = 0
    after: int = 0
    limit: int = 0
    unpriced_before: int = 0
    unpriced_after: int = 0

    @property
    def difference(self) -> int:
        return abs(self.after - self.before)


_Key = tuple[str, str, int]
"""(model or budget, scope id, start of the window)."""


class RepriceSums:
    """Sums of what a reprice changes. Those in all are exact, however much it is."""

    def __init__(self) -> None:
        self.calls = 0
        self._renamed = 0
        self._before = 0
        self._after = 0
        self._models: dict[_Key, _Sum] = {}
        self._budgets: dict[_Key, _Sum] = {}
        self._is_partial = False

    def add(self, followed: posting.Followed, spent: Callable[[StateKey], int]) -> None:
        """Add what a step has changed; `spent` is the cost in a window after that."""
        posted = followed.posted
        amended = {id(node) for _, node in posted.amended if not node.is_reference}
        changed: set[int] = set()
        for _, movement in posted.movements:
            entry = movement.node.entry
            before, after = movement.before.totals, movement.after.totals
            if (before.cost_nano_usd, before.unpriced) == (after.cost_nano_usd, after.unpriced):
                continue
            changed.add(id(movement.node))
            total = self._models.setdefault((entry.model if entry else "", "", 0), _Sum())
            total.calls += 1
            total.before += before.cost_nano_usd
            total.after += after.cost_nano_usd
            total.unpriced_before += before.unpriced
            total.unpriced_after += after.unpriced
            self._before += before.cost_nano_usd
            self._after += after.cost_nano_usd
        self.calls += len(amended & changed)
        self._renamed += len(amended - changed)
        self._add_budgets(followed, spent)
        self._models = self._bounded(self._models)
        self._budgets = self._bounded(self._budgets)

    def _add_budgets(self, followed: posting.Followed, spent: Callable[[StateKey], int]) -> None:
        deltas: dict[tuple[Budget, StateKey], list[int]] = {}
        for changes in followed.changes:
            for change in changes:
                cost_nano_usd = change.change.cost_nano_usd
                for budget in change.watch.budgets if cost_nano_usd else ():
                    if budget.unit == "usd":
                        deltas.setdefault((budget, change.key), []).append(cost_nano_usd)
        for (budget, key), changed in deltas.items():
            _, scope_id, start_s, _ = key
            name = (budget.name, scope_id, start_s)
            if name not in self._budgets:
                before = spent(key) - sum(changed)
                self._budgets[name] = _Sum(0, before, before, budget.limit_for(scope_id))
            self._budgets[name].calls += len(changed)
            self._budgets[name].after += sum(changed)

    def _bounded(self, sums: dict[_Key, _Sum]) -> dict[_Key, _Sum]:
        if len(sums) <= _SUMS_MAX:
            return sums
        self._is_partial = True
        # By half, so that it is not done at every step from now on.
        return dict(nlargest(_SUMS_MAX // 2, sums.items(), key=lambda item: item[1].difference))

    def result(self) -> Repricing:
        """What has changed so far, the largest differences first."""
        return Repricing(
            self.calls,
            _listed(self._models),
            _listed(self._budgets),
            self._before,
            self._after,
            renamed=self._renamed,
            is_partial=self._is_partial,
        )

    def to_json(self) -> str:
        """All of it, without models and windows where these are many."""
        in_all = {
            "calls": self.calls,
            "renamed": self._renamed,
            "before": self._before,
            "after": self._after,
        }
        if self._is_partial or len(self._models) + len(self._budgets) > _WRITTEN_MAX:
            return json.dumps(in_all)
        lists = {
            name: [(key, astuple(total)) for key, total in sums.items()]
            for name, sums in (("models", self._models), ("budgets", self._budgets))
        }
        return json.dumps(in_all | lists)

    @classmethod
    def from_json(cls, text: str) -> RepriceSums:
        """What `to_json` has written; partial where that left models and windows out."""
        kept, sums = json.loads(text), cls()
        sums.calls, sums._renamed = kept["calls"], kept["renamed"]
        sums._before, sums._after = kept["before"], kept["after"]
        sums._is_partial = "models" not in kept
        for name, into in (("models", sums._models), ("budgets", sums._budgets)):
            into.update((tuple(key), _Sum(*total)) for key, total in kept.get(name, ()))
        return sums


def _listed(sums: dict[_Key, _Sum]) -> tuple[Difference, ...]:
    largest = nlargest(_SHOWN_MAX, sums.items(), key=lambda item: item[1].difference)
    return tuple(
        Difference(
            name,
            scope_id,
            total.calls,
            total.before,
            total.after,
            total.limit,
            start_s,
            total.unpriced_before,
            total.unpriced_after,
        )
        for (name, scope_id, start_s), total in largest
    )
