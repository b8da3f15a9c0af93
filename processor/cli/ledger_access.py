"""Where a command changes the ledger: in its file, or with the processor that has it open."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo

from processor.app.assembly import build_changes, build_ledger
from processor.app.kept_requests import rename_in_folders
from processor.app.questions import build_reader
from processor.app.resources import plan_memory
from processor.cli.actor import user_name
from processor.cli.calling import Remote
from processor.cli.choice import Answer, Candidates, choose
from processor.cli.connection import connection_from
from processor.cli.flags import GRPC_FLAG
from processor.cli.sources import budgets_from, prices_from
from processor.config import Settings
from processor.core.errors import OverloadedError
from processor.core.model import Exclusion, Forgetting, JobProgress, Repricing
from processor.surfaces.queries import CostChanges, ExcludeRequest

T = TypeVar("T")
_UNFINISHED_LOOKED_AT_S = 0.2
"""How often to look whether a reprice is done that was not finished by those before."""


class LedgerAccess(Protocol):
    """Changes the ledger."""

    async def zone(self) -> ZoneInfo | None:
        """The time zone that it reads dates in; None where it does not say."""

    async def reprice(self, start_ns: int, end_ns: int, *, is_dry_run: bool) -> Repricing:
        """Price the stored calls again that ended in ``[start, end)``."""

    async def job_progress(self) -> JobProgress | None:
        """How far long work has come; None without any."""

    async def exclude(self, request: ExcludeRequest, undo: int, *, is_dry_run: bool) -> Exclusion:
        """Take calls out of all sums, or put back what the exclusion `undo` has taken out."""

    async def forget(self, user: str, *, is_dry_run: bool) -> Forgetting:
        """Take the id of a user out of all that is kept."""


class Local:
    """The ledger's file. To change it raises LedgerInUseError while a processor has it open."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._changes: CostChanges | None = None
        """While the ledger is open to be changed."""

    async def zone(self) -> ZoneInfo:
        """That of the budgets file which the settings name."""
        settings = self._settings
        return budgets_from(settings.budgets.file, settings.dimension_names).calendar.zone

    async def reprice(self, start_ns: int, end_ns: int, *, is_dry_run: bool) -> Repricing:
        """Price the stored calls again that ended in ``[start, end)``.

        One that was not finished is done before that, unless nothing is to be kept.
        """
        return await self._change(
            lambda changes: changes.reprice(
                start_ns, end_ns, is_dry_run=is_dry_run, actor=user_name()
            )
        )

    async def exclude(self, request: ExcludeRequest, undo: int, *, is_dry_run: bool) -> Exclusion:
        """Take calls out of all sums, or put back what the exclusion `undo` has taken out.

        An exclusion that was not finished is done before that.
        """

        def work(changes: CostChanges) -> Awaitable[Exclusion]:
            if undo:
                return changes.undo(undo, user_name(), is_dry_run=is_dry_run)
            return changes.exclude(request, user_name(), is_dry_run=is_dry_run)

        return await self._change(work)

    async def forget(self, user: str, *, is_dry_run: bool) -> Forgetting:
        """Take the id of a user out of all that is kept."""
        return await self._change(
            lambda changes: changes.forget(user, user_name(), is_dry_run=is_dry_run)
        )

    async def _change(self, work: Callable[[CostChanges], Awaitable[T]]) -> T:
        """Open the ledger to be written, with all that the settings say, and change it."""
        catalog = prices_from(self._settings.pricing.file).catalog
        policy = budgets_from(self._settings.budgets.file, self._settings.dimension_names)
        ledger = build_ledger(self._settings, policy, plan_memory(self._settings))
        ledger.forget_also(rename_in_folders(self._settings))
        reader = build_reader(self._settings)
        try:
            await ledger.start()
            self._changes = changes = build_changes(self._settings, ledger, lambda: catalog)
            while True:
                try:
                    return await work(changes)
                except OverloadedError:
                    await asyncio.sleep(_UNFINISHED_LOOKED_AT_S)
        finally:
            await reader.close()
            await ledger.close()
            self._changes = None

    async def job_progress(self) -> JobProgress | None:
        """How far long work has come; None without any."""
        return None if self._changes is None else self._changes.job_progress


def ask(
    settings: Settings,
    arguments: argparse.Namespace,
    question: Callable[[LedgerAccess], Awaitable[T]],
) -> Answer[T]:
    """Ask the processor over gRPC, or the ledger, that the arguments mean.

    Raises ConfigError, NoAnswerError, RefusedError.
    """
    there = connection_from(arguments, settings)
    candidates = Candidates(
        there.address,
        GRPC_FLAG,
        bool(arguments.grpc_endpoint),
        lambda: _run(question, Remote(there)),
        lambda: _run(question, Local(settings)),
    )
    return choose(settings, arguments, candidates)


def ask_in_zone(
    settings: Settings,
    arguments: argparse.Namespace,
    question: Callable[[LedgerAccess, ZoneInfo], Awaitable[T]],
) -> tuple[Answer[T], ZoneInfo]:
    """The same, where arguments have dates: with the zone of the processor that is asked.

    It is that of the own budgets file where the ledger's file is read, or it does not say.
    """

    async def asked(ledger: LedgerAccess) -> tuple[T, ZoneInfo]:
        zone = await ledger.zone() or await Local(settings).zone()
        return await question(ledger, zone), zone

    answer = ask(settings, arguments, asked)
    value, zone = answer.value
    return Answer(value, answer.source, answer.warnings), zone


def _run(question: Callable[[LedgerAccess], Awaitable[T]], ledger: LedgerAccess) -> T:
    async def answer() -> T:
        return await question(ledger)

    return asyncio.run(answer())
