"""Notes in the ledger's audit which budgets, prices and settings are in force."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeVar

from processor.config import Settings
from processor.core.budgets import Policy
from processor.core.budgets.wording import budget_text
from processor.core.pricing import Catalog
from processor.core.pricing.written import prices_text
from processor.io.ledger import InForce, Ledger

T = TypeVar("T")
_VERSION_CHARS: Final = 12
_BUNDLED: Final = "the bundled defaults"


class AuditNotes:
    """Says what is in force at the start, and again when a file has changed.

    The ledger writes a line where that is something else than before, also while it was stopped.
    """

    def __init__(self, ledger: Ledger, settings: Settings) -> None:
        self._ledger = ledger
        self._settings = settings

    async def start(self, policy: Policy, catalog: Catalog) -> None:
        """Note what is in force at the start."""
        await self.budgets(policy)
        await self.prices(catalog)
        kept = self._settings.ledger.retention
        ages = {f"retention.{name}": str(age) for name, age in kept}
        version = hashlib.sha256(repr(sorted(ages.items())).encode()).hexdigest()[:_VERSION_CHARS]
        await self._note("settings", "ledger", "the settings it was started with", version, ages)

    def after(
        self, use: Callable[[T], Awaitable[None]], note: Callable[[T], Awaitable[None]]
    ) -> Callable[[T], Awaitable[None]]:
        """What puts a value into force, and then notes it."""

        async def put_into_force(value: T) -> None:
            await use(value)
            await note(value)

        return put_into_force

    async def budgets(self, policy: Policy) -> None:
        """Note the budgets in force."""
        values = {budget.name: budget_text(budget) for budget in policy.budgets}
        await self._note_file("budgets", self._settings.budgets.file, policy.version, values)

    async def prices(self, catalog: Catalog) -> None:
        """Note the prices in force: those of the file one by one."""
        values = {"catalogues": ", ".join(catalog.catalogue_names)}
        values |= {
            f"{entry.provider}:{entry.model}": prices_text(entry)
            for entry in catalog.sources.entries.entries
        }
        await self._note_file("prices", self._settings.pricing.file, catalog.version, values)

    async def _note_file(
        self, action: str, file: str, version: str, values: dict[str, str]
    ) -> None:
        await self._note(action, file or _BUNDLED, _owner_of(file), version, values)

    async def _note(
        self, action: str, subject: str, actor: str, version: str, values: dict[str, str]
    ) -> None:
        await self._ledger.note_in_force(
            InForce(time.time_ns(), actor, action, subject, version, values)
        )


def _owner_of(file: str) -> str:
    """Whose a file is: that is who can have changed it, as far as can be known."""
    if not file:
        return "the program"
    try:
        return f"{Path(file).owner()}, owner of the file"
    except (OSError, KeyError, NotImplementedError):
        return "the owner of the file"
