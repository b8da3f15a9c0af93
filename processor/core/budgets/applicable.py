"""Which budgets a call would count for, asked before it is made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, NamedTuple

from processor.core.budgets.policy import Budget, Policy
from processor.core.budgets.verdict import matches
from processor.core.budgets.watches import ByFilter

_OF_EVERY_CALL: Final = frozenset({"call", "total"})
"""Scopes that have one id, which every call has."""

Ids = Mapping[str, str]
"""What is said of a call: scope ids and what filters look at, by the names of dimensions."""


class Unchecked(NamedTuple):
    """A budget that may apply, of which nobody can tell without further ids."""

    budget: str
    missing: tuple[str, ...]
    """The names of what was not said."""


class Applicable:
    """Finds the budgets of a policy by what is said of a call, as they are found for charges."""

    def __init__(self, policy: Policy) -> None:
        self.policy: Final = policy
        self._found: Final = ByFilter(policy.budgets)
        self._by_names: defaultdict[frozenset[str], list[Budget]] = defaultdict(list)
        for budget in policy.budgets:
            names = frozenset({*budget.match, budget.scope} - _OF_EVERY_CALL)
            self._by_names[names].append(budget)

    def find(self, ids: Ids) -> list[tuple[Budget, str]]:
        """The budgets that a call of these ids counts for, each with its scope id.

        What is not said is taken as what the call does not have.
        """
        found = []
        for at in self._found.counting(ids):
            budget = self._found[at]
            scope_id = "" if budget.scope in _OF_EVERY_CALL else ids.get(budget.scope)
            if scope_id is not None:
                found.append((budget, scope_id))
        return found

    def unchecked(self, ids: Ids, most: int) -> list[Unchecked]:
        """Budgets, at most so many, that further ids could make apply."""
        return list(islice(self._unchecked(ids), most))

    def _unchecked(self, ids: Ids) -> Iterator[Unchecked]:
        for names, budgets in self._by_names.items():
            missing = tuple(sorted(names - ids.keys()))
            if missing:
                yield from (
                    Unchecked(budget.name, missing)
                    for budget in budgets
                    if matches(_said(budget.match, ids), ids)
                )


def _said(match: Mapping[str, Sequence[str]], ids: Ids) -> dict[str, tuple[str, ...]]:
    """The part of a filter that looks at what is said."""
    return {name: tuple(patterns) for name, patterns in match.items() if name in ids}
