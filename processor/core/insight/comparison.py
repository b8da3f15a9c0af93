"""What a change of the price file changes, name by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from processor.core.money import Rates
from processor.core.pricing import Catalog, PriceFile
from processor.core.pricing.catalog import Question
from processor.core.pricing.entries import is_glob
from processor.core.pricing.entry_index import OPERATOR_ALIAS
from processor.core.pricing.shapes import ANY, Match, PriceEntry
from processor.core.pricing.tariff import choose

Kind = Literal["new", "removed", "changed", "same"]


class Side(NamedTuple):
    """What one name costs with one of the two files."""

    status: str
    reason: str
    rule: str
    rates: Rates | None
    """The base rates in force at the moment of the comparison; None without a price."""


class Comparison(NamedTuple):
    """One name with both files."""

    asked: Question
    kind: Kind
    before: Side
    after: Side

    @property
    def is_elsewhere(self) -> bool:
        """The price in force is the same: it changes for another time or for large requests."""
        return self.kind == "changed" and self.before.rates == self.after.rates

    @property
    def starts_as_alias(self) -> bool:
        """An alias of the operator's file decides now, and did not before."""
        return _is_alias(self.after) and not _is_alias(self.before)

    @property
    def stops_as_alias(self) -> bool:
        """An alias of the operator's file decided before, and does not now."""
        return _is_alias(self.before) and not _is_alias(self.after)


class PatternChange(NamedTuple):
    """What became of an entry that holds for a pattern of names."""

    pattern: str
    """``provider:model``."""
    kind: Kind
    before: PriceEntry | None
    after: PriceEntry | None


class Prices(NamedTuple):
    """One of the two files, read and compiled."""

    file: PriceFile
    catalog: Catalog


def compare(
    before: Prices, after: Prices, asked: Iterable[Question], now_ns: int
) -> list[Comparison]:
    """Every name that either file mentions, and those of calls, with both; patterns left out."""
    names = {*_mentioned(before.file), *_mentioned(after.file), *asked}
    return [_compared(name, before.catalog, after.catalog, now_ns) for name in sorted(names)]


def changed_patterns(before: PriceFile, after: PriceFile) -> list[PatternChange]:
    """Entries that hold for a pattern of names, and are not the same in both files."""
    was, now = _patterns(before), _patterns(after)
    found: list[PatternChange] = []
    for key in sorted(was.keys() | now.keys()):
        kind: Kind = "new" if key not in was else "removed" if key not in now else "changed"
        if was.get(key) != now.get(key):
            name = f"{key[0]}:{key[1]}"
            found.append(PatternChange(name, kind, was.get(key), now.get(key)))
    return found


def _patterns(file: PriceFile) -> dict[tuple[str, str, bool], PriceEntry]:
    return {
        (entry.provider, entry.model, entry.adjust is None): entry
        for entry in file.entries
        if is_glob(entry.model)
    }


def _mentioned(file: PriceFile) -> Iterable[Question]:
    for entry in file.entries:
        for provider, model in ((entry.provider, entry.model), *entry.aliases):
            if not is_glob(model):
                yield "" if provider == ANY else provider, (model,), ""


def _compared(asked: Question, before: Catalog, after: Catalog, now_ns: int) -> Comparison:
    was, now = before.match(*asked), after.match(*asked)
    kind: Kind = "same"
    if bool(was.tariff) != bool(now.tariff):
        kind = "new" if now.tariff else "removed"
    elif was.tariff != now.tariff:
        kind = "changed"
    return Comparison(asked, kind, _side(was, now_ns), _side(now, now_ns))


def _side(match: Match, now_ns: int) -> Side:
    chosen = choose(match.tariff, now_ns, 0)
    return Side(match.status, match.reason, match.rule, chosen.rates if chosen else None)


def _is_alias(side: Side) -> bool:
    return OPERATOR_ALIAS in side.reason
