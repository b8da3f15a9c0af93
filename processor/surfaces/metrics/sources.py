"""What is read: the counts of other rooms, as far as they are shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from processor.core.errors import LastFailure
from processor.core.flow import FlowCounters


class InFlightLimiter(Protocol):
    """The bound on what is under way."""

    bytes_under_way: int
    requests_under_way: int
    max_bytes: int
    max_requests: int


class ExporterCounters(Protocol):
    """What became of the payloads given to one way out."""

    given: int
    under_way: int
    delivered: int
    delivered_bytes: int
    refused_for: Counter[str]
    unavailable: int
    abandoned: int
    retried: int
    rejected_items: int
    merged: int
    unreadable: int
    last_failure: LastFailure | None

    @property
    def backlog(self) -> Callable[[], Backlog] | None:
        """Tells what waits on the disk; None where there is no queue."""


class Backlog(Protocol):
    """What waits on the disk for one backend."""

    @property
    def waiting(self) -> int:
        """Requests that are still to be sent."""

    @property
    def size_bytes(self) -> int:
        """What they take."""

    @property
    def max_bytes(self) -> int:
        """What they may take."""

    @property
    def is_away(self) -> bool:
        """Whether the backend takes nothing."""

    @property
    def found(self) -> int:
        """Left by earlier runs."""

    @property
    def kept(self) -> int:
        """Written since the start."""

    @property
    def failed(self) -> int:
        """Could not be written."""

    @property
    def delivered(self) -> int:
        """Taken by the backend, from the disk."""

    @property
    def dropped(self) -> Mapping[str, int]:
        """Refused by the backend for good, by reason."""

    @property
    def lost(self) -> int:
        """Damaged on the disk."""

    @property
    def is_failing(self) -> bool:
        """Whether the last one could not be written."""


class Destination(Protocol):
    """One way out. It may say with an attribute `is_backend` that it keeps nothing."""

    @property
    def name(self) -> str:
        """How people know it."""

    @property
    def counters(self) -> ExporterCounters:
        """What became of what it was given."""


class Exporter(Protocol):
    """Every destination, behind one limit."""

    @property
    def in_flight(self) -> InFlightLimiter:
        """The bound on what is under way."""

    @property
    def destinations(self) -> Sequence[Destination]:
        """Every way out."""


class LedgerCounters(Protocol):
    """What happened to calls since the start."""

    charged: int
    repeats: int
    conflicts: int
    corrections: int
    crossings: int
    evicted_traces: int
    failures: int


class MemoryUse(Protocol):
    """How much the ledger has in memory."""

    @property
    def traces(self) -> int:
        """Working copies of traces."""

    @property
    def spans(self) -> int:
        """Spans in them."""

    @property
    def states(self) -> int:
        """Totals that budgets follow."""

    @property
    def waiting_spans(self) -> int:
        """Spans of traces without a call."""

    @property
    def evicted_spans(self) -> int:
        """Such spans that were given up since the start."""


class Ledger(Protocol):
    """The books."""

    @property
    def size_bytes(self) -> int:
        """What they take on the disk."""

    @property
    def last_failure(self) -> LastFailure | None:
        """Why the last turn could not be booked."""

    @property
    def counters(self) -> LedgerCounters:
        """What happened to calls."""

    @property
    def memory_use(self) -> MemoryUse:
        """How much is in memory."""

    @property
    def jobs_waiting(self) -> int:
        """Turns and questions that wait."""


class Outcomes(Protocol):
    """What was done with spans."""

    untouched: int
    stamped: int
    rejected: int
    unread: int
    unwritten: int


class Watched(Protocol):
    """A file that is read again when it changes."""

    reloads: int
    failures: int
    last_error: str
    loaded_s: float


class Prices(Protocol):
    """The prices in force."""

    @property
    def version(self) -> str:
        """Names the file's content and the catalogue."""

    @property
    def catalogue_version(self) -> str:
        """The catalogue's own."""

    def age_days(self, now_ns: int) -> int | None:
        """For how long at most the catalogue has not followed the market."""

    def is_stale(self, now_ns: int) -> bool:
        """Whether that is longer than the operator accepts."""


class Build(NamedTuple):
    """What runs, and since when."""

    version: str
    python: str
    start_s: float
    """Seconds since 1970."""


@dataclass(frozen=True)
class Sources:
    """Everything that is read. What a reload replaces is asked for each time."""

    flow: FlowCounters
    outcomes: Outcomes
    exporter: Exporter
    ledger: Ledger
    answers: Callable[[], Mapping[str, int]]
    """Answers over gRPC and HTTP by the name of their gRPC status code."""
    prices: Callable[[], Prices]
    budgets_version: Callable[[], str]
    watched: Mapping[str, Watched]
    build: Build
