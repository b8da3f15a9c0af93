"""The application: what is started and stopped, in which order, and what is read again."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

from processor.app.addresses import refuse_loop
from processor.app.assembly import (
    build_changes,
    build_exporter,
    build_grpc_access,
    build_ledger,
    build_pipeline,
    build_receiver,
    read_options,
    start_check,
)
from processor.app.audit_notes import AuditNotes
from processor.app.channels import build_senders
from processor.app.cost_reports import CostReports
from processor.app.exports.schedule import ExportSchedule
from processor.app.kept_requests import rename_in
from processor.app.pipeline import Pipeline
from processor.app.questions import (
    build_check_reader,
    build_checks,
    build_queries,
    build_reader,
)
from processor.app.resources import (
    MemoryPlan,
    plan_memory,
    raise_descriptor_limit,
    watch_descriptors,
)
from processor.app.start_lines import Addresses, Running, start_lines, start_warnings
from processor.app.telemetry import build_telemetry, exporter_state, ledger_state
from processor.app.watched_files import BUDGETS, PRICING, WatchedFiles
from processor.config import Settings
from processor.core.budgets import Policy
from processor.core.errors import ConfigError, LedgerUnavailableError, Problem
from processor.core.memory import MemoryLimit
from processor.core.model import Intake, Plan
from processor.core.posting.reserved import reservations_of
from processor.core.pricing import Catalog
from processor.io.exporter import Fanout
from processor.io.ledger import Ledger, OnPosted
from processor.io.receiver import Receiver
from processor.surfaces.grpc.cost_service import CostService
from processor.surfaces.queries import BudgetChecks, Health

_LOG = logging.getLogger(__name__)
_HEALTH_INTERVAL_S = 1.0
_SWITCH_S = 0.0005
"""How long one thread may keep the interpreter while others wait for it; Python's default is ten
times as long. A question passes it on several times, each time beside the thread that writes."""


class App:
    """One processor: built from settings, started, stopped."""

    def __init__(self, settings: Settings, on_posted: OnPosted | None = None) -> None:
        """`on_posted` is called with each batch and what was charged for it; see `Ledger`."""
        self._settings = settings
        self._on_posted = on_posted
        self._running: Running | None = None
        self._to_stop = AsyncExitStack()
        self._grace_s = 0.0

    @property
    def running(self) -> Running:
        """The parts, between `start` and `stop`; else RuntimeError is raised."""
        if self._running is None:
            raise RuntimeError("the processor is not running")
        return self._running

    @property
    def port(self) -> int:
        """Where OTLP/gRPC is received."""
        return self.running.port

    @property
    def http_port(self) -> int:
        """Where OTLP/HTTP is received; 0 where it is off."""
        return self.running.receiver.http_port

    @property
    def metrics_port(self) -> int:
        """Where /metrics and /health are served; 0 where they are off."""
        telemetry = self.running.telemetry
        return 0 if telemetry is None else telemetry.port

    async def start(self) -> None:
        """Start everything, the receiver last. Raises ConfigError, and then nothing runs."""
        refuse_loop(self._settings)
        sys.setswitchinterval(_SWITCH_S)
        # What the ledger reads at its start is many objects that stay, too.
        _collect_less_often()
        # Telemetry answers until everything else is closed, so it has a stack below the other.
        async with AsyncExitStack() as telemetry_stack, AsyncExitStack() as stack:
            self._running = await self._start(stack, telemetry_stack)
            telemetry_stack.push_async_exit(stack.pop_all())
            self._to_stop = telemetry_stack.pop_all()
        _exempt_from_collection()

    async def stop(self, grace_s: float = 10.0) -> None:
        """Accept nothing new, finish what is under way, and close everything.

        The receiver waits up to `grace_s` for the batches under way. A part that fails to close is
        logged, and the others are closed all the same.
        """
        self._grace_s = grace_s
        self._running = None
        await self._to_stop.aclose()

    async def _start(self, stack: AsyncExitStack, telemetry_stack: AsyncExitStack) -> Running:
        settings = self._settings
        files = WatchedFiles(settings)
        catalog, policy = files.prices(), files.budgets()
        raise_descriptor_limit()
        plan = plan_memory(settings)
        memory = MemoryLimit(plan.requests)
        exporter = build_exporter(settings, memory, files)
        ledger = await self._open_ledger(stack, exporter, policy, plan)
        # Closed before the ledger: who writes is the last to close the file, and tidies up.
        reader = build_reader(settings)
        _close_with(stack, "the ledger's readers", reader.close)
        check = start_check(settings, reader)
        _close_with(stack, "the check of the ledger", check.close)
        _close_with(stack, "the exporter", exporter.close)
        await exporter.start()
        pipeline = build_pipeline(settings, exporter, ledger, catalog)
        costs = build_queries(settings, reader, lambda: ledger.policy, lambda: pipeline.catalog)
        reports = CostReports(settings.notifications, ledger, costs)
        senders = build_senders(settings.notifications, ledger, reports.make)
        _close_with(stack, "notifications", senders.close)
        checks = self._build_checks(stack, ledger, pipeline)
        changes = build_changes(settings, ledger, lambda: pipeline.catalog)
        exports = ExportSchedule(settings, lambda: ledger.policy.calendar)
        health = Health(
            lambda: exporter_state(exporter), lambda: ledger_state(ledger, check),
            pipeline.flow, files.states, exports=exports.states,
        )  # fmt: skip
        tokens = files.askers()
        access = build_grpc_access(settings, tokens)
        receiver = build_receiver(
            settings, pipeline.handle, CostService(costs, checks, changes, health.report, access),
            pipeline.flow, files=files, plan=plan, memory=memory,
        )  # fmt: skip
        telemetry = build_telemetry(
            settings, pipeline, exporter, ledger, receiver,
            health=health, files=files, check=check, costs=costs, checks=checks, tokens=tokens,
            exports=exports.states, channels=senders.states,
        )  # fmt: skip
        if telemetry is not None:
            _close_with(telemetry_stack, "telemetry", telemetry.stop)
            await telemetry.start()
        _close_with(stack, "the receiver", lambda: receiver.stop(self._grace_s))
        await changes.resume_reprice()
        await senders.start()
        port = await receiver.start()
        watch_descriptors(asyncio.get_running_loop(), receiver.close_idle)
        notes = AuditNotes(ledger, settings)
        await notes.start(policy, catalog)
        files.when_changed(PRICING, notes.after(_use_prices_in(pipeline, settings), notes.prices))
        files.when_changed(BUDGETS, notes.after(ledger.set_policy, notes.budgets))
        files.renew_receiver(receiver)
        for work in (*files.follow(), exports.follow(), reports.follow()):
            _run_with(stack, work)
        health.grpc_connections = lambda: receiver.grpc_connections
        health.phase, health.channels = "serving", senders.states
        _run_with(stack, receiver.follow_connections(port))
        _run_with(stack, _show_health(health, receiver))
        stack.callback(setattr, health, "phase", "stopping")
        return Running(pipeline, ledger, exporter, receiver, telemetry, port, plan)

    def _build_checks(
        self, stack: AsyncExitStack, ledger: Ledger, pipeline: Pipeline
    ) -> BudgetChecks:
        """What decides about calls before they are made, which hears of those that are charged."""
        reader = build_check_reader(self._settings)
        _close_with(stack, "the reader of totals", reader.close)
        checks = build_checks(
            reader, lambda: ledger.policy, lambda: pipeline.catalog, lambda: pipeline.options
        )
        ledger.on_posted = _release_charged(checks, self._on_posted)
        return checks

    async def _open_ledger(
        self, stack: AsyncExitStack, exporter: Fanout, policy: Policy, plan: MemoryPlan
    ) -> Ledger:
        ledger = build_ledger(self._settings, policy, plan)
        ledger.forget_also(rename_in(exporter, self._settings))
        _close_with(stack, "the ledger", ledger.close)
        await _start_ledger(ledger, self._settings.ledger.path)
        return ledger

    def describe(self) -> list[str]:
        """What runs here, in a few lines for people."""
        addresses = Addresses(self.port, self.http_port, self.metrics_port)
        return start_lines(self._settings, self.running, addresses)

    def warnings(self) -> list[str]:
        """What was accepted but deserves a look."""
        return start_warnings(self._settings, self.running)


def _use_prices_in(pipeline: Pipeline, settings: Settings) -> Callable[[Catalog], Awaitable[None]]:
    async def use_prices(new: Catalog) -> None:
        pipeline.catalog, pipeline.options = new, read_options(settings, new)

    return use_prices


def _release_charged(checks: BudgetChecks, then: OnPosted | None) -> OnPosted:
    """Let reservations go whose calls are charged; checks that read from now on see the charge."""

    def note(intake: Intake, plan: Plan) -> None:
        charged = reservations_of(intake)
        if charged:
            checks.note_charged(charged)
        if then is not None:
            then(intake, plan)

    return note


def _close_with(stack: AsyncExitStack, what: str, close: Callable[[], Awaitable[None]]) -> None:
    """Close a part when `stack` is closed; a failure is logged, so that it hides no other error."""

    async def close_and_log() -> None:
        try:
            await close()
        except Exception:  # noqa: BLE001 - whatever it is, the other parts must be closed as well
            _LOG.exception("%s could not be closed", what)

    stack.push_async_callback(close_and_log)


def _run_with(stack: AsyncExitStack, work: Coroutine[Any, Any, None]) -> None:
    """Run a task until `stack` is closed."""
    task = asyncio.create_task(work)

    async def cancel() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    stack.push_async_callback(cancel)


async def _show_health(health: Health, receiver: Receiver) -> None:
    """Say over gRPC what /health says. It also lets the health see each second of outcomes."""
    while True:
        try:
            await receiver.show_health(is_well=health.report().is_well)
        except Exception:  # noqa: BLE001 - a bug there must not freeze the status
            _LOG.exception("the health cannot be judged")
        await asyncio.sleep(_HEALTH_INTERVAL_S)


async def _start_ledger(ledger: Ledger, path: str) -> None:
    """Raises ConfigError where the ledger cannot be read or written, as at every other mistake."""
    try:
        await ledger.start()
    except LedgerUnavailableError as error:
        raise ConfigError([Problem(path, str(error))]) from error


def _collect_less_often() -> None:
    """Have the garbage collector run for many new objects only.

    The working copies of traces are many small objects with few cycles among them; the usual
    thresholds make the collector visit them all again for every few hundred spans.
    """
    gc.set_threshold(50_000, 20, 100)


def _exempt_from_collection() -> None:
    """Have the garbage collector leave out what is there now, which stays for good."""
    gc.collect()
    gc.freeze()
