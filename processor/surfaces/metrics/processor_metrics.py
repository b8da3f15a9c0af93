"""The processor itself: its ledger, its prices and budgets, its answers, its version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from processor.core.counters import (
    FileState,
    LedgerState,
    MemoryHeld,
    OpenConnections,
)
from processor.core.pricing import Catalog
from processor.surfaces.metrics.declaration import (
    Metric,
    Sample,
    Table,
    counter,
    gauge,
    read_table,
)

_S_PER_DAY: Final = 86_400

_ANSWERS: Final = counter(
    "receiver_answered_requests",
    "Answers over gRPC and HTTP by gRPC status code, those to questions about cost and to callers "
    "who may not ask included. CANCELLED are callers that left.",
    "code",
)

_CERTIFICATES: Final = gauge(
    "receiver_certificate_expiry_timestamp_seconds",
    "When the first certificate of a file in force ends: certificate is what senders are shown, ca "
    "what their own have to be signed by.",
    "transport",
    "file",
)

_REQUESTS_MEMORY: Final[Table] = {
    "bytes": gauge(
        "receiver_held_memory_bytes",
        "What requests under way hold: arriving, unpacked, read, waiting for the ledger or a "
        "backend. It is counted before it is used.",
    ),
    "max_bytes": gauge(
        "receiver_held_memory_limit_bytes",
        "What they may hold together, from memory_limiter.limit_mib. Beyond it requests are "
        "refused as memory_full or overloaded.",
    ),
}
"""By field of `MemoryHeld`."""
_CONNECTIONS: Final[Table] = {
    "open": gauge(
        "receiver_grpc_connections",
        "Connections to the gRPC port, as of the last 5 s; 0 where the system does not tell them.",
    ),
    "max_open": gauge(
        "receiver_grpc_limit_connections",
        "How many there may be, from the limit of descriptors; further ones are not let in.",
    ),
}
"""By field of `OpenConnections`."""
_LEDGER_COUNTERS: Final[Table] = {
    "charged": counter("ledger_charged_calls", "LLM calls that were charged."),
    "repeats": counter("ledger_repeated_calls", "Calls that came again, and were charged nothing."),
    "conflicts": counter(
        "ledger_conflicting_calls",
        "Calls that came again with other contents; the first ones stay.",
    ),
    "corrections": counter(
        "ledger_posted_corrections", "Changes of older charges, because of spans that came late."
    ),
    "crossings": counter("ledger_posted_crossings", "Budget thresholds that were reached."),
    "uncharged": counter(
        "ledger_uncharged_calls",
        "LLM calls beyond limits.spans_per_trace, which are charged nothing. Totals with their "
        "trace say at least.",
    ),
    "unfollowed": counter(
        "ledger_unfollowed_spans",
        "Agents, roots and spans with an owner beyond limits.spans_per_trace.",
    ),
    "late": counter(
        "ledger_late_calls",
        "Calls that came after what tells a repeat from a new call was deleted (ledger.retention): "
        "they are charged nothing, and totals are at least.",
    ),
    "deleted_traces": counter(
        "ledger_deleted_traces", "Traces whose calls were deleted, being older than they are kept."
    ),
    "deleted_spans": counter("ledger_deleted_spans", "Rows of spans of these traces."),
    "failures": counter(
        "ledger_failed_batches",
        "Batches that could not be written to the ledger; nothing was charged for them.",
    ),
    "evicted_traces": counter(
        "ledger_evicted_traces", "Trees that made room for others; they are read again when needed."
    ),
}
"""By field of `LedgerCounters`."""
_LEDGER: Final[Table] = {
    "jobs_waiting": gauge("ledger_waiting_jobs", "Batches and questions that wait for the ledger."),
    "traces_to_count": gauge(
        "budget_uncounted_traces",
        "Traces that were charged before, and that new budgets still have to count until they are "
        "in force; 0 when all are.",
    ),
    "work_left": gauge(
        "ledger_unfinished_items",
        "Traces (reprice, undo) or charges (exclude) that long work or a dry run of it has not "
        "looked at yet; 0 while there is none.",
        "job",
    )._replace(always=("reprice", "exclude", "undo")),
    "size_bytes": gauge(
        "ledger_file_bytes", "What the ledger takes on the disk, as of the last commit."
    ),
    "kept_from_s": gauge(
        "ledger_kept_from_timestamp_seconds",
        "From which end on calls, the ids of their spans (keys), traces and sums by hour are kept; "
        "0 where none was deleted.",
        "what",
    )._replace(always=("calls", "keys", "traces", "hours")),
}
"""By field of `LedgerState`."""
_CHECK: Final[Table] = {
    "verified_s": gauge(
        "ledger_last_verified_timestamp_seconds",
        "When the background check last went through all of the ledger's sums and none differed; "
        "0 before.",
    ),
    "share": gauge("ledger_verified_ratio", "How much of its present pass is done, from 0 to 1."),
    "differences": gauge(
        "ledger_unequal_totals",
        "Sums that differ from the charges they are made of. Always 0, or llm-cost verify says "
        "what is wrong.",
    ),
}
"""By field of `CheckState`."""
_MEMORY: Final[Table] = {
    "traces": gauge("ledger_held_traces", "Traces whose tree is in memory."),
    "spans": gauge("ledger_held_spans", "Spans of these trees."),
    "states": gauge("ledger_held_totals", "Totals in memory that budgets follow."),
    "waiting_spans": gauge(
        "ledger_waiting_spans", "Spans in memory whose trace has no LLM call so far."
    ),
    "evicted_spans": counter(
        "ledger_evicted_spans",
        "Waiting spans that memory had to give up. Whom a later call of theirs belongs to may be "
        "lost.",
    ),
}
"""By field of `MemoryUse`."""

_FILE: Final[Table] = {
    "reloads": counter(
        "config_reloaded_files", "Changed files that came into force, since the start.", "file"
    ),
    "failures": counter("config_refused_files", "Changed files that could not be used.", "file"),
    "loaded_s": gauge(
        "config_last_success_timestamp_seconds", "When what is in force was read.", "file"
    ),
}
"""By field of `FileState`."""
_IN_FORCE: Final = gauge(
    "config_file_is_in_force", "1 while the file as it stands is what is in force.", "file"
)
_PRICES: Final = gauge(
    "pricing_info", "Always 1; the versions of prices and catalogue.", "version", "catalogue"
)
_AGE: Final = gauge(
    "pricing_catalogue_age_seconds", "Since the newest price of the catalogue that is in force."
)
_STALE: Final = gauge(
    "pricing_catalogue_is_stale", "1 when the catalogue is older than the price file accepts."
)
_BUDGETS: Final = gauge("budgets_info", "Always 1; the version of the budgets.", "version")
_BUILD: Final = gauge("build_info", "Always 1; what runs.", "version", "python")
_START: Final = gauge("start_timestamp_seconds", "When the processor started.")

METRICS: Final[tuple[Metric, ...]] = (
    _ANSWERS,
    _CERTIFICATES,
    *_REQUESTS_MEMORY.values(),
    *_CONNECTIONS.values(),
    *_LEDGER_COUNTERS.values(),
    *_LEDGER.values(),
    *_CHECK.values(),
    *_MEMORY.values(),
    *_FILE.values(),
    _IN_FORCE,
    _PRICES,
    _AGE,
    _STALE,
    _BUDGETS,
    _BUILD,
    _START,
)


class Build(NamedTuple):
    """What runs, and since when."""

    version: str
    python: str
    start_s: float
    """Seconds since 1970."""


def read_answers(answers: Mapping[str, int]) -> Iterator[Sample]:
    """Answers by the name of their gRPC status code."""
    return (_ANSWERS(count, code) for code, count in answers.items())


def read_certificates(ends_s: Mapping[tuple[str, str], float]) -> Iterator[Sample]:
    """When the receivers' certificates end, by protocol and file."""
    return (_CERTIFICATES(end_s, *names) for names, end_s in ends_s.items())


