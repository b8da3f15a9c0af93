"""What a reprice has changed so far: in all, by model, and by window of a budget."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import astuple, dataclass
from heapq import nlargest
from typing import Final, NamedTuple

from processor.core import posting
from processor.core.attribution import Movement, Node
from processor.core.attribution.same_response import SpanKey
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


class _Change(NamedTuple):
    """What has changed of one call so far."""

    is_amended: bool
    """False where only what others cost has changed it."""
    model: str
    before: tuple[int, int] | None
    """Nano-USD, and how many calls of unknown cost it counts as; None while it has not moved."""
    after: tuple[int, int] | None


_NO_CHANGE: Final = _Change(is_amended=False, model="", before=None, after=None)


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
        self._changes: dict[SpanKey, _Change] = {}
        """Of the calls of traces that are not done, which may change again."""
        self._parts: dict[tuple[SpanKey, _Key], int] = {}
        """What these add to each window, in nano-USD."""

    def add(
        self,
        followed: posting.Followed,
        spent: Callable[[StateKey], int],
        *,
        are_done: bool = True,
    ) -> None:
        """Add what a step has changed; `spent` is the cost in a window after that.

        Traces that are not done have more to change in a later step. Each call is counted once,
        with what it cost before the first of these steps, and what they have changed.
        """
        posted = followed.posted
        amended = {
            (trace_id, node.span_id): node
            for trace_id, node in posted.amended
            if not node.is_reference
        }
        moved = {(trace_id, each.node.span_id): each for trace_id, each in posted.movements}
        for key in {**amended, **moved}:
            self._add_call(key, moved.get(key), amended.get(key))
        self._add_budgets(followed, spent)
        if are_done:
            self.close_trace()
        self._models = self._bounded(self._models)
        self._budgets = self._bounded(self._budgets)

    def close_trace(self) -> None:
        """No call that is counted so far changes again."""
        self._changes.clear()
        self._parts.clear()

    def _add_call(self, key: SpanKey, movement: Movement | None, amended: Node | None) -> None:
        known = self._changes.get(key, _NO_CHANGE)
        found = known._replace(is_amended=known.is_amended or amended is not None)
        if movement is not None:
            before, after = (
                (each.totals.cost_nano_usd, each.totals.unpriced)
                for each in (movement.before, movement.after)
            )
            if known.before is not None and known.after is not None:
                # What a turn has changed in between is not the work of a reprice.
                after = (
                    known.after[0] + after[0] - before[0],
                    known.after[1] + after[1] - before[1],
                )
                before = known.before
            entry = movement.node.entry
            found = _Change(found.is_amended, entry.model if entry else "", before, after)
        self._count(known, -1)
        self._count(found, 1)
        self._changes[key] = found

    def _count(self, change: _Change, sign: int) -> None:
        """Count a call, or with -1 as a sign no longer."""
        before, after = change.before, change.after
        if before is None or after is None or before == after:
            self._renamed += sign * change.is_amended
            return
        self.calls += sign * change.is_amended
        total = self._models.setdefault((change.model, "", 0), _Sum())
        total.calls += sign
        total.before += sign * before[0]
        total.after += sign * after[0]
        total.unpriced_before += sign * before[1]
        total.unpriced_after += sign * after[1]
        self._before += sign * before[0]
        self._after += sign * after[0]
        if not total.calls:
            del self._models[change.model, "", 0]

    def _add_budgets(self, followed: posting.Followed, spent: Callable[[StateKey], int]) -> None:
        deltas: dict[tuple[Budget, StateKey], dict[SpanKey, int]] = {}
        for (trace_id, movement), changes in zip(
            followed.posted.movements, followed.changes, strict=True
        ):
            span = trace_id, movement.node.span_id
            for change in changes:
                cost_nano_usd = change.change.cost_nano_usd
                for budget in change.watch.budgets if cost_nano_usd else ():
                    if budget.unit == "usd" and change.key is not None:
                        parts = deltas.setdefault((budget, change.key), {})
                        parts[span] = parts.get(span, 0) + cost_nano_usd
        for (budget, key), parts in deltas.items():
            _, scope_id, start_s, *_ = key
            name = (budget.name, scope_id, start_s)
            if name not in self._budgets:
                before = spent(key) - sum(parts.values())
                self._budgets[name] = _Sum(0, before, before, budget.limit_for(scope_id))
            total = self._budgets[name]
            total.after += sum(parts.values())
            for span, part in parts.items():
                known = self._parts.get((span, name), 0)
                self._parts[span, name] = known + part
                total.calls += (known + part != 0) - (known != 0)

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
