"""Questions about cost, answered from the ledger and the prices in force.

Surfaces ask them of a running processor, and commands of a ledger that no processor has open.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import cast

from processor.core.budgets.window import window_of
from processor.core.insight import mark_priced, price_again
from processor.core.model import Repricing, Scope, Standing, Totals, UnpricedCalls, WindowKind
from processor.core.ports import CostLedger
from processor.core.pricing import Catalog

_NS_PER_S = 10**9


class CostQueries:
    """Answers from the ledger; `catalog` gives the prices in force at the moment of asking."""

    def __init__(self, ledger: CostLedger, catalog: Callable[[], Catalog]) -> None:
        self._ledger = ledger
        self._catalog = catalog

    async def totals(
        self, scope: str, scope_id: str, window: str, at_ns: int | None
    ) -> tuple[Totals, int, int]:
        """Totals of a scope in the window that holds a moment, with the window."""
        time_s = (at_ns or time.time_ns()) // _NS_PER_S
        kind = cast("WindowKind", window)
        start_s, end_s = window_of(kind, time_s, self._ledger.policy.calendar)
        totals = await self._ledger.total(cast("Scope", scope), scope_id, (start_s, end_s))
        return totals, start_s, end_s

    async def standing(self, scopes: Mapping[str, str], at_ns: int | None) -> list[Standing]:
        """How scopes stand against their budgets."""
        time_s = (at_ns or time.time_ns()) // _NS_PER_S
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
            time.time_ns(),
            is_dry_run=is_dry_run,
        )
        return result._replace(price_version=catalog.version)
