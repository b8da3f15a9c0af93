"""Money as integers, and the one place where it is rounded.

Rates are femto-USD (10^-15) per unit, so that every published price per million tokens is a
whole number. Amounts are nano-USD (10^-9): a signed 64-bit column then holds about 9.2 billion
USD. A cost is summed exactly in femto-USD and rounded once, half-even, to nano-USD.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation, localcontext
from typing import NamedTuple

NANO_PER_USD = 10**9
FEMTO_PER_USD = 10**15
FEMTO_PER_NANO = 10**6

Rates = tuple[int, ...]
"""Femto-USD per unit, in the order of `model.Usage`'s fields."""


class Amount(NamedTuple):
    """One cost in nano-USD and its parts; `total` is exactly the sum of the other five."""

    total: int = 0
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    fees: int = 0


_DIGITS = 100
"""Enough for any amount that somebody writes out."""

ZERO = Amount()


def round_to_nano(femto_usd: int) -> int:
    """Round femto-USD to nano-USD, half to even. The only rounding of money there is."""
    quotient, remainder = divmod(femto_usd, FEMTO_PER_NANO)
    twice = 2 * remainder
    if twice > FEMTO_PER_NANO or (twice == FEMTO_PER_NANO and quotient & 1):
        return quotient + 1
    return quotient


def round_parts(parts_femto: Sequence[int]) -> Amount:
    """Turn five exact parts (input, output, cache read, cache write, fees) into an `Amount`.

    The total is rounded once from the exact sum. Each part is rounded likewise, and the largest
    part takes the difference, so that what is shown adds up; no part is made negative by it.
    """
    a, b, c, d, e = parts_femto
    unit = FEMTO_PER_NANO
    if not (a % unit or b % unit or c % unit or d % unit or e % unit):
        # Most prices make whole nano-USD of every part, and then there is nothing to round.
        total = (a + b + c + d + e) // unit
        return Amount(total, a // unit, b // unit, c // unit, d // unit, e // unit)
    total = round_to_nano(sum(parts_femto))
    parts = [round_to_nano(part) if part else 0 for part in parts_femto]
    gap = total - sum(parts)
    while gap:
        largest = parts.index(max(parts))
        # Of several parts around half a nano-dollar, more than one may have to be reduced.
        taken = max(gap, -parts[largest])
        parts[largest] += taken
        gap -= taken
    return Amount(total, *parts)


def usd(nano_usd: int) -> float:
    """Nano-USD as the nearest double in USD; integer division is correctly rounded in Python."""
    return nano_usd / NANO_PER_USD


def format_usd(nano_usd: int) -> str:
    """Nano-USD as an exact decimal text with at least two decimals: ``0.0045``, ``12.00``."""
    sign = "-" if nano_usd < 0 else ""
    whole, part = divmod(abs(nano_usd), NANO_PER_USD)
    decimals = f"{part:09d}".rstrip("0")
    return f"{sign}{whole}.{decimals.ljust(2, '0')}"


def exact_usd(nano_usd: int) -> str:
    """Nano-USD as an exact decimal text with all nine decimals: ``0.004500000``, ``-1.000000000``.

    Texts of this form sort and align, and say that nothing was rounded.
    """
    sign = "-" if nano_usd < 0 else ""
    whole, part = divmod(abs(nano_usd), NANO_PER_USD)
    return f"{sign}{whole}.{part:09d}"


def parse_usd(value: Decimal | int | str) -> int:
    """An exact decimal amount of USD as nano-USD, half-even below a nano-dollar.

    Raises ValueError when the value is not a finite number.
    """
    try:
        number = Decimal(value)
    except InvalidOperation as error:
        raise ValueError("must be a number") from error
    if not number.is_finite():
        raise ValueError("must be a finite number")
    with localcontext(prec=_DIGITS):
        return int((number * NANO_PER_USD).to_integral_value(ROUND_HALF_EVEN))


def price_usage(usage: Sequence[int], rates: Rates) -> Amount:
    """What disjoint quantities cost at these rates; both in the order of `model.Usage`.

    Audio, image and video tokens count with the side they are on, reasoning and citations with
    the output; the fee part is all that is not billed by tokens.
    """
    (
        text, read, write, write_1h, audio, image,
        out, thought, out_audio, out_image, requests, searches,
    ) = usage[:_COMMON]  # fmt: skip
    (
        text_rate, read_rate, write_rate, write_1h_rate, audio_rate, image_rate,
        out_rate, thought_rate, out_audio_rate, out_image_rate, request_rate, search_rate,
    ) = rates[:_COMMON]  # fmt: skip
    parts = [
        text * text_rate + audio * audio_rate + image * image_rate,
        out * out_rate
        + thought * thought_rate
        + out_audio * out_audio_rate
        + out_image * out_image_rate,
        read * read_rate,
        write * write_rate + write_1h * write_1h_rate,
        requests * request_rate + searches * search_rate,
    ]
    rare = usage[_COMMON:]
    if rare != _NO_RARE and any(rare):
        for part, quantity, rate in zip(_RARE_PARTS, rare, rates[_COMMON:], strict=True):
            parts[part] += quantity * rate
    return round_parts(parts)


_COMMON = 12
"""How many quantities of `model.Usage` most calls may have."""
_RARE_PARTS = (2, 2, 0, 1, 1, 4, 4, 4, 4, 4)
"""Which part of an amount the quantities after `Usage.web_searches` belong to."""
_NO_RARE = (0,) * len(_RARE_PARTS)
