"""Questions about what follows from what was used: what will be used."""

from __future__ import annotations

from collections.abc import Callable

from processor.core.budgets import Policy
from processor.core.ports import LedgerReader
from processor.surfaces.queries import forecasts
from processor.surfaces.queries.forecasts import ForecastReport
from processor.surfaces.queries.requests import ForecastRequest


class InsightQueries:
    """Answers that are made of stored calls, with how each was found; see `CostQueries`."""

    def __init__(
        self, policy: Callable[[], Policy], reader: LedgerReader, now_ns: Callable[[], int]
    ) -> None:
        self._policy = policy
        self._reader = reader
        self._now_ns = now_ns

    async def forecast(self, request: ForecastRequest) -> ForecastReport:
        """What will have been used by the end of today, this week or this month."""
        policy = self._policy()
        asked = forecasts.check_forecast(
            request, policy.calendar, policy.dimensions, self._now_ns()
        )
        return await self._reader.ask(lambda view: forecasts.forecast_report(view, asked))
