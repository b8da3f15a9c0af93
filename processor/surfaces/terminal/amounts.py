"""Exact amounts of documents as people read them."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

_LEAST_USD: Final = Decimal("0.0001")
_EXACT_BELOW: Final = 100


def short_usd(amount: str) -> str:
    """USD with at most four decimals, and at least two: ``$31.20``, ``$0.0123``, ``$1,204.50``."""
    number = Decimal(amount)
    sign, size = "-" if number < 0 else "", abs(number)
    if 0 < size < _LEAST_USD / 2:
        return f"<{sign}${_LEAST_USD}"
    text = f"{size:,.4f}" if size < _EXACT_BELOW else f"{size:,.2f}"
    whole, _, part = text.partition(".")
    return f"{sign}${whole}.{part[:2]}{part[2:].rstrip('0')}"
