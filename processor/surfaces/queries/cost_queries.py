"""Questions about cost, answered from the ledger and the prices in force.

Surfaces ask them of a running processor, and commands of a ledger that no processor has open.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import NamedTuple, cast

from processor.core.budgets.window import window_of
from processor.core.insight import mark_priced, price_again
from processor.core.model import (
    NS_PER_S,
    Repricing,
    Standing,
    Totals,
    UnpricedCalls,
    WindowKind,
)
from processor.core.ports import CostLedger
from processor.core.pricing import Catalog


class WindowTotals(NamedTuple):
    """Totals of a scope, and the window that they are of in epoch seconds; (0, 0) for all time."""

    totals: Totals
    start_s: int
    end_s: int
    label: str = ""
    """What people call the scope id: the title of a task."""


class CostQueries:
    """Answers from the ledger; `catalog` gives the prices in force at the moment of asking.

    `price_file` is where they are from, empty for the bundled ones.

    Every method raises LedgerUnavailableError when the ledger cannot be read. `at_ns` is a moment
    in nanoseconds since the Unix epoch, None for now.
    """

    def __init__(
        self,
        ledger: CostLedger,
        catalog: Callable[[], Catalog],
        now_ns: Callable[[], int] = time.time_ns,
        *,
        price_file: str = "",
    ) -> None:
        self._ledger = ledger
        self._catalog = catalog
        self._now_ns = now_ns
        self._price_file = price_file

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The operator's own dimensions, which questions may name as scopes."""
        return self._ledger.policy.dimensions

    async def totals(
        self, scope: str, scope_id: str, window: str, at_ns: int | None
    ) -> WindowTotals:
        """Totals of a scope in the window that holds a moment; see `check_totals`."""
        time_s = (at_ns or self._now_ns()) // NS_PER_S
        kind = cast("WindowKind", window)
        start_s, end_s = window_of(kind, time_s, self._ledger.policy.calendar)
        totals = await self._ledger.total(scope, scope_id, (start_s, end_s))
        label = await self._ledger.task_title(scope_id) if scope == "task" else ""
        return WindowTotals(totals, start_s, end_s, label)

    async def standing(self, scopes: Mapping[str, str], at_ns: int | None) -> list[Standing]:
        """How scopes stand against their budgets; see `check_scopes`."""
        time_s = (at_ns or self._now_ns()) // NS_PER_S
        return await self._ledger.standing(scopes, time_s)

    async def unpriced(self) -> list[UnpricedCalls]:
        """Calls without a price, alike ones together, most calls first."""
        return mark_priced(await self._ledger.unpriced(), self._catalog())

    async def reprice(self, start_ns: int, end_ns: int, *, is_dry_run: bool) -> Repricing:
        """Price the stored calls again that ended in ``[start, end)``, all with one catalog."""
        catalog = self._catalog()
        result = await self._ledger.reprice(
            lambda row: price_again(row, catalog),
            (start_ns, end_ns),
            self._now_ns(),
            is_dry_run=is_dry_run,
        )
        return result._replace(price_version=catalog.version, price_file=self._price_file)
