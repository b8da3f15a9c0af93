"""From settings to the parts of a processor: one plain constructor for each."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Final, get_args

from processor.app.pipeline import Pipeline
from processor.app.resources import (
    MemoryPlan,
    max_connections,
    plan_memory,
    unless_set,
)
from processor.config import Settings
from processor.config.backends import SendingQueue
from processor.config.exporters import OtlpExporter, OtlpHttpExporter
from processor.config.receivers import OtlpReceiver
from processor.config.settings import Limits
from processor.core import wire
from processor.core.budgets import Policy
from processor.core.errors import ConfigError, Problem
from processor.core.flow import FlowCounters
from processor.core.memory import MemoryBudget
from processor.core.model import Signal
from processor.core.otlp.addresses import parse_backend, read_endpoints
from processor.core.otlp.codes import Code
from processor.core.pricing import Catalog
from processor.core.semconv import Dimensions, ReadOptions, UsageLimits
from processor.io.exporter import (
    Backend,
    ClientTls,
    DebugDestination,
    Destination,
    DiskQueue,
    Fanout,
    FileDestination,
    GrpcTransport,
    HttpTransport,
    InFlightLimiter,
    MergePolicy,
    QueuedBackend,
    RetryPolicy,
    Transport,
    tls_context,
)
from processor.io.ledger import Ledger, SqliteStore
from processor.io.ledger import Limits as WorkingSetLimits
from processor.io.receiver import Handle, HttpListener, Receiver, ServerTls, http_tls
from processor.surfaces.grpc.cost_service import CostService
from processor.surfaces.queries import CostQueries, Report

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
    )


def read_options(settings: Settings, catalog: Catalog) -> ReadOptions:
    """How spans are read: what the price file and the settings say about it."""
    privacy = settings.privacy
    return ReadOptions(
        cache_semantics=catalog.cache_semantics,
        user_hash_salt=privacy.salt if privacy.hash_user_ids else None,
        dimensions=Dimensions(dict(settings.dimensions)),
        limits=UsageLimits(**settings.pricing.implausible_above.model_dump()),
    )


def build_receiver(
    settings: Settings,
    handle: Handle,
    costs: CostQueries,
    health: Callable[[], Report],
    flow: FlowCounters,
    *,
    plan: MemoryPlan,
    memory: MemoryBudget,
) -> Receiver:
    """OTLP over gRPC and HTTP, and the gRPC service for questions. Raises ConfigError."""
    otlp = settings.receivers.otlp
    grpc = otlp.protocols.grpc
    tls = None
    certificate, key = _pem(grpc.tls.cert_file), _pem(grpc.tls.key_file)
    if certificate is not None and key is not None:
        tls = ServerTls(certificate, key, _pem(grpc.tls.client_ca_file))
    return Receiver(
        grpc.endpoint,
        handle,
        [CostService(costs, health)],
        max_message_bytes=_MIB
        * unless_set(grpc, "max_recv_msg_size_mib", plan.max_message // _MIB),
        max_concurrent_requests=otlp.max_concurrent_requests,
        max_connections=max_connections(),
        max_header_bytes=otlp.max_header_kib * 1024,
        memory=memory,
        tls=tls,
        bearer_tokens=grpc.auth.bearer_tokens,
        http=_http_listener(otlp, plan),
        forward_headers=settings.exporters.forwarded_headers,
        flow=flow,
    )


def _http_listener(otlp: OtlpReceiver, plan: MemoryPlan) -> HttpListener | None:
    """What of OTLP/HTTP the settings ask for; None when they switch it off."""
    http = otlp.protocols.http
    if not http.endpoint:
        return None
    files, tls = http.tls, None
    if files.cert_file:
        setting = "receivers.otlp.protocols.http.tls"
        tls = http_tls(files.cert_file, files.key_file, files.client_ca_file, setting)
    return HttpListener(
        http.endpoint,
        max_body_bytes=_MIB
        * unless_set(http, "max_request_body_size_mib", plan.max_message // _MIB),
        max_json_bytes=_MIB * unless_set(http, "max_json_body_size_mib", plan.max_json // _MIB),
        tls=tls,
        max_connections=max_connections(),
        max_header_bytes=otlp.max_header_kib * 1024,
        allowed_origins=http.cors.allowed_origins,
        bearer_tokens=http.auth.bearer_tokens,
    )


def build_exporter(settings: Settings, memory: MemoryBudget) -> Fanout:
    """Every destination, behind one limit. Raises ConfigError."""
    exporters = settings.exporters
    queues = {"otlp": exporters.otlp.sending_queue, "otlphttp": exporters.otlphttp.sending_queue}
    backends = build_backends(settings)
    destinations: list[Destination] = [
        _queued(backend, queues[name], name) for name, backend in backends.items()
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


def build_backends(settings: Settings) -> dict[str, Backend]:
    """Every backend by the name of its exporter, without its queue. Raises ConfigError."""
    exporters = settings.exporters
    backends: dict[str, Backend] = {}
    if exporters.otlp.endpoint:
        backends["otlp"] = _grpc_backend(exporters.otlp)
    if exporters.otlphttp.is_set:
        backends["otlphttp"] = _http_backend(exporters.otlphttp)
    return backends


def build_ledger(settings: Settings, policy: Policy) -> Ledger:
    """The ledger, not yet started.

    Raises ConfigError, LedgerInUseError where another process has it open.
    """
    share = plan_memory(settings).ledger_share

    def limit(name: str) -> int:
        default: int = Limits.model_fields[name].default
        return unless_set(settings.limits, name, int(default * share))

    return Ledger(
        SqliteStore(Path(settings.ledger.path)),
        policy,
        WorkingSetLimits(
            traces=limit("traces_in_memory"),
            spans=limit("spans_in_memory"),
            states=limit("budget_states"),
            waiting_spans=limit("waiting_spans"),
            trace_spans=settings.limits.spans_per_trace,
            known_traces=limit("known_traces"),
        ),
    )


def _grpc_backend(otlp: OtlpExporter) -> Backend:
    tls = otlp.tls
    address = parse_backend(otlp.endpoint)
    if tls.insecure is not None and not address.has_scheme:
        address = address._replace(is_tls=not tls.insecure)
    transport = GrpcTransport(
        address,
        headers=dict(otlp.headers),
        compression=otlp.compression,
        tls=ClientTls(_pem(tls.ca_file), _pem(tls.cert_file), _pem(tls.key_file)),
        retryable_codes=[Code[name.upper()] for name in otlp.retry_on_failure.retryable_codes],
    )
    return _backend(transport, otlp)


def _http_backend(http: OtlpHttpExporter) -> Backend:
    tls = http.tls
    endpoints = read_endpoints(http.endpoint, http.own_endpoints, insecure=tls.insecure)
    transport = HttpTransport(
        endpoints,
        headers=dict(http.headers),
        compression=http.compression,
        tls=tls_context(tls.ca_file, tls.cert_file, tls.key_file),
        retryable_statuses=http.retry_on_failure.retryable_statuses,
        final_statuses=http.retry_on_failure.final_statuses,
    )
    return _backend(transport, http)


def _backend(transport: Transport, exporter: OtlpExporter | OtlpHttpExporter) -> Backend:
    """A backend with splitting, merging and retries, over either protocol."""
    retry, merge = exporter.retry_on_failure, exporter.merge
    max_message_bytes = exporter.max_message_mib * _MIB
    max_merged_bytes = min(merge.max_bytes, max_message_bytes)
    return Backend(
        transport,
        retry=RetryPolicy(
            initial_s=retry.initial_interval_s,
            max_s=retry.max_interval_s,
            max_elapsed_s=retry.max_elapsed_time_s or math.inf,
        ),
        attempt_timeout_s=exporter.timeout_s,
        # What goes to the disk next must not be half on its way to the backend as well.
        cuts_attempts=not exporter.sending_queue.enabled,
        max_message_bytes=max_message_bytes,
        split=wire.split,
        merge=MergePolicy(max_merged_bytes, merge.max_delay_s) if merge.enabled else None,
        forwards=exporter.forward_headers,
    )


def _queued(backend: Backend, queue: SendingQueue, name: str) -> Destination:
    """The same backend, with its queue on the disk where the settings ask for one."""
    if not queue.enabled:
        return backend
    return QueuedBackend(
        backend,
        DiskQueue(
            Path(queue.directory),
            max_bytes=queue.max_megabytes * _MIB,
            drops_oldest=queue.when_full == "drop_oldest",
        ),
        setting=f"exporters.{name}.sending_queue.directory",
        refused_max_bytes=queue.refused_max_megabytes * _MIB,
        max_age_s=queue.max_age_s or math.inf,
        spill_after_s=queue.spill_after_s,
        consumers=queue.num_consumers,
    )


def _pem(file: str) -> bytes | None:
    """The content of a PEM file; None for no file. Raises ConfigError."""
    if not file:
        return None
    try:
        return Path(file).read_bytes()
    except OSError as error:
        problem = Problem(file, f"cannot be read: {error.strerror or error}")
        raise ConfigError([problem]) from error
