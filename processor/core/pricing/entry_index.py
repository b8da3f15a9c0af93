"""The operator's entries, indexed: exact names, aliases, patterns, discounts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
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

    offer: PriceEntry
    status: Status
    reason: str


class _Pattern(NamedTuple):
    offer: PriceEntry
    regex: re.Pattern[str]

    def holds(self, host: str, name: str) -> bool:
        return self.offer.provider in (ANY, host) and self.regex.match(name) is not None


class EntryIndex:
    """Finds the entry for a provider and the spellings of a model."""

    def __init__(self, offers: Iterable[PriceEntry]) -> None:
        """Index `offers`; which of two patterns comes first does not depend on their order."""
        self._exact: dict[tuple[str, str], PriceEntry] = {}
        self._aliases: dict[tuple[str, str], PriceEntry] = {}
        self._stars: dict[str, PriceEntry] = {}
        self._owners: dict[str, set[str]] = {}
        patterns: list[PriceEntry] = []
        discounts: list[PriceEntry] = []
        for offer in offers:
            for alias in offer.aliases:
                self._aliases[alias] = offer
                self._owners.setdefault(alias[1], set()).add(alias[0])
            if offer.adjust is not None:
                discounts.append(offer)
            elif offer.model == ANY:
                self._stars[offer.provider] = offer
            elif is_glob(offer.model):
                patterns.append(offer)
            elif offer.steps:
                self._exact[offer.provider, offer.model] = offer
                self._owners.setdefault(offer.model, set()).add(offer.provider)
        self._patterns = _ranked(patterns)
        self._discounts = _ranked(discounts)

    def find(self, host: str, names: Sequence[Candidate]) -> EntryMatch | None:
        """The entry for a model at a provider: by exact name, then alias, then pattern.

        Every spelling of the name is tried at each level. A call that names no provider
        (``""``) finds an entry whose name belongs to one provider only.
        """
        spellings = [name for name in names if name.same]
        for name in spellings:
            offer = self._lookup(self._exact, host, name.name)
            if offer is not None:
                return EntryMatch(offer, "alias" if name.how else "exact", name.how)
        for name in spellings:
            offer = self._lookup(self._aliases, host, name.name)
            if offer is not None:
                return EntryMatch(offer, "alias", OPERATOR_ALIAS)
        for pattern in self._patterns:
            if any(pattern.holds(host, name.name) for name in spellings):
                return EntryMatch(pattern.offer, "pattern", "operator pattern")
        return None

    def last_resort(self, host: str) -> EntryMatch | None:
        """The entry for every model of a provider, or of all."""
        offer = self._stars.get(host) or self._stars.get(ANY)
        return (
            None
            if offer is None
            else EntryMatch(offer, "pattern", "operator pattern for all models")
        )

    def discount(self, host: str, names: Sequence[Candidate]) -> PriceEntry | None:
        """The most specific discount on the catalogue's price of a model."""
        for pattern in self._discounts:
            if any(pattern.holds(host, name.name) for name in names if name.same):
                return pattern.offer
        return None

    def _lookup(
        self, index: dict[tuple[str, str], PriceEntry], host: str, name: str
    ) -> PriceEntry | None:
        offer = index.get((host, name)) or index.get((ANY, name))
        if offer is None and not host:
            owners = self._owners.get(name, set())
            if len(owners) == 1:
                offer = index.get((next(iter(owners)), name))
        return offer


def _ranked(offers: Iterable[PriceEntry]) -> tuple[_Pattern, ...]:
    """Most specific first: of one provider, then by the longest text before the first mark."""

    def rank(offer: PriceEntry) -> tuple[bool, bool, int, str]:
        prefix = _GLOB_MARK.split(offer.model, maxsplit=1)[0]
        return (offer.provider == ANY, is_glob(offer.model), -len(prefix), offer.model)

    return tuple(
        _Pattern(offer, re.compile(translate(offer.model))) for offer in sorted(offers, key=rank)
    )
