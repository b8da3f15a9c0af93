"""From settings to the parts of a processor: one plain constructor for each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, get_args

from processor.app.backends import build_backends, with_queue
from processor.app.pipeline import Pipeline
from processor.app.questions import low_quality_in
from processor.app.resources import (
    MemoryPlan,
    max_connections,
    max_message_bytes,
    unless_set,
)
from processor.app.watched_files import WatchedFiles
from processor.config import Settings
from processor.config.settings import Limits
from processor.core.access import Access, ApiTokens
from processor.core.budgets import Policy
from processor.core.enrich.hints import Hints
from processor.core.flow import FlowCounters
from processor.core.memory import MemoryLimit
from processor.core.model import Signal
from processor.core.otlp.addresses import is_loopback, parse_listen
from processor.core.pricing import Catalog
from processor.core.semconv import OwnDimensions, ReadOptions, UsageLimits
from processor.io.exporter import (
    DebugDestination,
    Destination,
    Fanout,
    FileDestination,
    InFlightLimiter,
)
from processor.io.ledger import Ages, Ledger, SpendBy, SqliteReader, SqliteStore
from processor.io.ledger import Limits as WorkingSetLimits
from processor.io.ledger.verifying import BackgroundCheck
from processor.io.receiver import Handle, HttpListener, Receiver
from processor.surfaces.grpc.cost_service import CostService
from processor.surfaces.queries import CostChanges

_MIB: Final = 1024 * 1024


def build_pipeline(
    settings: Settings, exporter: Fanout, ledger: Ledger, catalog: Catalog
) -> Pipeline:
    """The pipeline between receiver and exporter."""
    return Pipeline(
        exporter,
        ledger,
        catalog,
        read_options(settings, catalog),
        settings.emit,
        counts_logs=settings.logs.count_calls,
        forwarded=[each for each in get_args(Signal) if getattr(settings.forward, each)],
        hints=Hints(low_quality_in(settings)) if settings.insight.hints else None,
    )


def read_options(settings: Settings, catalog: Catalog) -> ReadOptions:
    """How spans are read: what the price file and the settings say about it."""
    privacy = settings.privacy
    return ReadOptions(
        cache_semantics=catalog.cache_semantics,
        user_hash_salt=privacy.salt if privacy.hash_user_ids else None,
        dimensions=OwnDimensions(dict(settings.dimensions)),
        limits=UsageLimits(**settings.pricing.implausible_above.model_dump()),
    )


def build_receiver(
    settings: Settings,
    handle: Handle,
    questions: CostService,
    flow: FlowCounters,
    *,
    files: WatchedFiles,
    plan: MemoryPlan,
    memory: MemoryLimit,
) -> Receiver:
    """OTLP over gRPC and HTTP, and the gRPC service for questions. Raises ConfigError."""
    otlp = settings.receivers.otlp
    grpc = otlp.protocols.grpc
    return Receiver(
        grpc.endpoint,
        handle,
        [questions],
        max_message_bytes=max_message_bytes(settings, plan)[0],
        max_concurrent_requests=otlp.max_concurrent_requests,
        max_connections=max_connections(),
        max_header_bytes=otlp.max_header_kib * 1024,
        memory=memory,
        tls=files.tls("grpc"),
        bearer_tokens=files.tokens("grpc"),
        processor_tokens=grpc.auth.processor_tokens,
        http=_http_listener(settings, plan, files),
        forward_headers=settings.exporters.forwarded_headers,
        flow=flow,
    )


def build_grpc_access(settings: Settings, tokens: ApiTokens) -> Access:
    """Who may ask over gRPC, and who may change."""
    listen = parse_listen(settings.receivers.otlp.protocols.grpc.endpoint)
    return Access(tokens, is_loopback=is_loopback(listen.host))


def _http_listener(
    settings: Settings, plan: MemoryPlan, files: WatchedFiles
) -> HttpListener | None:
    """What of OTLP/HTTP the settings ask for; None when they switch it off."""
    otlp = settings.receivers.otlp
    http = otlp.protocols.http
    if not http.endpoint:
        return None
    return HttpListener(
        http.endpoint,
        max_body_bytes=max_message_bytes(settings, plan)[1],
        max_json_bytes=_MIB * unless_set(http, "max_json_body_size_mib", plan.max_json // _MIB),
        tls=files.tls("http"),
        max_connections=max_connections(),
        max_header_bytes=otlp.max_header_kib * 1024,
        allowed_origins=http.cors.allowed_origins,
        bearer_tokens=files.tokens("http"),
        processor_tokens=http.auth.processor_tokens,
    )


def build_changes(
    settings: Settings, ledger: Ledger, catalog: Callable[[], Catalog]
) -> CostChanges:
    """What changes the ledger at somebody's request."""
    return CostChanges(ledger, catalog, price_file=settings.pricing.file)


def build_exporter(settings: Settings, memory: MemoryLimit, files: WatchedFiles) -> Fanout:
    """Every destination, behind one limit. Raises ConfigError."""
    exporters = settings.exporters
    queues = {"otlp": exporters.otlp.sending_queue, "otlphttp": exporters.otlphttp.sending_queue}
    backends = build_backends(settings, files)
    destinations: list[Destination] = [
        with_queue(backend, queues[name], name, memory) for name, backend in backends.items()
    ]
    if exporters.file.path:
        rotation = exporters.file.rotation
        destinations.append(
            FileDestination(
                Path(exporters.file.path),
                max_file_bytes=rotation.max_megabytes * _MIB,
                max_files=rotation.max_backups + 1,
            )
        )
    if exporters.debug.verbosity != "none":
        is_detailed = exporters.debug.verbosity == "detailed"
        destinations.append(DebugDestination(is_detailed=is_detailed))
    limiter = InFlightLimiter(
        max_bytes=exporters.otlp.max_in_flight_mib * _MIB or memory.limit_bytes,
        max_requests=settings.receivers.otlp.max_concurrent_requests,
    )
    return Fanout(destinations, limiter)


def build_ledger(settings: Settings, policy: Policy, plan: MemoryPlan) -> Ledger:
    """The ledger, not yet started.

    Raises ConfigError, LedgerInUseError where another process has it open.
    """

    def limit(name: str) -> int:
        default: int = Limits.model_fields[name].default
        return unless_set(settings.limits, name, int(default * plan.ledger_share))

    kept, shown = settings.ledger.retention, settings.telemetry.metrics.spend
    return Ledger(
        SqliteStore(Path(settings.ledger.path), policy.calendar.zone),
        policy,
        WorkingSetLimits(
            traces=limit("traces_in_memory"),
            spans=limit("spans_in_memory"),
            states=limit("budget_states"),
            waiting_spans=limit("waiting_spans"),
            trace_spans=settings.limits.spans_per_trace,
            known_traces=limit("known_traces"),
        ),
        Ages(kept.calls, kept.keys, kept.traces, kept.hours),
        SpendBy(shown.dimensions, shown.values_max),
    )


def start_check(settings: Settings, reader: SqliteReader) -> BackgroundCheck:
    """What looks through the ledger's sums beside everything else, started unless it is off."""
    check = BackgroundCheck(Path(settings.ledger.path), reader.pause)
    if settings.ledger.verify:
        check.start()
    return check
