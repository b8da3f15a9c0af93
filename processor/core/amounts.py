"""Exact amounts as people read them: of documents, of the ledger, and on spans."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

Amount = str | Decimal
"""Exact: a decimal text, such as documents have, or a number."""

AT_LEAST: Final = "≥ "
"""Stands before what calls of unknown cost are not in."""
UNKNOWN: Final = "unknown"
"""The cost of calls of which none has a known one."""
_LEAST_SHARE: Final = Decimal("0.005")
_LEAST_USD: Final = Decimal("0.0001")
_EXACT_BELOW: Final = 100
_DECIMALS: Final = ((1000, 2), (Decimal("0.1"), 4))
"""From which size on an amount has how many decimals."""
_MOST_DECIMALS: Final = 6
_LEAST_OF_SIX: Final = Decimal("0.000001")


def short_usd(amount: Amount) -> str:
    """USD with two decimals, or four where it has more: ``$31.20``, ``$0.0120``, ``$1,204.50``."""
    text = long_usd(amount)
    return text if text.startswith("<") or text[-5] != "." else text.removesuffix("00")


def long_usd(amount: Amount) -> str:
    """The same with all four decimals below 100, so that amounts under each other align."""
    number = Decimal(amount)
    sign, size = "-" if number < 0 else "", abs(number)
    if 0 < size <= _LEAST_USD / 2:
        return f"<{sign}${_LEAST_USD}"
    return f"{sign}${size:,.4f}" if size < _EXACT_BELOW else f"{sign}${size:,.2f}"


def fine_usd(amount: Amount) -> str:
    """USD without a sign and with six decimals, so that a column of them has its points in line.

    Two from 100 on.
    """
    number = Decimal(amount)
    if 0 < number <= _LEAST_OF_SIX / 2:
        return f"<{_LEAST_OF_SIX:f}"
    return f"{number:,.6f}" if abs(number) < _EXACT_BELOW else f"{number:,.2f}"


def usd_column(amounts: Sequence[Amount]) -> list[str]:
    """USD without a sign, all with as many decimals as the largest of them needs."""
    numbers = [Decimal(amount) for amount in amounts]
    largest = max(map(abs, numbers), default=Decimal())
    places = next((decimals for least, decimals in _DECIMALS if largest >= least), _MOST_DECIMALS)
    unit = Decimal(1).scaleb(-places)
    return [
        f"<{unit:f}" if 0 < number < unit / 2 else f"{number:,.{places}f}" for number in numbers
    ]


def marked(amount: Amount, shown: str, *, at_least: bool) -> str:
    """An amount as it is shown, with a mark where calls of unknown cost are not in it.

    Where nothing is in it but such calls it is unknown, and no zero.
    """
    if not at_least:
        return shown
    if not Decimal(amount):
        return UNKNOWN
    # Of what is at least less than a unit nothing is sure but 0: from ``<0.0001`` to ``≥ 0.0000``.
    return (
        f"{AT_LEAST}{shown.removeprefix('<').replace('1', '0') if shown.startswith('<') else shown}"
    )


def share_percent(part: Amount, whole: Amount) -> str:
    """One amount as a share of another that contains it; empty for a share of nothing."""
    of = Decimal(whole)
    if of <= 0:
        return ""
    return percent(Decimal(part) / of)


def percent(ratio: Decimal | float) -> str:
    """A share of 1 in percent."""
    return "<1%" if 0 < ratio < _LEAST_SHARE else f"{ratio:.0%}"
