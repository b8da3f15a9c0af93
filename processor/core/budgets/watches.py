"""Whatever has a filter, by what it counts: a call meets those that may count it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Generic, Protocol, TypeVar

from processor.core.budgets.verdict import Watch, matches


class Filtered(Protocol):
    """A total that is followed, or a budget."""

    @property
    def match(self) -> Mapping[str, tuple[str, ...]]:
        """Patterns by what they look at; a call counts when each is met by one of its patterns."""


F = TypeVar("F", bound=Filtered)
_SPECIAL = frozenset("*?[")
"""What makes a pattern fit more than the very text that it is."""


class ByFilter(Generic[F]):
    """Totals that are followed, or budgets, each known by its position.

    A filter is looked up by one of its dimensions for which it names whole values: that whose
    values the fewest filters name. Filters that have none are compared with every call.
    """

    def __init__(self, watches: Iterable[F] = ()) -> None:
        self._watches = tuple(watches)
        self._others: list[int] = []
        self._by_value: defaultdict[str, defaultdict[str, list[int]]]
        self._by_value = defaultdict(lambda: defaultdict(list))
        self.have_filters = any(watch.match for watch in self._watches)
        exact = [_named(watch) for watch in self._watches]
        counts = Counter(
            (name, value) for named in exact for name, some in named.items() for value in some
        )
        for at, named in enumerate(exact):
            if not named:
                self._others.append(at)
                continue
            rarest = min(named, key=lambda name: sum(counts[name, each] for each in named[name]))
            for value in named[rarest]:
                self._by_value[rarest][value].append(at)

    def __getitem__(self, position: int) -> F:
        return self._watches[position]

    def __iter__(self) -> Iterator[F]:
        return iter(self._watches)

    def counting(self, ids: Mapping[str, str | None]) -> list[int]:
        """Positions of those whose filter lets a call of these ids count, in their order."""
        positions = list(self._others)
        for name, by_value in self._by_value.items():
            positions += by_value.get(ids.get(name) or "", ())
        positions.sort()
        return [at for at in positions if matches(self._watches[at].match, ids)]


def _named(watch: Filtered) -> dict[str, frozenset[str]]:
    """The dimensions for which a filter names whole values, and these."""
    return {
        name: frozenset(patterns)
        for name, patterns in watch.match.items()
        if not any(_SPECIAL & set(pattern) for pattern in patterns)
    }


Watches = ByFilter[Watch]
"""The totals that are followed."""
