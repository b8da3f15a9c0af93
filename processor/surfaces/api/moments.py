"""Moments as parameters give them: a date, or a date and a time."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from processor.core.errors import InvalidQuestionError
from processor.core.questions import TIME_END_S

_FIX: Final = "write 2026-11-01, 2026-11-01T08:00 or 2026-11-01T08:00:00+01:00"
_SHOWN_MAX_CHARS: Final = 40
_LOST_PLUS: Final = re.compile(r"(T[0-9:.]+) ([0-9]{2}:?[0-9]{2})")
"""In an address a plus means a space."""


def parse_moment(parameter: str, text: str, zone: ZoneInfo) -> int:
    """Whole epoch seconds; what has no offset is in the time zone `zone`.

    Raises InvalidQuestionError, naming the parameter.
    """
    given = _LOST_PLUS.sub(r"\1+\2", text.strip())
    shown = text[:_SHOWN_MAX_CHARS]
    try:
        moment = datetime.fromisoformat(given)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        time_s = aware.timestamp()
    except (ValueError, OverflowError):
        raise InvalidQuestionError(parameter, f"{shown!r} is not a time", _FIX) from None
    if time_s != int(time_s):
        what = f"{shown!r} has a part of a second"
        raise InvalidQuestionError(parameter, what, "give whole seconds")
    if not 0 <= time_s <= TIME_END_S:
        what = f"{shown!r} is not between 1970 and 2262"
        raise InvalidQuestionError(parameter, what, _FIX)
    return int(time_s)
