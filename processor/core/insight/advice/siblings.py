"""Calls that the next smaller model of the same family might do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final, NamedTuple

from processor.core.insight.advice.suggestion import Findings, Priced
from processor.core.insight.what_if import Name, compare_call
from processor.core.model import Owner
from processor.core.pricing import Catalog
from processor.core.questions import CallRow

_CACHED_MAX: Final = 1_000
_SMALLER: Final = (
    ("opus", "sonnet"), ("sonnet", "haiku"), ("pro", "flash"), ("flash", "flash-lite"),
    ("large", "medium"), ("large", "small"), ("medium", "small"), ("mini", "nano"),
)  # fmt: skip
"""Words in names of models, and what stands there in that of the next smaller one."""
_SIZE_LAST: Final = ("mini",)
"""What the name of the next smaller model has at its end."""
_WORD: Final = r"(?<![a-z0-9]){}(?![a-z0-9])"
_DATE: Final = re.compile(r"-20[0-9]{2}-?[0-9]{2}-?[0-9]{2}$")


class LowQuality(NamedTuple):
    """Which calls need no better answer than a smaller model gives."""

    where: Mapping[str, frozenset[str]] = {}
    """Accepted values by dimension: one of them is enough."""
    said: Mapping[str, frozenset[str]] = {}
    """Likewise of dimensions of one's own, where the span of the call says it itself: nothing is
    taken from a span above, or from others of the trace."""

    def allows(self, value_of: Callable[[str], str], own: Owner) -> bool:
        """Whether that is said of a call, whose value of a dimension is asked for.

        `own` is what its span says itself.
        """
        if any(value_of(name) in values for name, values in self.where.items()):
            return True
        ids = dict(own.own_dimensions) if self.said else {}
        return any(ids.get(name) in values for name, values in self.said.items())


NO_LOW_QUALITY: Final = LowQuality()
"""Nobody has said that of any call."""


def _value(row: CallRow, dimension: str) -> str:
    if dimension in {"user", "session", "task"}:
        return str(getattr(row, dimension))
    if dimension in row.dimensions._fields and dimension != "own":
        return str(getattr(row.dimensions, dimension))
    return dict(row.dimensions.own).get(dimension, "")


def sibling_of(provider: str, model: str, catalog: Catalog) -> str | None:
    """The next smaller model of the same family that has a price of its own at the provider.

    Families are known by words in names (opus, sonnet, haiku); None where there is none.
    """
    for name in _smaller_names(_DATE.sub("", model.lower())):
        match = catalog.match(provider, (name,), "")
        if match.status in {"exact", "alias"} and match.model == name:
            return name
    return None


def _smaller_names(model: str) -> Iterator[str]:
    for word, smaller in _SMALLER:
        name, count = re.subn(_WORD.format(word), smaller, model)
        if count == 1 and f"{smaller}-lite" not in name:
            yield name
    if not re.search(_WORD.format("(mini|nano|lite|flash|haiku|small)"), model):
        yield from (f"{model}-{word}" for word in _SIZE_LAST)


@dataclass(slots=True)
class KnownSiblings:
    """Remembers what `sibling_of` has found, a thousand answers at most."""

    _known: dict[tuple[str, str, str], str | None] = field(default_factory=dict)

    def find(self, provider: str, model: str, catalog: Catalog) -> str | None:
        """What `sibling_of` says."""
        key = catalog.version, provider, model
        if key not in self._known:
            if len(self._known) >= _CACHED_MAX:
                self._known.clear()
            self._known[key] = sibling_of(provider, model, catalog)
        return self._known[key]


@dataclass(slots=True)
class Siblings:
    """Prices calls as the next smaller model, where that costs less."""

    catalog: Catalog
    low_quality: LowQuality
    _known: KnownSiblings = field(default_factory=KnownSiblings)

    def add(self, call: Priced, findings: Findings) -> None:
        """Look at one more call."""
        row = call.row
        sibling = self._known.find(row.dimensions.provider, row.dimensions.model, self.catalog)
        if sibling is None:
            return
        name = Name(row.dimensions.provider, sibling)
        found = compare_call(row, call.stored, self.catalog, name)
        if found is not None and found.other_nano_usd is not None:
            saving = call.cost_nano_usd - found.other_nano_usd
            if saving > 0:
                findings.add(
                    "cheaper_model", [row], saving, other_model=sibling,
                    is_allowed=self.low_quality.allows(partial(_value, row), call.stored.own),
                )  # fmt: skip
