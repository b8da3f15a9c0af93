"""What will have been used by the end of a window, in a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from processor.core.amounts import short_usd
from processor.surfaces.api.documents import BudgetDocument, ForecastDocument
from processor.surfaces.terminal.moments import clock, date_of
from processor.surfaces.terminal.paint import plain, wrap

_METHODS: Final = {
    "weekday_hour_means": "",
    "hour_of_day_means": ", from the hours of the last days",
    "time_elapsed": ", as the time until now went",
}
_LIMITS_MAX: Final = 3


def forecast_lines(document: ForecastDocument, what: str, width: int) -> Iterator[tuple[str, str]]:
    """Lines with their style; `what` names the window where others are shown as well."""
    before = f"{what}: " if what else ""
    if document.projected_usd is None:
        line, style = f"{before}no forecast: {document.reason}", "dim"
    else:
        at_least = "at least " if document.projected_at_least else ""
        line = f"{before}projected {at_least}{short_usd(document.projected_usd)}"
        style = ""
        if document.low_usd is not None and document.high_usd is not None:
            line += (
                f", 80 % between {short_usd(document.low_usd)} and {short_usd(document.high_usd)}"
            )
        elif document.history is not None:
            line += _METHODS[document.history.method]
    yield from ((style, part) for part in wrap(line, width - 1, hang=2))
    if not what and document.projected_usd is not None and document.reason:
        yield from (("dim", part) for part in wrap(document.reason, width - 1, hang=2))


def crossing_lines(
    rows: Sequence[BudgetDocument], today: date | None, width: int
) -> Iterator[tuple[str, str]]:
    """Which limits will be met soon, the first ones first."""
    soon = sorted(
        (each for each in rows if each.projected_crossing_at is not None),
        key=lambda each: each.projected_crossing_at or "",
    )
    for row in soon[:_LIMITS_MAX]:
        whose = f" of {plain(row.scope_id)}" if row.scope_id else ""
        when = clock(row.projected_crossing_at, today)
        line = f"{plain(row.budget)}{whose}: projected to reach its limit at {when[:-3]}"
        if date_of(row.projected_crossing_at) != today:
            line = f"{plain(row.budget)}{whose}: projected to reach its limit on {when}"
        yield from (("orange", part) for part in wrap(line, width - 1, hang=2))
    if len(soon) > _LIMITS_MAX:
        yield "orange", f"and {len(soon) - _LIMITS_MAX} further ones"
