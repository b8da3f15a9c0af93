"""What people ask a ledger of a month, as the benchmark asks it: as every surface does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from ledger_calls import END_S, START_S

from processor.config import bundled
from processor.core.pricing import compile_catalog, parse_prices
from processor.io.ledger import Ledger, SqliteReader
from processor.surfaces.queries import CallsRequest, CostQueries, TimeRange, UsageRequest

Question = Callable[[], Awaitable[Any]]
_MONTH: Final = TimeRange(start_s=START_S, end_s=END_S)
_DAY: Final = TimeRange(start_s=START_S + 16 * 86_400, end_s=START_S + 17 * 86_400)
_WEEK: Final = TimeRange(start_s=START_S + 21 * 86_400, end_s=START_S + 28 * 86_400)
_ELSEWHERE: Final = TimeRange(
    start_s=START_S - 19_800, end_s=START_S - 19_800 + 28 * 86_400, time_zone="Asia/Kolkata"
)
_ORG: Final = {"org": ("org-01", "org-02")}


def questions_of(ledger: Ledger, reader: SqliteReader, trace_id: str) -> Mapping[str, Question]:
    """The questions by name; each answers whatever it answers."""
    catalog = compile_catalog(parse_prices(bundled("pricing.yaml"), "pricing.yaml"))
    costs = CostQueries(ledger, reader, lambda: catalog)

    def usage(time: TimeRange, **more: Any) -> Question:
        return lambda: costs.usage(UsageRequest(time, **more))

    return {
        "summary of the month, compared": usage(_MONTH, compare=True),
        "month by agent": usage(_MONTH, group_by=("agent",)),
        "days of the month by agent": usage(_MONTH, bucket="day", group_by=("agent",)),
        "agent and model of the month, filtered": usage(
            _MONTH, group_by=("agent", "model"), filters=_ORG
        ),
        "top 20 users of a day": usage(_DAY, group_by=("user",)),
        "top 20 users of the month": usage(_MONTH, group_by=("user",)),
        "hours of a week": usage(_WEEK, bucket="hour"),
        "days of four weeks elsewhere, by model": usage(
            _ELSEWHERE, bucket="day", group_by=("model",)
        ),
        "top 20 sessions of a day": usage(_DAY, group_by=("session",)),
        "newest page of calls": lambda: costs.calls(CallsRequest()),
        "newest calls of an agent": lambda: costs.calls(
            CallsRequest(filters={"agent": ("docs-assistant-agent-40",)})
        ),
        "a trace": lambda: costs.trace(trace_id),
        "budgets with their state": costs.budgets,
        "unknown costs": costs.unknown,
    }
