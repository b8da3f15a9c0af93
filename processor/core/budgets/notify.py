"""Which channels the crossing of a threshold is sent by, as a budgets file asks for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Final, NamedTuple

from processor.core.budgets.policy import Policy

ChannelsByThreshold = Mapping[float, tuple[str, ...]]

NOBODY_ASKED: Final[ChannelsByThreshold] = MappingProxyType({})


class DeclaredChannel(NamedTuple):
    """A channel that the settings declare."""

    name: str
    type: str
    """``webhook``, ``slack``, ``email`` …."""
    takes_all: bool = True
    """Whether budgets that name no channel use it."""


class Asked(NamedTuple):
    """One item of ``notify``: a channel, or all of a type."""

    channel: str
    type: str
    """``""`` where the channel is named."""
    threshold: Decimal | None
    """None for every threshold of the budget."""


def warnings_of(asked: Iterable[Asked]) -> set[Decimal]:
    """Thresholds below the limit that somebody wants to hear of, so that they are warnings."""
    return {each.threshold for each in asked if each.threshold is not None and each.threshold < 1}


def channels_by_threshold(
    asked: Sequence[Asked] | None, warn_at: Iterable[Decimal], channels: Sequence[DeclaredChannel]
) -> ChannelsByThreshold:
    """The names of the channels that each threshold of a budget is sent by.

    Without `asked` these are all that take every budget. Thresholds without a channel are left out.
    """
    found: dict[float, dict[str, None]] = {}
    thresholds = (*map(float, warn_at), 1.0)
    if asked is None:
        named = dict.fromkeys(each.name for each in channels if each.takes_all)
        return {threshold: tuple(named) for threshold in thresholds} if named else NOBODY_ASKED
    for each in asked:
        chosen = dict.fromkeys(_named(each, channels))
        for threshold in thresholds if each.threshold is None else (float(each.threshold),):
            found.setdefault(threshold, {}).update(chosen)
    return {threshold: tuple(names) for threshold, names in found.items() if names}


def _named(asked: Asked, channels: Iterable[DeclaredChannel]) -> Iterator[str]:
    for channel in channels:
        if channel.name == asked.channel or (asked.type and channel.type == asked.type):
            yield channel.name


def types_without_channel(asked: Iterable[Asked], channels: Iterable[DeclaredChannel]) -> list[str]:
    """Types that are asked for and that no channel has."""
    there = {each.type for each in channels}
    return list(dict.fromkeys(each.type for each in asked if each.type and each.type not in there))


def channels_of(policy: Policy) -> dict[tuple[str, float], tuple[str, ...]]:
    """The channels that crossings are sent by, by budget and threshold; empty where none is."""
    return {
        (budget.name, threshold): names
        for budget in policy.budgets
        for threshold, names in budget.notify.items()
    }
