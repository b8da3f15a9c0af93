"""The last half minute of counters that only grow."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, Generic, NamedTuple, TypeVar

WINDOW_S: Final = 30.0
RECENT_S: Final = 5.0
"""What comes right again shows after this time, however much failed before."""
LEAST: Final = 3
"""Fewer failures say nothing: one may come from a sender's short timeout."""
NEARLY_ALL: Final = 0.9
NOTABLE: Final = 0.1
_SAMPLE_S: Final = 1.0

T = TypeVar("T")


class Before(NamedTuple, Generic[T]):
    """What had been counted earlier."""

    window: T
    """When the last half minute began."""
    recent: T
    """When the last seconds began."""


class Samples(Generic[T]):
    """What was counted at a few times, each about a second after the one before."""

    def __init__(self, clock_s: Callable[[], float], first: T) -> None:
        self._clock_s = clock_s
        self._samples = deque([(clock_s(), first)])

    def before(self, now: T) -> Before[T]:
        """What had been counted before; `now` is kept for the next times."""
        now_s, samples = self._clock_s(), self._samples
        while len(samples) > 1 and samples[1][0] <= now_s - WINDOW_S:
            samples.popleft()
        earlier = (each for when_s, each in reversed(samples) if when_s <= now_s - RECENT_S)
        found = Before(samples[0][1], next(earlier, samples[0][1]))
        if now_s - samples[-1][0] >= _SAMPLE_S:
            samples.append((now_s, now))
        return found


def is_much(count: int, whole: int, least_share: float) -> bool:
    """Whether so many are enough to say something, and at least this share of all."""
    return count >= LEAST and count >= least_share * whole
