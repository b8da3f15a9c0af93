"""Moments as parameters give them: a date, or a date and a time."""

from __future__ import annotations

import re
from typing import Final
from zoneinfo import ZoneInfo

from processor.core.errors import InvalidQuestionError
from processor.core.model import NS_PER_S
from processor.core.questions import moment_ns

_FIX: Final = "write 2026-11-01, 2026-11-01T08:00 or 2026-11-01T08:00:00+01:00"
_SHOWN_MAX_CHARS: Final = 40
_LOST_PLUS: Final = re.compile(r"(T[0-9:.]+) ([0-9]{2}:?[0-9]{2})")
"""In an address a plus means a space."""


def parse_moment(parameter: str, text: str, zone: ZoneInfo) -> int:
    """Whole epoch seconds; what has no offset is in the time zone `zone`.

    Raises InvalidQuestionError, naming the parameter.
    """
    shown = text[:_SHOWN_MAX_CHARS]
    try:
        time_ns = moment_ns(_LOST_PLUS.sub(r"\1+\2", text.strip()), zone)
    except ValueError as error:
        raise InvalidQuestionError(parameter, f"{shown!r} {error}", _FIX) from None
    if time_ns % NS_PER_S:
        what = f"{shown!r} has a part of a second"
        raise InvalidQuestionError(parameter, what, "give whole seconds")
    return time_ns // NS_PER_S
