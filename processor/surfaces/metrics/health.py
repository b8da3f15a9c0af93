"""Whether the processor can do its work, and in words why not."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from processor.core.errors import LastFailure
from processor.surfaces.metrics.sources import Backlog, Destination, Sources

Phase = Literal["starting", "serving", "stopping"]
Status = Literal["starting", "serving", "degraded", "failing", "stopping"]

_FRESH_S: Final = 30.0
"""How long a failure counts. Whoever is not sent anything for being unhealthy would never get to
know that things work again, so after this time they may be tried."""
_FIRM_TIMES: Final = 3
"""Failures in a row before a backend counts as down: one may be a sender's own impatience."""
_WORDS_MAX: Final = 300


class Report(NamedTuple):
    """The answer to how it goes."""

    status: Status
    reasons: tuple[str, ...]
    """In words; none while all is well."""

    @property
    def is_well(self) -> bool:
        """Whether requests should be sent here."""
        return self.status in {"serving", "degraded"}


class Health:
    """Judges by what has failed lately. `phase` is set by whoever starts and stops things."""

    def __init__(self, sources: Sources, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._sources = sources
        self._clock_s = clock_s
        self.phase: Phase = "starting"

    def report(self) -> Report:
        """How it goes now.

        It fails where no request can be accepted: while starting and stopping, when the books
        cannot be written, and when nothing can be delivered to any backend.
        """
        if self.phase != "serving":
            return Report(self.phase, (f"the processor is {self.phase}",))
        reasons = []
        last_failure = self._fresh(self._sources.ledger.last_failure)
        if last_failure:
            reasons.append(f"the ledger cannot be written: {last_failure}")
        ways = [each for each in self._sources.exporter.destinations if _is_backend(each)]
        failing = {each.name: why for each in ways if (why := self._failure_of(each))}
        reasons += [f"nothing is delivered to {name}: {why}" for name, why in failing.items()]
        is_failing = bool(last_failure) or bool(ways and all(map(self._is_down, ways)))
        reasons += [why for each in ways if each.name not in failing and (why := _away(each))]
        if is_failing:
            return Report("failing", tuple(reasons))
        return Report("degraded" if reasons else "serving", tuple(reasons))

    def _failure_of(self, destination: Destination) -> str:
        """Why nothing given to a way out is safe there; ``""`` while it is."""
        backlog = _backlog(destination)
        if backlog is not None and not backlog.is_failing:
            return ""
        return self._fresh(destination.counters.last_failure)

    def _is_down(self, destination: Destination) -> bool:
        last_failure = destination.counters.last_failure
        is_firm = last_failure is not None and last_failure.times >= _FIRM_TIMES
        return is_firm and bool(self._failure_of(destination))

    def _fresh(self, last_failure: LastFailure | None) -> str:
        """What the trouble is; ``""`` for none, or one that was long ago."""
        if last_failure is None or self._clock_s() - last_failure.at_s > _FRESH_S:
            return ""
        return last_failure.message[:_WORDS_MAX]


def _is_backend(destination: Destination) -> bool:
    return getattr(destination, "is_backend", True)


def _backlog(destination: Destination) -> Backlog | None:
    ask = destination.counters.backlog
    return None if ask is None else ask()


def _away(destination: Destination) -> str:
    """What waits on the disk while a backend is away; ``""`` while it is not."""
    backlog = _backlog(destination)
    if backlog is None or not backlog.is_away:
        return ""
    count = backlog.waiting
    requests = "1 request waits" if count == 1 else f"{count} requests wait"
    return f"{destination.name} is away, and {requests} on the disk"
