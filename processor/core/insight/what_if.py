"""What stored calls would have cost with other models, or at the prices of another file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from processor.core.insight.reprice import call_of
from processor.core.model import Charge, Entry, StoredCall
from processor.core.money import price_usage
from processor.core.posting import BEYOND_LIMIT
from processor.core.pricing import Catalog, price
from processor.core.pricing.catalog import Question
from processor.core.pricing.shapes import Match
from processor.core.questions import CallRow

ROWS_MAX: Final = 500
"""Models, and reasons, that are listed: senders choose the names of both."""
OTHERS: Final = ("", "")
"""What models beyond these count as."""
ADOPTED: Final = "another processor has priced it"
REPEATED: Final = "it repeats the usage of calls below it, of which only the rest was charged"
CHANGED: Final = "it was charged for a part of its usage only"


class Name(NamedTuple):
    """A model, and who serves it; ``""`` for the provider that the call had."""

    provider: str
    model: str


class Compared(NamedTuple):
    """What a call cost, and would have cost."""

    actual_nano_usd: int | None
    """None where that is not known."""
    other_nano_usd: int | None
    """None where that cannot be said, for a reason."""
    reason: str
    provider: str
    model: str
    """Whose price it would have been."""


class WhatIfRow(NamedTuple):
    """The calls of one model that would have had one price."""

    provider: str
    model: str
    other_provider: str
    other_model: str
    calls: int
    actual_nano_usd: int
    other_nano_usd: int


class NotComparable(NamedTuple):
    """Calls of which it cannot be said what they would have cost."""

    reason: str
    calls: int
    actual_nano_usd: int
    unpriced_calls: int
    """Of these, whose cost is not known either."""


@dataclass(slots=True)
class WhatIf:
    """Sums over calls, in memory that does not grow with them."""

    replacements: Mapping[str, Name]
    """By the name of the model in the ledger; empty for the same models at other prices."""
    catalog: Catalog
    calls: int = 0
    """That were compared: what they cost and would have cost is known."""
    actual_nano_usd: int = 0
    other_nano_usd: int = 0
    newly_priced: tuple[int, int] = (0, 0)
    """Calls whose cost is unknown, and would not have been, and what they would have cost."""
    _models: dict[tuple[str, str, str, str], tuple[int, int, int]] = field(default_factory=dict)
    _not_comparable: dict[str, tuple[int, int, int]] = field(default_factory=dict)

    @property
    def difference_nano_usd(self) -> int:
        """What the calls that were compared would have cost more; negative for less."""
        return self.other_nano_usd - self.actual_nano_usd

    def add(self, row: CallRow, stored: StoredCall) -> None:
        """Compare one more call."""
        found = compare_call(row, stored, self.catalog, self._asked(row))
        if found is None:
            return
        actual, other = found.actual_nano_usd, found.other_nano_usd
        if other is None:
            self._add_reason(found)
        elif actual is None:
            count, cost = self.newly_priced
            self.newly_priced = count + 1, cost + other
        else:
            self.calls += 1
            self.actual_nano_usd += actual
            self.other_nano_usd += other
            names = row.dimensions.provider, row.dimensions.model, found.provider, found.model
            if names not in self._models and len(self._models) >= ROWS_MAX:
                names = (*OTHERS, *OTHERS)
            count, was, would = self._models.get(names, (0, 0, 0))
            self._models[names] = count + 1, was + actual, would + other

    def models(self) -> list[WhatIfRow]:
        """By model, the largest difference first."""
        rows = [WhatIfRow(*names, *sums) for names, sums in self._models.items()]
        return sorted(
            rows, key=lambda row: (-abs(row.other_nano_usd - row.actual_nano_usd), row[:4])
        )

    def not_comparable(self) -> list[NotComparable]:
        """The calls that were left out, most first."""
        rows = [NotComparable(reason, *sums) for reason, sums in self._not_comparable.items()]
        return sorted(rows, key=lambda row: (-row.calls, row.reason))

    def _asked(self, row: CallRow) -> Name | None:
        return self.replacements.get(row.dimensions.model) if self.replacements else None

    def _add_reason(self, found: Compared) -> None:
        reason, actual = found.reason, found.actual_nano_usd
        if reason not in self._not_comparable and len(self._not_comparable) >= ROWS_MAX:
            reason = "other reasons"
        calls, cost, unpriced = self._not_comparable.get(reason, (0, 0, 0))
        unpriced += actual is None
        self._not_comparable[reason] = calls + 1, cost + (actual or 0), unpriced


def compare_call(
    row: CallRow, stored: StoredCall, catalog: Catalog, name: Name | None
) -> Compared | None:
    """What one call cost, and would have cost as `name` with a catalog.

    None for what is no call: it used nothing, was excluded, or adds nothing to those below it.
    Without a name it is the same model.
    """
    entry, totals = stored.entry, row.totals
    if entry is None or not (totals.calls or totals.cost_nano_usd or totals.unpriced):
        return None
    actual = None if totals.unpriced else totals.cost_nano_usd
    provider, model = row.dimensions.provider, row.dimensions.model

    why_not = _why_not(entry, actual)
    if why_not:
        return Compared(actual, None, why_not, provider, model)
    call = call_of(stored, entry, entry.asked)
    if name is not None:
        # What somebody says that it cost is of the model that it had.
        asked = _asked_at(name, entry.asked, catalog)
        call = replace(call_of(stored, entry, asked), reported_nano_usd=None, reported_by="")
    [found] = price([call], catalog)
    if isinstance(found, Charge):
        return Compared(actual, found.amount.total, "", found.provider, found.model)
    if found.status == "failed":
        return Compared(actual, 0, "", provider, model)
    reason = f"{found.status}: {found.reason}" if found.reason else found.status
    return Compared(actual, None, reason, provider, model)


def _why_not(entry: Entry, actual: int | None) -> str:
    """Why prices alone do not say what a call costs; ``""`` where they do."""
    if entry.adopted_nano_usd is not None:
        return ADOPTED
    if entry.reason == BEYOND_LIMIT:
        return entry.reason
    if actual is None or entry.amount is None:
        return ""
    whole = entry.amount.total
    if entry.aggregate is not None and entry.usage is not None and entry.rates is not None:
        whole = price_usage(entry.usage, entry.rates).total
    if whole == actual:
        return ""
    return CHANGED if entry.aggregate is None else REPEATED


def _asked_at(name: Name, asked: Question, catalog: Catalog) -> Question:
    """A model where the call was, if it has a price there; else where it is found by its name."""
    provider, _, tier = asked
    if not name.provider and has_price(catalog.match(provider, (name.model,), tier)):
        return provider, (name.model,), tier
    return name.provider, (name.model,), tier


def has_price(match: Match) -> bool:
    """Whether there is a price at any time."""
    return match.flat is not None or bool(match.tariff)


def named_model(text: str, catalog: Catalog) -> Name | None:
    """The model that a text means, ``model`` or ``provider:model``; None where it has no price."""
    if has_price(catalog.match("", (text,), "")):
        return Name("", text)
    provider, _, model = text.partition(":")
    if provider and model and has_price(catalog.match(provider, (model,), "")):
        return Name(provider, model)
    return None
