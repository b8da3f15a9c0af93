"""Where a command finds the ledger: in its file, or with the processor that has it open."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Protocol, TypeVar

from processor.app.assembly import build_ledger
from processor.cli.calling import TOKEN_VARIABLE, NoAnswerError, Remote
from processor.cli.sources import budgets_from, prices_from
from processor.config import Settings
from processor.core.errors import LedgerInUseError
from processor.core.insight import mark_priced
from processor.core.model import Repricing, UnpricedCalls
from processor.core.otlp.addresses import host_and_port, parse_listen
from processor.io.ledger import SqliteStore
from processor.surfaces.queries import CostQueries

T = TypeVar("T")

_WILDCARDS = frozenset({"::", "0.0.0.0"})  # noqa: S104 - compared with, not bound to


class LedgerAccess(Protocol):
    """Answers questions about the ledger."""

    async def unpriced(self) -> list[UnpricedCalls]:
        """Calls without a price, most calls first."""

    async def reprice(self, start_ns: int, end_ns: int, *, is_dry_run: bool) -> Repricing:
        """Price the stored calls again that ended in ``[start, end)``."""


class Local:
    """The ledger's file. Raises LedgerInUseError while a processor has it open."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def unpriced(self) -> list[UnpricedCalls]:
        """Calls without a price, most calls first."""
        catalog = prices_from(self._settings.pricing.file).catalog
        # Not through a `Ledger`: that would first put this command's budgets into force.
        with closing(SqliteStore(Path(self._settings.ledger.path))) as store:
            return mark_priced(store.unpriced(), catalog)

    async def reprice(self, start_ns: int, end_ns: int, *, is_dry_run: bool) -> Repricing:
        """Price the stored calls again that ended in ``[start, end)``."""
        catalog = prices_from(self._settings.pricing.file).catalog
        ledger = build_ledger(self._settings, budgets_from(self._settings.budgets.file))
        try:
            await ledger.start()
            return await CostQueries(ledger, lambda: catalog).reprice(
                start_ns, end_ns, is_dry_run=is_dry_run
            )
        finally:
            await ledger.close()


def ask(
    settings: Settings, endpoint: str | None, question: Callable[[LedgerAccess], Awaitable[T]]
) -> T:
    """Ask the processor at `endpoint`; without one, the ledger's file or its processor.

    The file is read while no processor has it open; otherwise the processor is asked at the address
    where the settings say that it listens. Raises ConfigError, NoAnswerError, RefusedError.
    """
    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    if endpoint:
        return _run(question, Remote(endpoint, token))
    path = Path(settings.ledger.path)
    why = f"there is no ledger at {path}"
    if path.exists():
        try:
            return _run(question, Local(settings))
        except LedgerInUseError:
            why = f"a running processor has the ledger at {path} open"
    listens = _listening_at(settings)
    known = settings.receivers.otlp.protocols.grpc.auth.bearer_tokens
    try:
        return _run(question, Remote(listens, token or next(iter(known), "")))
    except NoAnswerError as error:
        fix = "name the processor's address with --endpoint, or the ledger's folder with --data-dir"
        raise NoAnswerError(f"{why}, and no processor answers at {listens} ({fix})") from error


def _run(question: Callable[[LedgerAccess], Awaitable[T]], ledger: LedgerAccess) -> T:
    async def answer() -> T:
        return await question(ledger)

    return asyncio.run(answer())


def _listening_at(settings: Settings) -> str:
    """Where a processor with these settings can be reached from its own machine."""
    address = parse_listen(settings.receivers.otlp.protocols.grpc.endpoint)
    host = "127.0.0.1" if address.host in _WILDCARDS else address.host
    return host_and_port(host, address.port)
