"""Reports of days, weeks and months: when they are due, and what is in them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

from processor.config import Notifications
from processor.core.errors import LedgerUnavailableError
from processor.core.model import Calendar, Standing, Totals
from processor.core.notices import (
    NEAR,
    Notice,
    Part,
    Period,
    Report,
    due_period,
    named_period,
    report_notice,
)
from processor.io.ledger import Ledger
from processor.surfaces.queries import CostQueries, TimeRange, UsageRequest

_LOG = logging.getLogger(__name__)
_LOOK_S: Final = 30.0
_DIMENSIONS: Final = ("agent", "model")
_OWN: Final = "team"
_BRIEF: Final = frozenset({"call", "trace", "agent_run", "session", "task"})
"""What ends by itself: one that was over its limit once would be in every report."""
_PARTS_LISTED: Final = 5


class CostReports:
    """Puts reports into the outbox when they are due, and makes them when they are sent."""

    def __init__(
        self,
        settings: Notifications,
        ledger: Ledger,
        costs: CostQueries,
        clock_s: Callable[[], float] = time.time,
    ) -> None:
        self._settings, self._ledger, self._costs = settings, ledger, costs
        self._clock_s = clock_s
        self._noted: set[tuple[int, str]] = set()
        """What this process has put there, by the position of the setting and the period."""

    async def follow(self) -> None:
        """Look what is due, until this is cancelled."""
        while self._settings.reports:
            try:
                await self.look()
            except LedgerUnavailableError as error:
                _LOG.warning("a report is due, and is noted later: %s", error)
            await asyncio.sleep(_LOOK_S)

    async def look(self) -> None:
        """Put what is due into the outbox, which knows what was put there before."""
        now_s = int(self._clock_s())
        calendar = self._calendar
        for number, each in enumerate(self._settings.reports):
            period = due_period(each.every, each.at_s, calendar, now_s)
            if period is None or (number, period.name(calendar)) in self._noted:
                continue
            await self._ledger.outbox.add_report(each.channels, period.name(calendar), now_s)
            self._noted.add((number, period.name(calendar)))

    async def make(self, name: str, written_s: int) -> Notice:
        """The report of a period. Raises ProcessorError while the ledger cannot be asked."""
        calendar = self._calendar
        period = named_period(name, calendar)
        totals, _ = await self._usage(period)
        before, _ = await self._usage(period.before(calendar))
        own = (_OWN,) if _OWN in self._costs.dimensions else ()
        parts = {each: (await self._usage(period, each))[1] for each in (*_DIMENSIONS, *own)}
        standings = [each.standing for each in (await self._costs.budgets()).states]
        near = [each for each in standings if self._is_near(each)]
        near.sort(key=lambda each: -each.spent / each.limit)
        return report_notice(Report(period, calendar, totals, before, parts, near), written_s)

    def _is_near(self, standing: Standing) -> bool:
        """Whether it has reached its first warning, or is near its limit, and still may change."""
        if standing.scope in _BRIEF and standing.window == "none":
            return False
        budgets = self._ledger.policy.budgets
        warns_at = (each.thresholds[0] for each in budgets if each.name == standing.budget)
        return standing.spent >= standing.limit * min(next(warns_at, NEAR), NEAR)

    async def _usage(self, period: Period, dimension: str = "") -> tuple[Totals, list[Part]]:
        zone = self._calendar.zone.key
        asked = UsageRequest(
            TimeRange(start_s=period.start_s, end_s=period.end_s, time_zone=zone),
            group_by=(dimension,) if dimension else (),
            limit=_PARTS_LISTED,
        )
        report = await self._costs.usage(asked)
        return report.totals, [Part(each.values[0], each.totals) for each in report.groups]

    @property
    def _calendar(self) -> Calendar:
        return self._ledger.policy.calendar
