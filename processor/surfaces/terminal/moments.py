"""Times of documents as people read them; each is a text with the offset of the zone asked for."""

from __future__ import annotations

from datetime import date, datetime, timedelta

_SECOND = timedelta(seconds=1)


def clock(moment: str | None, today: date | None) -> str:
    """A time of day, with its date where that is not today's."""
    if moment is None:
        return ""
    found = datetime.fromisoformat(moment)
    return f"{found:%H:%M:%S}" if found.date() == today else f"{found:%m-%d %H:%M}"


def date_of(moment: str | None) -> date | None:
    """The date of a moment where its zone is."""
    return None if moment is None else datetime.fromisoformat(moment).date()


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


def bucket_start(starting_at: str | None, bucket: str | None) -> str:
    """The beginning of a bucket, no more exact than it has to be."""
    if starting_at is None:
        return ""
    start = datetime.fromisoformat(starting_at)
    match bucket:
        case "month":
            return f"{start:%Y-%m}"
        case "day" | "week":
            return f"{start:%Y-%m-%d}"
        case _:
            return f"{start:%Y-%m-%d %H:%M}"


def _is_midnight(moment: datetime) -> bool:
    return (moment.hour, moment.minute, moment.second) == (0, 0, 0)


def _written(moment: str | None) -> str:
    return "" if moment is None else f"{datetime.fromisoformat(moment):%Y-%m-%d %H:%M}"
