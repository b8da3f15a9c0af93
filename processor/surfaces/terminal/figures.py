"""Figures as people read them."""

from __future__ import annotations

from typing import Final

_MS_PER_S: Final = 1000
_SECONDS_MAX, _MINUTES_MAX, _MIN_PER_H, _S_PER_MIN = 120, 120, 60, 60


def tokens(count: float | None) -> str:
    """A number of tokens in at most seven characters; nothing for none."""
    if not count:
        return ""
    for unit, size in (("G", 10**9), ("M", 10**6)):
        if count >= size:
            return f"{count / size:.2f}{unit}"
    return f"{count:,.0f}"


def duration(milliseconds: float) -> str:
    """A length of time by its largest unit."""
    milliseconds = max(milliseconds, 0)
    if milliseconds < _MS_PER_S:
        return f"{milliseconds:,.0f} ms"
    seconds = milliseconds / _MS_PER_S
    if seconds < _SECONDS_MAX:
        return f"{seconds:,.1f} s"
    minutes = round(seconds / _S_PER_MIN)
    if minutes < _MINUTES_MAX:
        return f"{minutes} min"
    return f"{minutes // _MIN_PER_H:,} h {minutes % _MIN_PER_H} min"


def counted(count: float, what: str) -> str:
    """A number and what it counts: ``1 call``, ``1,204 calls``."""
    return f"{count:,.0f} {what}{'' if abs(count) == 1 else 's'}"
