"""Wiring: the only file that knows every room. Plain constructors, in the order of the flow."""

from __future__ import annotations

import asyncio
import gc
import logging
import platform
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast, get_args

from processor import __version__
from processor.app.addresses import refuse_loop
from processor.app.assembly import build_exporter, build_ledger, build_receiver, build_telemetry
from processor.app.pipeline import Pipeline
from processor.config import Settings, Watcher, bundled
from processor.core.budgets import Policy, parse_budgets
from processor.core.errors import LedgerUnavailableError
from processor.core.flow import FlowCounters
from processor.core.model import Signal
from processor.core.pricing import Catalog, compile_catalog, parse_prices
from processor.core.semconv import ReadOptions
from processor.io.exporter import Fanout
from processor.io.ledger import Ledger
from processor.io.receiver import Receiver
from processor.surfaces.metrics import Build, Sources, TelemetryServer
from processor.surfaces.queries.cost_queries import CostQueries

T = TypeVar("T", Catalog, Policy)

_LOG = logging.getLogger(__name__)
_BUNDLED = "the defaults that come along"


class App:
    """One processor: built from settings, started, stopped."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._watchers: dict[str, Watcher[Any]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._receiver: Receiver | None = None
        self._exporter: Fanout | None = None
        self._ledger: Ledger | None = None
        self._pipeline: Pipeline | None = None
        self._catalog: Catalog | None = None
        self._telemetry: TelemetryServer | None = None
        self._flow = FlowCounters()
        self.port = 0
        """Where OTLP/gRPC is taken, once started."""
        self.http_port = 0
        """Where OTLP/HTTP is taken, once started; 0 where it is off."""
        self.metrics_port = 0
        """Where /metrics and /health are served, once started; 0 where they are off."""

    async def start(self) -> None:
        """Open the books, the way out and at last the way in. Raises ConfigError."""
        settings = self._settings
        refuse_loop(settings)
        self._catalog = self._load(settings.pricing.file, "pricing.yaml", _catalog, self._reprice)
        policy = self._load(settings.budgets.file, "budgets.yaml", parse_budgets, self._rebudget)
        exporter = build_exporter(settings)
        try:
            self._ledger = build_ledger(settings, policy)
            await self._ledger.start()
            self._exporter = exporter
            await exporter.start()
            options = self._options(self._catalog)
            self._pipeline = Pipeline(
                exporter,
                self._ledger,
                self._catalog,
                options,
                settings.emit,
                flow=self._flow,
                counts_logs=settings.logs.count_calls,
                forwarded=[each for each in get_args(Signal) if getattr(settings.forward, each)],
            )
            costs = CostQueries(self._ledger, lambda: cast("Catalog", self._catalog))
            self._receiver = build_receiver(settings, self._pipeline.handle, costs, self._flow)
            await self._start_telemetry()
            self.port = await self._receiver.start()
            self.http_port = self._receiver.http_port
        except BaseException:
            await self.stop(0)
            raise
        if self._telemetry is not None:
            self._telemetry.health.phase = "serving"
        self._tasks = [asyncio.ensure_future(each.run()) for each in self._watchers.values()]
        _settle_memory()

    async def stop(self, grace_s: float = 10.0) -> None:
        """Take nothing new, finish what is under way, close the way out and the books."""
        if self._telemetry is not None:
            self._telemetry.health.phase = "stopping"
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._receiver is not None:
            await self._receiver.stop(grace_s)
        if self._exporter is not None:
            await self._exporter.close()
        if self._ledger is not None:
            await self._ledger.close()
        if self._telemetry is not None:
            await self._telemetry.stop()
        self._tasks, self._receiver, self._exporter, self._ledger = [], None, None, None
        self._telemetry = None

    async def _start_telemetry(self) -> None:
        """Answer what is going on from before the way in opens until after everything closed."""
        pipeline, exporter = cast("Pipeline", self._pipeline), cast("Fanout", self._exporter)
        ledger, receiver = cast("Ledger", self._ledger), cast("Receiver", self._receiver)
        sources = Sources(
            flow=self._flow,
            outcomes=self._flow.outcomes,
            exporter=exporter,
            ledger=ledger,
            answers=lambda: receiver.answers,
            prices=lambda: pipeline.catalog,
            budgets_version=lambda: ledger.policy.version,
            watched=self._watchers,
            build=Build(__version__, platform.python_version(), time.time()),
        )
        self._telemetry = build_telemetry(self._settings, sources)
        if self._telemetry is not None:
            await self._telemetry.start()
            self.metrics_port = self._telemetry.port

    def describe(self) -> list[str]:
        """What runs here, in a few lines for people."""
        settings, catalog = self._settings, self._catalog
        protocols = settings.receivers.otlp.protocols
        listens = [f"OTLP/gRPC at {protocols.grpc.endpoint.rpartition(':')[0]}:{self.port}"]
        if self.http_port:
            listens.append(
                f"OTLP/HTTP at {protocols.http.endpoint.rpartition(':')[0]}:{self.http_port}"
            )
        lines = [
            f"llm-cost-processor {__version__}",
            *(f"listens on   {way}" for way in listens),
            f"forwards to  {' and '.join(settings.exporters.ways())}",
            f"acknowledges {settings.exporters.promise()}",
        ]
        if catalog is not None:
            source = settings.pricing.file or _BUNDLED
            version = catalog.catalogue_version
            over = f", over the genai-prices {version} catalogue" if version else ""
            lines.append(f"prices       {source}{over} (version {catalog.version})")
        if self._ledger is not None:
            count = len(self._ledger.policy.budgets)
            lines.append(f"budgets      {settings.budgets.file or _BUNDLED} ({count} limits)")
        lines.append(f"ledger       {settings.ledger.path}")
        if self.metrics_port:
            host = settings.telemetry.metrics.endpoint.rpartition(":")[0]
            lines.append(f"metrics      http://{host}:{self.metrics_port}/metrics, and /health")
        return lines

    def warnings(self) -> list[str]:
        """What was accepted but deserves a look."""
        found = list(self._settings.warnings)
        if self._ledger is not None:
            found += self._ledger.policy.warnings
        catalog = self._catalog
        if catalog is not None and catalog.is_stale(time.time_ns()):
            found.append(f"the price catalogue {catalog.catalogue_version} is getting old")
        return found

    def _load(
        self,
        file: str,
        default: str,
        parse: Callable[[str, str], T],
        on_change: Callable[[T], None],
    ) -> T:
        """Read prices or budgets: the operator's file, watched from now on, or the defaults."""
        if not file:
            return parse(bundled(default), default)
        watcher = Watcher(Path(file), parse, on_change, self._settings.reload.interval_s)
        value = watcher.load()
        self._watchers[default.partition(".")[0]] = watcher
        return value

    def _reprice(self, catalog: Catalog) -> None:
        self._catalog = catalog
        if self._pipeline is not None:
            self._pipeline.catalog, self._pipeline.options = catalog, self._options(catalog)

    def _rebudget(self, policy: Policy) -> None:
        if self._ledger is not None:
            self._tasks.append(asyncio.ensure_future(_put_into_force(self._ledger, policy)))

    def _options(self, catalog: Catalog) -> ReadOptions:
        privacy = self._settings.privacy
        return ReadOptions(
            cache_semantics=catalog.cache_semantics,
            user_hash_salt=privacy.salt if privacy.hash_user_ids else None,
        )


async def _put_into_force(ledger: Ledger, policy: Policy) -> None:
    try:
        await ledger.set_policy(policy)
    except LedgerUnavailableError as error:
        _LOG.error("the new budgets are not in force, save their file again: %s", error)


async def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """Run until SIGTERM or SIGINT. Raises ConfigError when it cannot start."""
    app = App(settings)
    await app.start()
    for line in app.describe():
        announce(line)
    for warning in app.warnings():
        _LOG.warning(warning)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await stopping.wait()
    announce("stopping: finishing what is under way")
    await app.stop(settings.shutdown_timeout_s)
    announce("stopped")


def _catalog(text: str, source: str) -> Catalog:
    file = parse_prices(text, source)
    for warning in file.warnings:
        _LOG.warning(warning)
    return compile_catalog(file)


def _settle_memory() -> None:
    """Spare the collector what stays for good, and let it look less often.

    The working copies of traces are many small objects with few cycles among them; the usual
    thresholds make it walk them all again for every few hundred spans.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
