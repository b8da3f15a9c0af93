"""From settings to the parts with I/O: one plain constructor for each."""

from __future__ import annotations

import socket
from pathlib import Path

from processor.budget import Policy
from processor.config import Settings
from processor.errors import ConfigError, Problem
from processor.exporter import (
    Address,
    ClientTls,
    Destination,
    Fanout,
    FileDestination,
    Gate,
    GrpcDestination,
    RetryPolicy,
    parse_address,
)
from processor.ledger import Ledger, Limits, SqliteStore
from processor.receiver import CostQueries, Handle, Receiver, ServerTls

_MIB = 1024 * 1024


def build_receiver(settings: Settings, handle: Handle, costs: CostQueries) -> Receiver:
    """The way in. Raises ConfigError."""
    grpc = settings.receivers.otlp.protocols.grpc
    tls = None
    certificate, key = _pem(grpc.tls.cert_file), _pem(grpc.tls.key_file)
    if certificate is not None and key is not None:
        tls = ServerTls(certificate, key, _pem(grpc.tls.client_ca_file))
    return Receiver(
        grpc.endpoint,
        handle,
        costs,
        max_message_bytes=grpc.max_recv_msg_size_mib * _MIB,
        tls=tls,
    )


def build_exporter(settings: Settings) -> Fanout:
    """Every way out behind one gate. Raises ConfigError."""
    destinations: list[Destination] = []
    if settings.exporters.otlp.endpoint:
        destinations.append(_backend(settings))
    if settings.exporters.file.path:
        rotation = settings.exporters.file.rotation
        destinations.append(
            FileDestination(
                Path(settings.exporters.file.path),
                max_file_bytes=rotation.max_megabytes * _MIB,
                max_files=rotation.max_backups + 1,
            )
        )
    return Fanout(destinations, Gate(max_bytes=settings.exporters.otlp.max_in_flight_mib * _MIB))


def build_ledger(settings: Settings, policy: Policy) -> Ledger:
    """The books, not yet started. Raises ConfigError, BooksInUseError where others keep them."""
    limits = settings.limits
    return Ledger(
        SqliteStore(Path(settings.ledger.path)),
        policy,
        Limits(
            traces=limits.traces_in_memory,
            spans=limits.spans_in_memory,
            states=limits.budget_states,
            waiting_spans=limits.waiting_spans,
            trace_spans=limits.spans_per_trace,
            known_traces=limits.known_traces,
        ),
    )


def refuse_loop(settings: Settings) -> None:
    """Refuse a backend that is our own listener.

    OTEL_EXPORTER_OTLP_ENDPOINT often points applications at us, and then reaches us as well.
    Raises ConfigError.
    """
    endpoint = settings.exporters.otlp.endpoint
    if not endpoint:
        return
    backend = parse_address(endpoint)
    host, _, port = settings.receivers.otlp.protocols.grpc.endpoint.rpartition(":")
    listen = parse_address(f"http://{host or '0.0.0.0'}:{port}")  # noqa: S104 - what no host means
    if backend.port == listen.port and _is_here(backend.host, listen.host):
        what = f"{endpoint} is this processor itself, so spans would go round for ever"
        fix = "name the backend behind it, with --forward-to or exporters.otlp.endpoint"
        raise ConfigError([Problem("exporters.otlp.endpoint", what, fix)])


def _is_here(host: str, listen_host: str) -> bool:
    """True when the host leads to an address that we listen on. Looks up names, not numbers."""
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, None)}
        ours = {info[4][0] for info in socket.getaddrinfo(listen_host, None)}
    except OSError:  # A name that nobody knows here is not our own.
        return False
    if ours & {"0.0.0.0", "::"}:  # noqa: S104 - compared with, not bound to
        ours |= {"127.0.0.1", "::1"}
        ours |= {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None)}
    return bool(found & ours)


def _backend(settings: Settings) -> GrpcDestination:
    otlp = settings.exporters.otlp
    retry, tls = otlp.retry_on_failure, otlp.tls
    address: Address = parse_address(otlp.endpoint)
    if tls.insecure is not None and not address.has_scheme:
        address = address._replace(is_tls=not tls.insecure)
    return GrpcDestination(
        address,
        headers=dict(otlp.headers),
        compression="gzip" if otlp.compression == "gzip" else "none",
        tls=ClientTls(_pem(tls.ca_file), _pem(tls.cert_file), _pem(tls.key_file)),
        retry=RetryPolicy(
            initial_s=retry.initial_interval_s,
            max_s=retry.max_interval_s,
            max_elapsed_s=retry.max_elapsed_time_s,
        ),
        attempt_timeout_s=otlp.timeout_s,
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
