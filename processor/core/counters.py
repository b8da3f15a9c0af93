"""What the packages with I/O count and report of their state, as the surfaces show it.

Counters only grow, and are changed in place by their owner. The values named ``…State`` are
snapshots: `processor.app` takes them whenever somebody asks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from processor.core.errors import LastFailure


@dataclass(slots=True)
class DestinationCounters:
    """What became of the payloads given to one destination.

    At any moment: given = delivered + refused + unavailable + abandoned + under way.
    """

    given: int = 0
    under_way: int = 0
    """Payloads that have no outcome yet."""
    delivered: int = 0
    """Payloads that are safe at the destination, partial successes included."""
    delivered_bytes: int = 0
    refused: int = 0
    """Payloads that the destination will never take."""
    refused_for: Counter[str] = field(default_factory=Counter)
    """The same by reason: the backend's status code, or a reason of ours."""
    unavailable: int = 0
    """Payloads given back to their senders, to be sent again."""
    abandoned: int = 0
    """Payloads given up when the processor stopped; they may have arrived all the same."""
    sent: int = 0
    """Requests that the backend has taken: one for those that were merged, and one each time a
    queue's was sent."""
    sent_in_part: int = 0
    """The same whose partial success named rejected items."""
    retried: int = 0
    """Attempts after the first."""
    rejected_items: int = 0
    """Spans, data points and log records that partial successes named as rejected, and those of
    parts that were too large or refused where others were not."""
    merged: int = 0
    """Payloads that left in one request with others."""
    unreadable: int = 0
    """Requests that were taken with an answer that cannot be read."""
    last_failure: LastFailure | None = None
    """None from each delivery until the next failure that is not about a single payload."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits on the disk for one backend, and what has become of it since the start.

    While nothing is being sent, ``found + kept == waiting + delivered + sum(set_aside.values()) +
    sum(dropped.values()) + lost``, as far as the headers of damaged records say how many they were.
    """

    waiting: int
    """Payloads that are still to be sent."""
    size_bytes: int
    """What they take on the disk, with what was sent from files that are not empty yet."""
    max_bytes: int
    is_away: bool
    """Whether the backend takes neither new payloads nor those on the disk."""
    found: int
    """Left by earlier runs."""
    kept: int
    """Acknowledged because they are on the disk."""
    failed: int
    """Could not be written, so their senders were asked to try again."""
    delivered: int
    """Taken by the backend, from the disk."""
    set_aside: Mapping[str, int]
    """Refused by the backend for good after they were acknowledged, by reason; kept as files."""
    not_set_aside: int
    """How often there was no room for such a file, so that the payload still waits."""
    dropped: Mapping[str, int]
    """Given up after they were acknowledged, by reason: too old, or displaced by newer ones."""
    lost: int
    """Damaged on the disk."""
    torn_bytes: int
    """Of writes that a crash cut off, which were never acknowledged."""
    corrupt_segments: int
    """Set aside because something in them is damaged."""
    other_version_segments: int
    """Left alone, for a program that can read them."""
    is_failing: bool = False
    """Whether the last payload could not be written, so that senders have to wait."""
    files: int = 0
    """Payloads that are set aside now, with those of earlier runs."""
    files_bytes: int = 0
    files_folder: str = ""
    last_trouble: LastFailure | None = None
    """What has kept an acknowledged payload from the backend for good the last time: a refusal, its
    age, or newer ones."""
    away_reason: str = ""
    """Why the last payload could not be delivered, while the backend is away."""
    away_since_s: float = 0.0
    """Since when it is, in seconds since 1970; 0 while it is not."""
    folder: str = ""
    """Where they wait."""
    lasting_troubles: tuple[str, ...] = ()
    """What keeps those that wait from it until somebody acts, such as refused credentials."""


class MemoryHeld(NamedTuple):
    """What requests under way hold together, and may hold."""

    bytes: int
    max_bytes: int


class OpenConnections(NamedTuple):
    """How many connections are open, and may be."""

    open: int
    max_open: int

    @property
    def is_used_up(self) -> bool:
        """Whether there are so many that others may not be let in."""
        return self.open >= 0.9 * self.max_open > 0


class InFlight(NamedTuple):
    """What is reserved to be sent, and how much may be."""

    requests: int
    bytes: int
    """As they came in."""
    max_requests: int
    max_bytes: int


