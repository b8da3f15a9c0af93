"""What will have been used by the end of a day, week or month."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from processor.core.errors import InvalidQuestionError
from processor.core.insight import Cells, Forecast, ForecastKind, Reach, forecast, reach_of
from processor.core.model import NOTHING, NS_PER_S, Calendar, Totals
from processor.core.ports import LedgerView
from processor.core.questions import CHARGE_DIMENSIONS, Filters, UsageQuestion
from processor.surfaces.queries import checks
from processor.surfaces.queries.answers import AsOf, as_of
from processor.surfaces.queries.partial import partial_reasons
from processor.surfaces.queries.requests import ForecastRequest

WINDOWS: Final[dict[str, ForecastKind]] = {"today": "day", "week": "week", "month": "month"}
"""The words of windows that are not over, and their kinds."""


@dataclass(frozen=True, slots=True)
class CheckedForecast:
    """A request that has been checked."""

    reach: Reach
    filters: Filters
    calendar: Calendar
    now_ns: int


@dataclass(frozen=True, slots=True)
class ForecastReport:
    """What was used in the window of now, and what will have been by its end."""

    start_s: int
    end_s: int
    time_zone: str
    totals: Totals
    """Of the window so far."""
    forecast: Forecast | None
    """Of the cost; None where it is not known."""
    reason: str
    """Why it cannot; else ``""``."""
    is_at_least: bool
    """Whether calls whose cost is unknown are in what the forecast is made from."""
    partial: tuple[str, ...]
    """Why something is missing from the totals."""
    as_of: AsOf


def check_forecast(
    request: ForecastRequest, calendar: Calendar, own: Sequence[str], now_ns: int
) -> CheckedForecast:
    """The question that a request means. Raises InvalidQuestionError."""
    if request.window not in WINDOWS:
        raise checks.unknown_word("window", request.window, WINDOWS)
    if request.time_zone:
        calendar = calendar._replace(zone=checks.check_zone(request.time_zone))
    filters = checks.check_filters(request.filters, own)
    names = {name for name, _ in filters}
    lacking: list[str] = [name for name in CHARGE_DIMENSIONS if name in names]
    if "user" in names and len(names) > 1:
        lacking.append("user together with others")
    if lacking:
        what = f"a forecast looks at hours, which are not kept by {lacking[0]}"
        fix = "filter by user alone, or by other dimensions"
        raise InvalidQuestionError("filters", what, fix)
    reach = reach_of(WINDOWS[request.window], now_ns // NS_PER_S, calendar)
    return CheckedForecast(reach, filters, calendar, now_ns)


def forecast_report(view: LedgerView, asked: CheckedForecast) -> ForecastReport:
    """Answer a request."""
    reach, filters = asked.reach, asked.filters
    range_s = reach.start_s, reach.end_s
    answer = view.usage(UsageQuestion(*range_s, filters=filters))
    totals = answer.totals[0].totals if answer.totals else NOTHING
    hours, unpriced = _amounts(view, filters, reach.hours)
    days = _amounts(view, filters, reach.days)[0] if reach.days is not None else ()
    found = forecast(reach, totals.cost_nano_usd, hours, days)
    return ForecastReport(
        *range_s,
        asked.calendar.zone.key,
        totals,
        found if isinstance(found, Forecast) else None,
        "" if isinstance(found, Forecast) else found.reason,
        totals.unpriced + unpriced > 0,
        partial_reasons(view, filters, range_s, answer),
        as_of(view.freshness(), asked.now_ns),
    )


def _amounts(view: LedgerView, filters: Filters, cells: Cells) -> tuple[list[int], int]:
    """The cost of the cells that are over, and how many of their calls have none that is known.

    Of a time of which no sums are kept it is 0.
    """
    amounts, unpriced = [0] * cells.known, 0
    edges = cells.known_edges
    if not amounts:
        return amounts, unpriced
    answer = view.usage(UsageQuestion(edges[0], edges[-1], filters=filters, edges=tuple(edges)))
    kept_from_s = answer.left_out[-1][1] if answer.left_out else 0
    for row in answer.totals:
        if edges[row.bucket] >= kept_from_s:
            amounts[row.bucket] = row.totals.cost_nano_usd
            unpriced += row.totals.unpriced
    return amounts, unpriced
