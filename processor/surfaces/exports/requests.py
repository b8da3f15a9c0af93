"""What an export is asked for, and which files that makes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo

from processor.core.budgets.window import window_of
from processor.core.columns import Column
from processor.core.errors import InvalidQuestionError
from processor.core.model import Calendar, WindowKind
from processor.core.questions import Filters
from processor.surfaces.exports import calls, focus_columns, usage
from processor.surfaces.queries import TimeRange, check_zone, unknown_word
from processor.surfaces.queries.checks import check_filters, check_range

Dataset = Literal["calls", "usage", "focus"]
Grain = Literal["hour", "day"]
Every = Literal["day", "month"]
Unpriced = Literal["include", "omit", "fail"]
_GRAINS: Final[tuple[str, ...]] = get_args(Grain)
_EVERY: Final[tuple[str, ...]] = get_args(Every)
_FILES_MAX: Final = 1000
_UTC: Final = ZoneInfo("UTC")
_A_FILE: Final[dict[Dataset, Every]] = {"calls": "day", "usage": "month", "focus": "month"}
_COLUMNS: Final[dict[Dataset, Sequence[Column]]] = {
    "calls": calls.COLUMNS,
    "usage": usage.COLUMNS,
    "focus": focus_columns.COLUMNS,
}


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """Which rows are wanted, in files of whole days or months."""

    dataset: Dataset = "usage"
    time: TimeRange = field(default_factory=TimeRange)
    """Any file that has a part of it is written as a whole."""
    grain: Grain = "day"
    """Whether rows of `usage` and `focus` are sums of an hour or of a day."""
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    unpriced: Unpriced = "include"
    """What becomes of rows whose cost is unknown: they are there, or they are left out and
    counted, or there is no file."""
    account: str = "llm-cost"
    """What `focus` names as the billing account."""
    every: Every | Literal[""] = ""
    """The time of one file; ``""`` for a day of `calls`, and a month of the others."""

    @property
    def file_time(self) -> Every:
        """The time of one file."""
        return self.every or _A_FILE[self.dataset]


class Period(NamedTuple):
    """The time of one file, ``[start, end)`` in epoch seconds."""

    label: str
    """``2026-11-30`` or ``2026-11``."""
    start_s: int
    end_s: int


@dataclass(frozen=True, slots=True)
class CheckedExport:
    """A request that has been checked."""

    request: ExportRequest
    calendar: Calendar
    """Where its days and months begin."""
    filters: Filters
    periods: tuple[Period, ...]

    @property
    def columns(self) -> Sequence[Column]:
        """Of its rows."""
        return _COLUMNS[self.request.dataset]


def check_export(
    request: ExportRequest,
    calendar: Calendar,
    own: Sequence[str],
    reach_s: tuple[int, int],
    now_s: int,
) -> CheckedExport:
    """Check a request. Raises InvalidQuestionError.

    `reach_s` is when the first and the last call of the ledger ended, which is all time; `own` are
    the operator's own dimensions.
    """
    calendar = calendar_of(request, calendar)
    range_ = check_range(request.time, calendar, now_s)
    filters = check_filters(request.filters, own)
    start_s, end_s = range_.start_s, min(range_.end_s, now_s + 1)
    if range_.is_all_time:
        first_s, last_s = reach_s if reach_s[1] else (now_s, now_s)
        start_s, end_s = first_s, last_s + 1
    if start_s >= end_s:
        raise InvalidQuestionError("start", "is after the last file there can be, that of now")
    kind = request.file_time
    found = []
    for period in _periods(kind, start_s, end_s, range_.calendar):
        found.append(period)
        if len(found) > _FILES_MAX:
            what = f"has more than {_FILES_MAX} files, one for each {kind}"
            raise InvalidQuestionError("window", what, "ask for a shorter time")
    return CheckedExport(request, range_.calendar, filters, tuple(found))


def check_finished(
    request: ExportRequest,
    calendar: Calendar,
    own: Sequence[str],
    first_s: int,
    *,
    until_s: int,
    most: int,
) -> CheckedExport:
    """The latest files whose time has ended by a moment, `most` at most, the earliest first.

    Those that end before `first_s`, when the first call of the ledger ended, are left out, but for
    the latest one: a time without calls has a file as well. Raises InvalidQuestionError.
    """
    calendar = calendar_of(request, calendar)
    kind, found = request.file_time, list[Period]()
    at_s, _ = window_of(kind, until_s, calendar)
    while len(found) < most and (not found or at_s > first_s > 0):
        period = _period_at(kind, at_s - 1, calendar)
        found.append(period)
        at_s = period.start_s
    filters = check_filters(request.filters, own)
    return CheckedExport(request, calendar, filters, tuple(reversed(found)))


def calendar_of(request: ExportRequest, calendar: Calendar) -> Calendar:
    """Where its days and months begin, unless it is elsewhere; checks what needs no ledger.

    Raises InvalidQuestionError.
    """
    if request.dataset == "focus":
        # The specification has billing periods in UTC.
        if request.time.time_zone not in {"", "UTC"}:
            what = f"is UTC for focus, not {request.time.time_zone}"
            raise InvalidQuestionError("time_zone", what, "leave it out")
        calendar = calendar._replace(zone=_UTC)
    if request.grain not in _GRAINS:
        raise unknown_word("grain", request.grain, _GRAINS)
    if request.file_time not in _EVERY:
        raise unknown_word("every", request.every, _EVERY)
    if request.time.time_zone:
        return calendar._replace(zone=check_zone(request.time.time_zone))
    return calendar


def _periods(kind: WindowKind, start_s: int, end_s: int, calendar: Calendar) -> Iterator[Period]:
    at_s = start_s
    while at_s < end_s:
        period = _period_at(kind, at_s, calendar)
        yield period
        at_s = period.end_s


def _period_at(kind: WindowKind, at_s: int, calendar: Calendar) -> Period:
    first_s, after_s = window_of(kind, at_s, calendar)
    form = "%Y-%m-%d" if kind == "day" else "%Y-%m"
    # A day whose midnight the clock jumps over begins later; its noon is in it all the same.
    moment = datetime.fromtimestamp((first_s + after_s) // 2, calendar.zone)
    return Period(moment.strftime(form), first_s, after_s)
