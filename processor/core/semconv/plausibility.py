"""Usage that no single call can have: a mistake, or meant to break a sum. It is no money."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from processor.core.model import Usage, Value
from processor.core.money import NANO_PER_USD

AGGREGATE_FACTOR = 1000
"""An aggregate may be the sum of so many of the largest calls that are believed."""
_MS_PER_S = 1000
_DIGITS_MAX = 400
_UNITS = {
    "characters": ("characters", 1),
    "duration_ms": ("seconds", _MS_PER_S),
    "images": ("images", 1),
    "pages": ("pages", 1),
    "searches": ("searches", 1),
    "web_searches": ("searches", 1),
}
"""The limit that holds for a count of anything but tokens, and how many of it are one."""


@dataclass(frozen=True, slots=True)
class UsageLimits:
    """The most of each unit that a single call may report and still be charged."""

    tokens: int = 100_000_000
    """Input and output together; the largest context of any model has ten million."""
    characters: int = 1_000_000_000
    seconds: int = 10_000_000
    images: int = 1_000_000
    pages: int = 10_000_000
    searches: int = 1_000_000
    """Searches in the web and in stored files, and search units, together."""
    usd: int = 1_000_000
    """Of a cost that is reported."""


def find_implausible(
    usage: Usage | None, reported_nano_usd: int | None, limits: UsageLimits, *, is_leaf: bool
) -> str:
    """What a call or aggregate reports more of than is believed, in words; ``""`` for nothing."""
    factor = 1 if is_leaf else AGGREGATE_FACTOR
    if usage is not None:
        amounts = {"tokens": (usage.input_tokens + usage.output_tokens, 1)}
        for name, (unit, per_unit) in _UNITS.items():
            others, _ = amounts.get(unit, (0, per_unit))
            amounts[unit] = (others + getattr(usage, name), per_unit)
        for unit, (amount, per_unit) in amounts.items():
            limit = getattr(limits, unit) * factor
            if amount > limit * per_unit:
                return f"more than {limit} {unit} reported"
    if reported_nano_usd is not None and reported_nano_usd > limits.usd * NANO_PER_USD * factor:
        return f"more than {limits.usd * factor} USD reported"
    return ""


def find_implausible_text(
    counts: Iterable[tuple[str, Value]], limits: UsageLimits, *, is_leaf: bool
) -> str:
    """As `find_implausible`, of counts as they are written, where they yield no usage.

    Each has its name in `counts.Counts`, of which some are no tokens.
    """
    factor = 1 if is_leaf else AGGREGATE_FACTOR
    for name, value in counts:
        number = value
        if isinstance(value, str) and value.isdecimal() and len(value) <= _DIGITS_MAX:
            number = int(value)
        unit, per_unit = _UNITS.get(name, ("tokens", 1))
        limit = getattr(limits, unit) * factor
        if isinstance(number, int | float) and number > limit * per_unit:
            return f"more than {limit} {unit} reported"
    return ""
