"""Figures as people read them."""

from __future__ import annotations

_LEAST_USD = 0.000001
_LARGE_USD = 100


def money(usd: float) -> str:
    """USD with six decimals, so that a column of them has its points in line; two from 100 on."""
    if 0 < usd <= _LEAST_USD / 2:
        return "<0.000001"
    return f"{usd:,.6f}" if abs(usd) < _LARGE_USD else f"{usd:,.2f}"


def tokens(count: float | None) -> str:
    """A number of tokens in at most seven characters; nothing for none."""
    if not count:
        return ""
    for unit, size in (("G", 10**9), ("M", 10**6)):
        if count >= size:
            return f"{count / size:.2f}{unit}"
    return f"{count:,.0f}"


def dollars(usd: object) -> str:
    """USD within a sentence: two decimals, or four where it has more."""
    if not isinstance(usd, (int, float)):
        return "?"
    text = f"{abs(usd):,.4f}"
    if text == "0.0000" and usd:
        return "less than $0.0001"
    return f"{'-' if usd < 0 else ''}${text.removesuffix('00')}"


def percent(ratio: object) -> str:
    """A share of 1 in percent."""
    return f"{ratio:.0%}" if isinstance(ratio, (int, float)) else "?"


def duration(nanoseconds: int) -> str:
    """A length of time in seconds."""
    return f"{max(nanoseconds, 0) / 1e9:,.1f} s"


def counted(count: float, what: str) -> str:
    """A number and what it counts: ``1 call``, ``1,204 calls``."""
    return f"{count:,.0f} {what}{'' if abs(count) == 1 else 's'}"
