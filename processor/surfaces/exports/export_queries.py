"""What exports ask of a ledger: which files there should be, and the rows of each."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from processor.core.budgets import Policy
from processor.core.model import NS_PER_S
from processor.core.ports import LedgerReader
from processor.surfaces.exports.reading import PeriodReading, fingerprint_of, is_deleted
from processor.surfaces.exports.requests import (
    CheckedExport,
    ExportRequest,
    Period,
    check_export,
    check_finished,
)


class ExportQueries:
    """What exports ask of a ledger; see `CostQueries`, whose errors it raises."""

    def __init__(
        self,
        policy: Callable[[], Policy],
        reader: LedgerReader,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._policy = policy
        self._reader = reader
        self._now_ns = now_ns

    async def check(self, request: ExportRequest) -> CheckedExport:
        """Which files a request makes."""
        policy = self._policy()
        reach = await self._reader.ask(lambda view: view.freshness())
        return check_export(
            request,
            policy.calendar,
            policy.dimensions,
            (reach.first_charge_s, reach.last_charge_s),
            self._now_ns() // NS_PER_S,
        )

    async def check_finished(
        self, request: ExportRequest, until_s: int, most: int
    ) -> CheckedExport:
        """The files that there should be by a moment, `most` of the latest ones."""
        policy = self._policy()
        reach = await self._reader.ask(lambda view: view.freshness())
        return check_finished(
            request, policy.calendar, policy.dimensions, reach.first_charge_s,
            until_s=until_s, most=most,
        )  # fmt: skip

    async def has_changed(
        self, asked: CheckedExport, period: Period, entry: Mapping[str, Any]
    ) -> bool:
        """Whether a file would have other rows than when its entry in a manifest was written.

        False where calls or hours of it have been deleted meanwhile, which only the file has now.
        """
        as_of = entry["as_of"]
        found = await self._reader.ask(lambda view: view.freshness())
        before: str = as_of.get("fingerprint", "")
        return (
            found.version != as_of["version"]
            and await fingerprint_of(self._reader, asked, period) != before
            and not await is_deleted(self._reader, asked, period)
        )

    def read(self, asked: CheckedExport, period: Period) -> PeriodReading:
        """The rows of one file."""
        return PeriodReading(asked, period, self._reader, self._now_ns)
