"""What a turn changes in the running sums that metrics show: first charges, and corrections apart.

A counter of a metric may never fall, while a charge may: a later span, a reprice or an exclusion
changes it, or it moves to another owner. So each combination of values of the metrics' dimensions
has three sums that only grow, and at any moment ``first + up - down`` is what its charges make.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any

from processor.core.attribution.node import ScopeIds
from processor.core.model import NO_SUMS, NOTHING, Plan, SpendKey, SpendPart, Totals
from processor.core.posting.turn import Posted

_Read = tuple[Any, ...]
"""Some fields of `ScopeIds` as they are."""
_ByRead = dict[_Read, Totals]
_OWN = ScopeIds._fields.index("own_dimensions")


def add_spend(plan: Plan, posted: Posted, dimensions: tuple[str, ...]) -> None:
    """Set out in `plan` what the movements of a turn change by `dimensions`."""
    reader = _reader(dimensions)
    read = reader.read
    first, corrections = _ByRead(), _ByRead()
    for _, movement in chain(posted.movements, posted.late.movements):
        target, after = read(movement.target), movement.after.totals
        if movement.source is None:
            first[target] = first.get(target, NOTHING).plus(after)
        elif movement.before is not NO_SUMS or movement.after is not NO_SUMS:
            source = read(movement.source)
            known = corrections.get(source, NOTHING)
            corrections[source] = known.minus(movement.before.totals)
            corrections[target] = corrections.get(target, NOTHING).plus(after)
    _set_out(plan, reader, first, "first")
    # What moves within one combination comes to nothing here.
    _set_out(plan, reader, corrections, "up")


class _Reader:
    """Finds the values of some dimensions; most charges of a turn have the same ones."""

    def __init__(self, dimensions: tuple[str, ...]) -> None:
        self._dimensions = dimensions
        fields = [ScopeIds._fields.index(each) for each in dimensions if each in ScopeIds._fields]
        # Twice, since of a single field `itemgetter` gives no tuple.
        self.read = itemgetter(*fields, _OWN, _OWN)

    def values(self, read: _Read) -> tuple[str, ...]:
        """The value of each dimension; ``""`` where there is none."""
        fields, own = iter(read), dict(read[-1])
        return tuple(
            (next(fields) if name in ScopeIds._fields else own.get(name)) or ""
            for name in self._dimensions
        )


@lru_cache(maxsize=16)
def _reader(dimensions: tuple[str, ...]) -> _Reader:
    return _Reader(dimensions)


def _set_out(plan: Plan, reader: _Reader, found: _ByRead, part: SpendPart) -> None:
    changes = dict[tuple[str, ...], Totals]()
    for read, change in found.items():
        values = reader.values(read)
        changes[values] = changes.get(values, NOTHING).plus(change)
    shown = ((values, shown_of(change)) for values, change in changes.items())
    for key, sums in split_by_sign(shown, part).items():
        plan.spend[key] = plan.spend.get(key, NOTHING).plus(sums)


def split_by_sign(
    changes: Iterable[tuple[tuple[str, ...], Totals]], part: SpendPart = "first"
) -> dict[SpendKey, Totals]:
    """What each of the sums grows by: what is negative lets those grow that go down."""
    found = dict[SpendKey, Totals]()
    for values, change in changes:
        numbers = change.values()
        if min(numbers) < 0:
            found[values, "down"] = Totals(*(max(-number, 0) for number in numbers))
            change = Totals(*(max(number, 0) for number in numbers))  # noqa: PLW2901 - what is left
        if not change.is_zero:
            found[values, part] = change
    return found


def shown_of(totals: Totals) -> Totals:
    """What metrics show of it: input without what caches gave, so that kinds of tokens add up.

    Agent runs are left out: a combination that has nothing else is none of calls.
    """
    return replace(totals, input_tokens=totals.input_tokens - totals.cached_tokens, agent_runs=0)
