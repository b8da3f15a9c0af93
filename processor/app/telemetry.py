"""What /metrics and /health show: the counters and states of the parts that run."""

from __future__ import annotations

import logging
import platform
import socket
import time
from collections.abc import Callable, Sequence
from typing import Final

from processor import __version__
from processor.app.addresses import METRICS_SETTING
from processor.app.pipeline import Pipeline
from processor.app.resources import max_connections
from processor.app.watched_files import WatchedFiles
from processor.config import Settings
from processor.config.settings import METRICS_ENDPOINT
from processor.core.access import Access, ApiTokens
from processor.core.counters import (
    ChannelState,
    DestinationState,
    ExporterState,
    ExportState,
    InFlight,
    LedgerState,
)
from processor.core.errors import ConfigError
from processor.core.otlp.addresses import is_loopback, parse_listen
from processor.io.exporter import DebugDestination, Destination, Fanout
from processor.io.ledger import Ledger
from processor.io.ledger.verifying import BackgroundCheck
from processor.io.receiver import Receiver
from processor.io.receiver.listening import listen
from processor.surfaces.api import Sources
from processor.surfaces.http import Api, Hosts, HttpServer, Page
from processor.surfaces.mcp import MCP_PATH, McpEndpoint
from processor.surfaces.metrics import CONTENT_TYPE, Build, CostReadings, Exposition
from processor.surfaces.metrics import Sources as MetricSources
from processor.surfaces.queries import BudgetChecks, CostQueries, Health

_LOG = logging.getLogger(__name__)
_CONNECTIONS_MAX: Final = 512


def build_telemetry(
    settings: Settings,
    pipeline: Pipeline,
    exporter: Fanout,
    ledger: Ledger,
    receiver: Receiver,
    *,
    health: Health,
    files: WatchedFiles,
    check: BackgroundCheck,
    costs: CostQueries,
    checks: BudgetChecks,
    tokens: ApiTokens,
    exports: Callable[[], Sequence[ExportState]],
    channels: Callable[[], Sequence[ChannelState]],
) -> HttpServer | None:
    """What serves /metrics, /health and the API, listening already; None where it is off.

    Raises ConfigError.
    """
    endpoint = settings.telemetry.metrics.endpoint
    if not endpoint:
        return None
    sources = MetricSources(
        flow=pipeline.flow,
        exporter=lambda: exporter_state(exporter),
        ledger=lambda: ledger_state(ledger, check),
        memory=lambda: receiver.memory.held,
        grpc_connections=lambda: receiver.grpc_connections,
        answers=lambda: receiver.answers,
        catalog=lambda: pipeline.catalog,
        policy=lambda: ledger.policy,
        files=files.states,
        exports=exports,
        channels=channels,
        certificates=receiver.certificate_ends_s,
        costs=CostReadings(
            costs, lambda: ledger.policy, is_shown=settings.telemetry.metrics.spend.enabled
        ),
        build=Build(__version__, platform.python_version(), time.time()),
    )
    sockets = _open_sockets(endpoint)
    is_local = all(is_loopback(each.getsockname()[0]) for each in sockets)
    hosts = Hosts(is_loopback=is_local, allowed=settings.api.allowed_hosts)
    api = None
    if settings.api.enabled:
        access = Access(tokens, is_loopback=is_local)
        api = Api(Sources(costs, health.report, checks=checks), access, hosts)
        api.add(MCP_PATH, McpEndpoint(api.ask))
    page = Page(CONTENT_TYPE, Exposition(sources).page)
    # Many applications ask before each of their calls, and keep a connection for that.
    connections = min(max_connections(), _CONNECTIONS_MAX)
    return HttpServer(sockets, page, health, api, hosts=hosts, connections_max=connections)


def exporter_state(exporter: Fanout) -> ExporterState:
    """Every destination, and what is on its way to them, now."""
    limiter = exporter.in_flight
    in_flight = InFlight(
        limiter.requests_under_way, limiter.bytes_under_way, limiter.max_requests, limiter.max_bytes
    )
    return ExporterState(in_flight, tuple(map(_destination_state, exporter.destinations)))


def _destination_state(destination: Destination) -> DestinationState:
    counters = destination.counters
    backlog = None if counters.backlog is None else counters.backlog()
    is_log = isinstance(destination, DebugDestination)
    ends_s = counters.certificate_ends_s()
    return DestinationState(destination.name, counters, backlog, not is_log, ends_s)


def ledger_state(ledger: Ledger, check: BackgroundCheck) -> LedgerState:
    """The ledger's counters, its size in memory and on the disk, and what has failed last."""
    progress = ledger.job_progress
    return LedgerState(
        counters=ledger.counters,
        memory=ledger.memory_use,
        jobs_waiting=ledger.jobs_waiting,
        traces_to_count=ledger.traces_to_count,
        work_left={} if progress is None else {progress.job: progress.left},
        size_bytes=ledger.size_bytes,
        last_failure=ledger.last_failure,
        kept_from_s=ledger.kept_from.shown(),
        check=check.state,
    )


def _open_sockets(endpoint: str) -> list[socket.socket]:
    """Listen at an address; at any free port where the default one is taken.

    The default port is a Collector's as well, and nobody has asked for it. Raises ConfigError.
    """
    address = parse_listen(endpoint, METRICS_SETTING)
    try:
        return listen(address)
    except ConfigError as error:
        if endpoint != METRICS_ENDPOINT:
            raise
        _LOG.warning("%s; metrics and health are at another port this time", error)
        return listen(address._replace(port=0))
