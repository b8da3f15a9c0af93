"""What would have cost less, and which days were unlike those before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from processor.core.budgets.window import window_of
from processor.core.insight import DAYS_BEFORE, Advisor, Anomaly, Suggestion, anomalies
from processor.core.model import NS_PER_S, Calendar
from processor.core.ports import LedgerReader, LedgerView
from processor.core.questions import Filters, UsageQuestion
from processor.surfaces.queries import checks
from processor.surfaces.queries.answers import AsOf
from processor.surfaces.queries.checks import CheckedRange
from processor.surfaces.queries.requests import AdviceRequest
from processor.surfaces.queries.stored_calls import CallsReading

ADVICE_MAX: Final = 100
_DAYS_MAX: Final = 366
_COMPARED: Final = ("agent", "model")
"""Dimensions whose values are compared with themselves, beside everything together."""
_VALUES_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class CheckedAdvice:
    """A request that has been checked."""

    time: CheckedRange
    filters: Filters
    limit: int
    now_ns: int


@dataclass(frozen=True, slots=True)
class DayUnlike:
    """A day that cost more, or less, than the same weekday before."""

    start_s: int
    end_s: int
    dimension: str
    """What was compared: ``""`` for everything together."""
    value: str
    anomaly: Anomaly


@dataclass(frozen=True, slots=True)
class AdviceReport:
    """What would have cost less, and days unlike those before."""

    start_s: int
    end_s: int
    time_zone: str
    filters: Filters
    calls: int
    """How many were looked at for suggestions."""
    suggestions: Sequence[Suggestion]
    """What has no condition first, then what has; each the largest first."""
    left_out: int
    """Suggestions beyond those."""
    days: Sequence[DayUnlike]
    """The largest difference first."""
    partial: tuple[str, ...]
    """Why calls are missing."""
    as_of: AsOf


def check_advice(
    request: AdviceRequest, calendar: Calendar, own: Sequence[str], now_ns: int
) -> CheckedAdvice:
    """The question that a request means. Raises InvalidQuestionError."""
    time = checks.check_range(request.time, calendar, now_ns // NS_PER_S)
    filters = checks.check_filters(request.filters, own)
    limit = checks.check_limit(request.limit, ADVICE_MAX)
    return CheckedAdvice(time, filters, limit, now_ns)


async def advice_report(
    reader: LedgerReader, asked: CheckedAdvice, advisor: Advisor
) -> AdviceReport:
    """Answer a request. Raises what `LedgerReader.ask` raises."""
    reading = CallsReading(reader, asked.time, asked.filters, asked.now_ns)
    await reading.go_through(advisor.add)
    suggestions = advisor.close(min(reading.end_s * NS_PER_S, asked.now_ns))
    days = await reader.ask(lambda view: _days_unlike(view, asked))
    return AdviceReport(
        reading.start_s,
        reading.end_s,
        asked.time.calendar.zone.key,
        asked.filters,
        advisor.calls,
        suggestions[: asked.limit],
        max(len(suggestions) - asked.limit, 0),
        days[: asked.limit],
        reading.partial,
        reading.as_of,
    )


def _days_unlike(view: LedgerView, asked: CheckedAdvice) -> list[DayUnlike]:
    """Whole days of the time that are unlike those before, the largest difference first."""
    edges = _day_edges(view, asked)
    # Sums of sessions, tasks and traces by day would be made of single calls.
    if len(edges) < 2 or not {"session", "task", "trace"}.isdisjoint(dict(asked.filters)):
        return []
    found = list(_unlike(view, asked, edges, ""))
    for dimension in _COMPARED:
        if dimension not in dict(asked.filters):
            found += _unlike(view, asked, edges, dimension)
    return sorted(found, key=lambda each: (-abs(each.anomaly.difference_nano_usd), each.start_s))


def _day_edges(view: LedgerView, asked: CheckedAdvice) -> tuple[int, ...]:
    """Whole days of the time and of the weeks before it, none that is not over."""
    calendar, now_s = asked.time.calendar, asked.now_ns // NS_PER_S
    first_s = max(view.freshness().first_charge_s, asked.time.start_s)
    end_s, _ = window_of("day", min(asked.time.end_s, now_s), calendar)
    edges = [end_s]
    further = DAYS_BEFORE
    while len(edges) <= _DAYS_MAX and edges[-1] > 0 and (edges[-1] > first_s or further):
        further -= edges[-1] <= first_s
        edges.append(window_of("day", edges[-1] - 1, calendar)[0])
    return tuple(reversed(edges))


def _unlike(
    view: LedgerView, asked: CheckedAdvice, edges: tuple[int, ...], dimension: str
) -> Iterator[DayUnlike]:
    grouped = (dimension,) if dimension else ()
    answer = view.usage(
        UsageQuestion(edges[0], edges[-1], grouped, asked.filters, edges, limit=_VALUES_MAX)
    )
    days: dict[str, list[int]] = {}
    for row in answer.rows if dimension else answer.totals:
        amounts = days.setdefault(row.values[0] if dimension else "", [0] * (len(edges) - 1))
        amounts[row.bucket] = row.totals.cost_nano_usd
    for value, amounts in days.items():
        for found in anomalies(amounts):
            start_s, end_s = edges[found.day : found.day + 2]
            if start_s >= asked.time.start_s and (value or not dimension):
                yield DayUnlike(start_s, end_s, dimension, value, found)
