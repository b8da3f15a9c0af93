"""Times of documents as people read them; each is a text with the offset of the zone asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta, tzinfo

_SECOND = timedelta(seconds=1)
_FORMS = {"month": "%Y-%m", "day": "%Y-%m-%d", "week": "%Y-%m-%d"}


def clock(moment: str | None, today: date | None) -> str:
    """A time of day, with its date where that is not today's."""
    if moment is None:
        return ""
    found = datetime.fromisoformat(moment)
    return f"{found:%H:%M:%S}" if found.date() == today else f"{found:%m-%d %H:%M}"


def moment_of(moment: str | None) -> datetime | None:
    """A moment as a time, where there is one."""
    return None if moment is None else datetime.fromisoformat(moment)


def date_of(moment: str | None) -> date | None:
    """The date of a moment where its zone is."""
    return None if moment is None else datetime.fromisoformat(moment).date()


def exact(moment: str, zone: tzinfo) -> str:
    """A moment to the second, with what its time is called in a zone."""
    return f"{datetime.fromisoformat(moment).astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"


def span(starting_at: str | None, ending_at: str | None) -> str:
    """A range, whose end is not included: whole days by their dates."""
    if starting_at is None and ending_at is None:
        return "all time"
    if starting_at is None:
        return f"until {_written(ending_at)}"
    if ending_at is None:
        return f"since {_written(starting_at)}"
    start, end = datetime.fromisoformat(starting_at), datetime.fromisoformat(ending_at)
    if _is_midnight(start) and _is_midnight(end):
        last = (end - _SECOND).date()
        return f"{start.date()}" if last == start.date() else f"{start.date()} to {last}"
    return f"{_written(starting_at)} to {_written(ending_at)}"


def bucket_starts(starts: Sequence[str | None], bucket: str | None) -> list[str]:
    """The beginnings of buckets, no more exact than they have to be.

    Where clocks are put back within them an hour comes twice, so that times have their offset.
    """
    times = [moment_of(start) for start in starts]
    form = _FORMS.get(bucket or "", "%Y-%m-%d %H:%M")
    offsets = {time.utcoffset() for time in times if time}
    has_offsets = bucket not in _FORMS and len(offsets) > 1
    return [
        f"{time:{form}}{f' {time.isoformat()[-6:]}' if has_offsets else ''}" if time else ""
        for time in times
    ]


def _is_midnight(moment: datetime) -> bool:
    return (moment.hour, moment.minute, moment.second) == (0, 0, 0)


def _written(moment: str | None) -> str:
    return "" if moment is None else f"{datetime.fromisoformat(moment):%Y-%m-%d %H:%M}"
