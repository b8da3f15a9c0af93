"""Moments as people and programs write them: a date, or a date and a time (ISO 8601)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from processor.core.model import TIME_NS_MAX

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def moment_ns(text: str, zone: tzinfo) -> int:
    """Nanoseconds since the Unix epoch; what has no offset is in the time zone `zone`.

    Raises ValueError that goes on after the text: ``is not a time``.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
        aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        time_ns = (aware - _EPOCH) // _MICROSECOND * 1000
    except (ValueError, OverflowError):
        raise ValueError("is not a time") from None
    if not 0 <= time_ns <= TIME_NS_MAX:
        raise ValueError("is not between 1970 and 2262")
    return time_ns
