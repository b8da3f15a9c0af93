"""Which stored sums answer a question: months, days and hours where they fit, charges at the edges.

A range is cut into segments, each of whole cells of one table, so that every charge is counted
exactly once. Days are those of the reporting zone that was in force then. Where less has to be read
that way, a part of a cell is the whole cell without the rest of it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Final, Literal, NamedTuple

from processor.core.budgets.window import BUCKET_S
from processor.core.budgets.zones import ReportingZones
from processor.core.questions.question import CHARGE_DIMENSIONS, TIME_END_S, UsageQuestion

Source = Literal[
    "lifetime", "totals", "months", "month_parts", "days", "user_days", "hours", "charges"
]
_HOUR_S: Final = 3_600
_DAY_S: Final = 86_400
_OF_MONTHS: Final = frozenset({"months", "month_parts"})
_CELL_IN_FINER: Final = 0.25
"""What reading a cell costs, as a share of reading all the finer cells that lie in it."""


class Segment(NamedTuple):
    """A part of a range, and the table that has its sums."""

    source: Source
    bucket: int
    start_s: int
    end_s: int
    is_cell: bool = False
    """Whether it is a single cell."""
    is_taken_off: bool = False
    """Whether its sums are taken off, since a larger cell that was read has them too."""


class Stored(NamedTuple):
    """What a ledger has sums of."""

    zones: ReportingZones
    charges_since_s: int = 0
    """Single charges are kept from then on."""
    months_until_s: int = 0
    """Sums of months have the days that end by then."""
    hours_since_s: int = 0
    """Sums by hour and quarter hour are kept from the start of that day on; older ones are by day,
    in `totals` at its start."""
    last_charge_s: int | None = None
    """No charge ended later; None where that is not known."""
    late_hours_s: tuple[int, ...] = ()
    """Starts of hours, in order, in which calls ended that came too late: see `posting.late`.
    They are in all sums, and no single charges."""


class ReadingPlan(NamedTuple):
    """Where the answer to a question is."""

    segments: tuple[Segment, ...]
    left_out: tuple[tuple[int, int], ...]
    """Ranges that nothing kept is fine enough for."""
    lacks_late_s: tuple[int, ...] = ()
    """Those of `Stored.late_hours_s` of which single charges are read."""


_CellAt = Callable[[int], tuple[int, int]]
"""Gives the cell that holds a moment."""


class _Level(NamedTuple):
    """A table, and the cell ``[start, end)`` of it that holds a moment."""

    source: Source
    cell_at: _CellAt
    least_s: int = 0
    """No shorter range is read from it."""

    def first_whole(self, time_s: int, until_s: int) -> int:
        """The start of the first cell that does not begin before a moment; at most `until_s`."""
        start_s, end_s = self.cell_at(time_s)
        return start_s if start_s == time_s else min(end_s, until_s)


_CHARGES: Final = _Level("charges", lambda time_s: (time_s, time_s + 1))


def plan_reading(question: UsageQuestion, stored: Stored) -> ReadingPlan:
    """Where to read what a question asks; what would need charges that are not kept is left out."""
    if has_lifetime(question):
        whole = Segment("lifetime", 0, question.start_s, question.end_s)
        return ReadingPlan((whole,), ())
    levels = _levels(question, stored)
    edges = question.edges or (question.start_s, question.end_s)
    segments: list[Segment] = []
    left_out: list[tuple[int, int]] = []
    for bucket, range_s in enumerate(pairwise(edges)):
        for segment in _cut(levels, bucket, range_s, stored):
            lost_s = min(segment.end_s, stored.charges_since_s)
            if segment.source != "charges" or lost_s <= segment.start_s:
                segments.append(segment)
                continue
            left_out.append((segment.start_s, lost_s))
            if lost_s < segment.end_s:
                segments.append(segment._replace(start_s=lost_s))
    return ReadingPlan(tuple(segments), tuple(left_out), _without_late(segments, stored))


def _without_late(segments: Sequence[Segment], stored: Stored) -> tuple[int, ...]:
    hours = stored.late_hours_s
    found = set[int]()
    for segment in segments if hours else ():
        if segment.source == "charges":
            first = bisect_right(hours, segment.start_s - _HOUR_S)
            found.update(hours[first : bisect_left(hours, segment.end_s)])
    return tuple(sorted(found))


def scope_of(question: UsageQuestion) -> tuple[str, tuple[str, ...]] | None:
    """The scope and ids that `totals` has by quarter hour, where these answer a question."""
    if question.group_by or question.with_parts:
        return None
    match question.filters:
        case ():
            return "total", ("",)
        case ((("user" | "org") as scope, ids),):
            return scope, ids
    return None


def has_lifetime(question: UsageQuestion) -> bool:
    """Whether the sums of whole sessions, tasks or traces answer a question."""
    if not question.is_all_time or question.with_parts or len(question.edges) > 2:
        return False
    return question.dimensions() in ({"session"}, {"task"}, {"trace"})


def _levels(question: UsageQuestion, stored: Stored) -> tuple[_Level, ...]:
    """The tables that can answer, those with the longest cells first."""
    zones, since_s = stored.zones, stored.hours_since_s

    def in_days_before(cell_at: _CellAt) -> _CellAt:
        return lambda time_s: zones.day_of(time_s) if time_s < since_s else cell_at(time_s)

    if scope_of(question) is not None:
        return _Level("totals", in_days_before(_quarter)), _CHARGES
    named = question.dimensions()
    if not named.isdisjoint(CHARGE_DIMENSIONS):
        return (_CHARGES,)
    if "user" in named:
        return _Level("user_days", zones.day_of), _CHARGES
    return (
        _Level("months", zones.month_of, 16 * _DAY_S),
        _Level("month_parts", zones.month_part_of, 2 * _DAY_S),
        # Where hours are days no other table has a day that a change of zone has cut short.
        _Level("days", zones.day_of, 0 if since_s else _DAY_S // 2),
        _Level("hours", in_days_before(zones.cell_of)),
        _CHARGES,
    )


def _cut(
    levels: Sequence[_Level], bucket: int, range_s: tuple[int, int], stored: Stored
) -> Iterator[Segment]:
    """Segments of a range: whole cells, and charges where none fits."""
    start_s, end_s = range_s
    last_s = stored.last_charge_s
    if last_s is not None and start_s <= last_s < end_s:
        # There is nothing in the rest of the cells that the last charge is in.
        end_s = max(end_s, *(level.cell_at(last_s)[1] for level in levels))
    without_months = [level for level in levels if level.source not in _OF_MONTHS]
    cover = _Cover(bucket, max(stored.charges_since_s, stored.hours_since_s), TIME_END_S)
    if len(without_months) < len(levels):
        until_s = min(max(stored.months_until_s, start_s), end_s)
        yield from cover._replace(until_s=stored.months_until_s).of(levels, start_s, until_s)
        start_s = until_s
    yield from cover.of(without_months, start_s, end_s)


class _Cover(NamedTuple):
    """What the segments of a range are made for."""

    bucket: int
    charges_since_s: int
    until_s: int
    """What ends later is not asked for, and in no cell."""

    def of(self, levels: Sequence[_Level], start_s: int, end_s: int) -> Iterator[Segment]:
        """Segments that have each charge of a range once."""
        if start_s >= end_s:
            return
        level, *finer = levels
        if finer and end_s - start_s < level.least_s:
            yield from self.of(finer, start_s, end_s)
            return
        first_s = level.first_whole(start_s, self.until_s)
        last_s = end_s if end_s == self.until_s else level.cell_at(end_s)[0]
        if first_s > last_s:
            yield from self._part_of_cell(levels, start_s, end_s)
            return
        yield from self._part_of_cell(levels, start_s, first_s)
        if first_s < last_s:
            is_cell = level.cell_at(first_s)[1] >= last_s
            yield Segment(level.source, self.bucket, first_s, last_s, is_cell)
        yield from self._part_of_cell(levels, last_s, end_s)

    def _part_of_cell(
        self, levels: Sequence[_Level], start_s: int, end_s: int
    ) -> Iterator[Segment]:
        """Segments of a range within one cell of the first level.

        They are finer cells, or this cell without the others of them, whichever are fewer.
        """
        if start_s >= end_s:
            return
        level, *finer = levels
        cell_start_s, cell_end_s = level.cell_at(start_s)
        cell_end_s = min(cell_end_s, self.until_s)
        length_s, cell_length_s = end_s - start_s, cell_end_s - cell_start_s
        is_less = cell_length_s - length_s + _CELL_IN_FINER * cell_length_s < length_s
        if not is_less or cell_start_s < self.charges_since_s:
            yield from self.of(finer, start_s, end_s)
            return
        yield Segment(level.source, self.bucket, cell_start_s, cell_end_s, is_cell=True)
        for rest_s in ((cell_start_s, start_s), (end_s, cell_end_s)):
            for segment in self.of(finer, *rest_s):
                yield segment._replace(is_taken_off=not segment.is_taken_off)


def _quarter(time_s: int) -> tuple[int, int]:
    start_s = time_s // BUCKET_S * BUCKET_S
    return start_s, start_s + BUCKET_S