def read_connections(connections: OpenConnections) -> Iterator[Sample]:
    """How many connections over gRPC are open."""
    return read_table(_CONNECTIONS, connections)


def read_memory(memory: MemoryHeld) -> Iterator[Sample]:
    """What requests under way hold."""
    return read_table(_REQUESTS_MEMORY, memory)


def read_ledger(ledger: LedgerState) -> Iterator[Sample]:
    """What happened to calls, and what the ledger holds on the disk and in memory."""
    yield from read_table(_LEDGER_COUNTERS, ledger.counters)
    yield from read_table(_LEDGER, ledger)
    yield from read_table(_CHECK, ledger.check)
    yield from read_table(_MEMORY, ledger.memory)


def read_files(files: Mapping[str, FileState]) -> Iterator[Sample]:
    """The files that are read again when they change."""
    for name, file in files.items():
        yield from read_table(_FILE, file, name)
        yield _IN_FORCE(not file.last_error, name)


def read_policies(catalog: Catalog, budgets_version: str, now_ns: int) -> Iterator[Sample]:
    """Which prices and budgets are in force. `now_ns` is the time of day."""
    yield _PRICES(1, catalog.version, catalog.catalogue_version)
    age_days = catalog.age_days(now_ns)
    if age_days is not None:
        yield _AGE(age_days * _S_PER_DAY)
    yield _STALE(catalog.is_stale(now_ns))
    yield _BUDGETS(1, budgets_version)


def read_build(build: Build) -> Iterator[Sample]:
    """The version, and the time of the start."""
    yield _BUILD(1, build.version, build.python)
    yield _START(build.start_s)
