"""What is new in the ledger, as events."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from pydantic import Field

from processor.surfaces.api.documents.budgets import CrossingDocument
from processor.surfaces.api.documents.calls import CallDocument
from processor.surfaces.api.documents.sums import Sums, sums_of
from processor.surfaces.api.documents.values import Answer, AsOfDocument, Document
from processor.surfaces.queries import News


class CallsEvent(Document):
    """Calls that are charged, or charged anew: a later one of a span replaces an earlier one."""

    data: list[CallDocument]


class CrossingsEvent(Document):
    """Budgets that were crossed."""

    data: list[CrossingDocument]


class GapEvent(Document):
    """Some calls or crossings are in no event."""

    detail: str


class TotalsEvent(Answer):
    """What was used up to now."""

    today: Sums
    week: Sums
    month: Sums
    time_zone: str = Field(description="Where today, the week and the month begin.")

    @classmethod
    def from_news(cls, news: News) -> TotalsEvent:
        """The event of an answer."""
        zone = ZoneInfo(news.time_zone)
        today, week, month = (Sums(**sums_of(each)) for each in news.totals)
        as_of = AsOfDocument.from_answer(news.as_of, zone)
        return cls(today=today, week=week, month=month, time_zone=news.time_zone, as_of=as_of)


def events_of(news: News) -> list[tuple[str, Document]]:
    """The events of an answer with their names, in order; that of the totals is the last one."""
    zone = ZoneInfo(news.time_zone)
    events: list[tuple[str, Document]] = []
    if news.is_cut:
        detail = "there was more than events are sent of; ask for calls and crossings"
        events.append(("gap", GapEvent(detail=detail)))
    if news.calls:
        calls = [CallDocument.from_row(each, zone) for each in news.calls]
        events.append(("calls", CallsEvent(data=calls)))
    if news.crossings:
        crossings = [CrossingDocument.from_crossing(each, zone) for each in news.crossings]
        events.append(("crossings", CrossingsEvent(data=crossings)))
    return [*events, ("totals", TotalsEvent.from_news(news))]
