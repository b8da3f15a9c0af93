"""Pricing stored calls again, after a price was added or corrected.

Rows are never edited: a call whose price changes gets a further row, its totals the difference,
and the difference a correction row. What was stamped on spans stays, here and in the backend.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from processor.core import posting
from processor.core.budgets.policy import Budget
from processor.core.budgets.verdict import StateKey
from processor.core.model import Difference, Entry, Repricing, SpanRow
from processor.io.ledger.working_set import WorkingSet

PriceAgain = Callable[[SpanRow], Entry]
"""The entry that a stored call has at other prices; its own one where nothing changes."""

_SHOWN_MAX = 100


@dataclass(slots=True)
class _Sum:
    calls: int = 0
    before: int = 0
    after: int = 0
    limit: int = 0
    unpriced_before: int = 0
    unpriced_after: int = 0


@dataclass(slots=True)
class Repricer:
    """One reprice, done a few traces at a time so that others get their turns in between."""

    working_set: WorkingSet
    price_again: PriceAgain
    start_ns: int
    end_ns: int
    now_ns: int
    is_dry_run: bool
    _calls: int = 0
    _renamed: int = 0
    _before: int = 0
    _after: int = 0
    _models: dict[str, _Sum] = field(default_factory=dict)
    _budgets: dict[tuple[str, str, int], _Sum] = field(default_factory=dict)

    def step(self, trace_ids: Iterable[bytes]) -> None:
        """Price the calls of some traces again, in a transaction of its own."""
        entries = {trace_id: self._changed(trace_id) for trace_id in trace_ids}
        entries = {trace_id: changed for trace_id, changed in entries.items() if changed}
        if not entries:
            return
        store = self.working_set.store
        store.begin()
        try:
            self._add_up(self.working_set.amend(entries, self.now_ns))
            if self.is_dry_run:
                self.working_set.discard_touched()
                store.rollback()
            else:
                store.commit()
                self.working_set.committed(())
        except BaseException:
            self.working_set.discard_touched()
            store.rollback()
            raise

    def result(self) -> Repricing:
        """What has changed so far, the largest differences first."""
        models = {(name, "", 0): total for name, total in self._models.items()}
        return Repricing(
            self._calls,
            _listed(models),
            _listed(self._budgets),
            self._before,
            self._after,
            renamed=self._renamed,
        )

    def _changed(self, trace_id: bytes) -> dict[bytes, Entry]:
        latest = {row.span_id: row for row in self.working_set.store.rows_of(trace_id)}
        found = {}
        for span_id, row in latest.items():
            if row.entry is not None and self.start_ns <= row.time_ns < self.end_ns:
                entry = self.price_again(row)
                if entry is not row.entry:
                    found[span_id] = entry
        return found

    def _add_up(self, followed: posting.Followed) -> None:
        posted = followed.posted
        amended = {id(node) for _, node in posted.amended if not node.is_reference}
        changed: set[int] = set()
        for _, movement in posted.movements:
            entry, before, after = (
                movement.node.entry,
                movement.before.totals,
                movement.after.totals,
            )
            if (before.cost_nano_usd, before.unpriced) == (after.cost_nano_usd, after.unpriced):
                continue
            changed.add(id(movement.node))
            total = self._models.setdefault(entry.model if entry else "", _Sum())
            total.calls += 1
            total.before += before.cost_nano_usd
            total.after += after.cost_nano_usd
            total.unpriced_before += before.unpriced
            total.unpriced_after += after.unpriced
            self._before += before.cost_nano_usd
            self._after += after.cost_nano_usd
        self._calls += len(amended & changed)
        self._renamed += len(amended - changed)
        self._add_up_budgets(followed)

    def _add_up_budgets(self, followed: posting.Followed) -> None:
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
                before = self.working_set.budgets.spent(key) - sum(changed)
                self._budgets[name] = _Sum(0, before, before, budget.limit_for(scope_id))
            self._budgets[name].calls += len(changed)
            self._budgets[name].after += sum(changed)


def _listed(sums: dict[tuple[str, str, int], _Sum]) -> tuple[Difference, ...]:
    found = [
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
        for (name, scope_id, start_s), total in sums.items()
    ]
    found.sort(key=lambda item: abs(item.after_nano_usd - item.before_nano_usd), reverse=True)
    return tuple(found[:_SHOWN_MAX])
