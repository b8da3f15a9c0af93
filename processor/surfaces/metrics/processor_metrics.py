"""What the house itself is doing: its books, its prices and budgets, its answers, its version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from processor.surfaces.metrics.declaration import Metric, Sample, counter, gauge
from processor.surfaces.metrics.sources import Build, Ledger, Outcomes, Prices, Sources, Watched

_S_PER_DAY: Final = 86_400

_OUTCOMES: Final = counter(
    "pipeline_handled_spans",
    "Spans of accepted requests, and what was done with them: untouched, stamped with cost, "
    "rejected for their ids, or passed on as they came because of a bug (unread, unwritten).",
    "outcome",
)
_ANSWERS: Final = counter(
    "receiver_answered_requests",
    "Answers over gRPC and HTTP by gRPC status code, those to questions about cost and to callers "
    "who may not ask included. CANCELLED are callers that left.",
    "code",
)

_CHARGED: Final = counter("ledger_charged_calls", "LLM calls that were charged.")
_REPEATS: Final = counter(
    "ledger_repeated_calls", "Calls that came again, and were charged nothing."
)
_CONFLICTS: Final = counter(
    "ledger_conflicting_calls", "Calls that came again with other contents; the first ones stay."
)
_CORRECTIONS: Final = counter(
    "ledger_posted_corrections", "Changes of older charges, because of spans that came late."
)
_CROSSINGS: Final = counter("ledger_posted_crossings", "Budget thresholds that were reached.")
_FAILURES: Final = counter(
    "ledger_failed_batches", "Batches that could not be booked; nothing was charged for them."
)
_IN_LINE: Final = gauge("ledger_waiting_jobs", "Batches and questions that wait for the books.")
_LEDGER_BYTES: Final = gauge(
    "ledger_file_bytes", "What the books take on the disk, as of the last commit."
)
_TRACES: Final = gauge("ledger_held_traces", "Traces whose tree is in memory.")
_SPANS: Final = gauge("ledger_held_spans", "Spans of these trees.")
_STATES: Final = gauge("ledger_held_totals", "Totals in memory that budgets follow.")
_WAITING: Final = gauge(
    "ledger_waiting_spans", "Spans in memory whose trace has no LLM call so far."
)
_EVICTED_SPANS: Final = counter(
    "ledger_evicted_spans",
    "Waiting spans that memory had to give up. Whom a later call of theirs belongs to may be lost.",
)
_EVICTED_TRACES: Final = counter(
    "ledger_evicted_traces", "Trees that made room for others; they are read again when needed."
)

_RELOADED: Final = counter(
    "config_reloaded_files", "Changed files that came into force, since the start.", "file"
)
_REFUSED: Final = counter(
    "config_refused_files", "Changed files that could not be used.", "file"
)  # fmt: skip
_IN_FORCE: Final = gauge(
    "config_file_is_in_force", "1 while the file as it stands is what is in force.", "file"
)
_LOADED: Final = gauge(
    "config_last_success_timestamp_seconds", "When what is in force was read.", "file"
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
    _OUTCOMES,
    _ANSWERS,
    _CHARGED,
    _REPEATS,
    _CONFLICTS,
    _CORRECTIONS,
    _CROSSINGS,
    _FAILURES,
    _IN_LINE,
    _LEDGER_BYTES,
    _TRACES,
    _SPANS,
    _STATES,
    _WAITING,
    _EVICTED_SPANS,
    _EVICTED_TRACES,
    _RELOADED,
    _REFUSED,
    _IN_FORCE,
    _LOADED,
    _PRICES,
    _AGE,
    _STALE,
    _BUDGETS,
    _BUILD,
    _START,
)


def read_house(sources: Sources, now_ns: int) -> Iterator[Sample]:
    """Everything but traffic and ways out. `now_ns` is the time of day."""
    yield from _of_outcomes(sources.outcomes)
    for code, count in sources.answers().items():
        yield _ANSWERS(count, code)
    yield from _of_ledger(sources.ledger)
    yield from _of_files(sources.watched)
    yield from _of_prices(sources.prices(), now_ns)
    yield _BUDGETS(1, sources.budgets_version())
    yield from _of_build(sources.build)


def _of_outcomes(outcomes: Outcomes) -> Iterator[Sample]:
    yield _OUTCOMES(outcomes.untouched, "untouched")
    yield _OUTCOMES(outcomes.stamped, "stamped")
    yield _OUTCOMES(outcomes.rejected, "rejected")
    yield _OUTCOMES(outcomes.unread, "unread")
    yield _OUTCOMES(outcomes.unwritten, "unwritten")


def _of_ledger(ledger: Ledger) -> Iterator[Sample]:
    counters, held = ledger.counters, ledger.memory_use
    yield _CHARGED(counters.charged)
    yield _REPEATS(counters.repeats)
    yield _CONFLICTS(counters.conflicts)
    yield _CORRECTIONS(counters.corrections)
    yield _CROSSINGS(counters.crossings)
    yield _FAILURES(counters.failures)
    yield _IN_LINE(ledger.jobs_waiting)
    yield _LEDGER_BYTES(ledger.size_bytes)
    yield _TRACES(held.traces)
    yield _SPANS(held.spans)
    yield _STATES(held.states)
    yield _WAITING(held.waiting_spans)
    yield _EVICTED_SPANS(held.evicted_spans)
    yield _EVICTED_TRACES(counters.evicted_traces)


def _of_files(watched: Mapping[str, Watched]) -> Iterator[Sample]:
    for name, file in watched.items():
        yield _RELOADED(file.reloads, name)
        yield _REFUSED(file.failures, name)
        yield _IN_FORCE(not file.last_error, name)
        yield _LOADED(file.loaded_s, name)


def _of_prices(prices: Prices, now_ns: int) -> Iterator[Sample]:
    yield _PRICES(1, prices.version, prices.catalogue_version)
    age_days = prices.age_days(now_ns)
    if age_days is not None:
        yield _AGE(age_days * _S_PER_DAY)
    yield _STALE(prices.is_stale(now_ns))


def _of_build(build: Build) -> Iterator[Sample]:
    yield _BUILD(1, build.version, build.python)
    yield _START(build.start_s)
