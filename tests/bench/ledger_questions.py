"""What people ask a ledger of a month, as the benchmark asks it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from ledger_calls import END_S, START_S
from ledger_http import OverHttp
from ledger_population import Population

from processor.core.model import NS_PER_S
from processor.core.ports import CostLedger
from processor.io.ledger import SqliteReader
from processor.surfaces.queries import CallsRequest, CostQueries, TimeRange, UsageRequest
from processor.surfaces.queries.answers import CallsPage

Question = Callable[[], Awaitable[Any]]
_MONTH: Final = TimeRange("month")
_DAY: Final = TimeRange(start_s=START_S + 16 * 86_400, end_s=START_S + 17 * 86_400)
_WEEK: Final = TimeRange(
    start_s=START_S + 14 * 86_400 + 4 * 3600,
    end_s=START_S + 21 * 86_400 + 4 * 3600,
    time_zone="America/New_York",
)
"""Monday to Sunday on the clock of New York, which daylight saving puts four hours behind."""
_ODD: Final = TimeRange(start_s=START_S + 1_234, end_s=END_S - 77_777)
"""Cut within hours and days."""
_ELSEWHERE: Final = TimeRange(
    start_s=START_S - 19_800, end_s=START_S - 19_800 + 28 * 86_400, time_zone="Asia/Kolkata"
)
"""Days that begin half an hour after a cell of the sums, so that their edges are single calls."""


class Asking:
    """Asks the ledger of a file, while it is written or not."""

    def __init__(self, ledger: CostLedger, path: Path, population: Population) -> None:
        self._reader = SqliteReader(path)
        self._population = population
        self._http: OverHttp | None = None
        self._queries = CostQueries(
            lambda: ledger.policy,
            self._reader,
            lambda: population.catalog,
            lambda: END_S * NS_PER_S - 1,
        )

    async def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.close()
        await self._reader.close()

    async def questions(self) -> Mapping[str, Question]:
        """The questions by name, asked at the end of the month; each answers whatever it answers.

        What they name is looked for in the ledger.
        """
        middle = TimeRange(start_s=0, end_s=START_S + 10 * 86_400)
        page = await self._queries.calls(CallsRequest(middle))
        if self._http is None:
            self._http = await OverHttp(self._queries, self._population).start()
        over_http = self._http.questions(page.calls[0].trace_id.hex())
        return self._usages() | self._others(middle, page) | dict(over_http)

    def _usages(self) -> dict[str, Question]:
        first, support = self._population.users[0].id, {"service": ["support-desk"]}
        by_both = ("agent", "model")
        usages = {
            "summary of the month": UsageRequest(_MONTH, compare=True),
            "month by agent": UsageRequest(_MONTH, group_by=("agent",)),
            "month by agent and day": UsageRequest(_MONTH, "day", group_by=("agent",)),
            "month by team": UsageRequest(_MONTH, group_by=("team",)),
            "month by agent and model, of a service": UsageRequest(
                _MONTH, group_by=by_both, filters=support, limit=100
            ),
            "the same, cut within days": UsageRequest(
                _ODD, group_by=by_both, filters=support, limit=100
            ),
            "month of a user by model": UsageRequest(
                _MONTH, group_by=("model",), filters={"user": [first]}
            ),
            "20 users of a day": UsageRequest(_DAY, group_by=("user",)),
            "20 users of the month": UsageRequest(_MONTH, group_by=("user",)),
            "20 sessions of a day": UsageRequest(_DAY, group_by=("session",)),
            "week by hour in New York": UsageRequest(_WEEK, "hour"),
            "week by hour and model": UsageRequest(_WEEK, "hour", group_by=("model",)),
            "four weeks by day of Kolkata and model": UsageRequest(
                _ELSEWHERE, "day", group_by=("model",)
            ),
        }
        queries = self._queries
        return {name: partial(queries.usage, request) for name, request in usages.items()}

    def _others(self, middle: TimeRange, page: CallsPage) -> dict[str, Question]:
        queries, call = self._queries, page.calls[0]
        agent = {"agent": [self._population.agents[5].name]}
        return {
            "newest calls": partial(queries.calls, CallsRequest()),
            "older calls, by cursor": partial(
                queries.calls, CallsRequest(middle, cursor=page.cursor)
            ),
            "newest calls of an agent": partial(queries.calls, CallsRequest(filters=agent)),
            "a trace": partial(queries.trace, call.trace_id.hex()),
            "a session": partial(queries.owner, "session", call.session),
            "calls of unknown cost": queries.unknown,
            "budgets": queries.budgets,
        }
