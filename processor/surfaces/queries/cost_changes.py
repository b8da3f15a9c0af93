"""What changes the ledger at somebody's request: reprices, exclusions, forgotten users."""

from __future__ import annotations

import time
from collections.abc import Callable

from processor.core.insight import price_again
from processor.core.model import (
    Exclusion,
    ExclusionRequest,
    ForgetRequest,
    Forgetting,
    JobProgress,
    Repricing,
    Selection,
)
from processor.core.ports import CostLedger, PricesAgain
from processor.core.pricing import Catalog
from processor.surfaces.queries import checks, exclusions
from processor.surfaces.queries.requests import ExcludeRequest


class CostChanges:
    """Changes the ledger, by asking the thread that writes it.

    `catalog` gives the prices in force at the moment of asking; `price_file` is where they are
    from, empty for the bundled ones.

    Every method raises LedgerUnavailableError when the ledger cannot be written, OverloadedError
    beside other long work, and InvalidQuestionError for what cannot be asked.
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

    async def reprice(
        self, start_ns: int, end_ns: int, *, is_dry_run: bool, actor: str = ""
    ) -> Repricing:
        """Price the stored calls again that ended in ``[start, end)``, all with one catalog.

        See `CostLedger.reprice`.
        """
        result = await self._ledger.reprice(
            self._prices_again(),
            (start_ns, end_ns),
            self._now_ns(),
            is_dry_run=is_dry_run,
            actor=actor,
        )
        return result._replace(price_file=self._price_file)

    async def exclude(self, request: ExcludeRequest, actor: str, *, is_dry_run: bool) -> Exclusion:
        """Take calls out of all sums; see `CostLedger.exclude`."""
        selection = exclusions.check_exclude(request)
        asked = ExclusionRequest(selection, request.reason, actor, self._now_ns())
        return await self._ledger.exclude(asked, is_dry_run=is_dry_run)

    async def undo(self, number: int, actor: str, *, is_dry_run: bool) -> Exclusion:
        """Put back what an exclusion has taken out, by its number."""
        asked = ExclusionRequest(Selection(), "", actor, self._now_ns(), number)
        return await self._ledger.exclude(asked, is_dry_run=is_dry_run)

    async def forget(self, user: str, actor: str, *, is_dry_run: bool) -> Forgetting:
        """Take the id of a user out of all that is kept; see `CostLedger.forget`."""
        checks.check_user(user)
        asked = ForgetRequest(user, actor, self._now_ns())
        found = await self._ledger.forget(asked, is_dry_run=is_dry_run)
        return found._replace(tombstone="") if is_dry_run else found

    async def resume_reprice(self) -> None:
        """Go on with a reprice that the last process has not finished, at the prices in force."""
        await self._ledger.resume_reprice(self._prices_again())

    @property
    def job_progress(self) -> JobProgress | None:
        """How far the reprice, exclusion, undo or forgetting under way has come; None for none."""
        return self._ledger.job_progress

    def _prices_again(self) -> PricesAgain:
        catalog = self._catalog()
        return PricesAgain(catalog.version, lambda row: price_again(row, catalog))
