"""What people ask a ledger of a month, as the benchmark asks it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from ledger_calls import END_S, START_S
from ledger_population import Population

from processor.io.ledger import Ledger

Question = Callable[[], Awaitable[Any]]
_MONTH: Final = START_S, END_S
_DAY: Final = START_S + 16 * 86_400, START_S + 17 * 86_400
_WEEK_S: Final = START_S + 21 * 86_400


def questions_of(ledger: Ledger, population: Population, trace_id: str) -> Mapping[str, Question]:
    """The questions by name; each answers whatever it answers."""

    async def month_by_agent() -> Any:
        return [await ledger.total("agent", agent.name, _MONTH) for agent in population.agents]

    async def users_of_a_day() -> Any:
        return [await ledger.total("user", user.id, _DAY) for user in population.users]

    async def week_by_hour() -> Any:
        hours = range(_WEEK_S, _WEEK_S + 7 * 86_400, 3600)
        return [await ledger.total("total", "", (hour, hour + 3600)) for hour in hours]

    return {
        "summary of the month": lambda: ledger.total("total", "", _MONTH),
        "month by agent": month_by_agent,
        "users of a day, each asked for": users_of_a_day,
        "hours of a week": week_by_hour,
        "a trace": lambda: ledger.total("trace", trace_id),
        "unpriced calls": ledger.unpriced,
    }
