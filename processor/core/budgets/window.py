"""Windows of time: quarter-hour buckets, and the calendar and rolling windows made of them.

Totals are kept per bucket. Every zone's offset from UTC is a multiple of 15 minutes today, so a
window of any zone is a whole number of buckets, and one set of totals answers for all zones.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import cast
from zoneinfo import ZoneInfo

from processor.core.model import NS_PER_S, Calendar, WindowKind

__all__ = ["BUCKET_S", "Calendar", "bucket_of", "rolling_s_of", "rolling_text", "window_of"]

BUCKET_S = 900
"""Length of a bucket in seconds."""

_HOUR_S = 3600
_TIME_S_MAX = (2**64 - 1) // NS_PER_S
"""The last second that OTLP's unsigned 64-bit nanoseconds can name, in the year 2554."""

_ROLLING = re.compile(r"rolling ([1-9][0-9]{0,6})([mhd])")
_UNITS_S = {"m": 60, "h": _HOUR_S, "d": 24 * _HOUR_S}
_WINDOWS_CACHED_MAX = 4096
"""A key is a kind, a calendar and a bucket: about ten days of four kinds, in constant memory."""


def bucket_of(time_ns: int) -> int:
    """The start of the bucket that holds `time_ns`, in seconds since the epoch, UTC."""
    return _clip(time_ns // NS_PER_S) // BUCKET_S * BUCKET_S


@lru_cache(maxsize=_WINDOWS_CACHED_MAX)
def rolling_s_of(kind: str) -> int:
    """The length of a rolling window such as ``rolling 7d``, in seconds; 0 for another window."""
    found = _ROLLING.fullmatch(kind)
    return int(found[1]) * _UNITS_S[found[2]] if found else 0


def rolling_text(length_s: int) -> str:
    """The one spelling of a rolling window of some whole minutes."""
    unit = next(each for each in ("d", "h", "m") if length_s % _UNITS_S[each] == 0)
    return f"rolling {length_s // _UNITS_S[unit]}{unit}"


def window_of(kind: str, time_s: int, calendar: Calendar) -> tuple[int, int]:
    """The window ``[start, end)`` that holds `time_s`, in seconds since the epoch, UTC.

    A day, week or month begins when the clock of the calendar's zone first shows its reset hour,
    mostly midnight (or jumps over it), of a date, and ends when the next one begins; a day may have
    23 or 25 hours. An hour runs
    from full hour to full hour of that clock; an hour that the clock shows twice is two windows.
    A rolling window ends with the quarter hour of `time_s`. The kind ``none`` has no window and
    gives ``(0, 0)``. Times that OTLP cannot name are moved to the nearest one it can.
    """
    if kind == "none":
        return 0, 0
    bucket_s = _clip(time_s) // BUCKET_S * BUCKET_S
    if length_s := rolling_s_of(kind):
        return max(bucket_s + BUCKET_S - length_s, 0), bucket_s + BUCKET_S
    return _window(cast("WindowKind", kind), bucket_s, calendar)


@lru_cache(maxsize=_WINDOWS_CACHED_MAX)
def _window(kind: WindowKind, bucket_s: int, calendar: Calendar) -> tuple[int, int]:
    """`window_of` for the start of a bucket; all moments of a bucket share their window."""
    if kind == "hour":
        return _hour(bucket_s, calendar.zone)
    following = _FOLLOWING[kind]
    now = datetime.fromtimestamp(bucket_s, calendar.zone)
    today = now.date() - timedelta(days=now.hour < calendar.reset_hour)
    first = _FIRST[kind](today, calendar.week_start)
    start, end = _reached(first, calendar), _reached(following(first), calendar)
    # A clock set back across the reset hour shows the old day again, but the new one has begun.
    while end <= bucket_s:
        first = following(first)
        start, end = end, _reached(following(first), calendar)
    return start, end


def _hour(bucket_s: int, zone: ZoneInfo) -> tuple[int, int]:
    """The clock hour; cut short where the minute hand itself jumps (Lord Howe Island: 30 min)."""
    hand = _minute_hand(bucket_s, zone)
    start = bucket_s - (bucket_s + hand) % _HOUR_S
    # An hour has four buckets: asking each of them is simpler than looking for the jump.
    buckets = range(start, start + _HOUR_S, BUCKET_S)
    own = [bucket for bucket in buckets if _minute_hand(bucket, zone) == hand]
    return own[0], own[-1] + BUCKET_S


def _reached(day: date, calendar: Calendar) -> int:
    """The bucket in which the clock first shows the reset hour of `day`, or a later time."""
    # Of a midnight that comes twice, this is the first. Of one that the clock jumps over, it is
    # the moment that would have been midnight without the jump, which is at or after the jump.
    shown = datetime(day.year, day.month, day.day, calendar.reset_hour)  # noqa: DTZ001 - what a clock shows
    moment = int(shown.replace(tzinfo=calendar.zone).timestamp())
    while datetime.fromtimestamp(moment - 1, calendar.zone).replace(tzinfo=None) >= shown:
        moment -= BUCKET_S
    return moment // BUCKET_S * BUCKET_S


def _minute_hand(time_s: int, zone: ZoneInfo) -> int:
    """By how much full hours of `zone` come before those of UTC, in seconds, in whole buckets."""
    offset = datetime.fromtimestamp(time_s, zone).utcoffset() or timedelta()
    return offset.seconds % _HOUR_S // BUCKET_S * BUCKET_S


def _clip(time_s: int) -> int:
    return time_s if 0 <= time_s <= _TIME_S_MAX else min(max(time_s, 0), _TIME_S_MAX)


def _first_of_week(day: date, week_start: int) -> date:
    return day - timedelta(days=(day.weekday() - week_start) % 7)


def _next_month(first: date) -> date:
    return (first.replace(day=28) + timedelta(days=4)).replace(day=1)


_FIRST: dict[WindowKind, Callable[[date, int], date]] = {
    "day": lambda day, _: day,
    "week": _first_of_week,
    "month": lambda day, _: day.replace(day=1),
}
_FOLLOWING: dict[WindowKind, Callable[[date], date]] = {
    "day": lambda day: day + timedelta(days=1),
    "week": lambda day: day + timedelta(days=7),
    "month": _next_month,
}
