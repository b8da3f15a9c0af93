"""What a processor says of itself when it starts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from processor import __version__
from processor.app.pipeline import Pipeline
from processor.app.resources import MemoryPlan, describe_memory, memory_warnings
from processor.config import Settings
from processor.core.wording import counted, fit
from processor.io.exporter import Fanout
from processor.io.ledger import Ledger
from processor.io.receiver import Receiver
from processor.surfaces.api import PREFIX
from processor.surfaces.http import HttpServer

_LABEL_CHARS: Final = 13
_BUNDLED: Final = "the bundled defaults"


@dataclass(frozen=True, slots=True)
class Running:
    """The parts of a processor that has been started."""

    pipeline: Pipeline
    ledger: Ledger
    exporter: Fanout
    receiver: Receiver
    telemetry: HttpServer | None
    """None where /metrics and /health are off."""
    port: int
    """Where OTLP/gRPC is received."""
    plan: MemoryPlan
    """How memory is shared out."""


class Addresses(NamedTuple):
    """The ports that are really used, which matters where a setting says port 0."""

    grpc: int
    http: int
    """0 where OTLP/HTTP is off."""
    metrics: int
    """0 where /metrics and /health are off."""


def start_lines(settings: Settings, running: Running, ports: Addresses) -> list[str]:
    """What runs here, in a few lines for people."""
    protocols = settings.receivers.otlp.protocols
    listens = [f"OTLP/gRPC at {_at_port(protocols.grpc.endpoint, ports.grpc)}"]
    if ports.http:
        listens.append(f"OTLP/HTTP at {_at_port(protocols.http.endpoint, ports.http)}")
    catalog = running.pipeline.catalog
    names = catalog.catalogue_names
    above = f", above the {' and '.join(names)} catalogue" if names else ""
    limits = counted(len(running.ledger.policy.budgets), "limit")
    lines = [
        f"llm-cost-processor {__version__}",
        *(f"listens on   {address}" for address in listens),
        f"forwards to  {' and '.join(settings.exporters.ways())}",
        f"acknowledges {settings.exporters.promise()}",
        f"prices       {settings.pricing.file or _BUNDLED}{above} (version {catalog.version})",
        f"budgets      {settings.budgets.file or _BUNDLED} ({limits})",
        f"ledger       {settings.ledger.path}",
        f"keeps        {settings.ledger.retention.describe()}",
        f"memory       {describe_memory(settings, running.plan)}",
        *(f"exports      {line}" for line in describe_exports(settings)),
    ]
    if ports.metrics:
        address = _at_port(settings.telemetry.metrics.endpoint, ports.metrics)
        lines.append(f"metrics      http://{address}/metrics, and /health")
        lines += _api_lines(running, address)
    return [part for line in lines for part in fit(line, _LABEL_CHARS)]


def describe_exports(settings: Settings) -> list[str]:
    """Which files are written on a schedule, in words."""
    return [f"{name}: {each.describe()}" for name, each in settings.exports.items()]


def _api_lines(running: Running, address: str) -> Iterator[str]:
    """Where questions are answered, and to whom."""
    api = None if running.telemetry is None else running.telemetry.api
    if api is None:
        return
    whose = ", with a token" if api.access.needs_token else ""
    if api.access.is_closed:
        whose = ", closed: others could reach it, and api.read_tokens is not set"
    yield f"api          http://{address}{PREFIX}{whose}"


def start_warnings(settings: Settings, running: Running) -> list[str]:
    """What was accepted but deserves a look."""
    catalog = running.pipeline.catalog
    found = [*settings.warnings, *running.ledger.policy.warnings]
    if catalog.is_stale(time.time_ns()):
        found.append(f"the price catalogue {catalog.catalogue_version} is getting old")
    return [*found, *memory_warnings(running.plan)]


def _at_port(endpoint: str, port: int) -> str:
    """The address of a setting with the port that is really used, which matters for port 0."""
    return f"{endpoint.rpartition(':')[0]}:{port}"
