"""What will have been used by the end of a window, and how that was found."""

from __future__ import annotations

from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from processor.core.insight import Forecast
from processor.core.money import exact_usd
from processor.surfaces.api.documents.values import (
    Answer,
    AsOfDocument,
    Document,
    Moment,
    Share,
    Usd,
    known,
    moment,
    rounded,
)
from processor.surfaces.queries import ForecastReport


class HistoryDocument(Document):
    """What a forecast is made from."""

    method: Literal["weekday_hour_means", "hour_of_day_means", "time_elapsed"] = Field(
        description="Of how the hours to come are expected: as the mean of the same hour of the "
        "same weekday in two to four whole weeks; of the same hour of the day, where less than two "
        "weeks are known; of all hours, where less than three days are."
    )
    starting_at: Moment | None = Field(description="From when on usage was looked at.")
    hours: int = Field(description="How many hours the means are of.")
    level: Share = Field(
        description="What the means are multiplied by: usage of the last week as a share of a week "
        "of them, within 0.5 and 2."
    )
    windows: int = Field(
        description="How many windows before were compared for the interval, each forecast when as "
        "much of it was over as of this one."
    )
    low_ratio: Share | None = Field(
        description="One of ten of them ended at this share of its forecast or below."
    )
    high_ratio: Share | None = Field(description="And one of ten at this share or above.")


class ForecastDocument(Answer):
    """What was used in a window so far, and what will have been by its end."""

    window: str
    starting_at: Moment | None
    ending_at: Moment | None
    time_zone: str
    spent_usd: Usd = Field(description="What was used so far.")
    at_least: bool = Field(
        description="The cost of some calls is unknown, so that more is spent, and will be."
    )
    projected_usd: Usd | None = Field(description="Null where too little is known to say.")
    projected_at_least: bool = Field(
        description="The cost of some calls is unknown, of the window or of the weeks before, so "
        "that more will be spent than projected."
    )
    low_usd: Usd | None = Field(
        description="With `high_usd` what eight of ten windows end between. Null without an "
        "interval."
    )
    high_usd: Usd | None
    reason: str | None = Field(
        description="Why there is no forecast, or no interval; null where there are both."
    )
    history: HistoryDocument | None
    partial: list[str] = Field(description="Why something is missing from what was used.")

    @classmethod
    def from_report(cls, report: ForecastReport, window: str) -> ForecastDocument:
        """The document of a report."""
        zone, found = ZoneInfo(report.time_zone), report.forecast
        interval = None if found is None else found.interval
        return cls(
            window=window,
            starting_at=moment(report.start_s, zone),
            ending_at=moment(report.end_s, zone),
            time_zone=report.time_zone,
            spent_usd=exact_usd(report.totals.cost_nano_usd),
            at_least=report.totals.unpriced > 0,
            projected_usd=None if found is None else exact_usd(found.amount),
            projected_at_least=report.is_at_least,
            low_usd=None if interval is None else exact_usd(interval.low),
            high_usd=None if interval is None else exact_usd(interval.high),
            reason=known(report.reason if found is None else found.no_interval),
            history=None if found is None else _history(found, zone),
            partial=list(report.partial),
            as_of=AsOfDocument.from_answer(report.as_of, zone),
        )


def _history(found: Forecast, zone: ZoneInfo) -> HistoryDocument:
    interval = found.interval
    return HistoryDocument(
        method=found.method,
        starting_at=moment(found.history_s, zone),
        hours=found.history_hours,
        level=round(found.level, 6),
        windows=0 if interval is None else interval.windows,
        low_ratio=rounded(interval.low_ratio if interval else None),
        high_ratio=rounded(interval.high_ratio if interval else None),
    )
