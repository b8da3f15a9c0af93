"""The days and hours that sums by dimensions are kept for, also where the reporting zone changes.

A day is one of the zone that was in force then. A change of the zone applies from the next day of
the new one: what has been added up stays, and the last day of the old zone ends early.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from processor.core.budgets.window import BUCKET_S, Calendar, window_of

_HOUR_S = 3600
_DAY_S = 86_400
_PARTS_BEGIN = (8, 16, 24)
"""How many days of a month are over when its second and further parts begin."""
_MONTHS_CACHED_MAX = 256
_YEARS_LOOKED_AT = 3
_RECENT_S = 1_767_225_600
"""2026-01-01. What clocks showed long ago is of no interest."""
_MONTH = timedelta(days=30)


class ReportingZone(NamedTuple):
    """A zone whose days were added up, from when on."""

    start_s: int
    """The start of its first day, in epoch seconds; 0 for the first zone there was."""
    zone: ZoneInfo
    cell_s: int
    """Length of the cells shorter than a day: an hour, or a quarter where its days need that."""


class ReportingZones:
    """All zones that a ledger has had, oldest first. A value: a change makes another one."""

    def __init__(self, zones: Iterable[ReportingZone]) -> None:
        """Take a history; there is at least one zone, and the first starts at 0."""
        self.zones = tuple(zones)
        self._starts = [each.start_s for each in self.zones]

    @classmethod
    def of(cls, zone: ZoneInfo) -> ReportingZones:
        """The history of a ledger that has had one zone only."""
        return cls([ReportingZone(0, zone, _cell_length(zone, 0))])

    def with_zone(self, zone: ZoneInfo, now_s: int) -> ReportingZones:
        """The history once another zone is in force; this one where it is in force already.

        A change that has not begun yet is replaced.
        """
        kept = [each for each in self.zones if each.start_s <= now_s]
        if kept[-1].zone.key != zone.key:
            _, start_s = window_of("day", now_s, Calendar(zone))
            kept.append(ReportingZone(start_s, zone, _cell_length(zone, start_s)))
        return self if len(kept) == len(self.zones) == 1 else ReportingZones(kept)

    def day_of(self, time_s: int) -> tuple[int, int]:
        """The day ``[start, end)`` that holds a moment, in epoch seconds."""
        at = self._at(time_s)
        zone = self.zones[at]
        start_s, end_s = window_of("day", time_s, Calendar(zone.zone))
        return max(start_s, zone.start_s), self._until(at, end_s)

    def month_of(self, time_s: int) -> tuple[int, int]:
        """The month ``[start, end)`` that holds a moment, in epoch seconds; it has whole days."""
        at = self._at(time_s)
        zone = self.zones[at]
        start_s, end_s = window_of("month", time_s, Calendar(zone.zone))
        return max(start_s, zone.start_s), self._until(at, end_s)

    def month_part_of(self, time_s: int) -> tuple[int, int]:
        """The part ``[start, end)`` of a month that holds a moment, in epoch seconds.

        There are four: of eight days, and the rest.
        """
        at = self._at(time_s)
        zone = self.zones[at]
        calendar = Calendar(zone.zone)
        month_s = window_of("month", time_s, calendar)
        edges = [month_s[0], *_part_starts(month_s[0], calendar), month_s[1]]
        part = bisect_right(edges, time_s) - 1
        return max(edges[part], zone.start_s), self._until(at, edges[part + 1])

    def cell_of(self, time_s: int) -> tuple[int, int]:
        """The hour, or quarter of one, ``[start, end)`` that holds a moment, in epoch seconds."""
        at = self._at(time_s)
        zone = self.zones[at]
        start_s = time_s // zone.cell_s * zone.cell_s
        return max(start_s, zone.start_s), self._until(at, start_s + zone.cell_s)

    def _at(self, time_s: int) -> int:
        return max(bisect_right(self._starts, time_s) - 1, 0)

    def _until(self, at: int, end_s: int) -> int:
        """An end, or the start of the next zone where that comes first."""
        return min(end_s, self._starts[at + 1]) if at + 1 < len(self._starts) else end_s


@lru_cache(maxsize=_MONTHS_CACHED_MAX)
def _part_starts(month_s: int, calendar: Calendar) -> tuple[int, ...]:
    """Where the second and further parts of a month begin, which begins at `month_s`."""
    # The middle of a day is in that day, whatever the clock has done since the month began.
    noons_s = (month_s + days * _DAY_S + _DAY_S // 2 for days in _PARTS_BEGIN)
    return tuple(window_of("day", noon_s, calendar)[0] for noon_s in noons_s)


def _cell_length(zone: ZoneInfo, start_s: int) -> int:
    """An hour where the clock of a zone is whole hours from UTC; source: the zone's own rules."""
    first = datetime.fromtimestamp(max(start_s, _RECENT_S), UTC)
    months = (first + _MONTH * month for month in range(_YEARS_LOOKED_AT * 12))
    offsets = [moment.astimezone(zone).utcoffset() or timedelta() for moment in months]
    return BUCKET_S if any(each % timedelta(seconds=_HOUR_S) for each in offsets) else _HOUR_S
