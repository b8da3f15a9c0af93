"""What will have been used by the end of a window, from what was used at the same times before."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, Literal, NamedTuple

from processor.core.insight.reach import HOUR_S, HOURS_A_DAY, HOURS_A_WEEK, Cells, Reach

Method = Literal["weekday_hour_means", "hour_of_day_means", "time_elapsed"]
WEEKS_MAX: Final = 4
WINDOWS_COMPARED_MIN: Final = 8
LEVEL_MIN, LEVEL_MAX = 0.5, 2.0
"""How far the last week may move a forecast."""
_LOW, _HIGH = 0.1, 0.9
_DAYS_A_WEEK: Final = 7
_WEEKS_MIN: Final = 2
_DAYS_MIN: Final = 3


class Interval(NamedTuple):
    """Between which amounts eight of ten windows end."""

    low: int
    high: int
    low_ratio: float
    """Actual to forecast amount: one window of ten had a lower one at this share of it …"""
    high_ratio: float
    """… and one of ten a higher one."""
    windows: int
    """How many windows before were compared."""


class Forecast(NamedTuple):
    """What will have been used by the end of a window. Amounts are nano-USD or tokens."""

    amount: int
    spent: int
    method: Method
    history_s: int
    """From which moment on usage was looked at."""
    history_hours: int
    """How many hours of it the means are of."""
    level: float
    """By how much the last week was above these means."""
    interval: Interval | None
    no_interval: str
    """Why there is none; else ``""``."""
    path: Sequence[tuple[int, int]]
    """(start of an hour, all that will have been used by its end), from the hour of now on."""

    def reached_at(self, limit: int) -> int | None:
        """The start of the first hour in which a limit is met.

        None where it is met already, or not in this window.
        """
        if self.spent >= limit:
            return None
        return next((start_s for start_s, amount in self.path if amount >= limit), None)


class CannotTell(NamedTuple):
    """That there is no forecast."""

    reason: str


class _Basis(NamedTuple):
    """What the hours to come are expected from."""

    method: Method
    first: int
    """The first hour that is looked at."""
    expected: Sequence[float]
    """For each hour that is not over, the one of now included as a whole."""
    level: float


def forecast(
    reach: Reach, spent: int, hours: Sequence[int], days: Sequence[int] = ()
) -> Forecast | CannotTell:
    """The forecast of the window of now.

    `spent` is what was used in it so far; `hours` and `days` are what was used in the cells of
    `reach` that are over. Means are of each hour of the week over four whole weeks, of less than
    two weeks of each hour of the day, of less than three days of all hours. The first ones are
    multiplied by the level of the last week, within 0.5 to 2.
    """
    first = next((at for at, amount in enumerate(hours) if amount), None)
    if first is None:
        return CannotTell("nothing was used in the weeks before, so there is nothing to go by")
    least = 1 if reach.kind == "day" else HOURS_A_DAY
    if reach.hours.known - first < least:
        needed = "an hour" if least == 1 else "a day"
        return CannotTell(f"usage is known for less than {needed}, which is too little to go by")
    basis = _basis(reach.hours, hours, first)
    path = list(_path(reach, spent, basis))
    amount = path[-1][1] if path else spent
    interval: Interval | str = _NO_WINDOWS[reach.kind]
    if basis.method == "weekday_hour_means" and reach.before:
        interval = _interval(reach, hours, days, amount, spent)
    return Forecast(
        amount,
        spent,
        basis.method,
        reach.hours.edges[basis.first],
        reach.hours.known - basis.first,
        basis.level,
        None if isinstance(interval, str) else interval,
        interval if isinstance(interval, str) else "",
        path,
    )


def _basis(cells: Cells, hours: Sequence[int], first: int) -> _Basis:
    known, total = cells.known, len(cells.labels)
    weeks = min((known - first) // HOURS_A_WEEK, WEEKS_MAX)
    if weeks >= _WEEKS_MIN:
        first = known - weeks * HOURS_A_WEEK
        expected = _expected(cells, hours, (first, known, total), HOURS_A_WEEK)
        return _Basis("weekday_hour_means", first, expected, _level(hours, first, known))
    days = (known - first) // HOURS_A_DAY
    if days >= _DAYS_MIN:
        first = known - days * HOURS_A_DAY
        daily = cells._replace(labels=[label % HOURS_A_DAY for label in cells.labels])
        expected = _expected(daily, hours, (first, known, total), 0)
        return _Basis("hour_of_day_means", first, expected, 1.0)
    mean = sum(hours[first:known]) / (known - first)
    return _Basis("time_elapsed", first, [mean] * (total - known), 1.0)


def _path(reach: Reach, spent: int, basis: _Basis) -> Iterator[tuple[int, int]]:
    edges, known = reach.hours.edges, reach.hours.known
    amount = float(spent)
    for expected, (start_s, end_s) in zip(basis.expected, pairwise(edges[known:]), strict=True):
        amount += expected * (end_s - max(start_s, reach.now_s)) / HOUR_S
        yield start_s, max(round(amount), spent)


def _expected(
    cells: Cells, amounts: Sequence[int], at: tuple[int, int, int], a_week: int
) -> list[float]:
    """What is expected in cells ``[now, end)``: the mean of those alike in ``[first, now)``.

    It is moved by the level of the last `a_week` cells, unless that is 0.
    """
    first, now, end = at
    sums: defaultdict[int, float] = defaultdict(float)
    counts: defaultdict[int, int] = defaultdict(int)
    for label, amount in zip(cells.labels[first:now], amounts[first:now], strict=True):
        sums[label] += amount
        counts[label] += 1
    level = _level(amounts, first, now, a_week) if a_week else 1.0
    mean = sum(sums.values()) / (now - first)
    # An hour that the clock jumps over in each of the weeks has no mean of its own.
    return [
        level * (sums[label] / counts[label] if label in counts else mean)
        for label in cells.labels[now:end]
    ]


def _level(amounts: Sequence[int], first: int, now: int, a_week: int = HOURS_A_WEEK) -> float:
    whole = sum(amounts[first:now])
    if not whole:
        return 1.0
    level = sum(amounts[now - a_week : now]) / a_week / (whole / (now - first))
    return min(max(level, LEVEL_MIN), LEVEL_MAX)


_NO_WINDOWS: Final = {
    kind: f"no range around it yet: that needs {WINDOWS_COMPARED_MIN} {kind}s before this one, and "
    "four weeks before the first of them"
    for kind in ("day", "week", "month")
}


def _interval(
    reach: Reach, hours: Sequence[int], days: Sequence[int], amount: int, spent: int
) -> Interval | str:
    """Where eight of ten windows before have ended, when they were as far as this one."""
    if reach.days is None:
        ratios = list(_ratios(reach, reach.hours, hours, HOURS_A_WEEK))
    else:
        ratios = list(_ratios(reach, reach.days, days, _DAYS_A_WEEK))
    if len(ratios) < WINDOWS_COMPARED_MIN:
        return _NO_WINDOWS[reach.kind]
    low_ratio, high_ratio = quantile(ratios, _LOW), quantile(ratios, _HIGH)
    low = min(max(round(amount * low_ratio), spent), amount)
    return Interval(
        low, max(round(amount * high_ratio), amount), low_ratio, high_ratio, len(ratios)
    )


def _ratios(reach: Reach, cells: Cells, amounts: Sequence[int], a_week: int) -> Iterator[float]:
    """Actual to forecast amounts of windows before, each forecast when as much of it was over.

    That is rounded down to whole cells, so that an interval is rather too wide. Those without four
    weeks before are left out.
    """
    begun = next((at for at, each in enumerate(amounts) if each), len(amounts))
    elapsed = (reach.now_s - reach.start_s) / (reach.end_s - reach.start_s)
    for start_s, end_s in reach.before:
        start, end = bisect_left(cells.edges, start_s), bisect_left(cells.edges, end_s)
        now = start + int((end - start) * elapsed)
        first = now - WEEKS_MAX * a_week
        if first < begun:
            return
        spent = sum(amounts[start:now])
        foreseen = spent + sum(_expected(cells, amounts, (first, now, end), a_week))
        if foreseen > 0:
            yield sum(amounts[start:end]) / foreseen


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which a share of the next ones is expected.

    The k-th of n values has k / (n + 1) of further ones below it (Weibull's plotting position, type
    6 of Hyndman and Fan, 1996); beyond the first and the last it is these.
    """
    ordered = sorted(values)
    position = share * (len(ordered) + 1) - 1
    at = min(max(int(position), 0), len(ordered) - 1)
    beyond = min(max(position - at, 0.0), 1.0)
    above = ordered[min(at + 1, len(ordered) - 1)]
    return ordered[at] + (above - ordered[at]) * beyond
