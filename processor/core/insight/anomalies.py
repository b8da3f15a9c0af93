"""Days that cost more, or less, than the same weekday in the weeks before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from processor.core.money import NANO_PER_USD

WEEKS: Final = 4
_DAYS_A_WEEK: Final = 7
DAYS_BEFORE: Final = WEEKS * _DAYS_A_WEEK
_LEAST_NANO_USD: Final = NANO_PER_USD
_SHARE: Final = 10
"""One part of so many."""
METHOD: Final = (
    "the cost of a whole day is beyond the lowest or highest of the same weekday in the four weeks "
    "before by more than a dollar, and by more than a tenth of that"
)


class Anomaly(NamedTuple):
    """A day that is unlike those before."""

    day: int
    """Position among the days that were given."""
    nano_usd: int
    low_nano_usd: int
    high_nano_usd: int
    """The lowest and highest of the same weekday in the weeks before."""

    @property
    def difference_nano_usd(self) -> int:
        """By how much it is above the highest; negative for below the lowest."""
        bound = self.high_nano_usd if self.nano_usd > self.high_nano_usd else self.low_nano_usd
        return self.nano_usd - bound


def anomalies(days: Sequence[int]) -> Iterator[Anomaly]:
    """Days, given as the cost of one after the other, that are unlike those before.

    Those without four whole weeks before them, since something was used first, are not looked at.
    """
    begun = next((at for at, each in enumerate(days) if each), len(days))
    for at in range(begun + DAYS_BEFORE, len(days)):
        before = [days[at - week * _DAYS_A_WEEK] for week in range(1, WEEKS + 1)]
        low, high = min(before), max(before)
        if days[at] > high + _tolerance(high) or days[at] < low - _tolerance(low):
            yield Anomaly(at, days[at], low, high)


def _tolerance(bound: int) -> int:
    return max(_LEAST_NANO_USD, bound // _SHARE)
