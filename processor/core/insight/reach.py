"""Which cells of time a forecast is made from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, NamedTuple

from processor.core.budgets.window import window_of
from processor.core.model import Calendar

HOUR_S: Final = 3_600
HOURS_A_DAY: Final = 24
HOURS_A_WEEK: Final = 7 * HOURS_A_DAY
ForecastKind = Literal["day", "week", "month"]
WINDOWS_COMPARED_MAX: Final[dict[ForecastKind, int]] = {"day": 14, "week": 13, "month": 12}
"""How many windows before are looked at for the interval."""
_WEEKS: Final = 5
"""Of which four are added up: usage that began on a Monday, or pauses on Sundays, has them too."""


class Cells(NamedTuple):
    """Cells of time that follow each other: cell i is ``[edges[i], edges[i + 1])``."""

    edges: Sequence[int]
    """In epoch seconds."""
    labels: Sequence[int]
    """What cells of the same kind have in common: the hour of the week, or the day of the week."""
    known: int
    """How many of them are over."""

    @property
    def known_edges(self) -> Sequence[int]:
        """Where those that are over begin and end."""
        return self.edges[: self.known + 1]


class Reach(NamedTuple):
    """The window of now, and what its forecast is made from."""

    kind: ForecastKind
    start_s: int
    end_s: int
    now_s: int
    hours: Cells
    """Up to the end of the window."""
    days: Cells | None
    """Of the windows before, to the start of this one; None where hours have them."""
    before: Sequence[tuple[int, int]]
    """Windows before this one, the latest first."""


def reach_of(
    kind: ForecastKind, now_s: int, calendar: Calendar, *, with_windows: bool = True
) -> Reach:
    """What a forecast of the window that holds a moment needs to know.

    Hours are counted from the start of the window, so that each lies within it or outside. Without
    windows before there is no interval.
    """
    start_s, end_s = window_of(kind, now_s, calendar)
    before = _before(kind, start_s, calendar) if with_windows else []
    hours = _WEEKS * HOURS_A_WEEK
    if before and kind == "day":
        hours += len(before) * HOURS_A_DAY
    days = _days(before, calendar) if before and kind != "day" else None
    return Reach(
        kind, start_s, end_s, now_s, _hours(start_s, end_s, now_s, hours, calendar), days, before
    )


def _before(kind: ForecastKind, start_s: int, calendar: Calendar) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    while len(found) < WINDOWS_COMPARED_MAX[kind] and start_s > 0:
        found.append(window_of(kind, start_s - 1, calendar))
        start_s = found[-1][0]
    return found


def _hours(start_s: int, end_s: int, now_s: int, before: int, calendar: Calendar) -> Cells:
    over = (now_s - start_s) // HOUR_S
    first = max(over - before, -(start_s // HOUR_S))
    edges = [*range(start_s + first * HOUR_S, end_s, HOUR_S), end_s]
    zone = calendar.zone
    labels = []
    for edge in edges[:-1]:
        local = datetime.fromtimestamp(edge, zone)
        labels.append(local.weekday() * HOURS_A_DAY + local.hour)
    return Cells(edges, labels, over - first)


def _days(windows: Sequence[tuple[int, int]], calendar: Calendar) -> Cells:
    """Days from some weeks before the earliest window to the end of the latest one."""
    end_s, first_s = windows[0][1], windows[-1][0]
    edges = [end_s]
    spare = _WEEKS * 7
    while edges[-1] > 0 and spare:
        edges.append(window_of("day", edges[-1] - 1, calendar)[0])
        spare -= edges[-1] < first_s
    edges.reverse()
    labels = [datetime.fromtimestamp(edge, calendar.zone).weekday() for edge in edges[:-1]]
    return Cells(edges, labels, len(labels))
