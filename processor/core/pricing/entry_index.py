"""The operator's entries, indexed: exact names, aliases, patterns, discounts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from fnmatch import translate
from typing import NamedTuple

from processor.core.model import Status
from processor.core.pricing.entries import is_glob
from processor.core.pricing.names import Candidate
from processor.core.pricing.shapes import ANY, PriceEntry

OPERATOR_ALIAS = "operator alias"
"""The reason of a price that was found by an alias of the operator's file."""

_GLOB_MARK = re.compile(r"[*?\[]")


class EntryMatch(NamedTuple):
    """An entry that holds for a name, and how it was found."""

    entry: PriceEntry
    status: Status
    reason: str


class _Pattern(NamedTuple):
    entry: PriceEntry
    regex: re.Pattern[str]

    def holds(self, provider: str, name: str) -> bool:
        return self.entry.provider in (ANY, provider) and self.regex.match(name) is not None


class EntryIndex:
    """Finds the entry for a provider and the spellings of a model."""

    def __init__(self, entries: Collection[PriceEntry]) -> None:
        """Index `entries`; which of two patterns comes first does not depend on their order."""
        self.entries = tuple(entries)
        self._exact: dict[tuple[str, str], PriceEntry] = {}
        self._aliases: dict[tuple[str, str], PriceEntry] = {}
        self._for_all_models: dict[str, PriceEntry] = {}
        self._providers: dict[str, set[str]] = {}
        patterns: list[PriceEntry] = []
        discounts: list[PriceEntry] = []
        for entry in entries:
            for alias in entry.aliases:
                self._aliases[alias] = entry
                self._providers.setdefault(alias[1], set()).add(alias[0])
            if entry.adjust is not None:
                discounts.append(entry)
            elif entry.model == ANY:
                self._for_all_models[entry.provider] = entry
            elif is_glob(entry.model):
                patterns.append(entry)
            elif entry.steps:
                self._exact[entry.provider, entry.model] = entry
                self._providers.setdefault(entry.model, set()).add(entry.provider)
        self.providers = frozenset(entry.provider for entry in entries) - {ANY}
        """Every provider that an entry is for."""
        self._patterns = _ranked(patterns)
        self._discounts = _ranked(discounts)

    def find(self, provider: str, names: Sequence[Candidate]) -> EntryMatch | None:
        """The entry for a model at a provider: by exact name, then alias, then pattern.

        Every spelling of the name is tried at each level. A call that names no provider
        (``""``) finds an entry whose name belongs to one provider only.
        """
        spellings = [name for name in names if name.same]
        for name in spellings:
            entry = self._lookup(self._exact, provider, name.name)
            if entry is not None:
                return EntryMatch(entry, "alias" if name.how else "exact", name.how)
        for name in spellings:
            entry = self._lookup(self._aliases, provider, name.name)
            if entry is not None:
                return EntryMatch(entry, "alias", OPERATOR_ALIAS)
        for pattern in self._patterns:
            if any(pattern.holds(provider, name.name) for name in spellings):
                return EntryMatch(pattern.entry, "pattern", "operator pattern")
        return None

    def last_resort(self, provider: str) -> EntryMatch | None:
        """The entry for every model of a provider, or of all."""
        entry = self._for_all_models.get(provider) or self._for_all_models.get(ANY)
        return (
            None
            if entry is None
            else EntryMatch(entry, "pattern", "operator pattern for all models")
        )

    def discount(self, provider: str, names: Sequence[Candidate]) -> PriceEntry | None:
        """The most specific discount on the catalogue's price of a model."""
        for pattern in self._discounts:
            if any(pattern.holds(provider, name.name) for name in names if name.same):
                return pattern.entry
        return None

    def _lookup(
        self, index: dict[tuple[str, str], PriceEntry], provider: str, name: str
    ) -> PriceEntry | None:
        entry = index.get((provider, name)) or index.get((ANY, name))
        if entry is None and not provider:
            providers = self._providers.get(name, set())
            if len(providers) == 1:
                entry = index.get((next(iter(providers)), name))
        return entry


def _ranked(entries: Iterable[PriceEntry]) -> tuple[_Pattern, ...]:
    """Most specific first: of one provider, then by the longest text before the first mark."""

    def rank(entry: PriceEntry) -> tuple[bool, bool, int, str]:
        prefix = _GLOB_MARK.split(entry.model, maxsplit=1)[0]
        return (entry.provider == ANY, is_glob(entry.model), -len(prefix), entry.model)

    return tuple(
        _Pattern(entry, re.compile(translate(entry.model))) for entry in sorted(entries, key=rank)
    )
