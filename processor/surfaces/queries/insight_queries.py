"""Questions about what follows from what was used: what will be, and what could have been."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from processor.core.budgets import Policy
from processor.core.insight import Advisor, LowQuality
from processor.core.ports import LedgerReader
from processor.core.pricing import Catalog
from processor.surfaces.queries import advice, efficiency, forecasts, what_ifs
from processor.surfaces.queries.advice import AdviceReport
from processor.surfaces.queries.efficiency import EfficiencyReport
from processor.surfaces.queries.forecasts import ForecastReport
from processor.surfaces.queries.requests import AdviceRequest, ForecastRequest, WhatIfRequest
from processor.surfaces.queries.what_ifs import WhatIfReport


class InsightQueries:
    """Answers that are made of stored calls, with how each was found; see `CostQueries`."""

    def __init__(
        self,
        policy: Callable[[], Policy],
        reader: LedgerReader,
        catalog: Callable[[], Catalog],
        now_ns: Callable[[], int],
        low_quality: LowQuality,
    ) -> None:
        self._policy = policy
        self._reader = reader
        self._catalog = catalog
        self._now_ns = now_ns
        self._low_quality = low_quality
        self._one_at_a_time = asyncio.Semaphore(1)
        """Questions that go through single calls keep a processor busy for seconds, of which
        batches need one."""

    async def forecast(self, request: ForecastRequest) -> ForecastReport:
        """What will have been used by the end of today, this week or this month."""
        policy = self._policy()
        asked = forecasts.check_forecast(
            request, policy.calendar, policy.dimensions, self._now_ns()
        )
        return await self._reader.ask(lambda view: forecasts.forecast_report(view, asked))

    async def what_if(self, request: WhatIfRequest, other: Catalog | None = None) -> WhatIfReport:
        """What calls would have cost with other models, or at the prices of another catalog.

        Without either it is what they would cost at the prices in force. Single calls are read,
        as far as they are kept, and up to `CALLS_MAX` of them.
        """
        policy, catalog = self._policy(), other or self._catalog()
        asked = what_ifs.check_what_if(
            request, policy.calendar, policy.dimensions, self._now_ns(), catalog
        )
        async with self._one_at_a_time:
            return await what_ifs.what_if_report(self._reader, asked, catalog)

    async def advice(self, request: AdviceRequest) -> AdviceReport:
        """What would have cost less, and which days were unlike those before.

        Single calls are read, as far as they are kept, and up to `CALLS_MAX` of them.
        """
        policy = self._policy()
        asked = advice.check_advice(request, policy.calendar, policy.dimensions, self._now_ns())
        advisor = Advisor(self._catalog(), self._low_quality)
        async with self._one_at_a_time:
            return await advice.advice_report(self._reader, asked, advisor)

    async def efficiency(self, task: str) -> EfficiencyReport:
        """How much a task has used beside others of its type. Raises NotFoundError."""
        advisor = Advisor(self._catalog(), self._low_quality)
        calendar, now_ns = self._policy().calendar, self._now_ns()
        async with self._one_at_a_time:
            return await efficiency.efficiency_report(self._reader, task, calendar, now_ns, advisor)
