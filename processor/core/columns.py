"""What the columns of a file for other programs hold."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, NamedTuple

Kind = Literal["text", "time", "usd", "decimal", "quantity", "count", "flag"]
"""What a value is: a text; nanoseconds since the Unix epoch; a whole number of nano-USD; a decimal
with at most `DECIMAL_DIGITS` digits after the point; a whole number of any size; one that fits 64
bits; true or false. None stands for what is not known."""

DECIMAL_DIGITS = 15
"""How many digits after the point a ``decimal`` may have: half a femto-dollar is lost at most."""

Value = str | int | Decimal | None


class Column(NamedTuple):
    """A column by name."""

    name: str
    kind: Kind = "text"
