"""Where a command finds the ledger: in its file, or with the processor that has it open."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Generic, NamedTuple, Protocol, TypeVar

from processor.app.assembly import build_changes, build_ledger, build_reader
from processor.app.kept_requests import rename_in_folders
from processor.app.resources import plan_memory
from processor.cli.actor import user_name
from processor.cli.calling import NoAnswerError, Remote
from processor.cli.connection import Connection, connection_from
from processor.cli.sources import budgets_from, prices_from
from processor.config import Settings
from processor.core.errors import LedgerInUseError, OverloadedError
from processor.core.model import Exclusion, Forgetting, JobProgress, Repricing
from processor.core.questions import UnknownAnswer
from processor.io.ledger import examine_file, is_in_use
from processor.surfaces.queries import (
    UNKNOWN_MAX,
    AuditPage,
    CostChanges,
    ExcludeRequest,
    audit_page,
    with_prices,
)
from processor.surfaces.terminal.paint import plain

T = TypeVar("T")
_UNFINISHED_LOOKED_AT_S = 0.2
"""How often to look whether a reprice is done that was not finished by those before."""


class LedgerAccess(Protocol):
    """Answers questions about the ledger."""

    async def unpriced(self) -> UnknownAnswer:
        """Calls whose cost is unknown, most calls first."""

    async def reprice(self, start_ns: int, end_ns: int, *, is_dry_run: bool) -> Repricing:
        """Price the stored calls again that ended in ``[start, end)``."""

    async def job_progress(self) -> JobProgress | None:
        """How far long work has come; None without any."""

    async def exclude(self, request: ExcludeRequest, undo: int, *, is_dry_run: bool) -> Exclusion:
        """Take calls out of all sums, or put back what the exclusion `undo` has taken out."""

    async def forget(self, user: str, *, is_dry_run: bool) -> Forgetting:
        """Take the id of a user out of all that is kept."""

    async def audit(self, since_ns: int, cursor: str, limit: int) -> AuditPage:
        """Who has changed what, latest first."""


class Local:
    """The ledger's file, which may be read while a processor has it open.

    To change it raises LedgerInUseError then.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._changes: CostChanges | None = None
        """While the ledger is open to be changed."""

    async def unpriced(self) -> UnknownAnswer:
        """Calls whose cost is unknown, most calls first."""
        catalog = prices_from(self._settings.pricing.file).catalog
        examine_file(Path(self._settings.ledger.path))
        reader = build_reader(self._settings)
        try:
            found = await reader.ask(lambda view: view.unknown(UNKNOWN_MAX))
            return with_prices(found, catalog)
        finally:
            await reader.close()

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

    async def audit(self, since_ns: int, cursor: str, limit: int) -> AuditPage:
        """Who has changed what, latest first."""
        examine_file(Path(self._settings.ledger.path))
        reader = build_reader(self._settings)
        try:
            return await reader.ask(
                lambda view: audit_page(view, since_ns, cursor, limit, time.time_ns())
            )
        finally:
            await reader.close()

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


class Answer(NamedTuple, Generic[T]):
    """What a question gave, and who has answered it."""

    value: T
    source: str
    """In words for people: a running processor has answered, or a ledger's file was read."""
    warnings: tuple[str, ...] = ()
    """What else might have been meant."""

    def warn(self) -> None:
        """Print the warnings on stderr, beside whatever the command prints."""
        for warning in self.warnings:
            print(f"llm-cost: {plain(warning)}", file=sys.stderr)


def ask(
    settings: Settings,
    arguments: argparse.Namespace,
    question: Callable[[LedgerAccess], Awaitable[T]],
) -> Answer[T]:
    """Ask the processor or the ledger that the arguments mean.

    That is the processor at ``--endpoint``; else the ledger in ``--data-dir``, and where that is
    open, the processor where the settings say that it listens, with a warning; without both that
    processor, and only where none answers the ledger's file. Raises ConfigError, NoAnswerError,
    RefusedError.
    """
    there = connection_from(arguments, settings)
    if arguments.endpoint:
        return _ask_processor(settings, arguments, there, question)
    path = Path(settings.ledger.path)
    if arguments.data_dir and not path.exists():
        fix = "name its folder with --data-dir, or its processor with --endpoint"
        raise NoAnswerError(f"there is no ledger at {path} ({fix})")
    if arguments.data_dir and not is_in_use(path):
        return _read_ledger(settings, path, question)
    try:
        return _ask_processor(settings, arguments, there, question)
    except NoAnswerError as error:
        why, other = f"there is no ledger at {path}", "the ledger's folder with --data-dir"
        if path.exists():
            try:
                return _read_ledger(settings, path, question)
            except LedgerInUseError:
                why = f"a running processor has the ledger at {path} open"
                other = "its settings with --config"
        fix = f"name the processor's address with --endpoint, or {other}"
        raise NoAnswerError(
            f"{why}, and no processor answers at {there.address} ({fix})"
        ) from error


def _ask_processor(
    settings: Settings,
    arguments: argparse.Namespace,
    there: Connection,
    question: Callable[[LedgerAccess], Awaitable[T]],
) -> Answer[T]:
    value = _run(question, Remote(there))
    warnings = []
    path = Path(settings.ledger.path)
    if not arguments.endpoint and path.exists() and not is_in_use(path):
        warnings.append(
            f"the ledger at {path}, which no processor has open, is another one and was not read; "
            "to read it, name its folder with --data-dir"
        )
    if not arguments.endpoint and arguments.data_dir:
        warnings.append(
            f"the ledger at {path} is open; asked was the processor where the settings say, which "
            "may have another one: to be sure, name its processor with --endpoint"
        )
    if arguments.pricing:
        warnings.append(
            "--pricing has no effect here: a running processor uses the prices it has in force"
        )
    return Answer(value, f"answered by the processor at {there.address}", tuple(warnings))


def _read_ledger(
    settings: Settings, path: Path, question: Callable[[LedgerAccess], Awaitable[T]]
) -> Answer[T]:
    whose = "which a processor has open" if is_in_use(path) else "which no processor has open"
    value = _run(question, Local(settings))
    return Answer(value, f"read from the ledger at {path}, {whose}")


def _run(question: Callable[[LedgerAccess], Awaitable[T]], ledger: LedgerAccess) -> T:
    async def answer() -> T:
        return await question(ledger)

    return asyncio.run(answer())
