"""Whether the processor can do its work, and in words why not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple

from processor.core.counters import (
    Backlog,
    ChannelState,
    CheckState,
    DestinationState,
    ExporterState,
    ExportState,
    FileState,
    LedgerState,
    OpenConnections,
)
from processor.core.errors import LastFailure
from processor.core.flow import FlowCounters
from processor.core.wording import counted
from processor.surfaces.queries.deliveries import RecentDeliveries
from processor.surfaces.queries.outcomes import RecentOutcomes
from processor.surfaces.queries.samples import WINDOW_S

Phase = Literal["starting", "serving", "stopping"]
Status = Literal["starting", "serving", "degraded", "failing", "stopping"]

_RECENT_S: Final = WINDOW_S
"""How long a failure counts. A processor that gets no requests because it is unhealthy would never
notice that things work again, so after this time it may be tried."""
_DOWN_TIMES: Final = 3
"""Failures in a row before a backend counts as down: one may come from a sender's short timeout."""
_REASON_MAX_CHARS: Final = 300
_MIB: Final = 1024 * 1024
_FILE_REASON_MAX_CHARS: Final = 800
"""Paths are long."""


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
    """Judges by what has failed lately.

    `phase` is set by whoever starts and stops things, `grpc_connections` by who has a receiver.
    """

    def __init__(
        self,
        exporter: Callable[[], ExporterState],
        ledger: Callable[[], LedgerState],
        flow: FlowCounters,
        files: Mapping[str, FileState],
        *,
        exports: Callable[[], Sequence[ExportState]] = tuple,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`files` are those that are read again when they change, by what they hold.

        `exports` are those on a schedule.
        """
        self._exporter = exporter
        self._ledger = ledger
        self._files = files
        self._exports = exports
        self.channels: Callable[[], Sequence[ChannelState]] = tuple
        """The channels of notifications."""
        self._outcomes = RecentOutcomes(flow, clock_s)
        self._deliveries = RecentDeliveries(clock_s)
        self._clock_s = clock_s
        self.phase: Phase = "starting"
        self.grpc_connections: Callable[[], OpenConnections] = lambda: OpenConnections(0, 0)

    def report(self) -> Report:
        """The health now.

        It fails where requests are not served, whatever the reason: while starting and stopping,
        when the ledger cannot be written, when nothing is safe with any backend, and when nearly
        all requests of the last half minute have failed, or were set aside after they were
        acknowledged.
        """
        verdict = self._outcomes.verdict()
        backends = [each for each in self._exporter().destinations if each.is_backend]
        is_all_set_aside, refusals = self._deliveries.verdict(backends)
        if self.phase != "serving":
            return Report(self.phase, (f"the processor is {self.phase}",))
        reasons = []
        ledger = self._ledger()
        ledger_failure = self._recent(ledger.last_failure)
        if ledger_failure:
            reasons.append(f"the ledger cannot be written: {ledger_failure}")
        reasons += _unequal(ledger.check)
        failing = {each.name: why for each in backends if (why := self._refusal_of(each))}
        reasons += [f"nothing is delivered to {name}: {why}" for name, why in failing.items()]
        reasons += [why for each in backends if each.name not in failing and (why := _away(each))]
        reasons += [why for each in backends for why in self._troubles_of(each)]
        reasons += [*refusals, *verdict.reasons, *self._refused_files()]
        reasons += [
            f"export {each.name} is not written: {each.failure[:_FILE_REASON_MAX_CHARS]}"
            for each in self._exports()
            if each.failure
        ]
        reasons += [
            f"notifications by {each.name} do not arrive: {each.failure[:_FILE_REASON_MAX_CHARS]}"
            for each in self.channels()
            if each.failure
        ]
        connections = self.grpc_connections()
        if connections.is_used_up:
            counts = f"{connections.open} of {connections.max_open}"
            reasons.append(f"{counts} connections to the gRPC port are open")
        is_down = bool(backends) and all(map(self._is_down, backends))
        if ledger_failure or is_down or is_all_set_aside or verdict.is_failing:
            return Report("failing", tuple(reasons))
        return Report("degraded" if reasons else "serving", tuple(reasons))

    def _refusal_of(self, destination: DestinationState) -> str:
        """Why a destination takes nothing; ``""`` while it does, or its queue holds what it gets.

        A queue on the disk is for a backend that is away. It does not hide one that refuses.
        """
        backlog = destination.backlog
        if backlog is not None and backlog.is_away and not backlog.is_failing:
            return ""
        return self._recent(destination.counters.last_failure)

    def _is_down(self, destination: DestinationState) -> bool:
        """Whether nothing given to a destination is safe there, not even on the disk."""
        backlog, last_failure = destination.backlog, destination.counters.last_failure
        is_repeated = last_failure is not None and last_failure.times >= _DOWN_TIMES
        is_safe = backlog is not None and not backlog.is_failing
        return is_repeated and not is_safe and bool(self._recent(last_failure))

    def _refused_files(self) -> list[str]:
        """Files that have changed to something that cannot be used, and why."""
        return [
            f"{name}: what the file holds now is not in force: "
            f"{_first_of(state.last_error.splitlines())}"
            for name, state in self._files.items()
            if state.last_error
        ]

    def _troubles_of(self, destination: DestinationState) -> list[str]:
        """What keeps acknowledged payloads from a backend, or has lately."""
        backlog = destination.backlog
        if backlog is None:
            return []
        lasting = [why[:_REASON_MAX_CHARS] for why in backlog.lasting_troubles]
        if backlog.files:
            lasting.append(_set_aside(destination.name, backlog))
        recent = self._recent(backlog.last_trouble)
        return [*lasting, *([recent] if recent and recent not in lasting else [])]

    def _recent(self, last_failure: LastFailure | None) -> str:
        """What has failed; ``""`` for nothing, or where that was long ago."""
        if last_failure is None or self._clock_s() - last_failure.at_s > _RECENT_S:
            return ""
        return last_failure.message[:_REASON_MAX_CHARS]


def _first_of(mistakes: Sequence[str]) -> str:
    """The first mistake of a file, and where to see the others."""
    first = mistakes[0][:_FILE_REASON_MAX_CHARS]
    return (
        first if len(mistakes) == 1 else f"{first}; {len(mistakes) - 1} more: llm-cost check-config"
    )


def _unequal(check: CheckState) -> Iterator[str]:
    """Sums of the ledger that are wrong, until a whole pass of the check finds none."""
    if check.differences:
        differ = counted(check.differences, "sum of the ledger is", "sums of the ledger are")
        first = check.first[:_REASON_MAX_CHARS]
        yield f"{differ} not that of its charges, llm-cost verify says more: {first}"


def _away(destination: DestinationState) -> str:
    """What waits on the disk while a backend is away; ``""`` while it is not."""
    backlog = destination.backlog
    if backlog is None or not backlog.is_away:
        return ""
    wait = counted(backlog.waiting, "request waits", "requests wait")
    what = f"{destination.name} is away, and {wait} on the disk"
    if backlog.folder:
        share = backlog.size_bytes / backlog.max_bytes
        what += f" ({share:.0%} of {backlog.max_bytes // _MIB} MiB in {backlog.folder})"
    if backlog.away_since_s:
        since = datetime.fromtimestamp(backlog.away_since_s, UTC)
        what += f", since {since:%Y-%m-%d %H:%M:%S} UTC"
    reason = backlog.away_reason[:_REASON_MAX_CHARS]
    return f"{what}: {reason}" if reason else what


def _set_aside(name: str, backlog: Backlog) -> str:
    """What a backend has refused for good, until somebody has sent or removed it."""
    are = counted(backlog.files, "request is", "requests are")
    size_mib, folder = backlog.files_bytes / _MIB, backlog.files_folder
    return (
        f"{name} has refused what was acknowledged: {are} set aside ({size_mib:.1f} MiB), "
        f"llm-cost resend {folder}"
    )
