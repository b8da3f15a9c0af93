"""The wait that an answer over HTTP asks for. Source: RFC 9110, section 10.2.3."""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

_SECONDS: Final = re.compile(r"[0-9]{1,18}")


def retry_after_s(text: str | None, now_s: float) -> float | None:
    """The wait that a Retry-After header asks for, in seconds or until a date; None if invalid.

    `now_s` is the time of day as a POSIX timestamp.
    """
    if text is None:
        return None
    if _SECONDS.fullmatch(text.strip()):
        return float(text)
    try:
        date = parsedate_to_datetime(text)
        aware = date if date.tzinfo else date.replace(tzinfo=UTC)
        return max(aware.timestamp() - now_s, 0.0)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
