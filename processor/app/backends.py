"""From settings to backends: one for each exporter, with its queue on the disk."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

from processor.app.watched_files import WatchedFiles
from processor.config import Settings
from processor.config.backends import SendingQueue
from processor.config.exporters import OtlpExporter, OtlpHttpExporter
from processor.core import wire
from processor.core.memory import MemoryLimit
from processor.core.otlp.addresses import parse_backend, read_endpoints
from processor.core.otlp.codes import Code
from processor.io.exporter import (
    Backend,
    Destination,
    DiskQueue,
    GrpcTransport,
    HttpTransport,
    MergePolicy,
    QueuedBackend,
    RetryPolicy,
    Transport,
)

_MIB: Final = 1024 * 1024


def build_backends(settings: Settings, files: WatchedFiles) -> dict[str, Backend]:
    """Every backend by the name of its exporter, without its queue. Raises ConfigError."""
    exporters = settings.exporters
    backends: dict[str, Backend] = {}
    if exporters.otlp.endpoint:
        backends["otlp"] = _backend(_grpc_transport(exporters.otlp, files), exporters.otlp)
    if exporters.otlphttp.is_set:
        transport = _http_transport(exporters.otlphttp, files)
        backends["otlphttp"] = _backend(transport, exporters.otlphttp)
    return backends


def with_queue(
    backend: Backend, queue: SendingQueue, name: str, memory: MemoryLimit
) -> Destination:
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
        memory=memory,
        spill_after_s=queue.spill_after_s,
        consumers=queue.num_consumers,
        max_concurrent_requests=queue.max_concurrent_requests,
    )


def _grpc_transport(otlp: OtlpExporter, files: WatchedFiles) -> Transport:
    transport = GrpcTransport(
        parse_backend(otlp.endpoint, insecure=otlp.tls.insecure),
        headers=dict(otlp.headers),
        compression=otlp.compression,
        tls=files.client_tls("otlp"),
        server_name=otlp.tls.server_name,
        token=files.client_token("otlp"),
        max_connection_age_s=otlp.max_connection_age_s or math.inf,
        retryable_codes=[Code[name.upper()] for name in otlp.retry_on_failure.retryable_codes],
    )
    files.renew_credentials("otlp", transport)
    return transport


def _http_transport(http: OtlpHttpExporter, files: WatchedFiles) -> Transport:
    endpoints = read_endpoints(http.endpoint, http.own_endpoints, insecure=http.tls.insecure)
    transport = HttpTransport(
        endpoints,
        headers=dict(http.headers),
        compression=http.compression,
        tls=files.client_tls("otlphttp"),
        server_name=http.tls.server_name,
        token=files.client_token("otlphttp"),
        max_connection_age_s=http.max_connection_age_s or math.inf,
        retryable_statuses=http.retry_on_failure.retryable_statuses,
        final_statuses=http.retry_on_failure.final_statuses,
    )
    files.renew_credentials("otlphttp", transport)
    return transport


def _backend(transport: Transport, exporter: OtlpExporter | OtlpHttpExporter) -> Backend:
    """A backend with splitting, merging and retries, over either protocol."""
    retry, merge = exporter.retry_on_failure, exporter.merge
    max_message_bytes = exporter.max_message_mib * _MIB
    max_merged_bytes = min(merge.max_bytes, max_message_bytes)
    backend = Backend(
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
    backend.counters.certificate_ends_s = lambda: transport.tls.ends_s
    return backend