class DestinationState(NamedTuple):
    """One destination under the name that its setting gave it."""

    name: str
    counters: DestinationCounters
    backlog: Backlog | None = None
    """None where there is no queue on the disk."""
    is_backend: bool = True
    """False for a destination that keeps nothing, such as the log."""
    certificate_ends_s: Mapping[str, float] = {}
    """When the certificates end that we present and that we trust, in seconds since 1970: the first
    one of each file, by ``certificate`` and ``ca``."""


class ExporterState(NamedTuple):
    """Every destination, and what is on its way to them."""

    in_flight: InFlight
    destinations: tuple[DestinationState, ...]


@dataclass(slots=True)
class LedgerCounters:
    """What has happened to calls since the start."""

    charged: int = 0
    repeats: int = 0
    conflicts: int = 0
    corrections: int = 0
    crossings: int = 0
    evicted_traces: int = 0
    """Working copies that made room for others; they are read again when they are needed."""
    uncharged: int = 0
    """Calls beyond the spans that are followed of one trace: they are charged nothing, and totals
    say "at least". One that is sent again counts again."""
    unfollowed: int = 0
    """Agents, roots and spans that name an owner beyond that limit."""
    late: int = 0
    """Calls that came after what tells a repeat from a new call was deleted: they are charged
    nothing, and totals say "at least"."""
    deleted_traces: int = 0
    """Traces whose calls were deleted, being older than they are kept."""
    deleted_spans: int = 0
    """Rows of these traces."""
    failures: int = 0
    """Batches that could not be charged; their senders were asked to try again."""


class MemoryUse(NamedTuple):
    """How much the ledger holds in memory."""

    traces: int
    spans: int
    """Spans of these traces."""
    states: int
    """Totals that budgets follow."""
    waiting_spans: int
    """Spans of traces without a call so far."""
    evicted_spans: int
    """Waiting spans that were given up since the start."""


class CheckState(NamedTuple):
    """What the background check of the ledger's sums has found."""

    verified_s: float = 0.0
    """When the last pass ended in which nothing differed, in seconds since 1970; 0 before one."""
    share: float = 0.0
    """How much of the present pass is done, from 0 to 1; 1 between two."""
    differences: int = 0
    """How many sums differ from the charges; those of the last pass until this one is over."""
    first: str = ""
    """One of them, in words."""


class LedgerState(NamedTuple):
    """The ledger as its owner sees it."""

    counters: LedgerCounters
    memory: MemoryUse
    jobs_waiting: int
    """Batches and questions that wait for the writer."""
    size_bytes: int
    """On the disk, as of the last commit."""
    last_failure: LastFailure | None
    """Why the last batch could not be charged; None while batches can."""
    traces_to_count: int = 0
    """Traces of before that new budgets still have to count until they are in force."""
    work_left: Mapping[str, int] = {}
    """What long work under way has not looked at yet, by what it is: see `JobProgress`."""
    kept_from_s: Mapping[str, int] = {}
    """From which end on calls and what else is deleted in time are kept, in epoch seconds; 0 where
    nothing was deleted."""
    check: CheckState = CheckState()


class ExportState(NamedTuple):
    """Files that are written on a schedule, under the name that their setting gave them."""

    name: str
    written: int = 0
    """Files that were written since the start."""
    failures: int = 0
    """How often it failed since the start."""
    last_success_s: float = 0.0
    """When last all that was due was written, in seconds since 1970; 0 before."""
    failure: str = ""
    """Why it failed the last time; ``""`` once it has not."""


class ChannelState(NamedTuple):
    """What has become of notifications by one channel."""

    name: str
    sent: int = 0
    """Notifications that have been delivered since the start; several may be one message."""
    failures: int = 0
    """Attempts that failed since the start, each of one message."""
    given_up: int = 0
    """Notifications that had waited for a day."""
    waiting: int = 0
    """Those that wait now, counted up to a thousand."""
    failure: str = ""
    """Why the last attempt failed; ``""`` once one has not."""


@dataclass(slots=True)
class FileState:
    """A file of settings that is read again when it changes."""

    reloads: int = 0
    """How often new content came into force."""
    failures: int = 0
    """How often new content could not be used."""
    last_error: str = ""
    """Why the file as it stands is not in force; ``""`` while it is."""
    loaded_s: float = 0.0
    """When what is in force was read, in seconds since 1970."""
