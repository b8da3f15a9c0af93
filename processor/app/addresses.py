"""Every address that the settings name: where we listen, and where everything is sent."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from itertools import product
from typing import Final

from processor.config import Settings
from processor.config.exporters import Exporters
from processor.core.errors import ConfigError, Problem
from processor.core.otlp.addresses import (
    BackendAddress,
    ListenAddress,
    parse_backend,
    parse_listen,
    parse_url,
)

METRICS_SETTING: Final = "telemetry.metrics.endpoint"


def refuse_loop(settings: Settings) -> None:
    """Refuse a backend that is our own listener.

    OTEL_EXPORTER_OTLP_ENDPOINT often points applications at us, and then reaches us as well.
    Raises ConfigError.
    """
    ways = product(listens_on(settings), _backends(settings.exporters))
    for listen, (setting, backend) in ways:
        if backend.port == listen.port and _is_here(backend.host, listen.host):
            what = f"{backend} is this processor itself, so spans would go round for ever"
            fix = f"name the backend behind it, with --forward-to or {setting}"
            raise ConfigError([Problem(setting, what, fix)])


def listens_on(settings: Settings) -> list[ListenAddress]:
    """Every address that the settings say to listen on. Raises ConfigError."""
    protocols = settings.receivers.otlp.protocols
    found = [
        parse_listen(endpoint, f"receivers.otlp.protocols.{name}.endpoint")
        for name, endpoint in (("grpc", protocols.grpc.endpoint), ("http", protocols.http.endpoint))
        if endpoint
    ]
    if settings.telemetry.metrics.endpoint:
        found.append(parse_listen(settings.telemetry.metrics.endpoint, METRICS_SETTING))
    return found


def _backends(exporters: Exporters) -> Iterator[tuple[str, BackendAddress]]:
    """Every address that something is sent to, with the setting that names it."""
    if exporters.otlp.endpoint:
        yield "exporters.otlp.endpoint", parse_backend(exporters.otlp.endpoint)
    http = exporters.otlphttp
    named = [("endpoint", http.endpoint)]
    named += [(f"{signal}_endpoint", text) for signal, text in http.own_endpoints.items()]
    for key, text in named:
        if text:
            setting = f"exporters.otlphttp.{key}"
            yield setting, parse_url(text, setting).address


def _is_here(host: str, listen_host: str) -> bool:
    """True when the host leads to an address that we listen on. Looks up names, not numbers."""
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, None)}
        ours = {info[4][0] for info in socket.getaddrinfo(listen_host, None)}
    except OSError:  # A name that nobody knows here is not our own.
        return False
    anywhere = {"0.0.0.0", "::"}  # noqa: S104 - compared with, not bound to
    if found & anywhere:  # Who connects to that reaches this machine.
        found |= {"127.0.0.1", "::1"}
    if ours & anywhere:
        ours |= {"127.0.0.1", "::1"}
        ours |= {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None)}
    return bool(found & ours)
