"""Days, weeks and months that reports are about, by one text that names each."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from processor.core.budgets.window import window_of
from processor.core.model import Calendar

_NOON_S: Final = 43_200
"""The middle of a day is in that day, whatever its clock does."""


class Period(NamedTuple):
    """A day, week or month that is over."""

    every: str
    start_s: int
    end_s: int

    def name(self, calendar: Calendar) -> str:
        """``day 2026-11-29``, by which it is known in the outbox."""
        return f"{self.every} {self.date(calendar)}"

    def date(self, calendar: Calendar) -> str:
        """The date of its first day."""
        return f"{datetime.fromtimestamp(self.start_s, calendar.zone):%Y-%m-%d}"

    def before(self, calendar: Calendar) -> Period:
        """The one before it."""
        found = window_of(self.every, self.start_s - 1, at_midnight(calendar))
        return Period(self.every, *found)

    def words(self, calendar: Calendar) -> str:
        """``2026-11-29``, ``the week from 2026-11-23``, ``November 2026``."""
        start = datetime.fromtimestamp(self.start_s, calendar.zone)
        if self.every == "month":
            return f"{start:%B %Y}"
        return f"{'the week from ' if self.every == 'week' else ''}{start:%Y-%m-%d}"


def at_midnight(calendar: Calendar) -> Calendar:
    """The calendar of reports: days begin at midnight, whatever hour those of budgets have."""
    return calendar._replace(reset_hour=0)


def due_period(every: str, at_s: int, calendar: Calendar, now_s: int) -> Period | None:
    """The period whose report is due since `at_s` seconds after midnight of the day after it.

    None before that: what was not reported by the end of the next period is left out.
    """
    start_s, _ = window_of(every, now_s, at_midnight(calendar))
    midnight = datetime.fromtimestamp(start_s, calendar.zone)
    due = midnight.replace(hour=0, minute=0, second=0) + timedelta(seconds=at_s)
    if now_s < due.timestamp():
        return None
    return Period(every, *window_of(every, start_s - 1, at_midnight(calendar)))


def named_period(name: str, calendar: Calendar) -> Period:
    """The period that a name stands for, in the calendar of now. Raises ValueError."""
    every, _, date = name.partition(" ")
    day = datetime.strptime(date, "%Y-%m-%d").replace(tzinfo=calendar.zone)
    time_s = int(day.timestamp()) + _NOON_S
    return Period(every, *window_of(every, time_s, at_midnight(calendar)))
