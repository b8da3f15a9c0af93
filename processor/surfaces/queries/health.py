"""Whether the processor can do its work, and in words why not."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from processor.core.counters import DestinationState, ExporterState, LedgerState
from processor.core.errors import LastFailure

Phase = Literal["starting", "serving", "stopping"]
Status = Literal["starting", "serving", "degraded", "failing", "stopping"]

_RECENT_S: Final = 30.0
"""How long a failure counts. A processor that gets no requests because it is unhealthy would never
notice that things work again, so after this time it may be tried."""
_DOWN_TIMES: Final = 3
"""Failures in a row before a backend counts as down: one may come from a sender's short timeout."""
_REASON_MAX_CHARS: Final = 300


class Report(NamedTuple):
    """The processor's health at one moment."""

    status: Status
    reasons: tuple[str, ...]
    """In words; none while all is well."""

    @property
    def is_well(self) -> bool:
        """Whether requests should be sent here."""
        return self.status in {"serving", "degraded"}


class Health:
    """Judges by what has failed lately. `phase` is set by whoever starts and stops things."""

    def __init__(
        self,
        exporter: Callable[[], ExporterState],
        ledger: Callable[[], LedgerState],
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._exporter = exporter
        self._ledger = ledger
        self._clock_s = clock_s
        self.phase: Phase = "starting"

    def report(self) -> Report:
        """The health now.

        It fails where no request can be accepted: while starting and stopping, when the ledger
        cannot be written, and when nothing can be delivered to any backend.
        """
        if self.phase != "serving":
            return Report(self.phase, (f"the processor is {self.phase}",))
        reasons = []
        ledger_failure = self._recent(self._ledger().last_failure)
        if ledger_failure:
            reasons.append(f"the ledger cannot be written: {ledger_failure}")
        backends = [each for each in self._exporter().destinations if each.is_backend]
        failing = {each.name: why for each in backends if (why := self._failure_of(each))}
        reasons += [f"nothing is delivered to {name}: {why}" for name, why in failing.items()]
        is_failing = bool(ledger_failure) or bool(backends and all(map(self._is_down, backends)))
        reasons += [why for each in backends if each.name not in failing and (why := _away(each))]
        reasons += [why for each in backends if (why := self._trouble_of(each))]
        if is_failing:
            return Report("failing", tuple(reasons))
        return Report("degraded" if reasons else "serving", tuple(reasons))

    def _failure_of(self, destination: DestinationState) -> str:
        """Why nothing given to a destination is safe there; ``""`` while it is."""
        if destination.backlog is not None and not destination.backlog.is_failing:
            return ""
        return self._recent(destination.counters.last_failure)

    def _is_down(self, destination: DestinationState) -> bool:
        last_failure = destination.counters.last_failure
        is_repeated = last_failure is not None and last_failure.times >= _DOWN_TIMES
        return is_repeated and bool(self._failure_of(destination))

    def _trouble_of(self, destination: DestinationState) -> str:
        """What has lately kept acknowledged payloads from a backend; ``""`` for nothing."""
        backlog = destination.backlog
        return self._recent(backlog.last_trouble) if backlog is not None else ""

    def _recent(self, last_failure: LastFailure | None) -> str:
        """What has failed; ``""`` for nothing, or where that was long ago."""
        if last_failure is None or self._clock_s() - last_failure.at_s > _RECENT_S:
            return ""
        return last_failure.message[:_REASON_MAX_CHARS]


def _away(destination: DestinationState) -> str:
    """What waits on the disk while a backend is away; ``""`` while it is not."""
    backlog = destination.backlog
    if backlog is None or not backlog.is_away:
        return ""
    count = backlog.waiting
    requests = "1 request waits" if count == 1 else f"{count} requests wait"
    return f"{destination.name} is away, and {requests} on the disk"
