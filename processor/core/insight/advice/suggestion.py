"""What was found: how much less it could have cost, how that was found, and of which calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from processor.core.model import Entry, SpanRow, Usage
from processor.core.money import Rates
from processor.core.questions import CallRow

SuggestionKind = Literal[
    "cheaper_model", "past_tier", "unread_cache_writes", "repeated_calls", "resent_input"
]
METHODS: Final[Mapping[SuggestionKind, str]] = {
    "cheaper_model": (
        "each call priced again with its tokens as the next smaller model of the same family; "
        "another model may need more or fewer tokens, and answer otherwise"
    ),
    "past_tier": (
        "requests of up to a tenth more input than the size from which on all tokens cost more, "
        "each priced again with the rest of its uncached input left out"
    ),
    "unread_cache_writes": (
        "what writing cost beyond plain input, of calls after which no call of the same model, "
        "agent and service read from a cache while what they had written was kept"
    ),
    "repeated_calls": (
        "the cost of calls after which, within a minute, another one of the same model began below "
        "the same span, with exactly as many input tokens of each class, 500 at least"
    ),
    "resent_input": (
        "at least four calls of one model below the same span, one after the other, each with all "
        "input of the one before (1,024 tokens at least): what of that was not read from a cache, "
        "at the rate of cached input, less what writing to the cache would have cost"
    ),
}
IDS_MAX: Final = 200
"""Calls of a suggestion that are named."""
_GROUPS_MAX: Final = 1_000


class Priced(NamedTuple):
    """A call whose cost follows from its own quantities and rates."""

    row: CallRow
    stored: SpanRow
    entry: Entry
    usage: Usage
    rates: Rates
    cost_nano_usd: int


class Group(NamedTuple):
    """Calls that a suggestion is of, all alike."""

    kind: SuggestionKind
    provider: str
    model: str
    agent: str
    service: str
    other_model: str
    """What is to stand for the model; ``""`` for none."""
    is_allowed: bool
    """Nothing else has to be asked; False for what holds only if another answer is good enough."""


class Suggestion(NamedTuple):
    """What could have cost less."""

    group: Group
    saving_nano_usd: int
    cost_nano_usd: int
    """What the calls have cost."""
    calls: int
    ids: tuple[tuple[bytes, bytes], ...]
    """Trace and span of the first of them, `IDS_MAX` at most."""


def priced(row: CallRow, stored: SpanRow) -> Priced | None:
    """A call that stands for itself; None for any other, and for one without cost."""
    entry, cost = stored.entry, row.totals.cost_nano_usd
    if entry is None or entry.usage is None or entry.rates is None or entry.amount is None:
        return None
    if row.totals.unpriced or not cost or entry.amount.total != cost:
        return None
    if entry.aggregate is not None or entry.kind != "llm":
        return None
    return Priced(row, stored, entry, entry.usage, entry.rates, cost)


@dataclass(slots=True)
class _Sum:
    saving_nano_usd: int = 0
    cost_nano_usd: int = 0
    calls: int = 0
    ids: list[tuple[bytes, bytes]] = field(default_factory=list)


@dataclass(slots=True)
class Findings:
    """Sums of what was found, in memory that does not grow with the calls."""

    _sums: dict[Group, _Sum] = field(default_factory=dict)

    def add(
        self,
        kind: SuggestionKind,
        calls: list[CallRow],
        saving_nano_usd: int,
        *,
        other_model: str = "",
        is_allowed: bool = True,
    ) -> None:
        """Some calls together that could have cost so much less; all of one model and agent."""
        of = calls[0].dimensions
        group = Group(kind, of.provider, of.model, of.agent, of.service, other_model, is_allowed)
        if group not in self._sums and len(self._sums) >= _GROUPS_MAX:
            group = group._replace(agent="", service="")
            if group not in self._sums and len(self._sums) >= 2 * _GROUPS_MAX:
                return
        found = self._sums.setdefault(group, _Sum())
        found.saving_nano_usd += saving_nano_usd
        found.cost_nano_usd += sum(call.totals.cost_nano_usd for call in calls)
        found.calls += len(calls)
        room = IDS_MAX - len(found.ids)
        found.ids += [(call.trace_id, call.span_id) for call in calls[:room]]

    def suggestions(self) -> list[Suggestion]:
        """What saves something, most first; what has no condition before what has."""
        found = [
            Suggestion(group, each.saving_nano_usd, each.cost_nano_usd, each.calls, tuple(each.ids))
            for group, each in self._sums.items()
            if each.saving_nano_usd > 0
        ]
        return sorted(
            found, key=lambda each: (not each.group.is_allowed, -each.saving_nano_usd, each.group)
        )
