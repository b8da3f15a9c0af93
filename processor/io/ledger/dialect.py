"""What engines of SQL say differently. What all say alike is in `tables` and `statements`."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from processor.io.ledger.numbers import exact_sum


class Dialect(NamedTuple):
    """The words of one engine."""

    key: str
    """Type of a whole number that is the key of its table."""
    integer: str
    """Type of a whole number of 64 bits."""
    number: str
    """Type of a whole number of any size: what is added up."""
    octets: str
    """Type of a sequence of bytes."""
    real: str
    without_key: str
    """What follows a table whose rows are to lie in the order of its named key."""
    sum_of: Callable[[str, str], str]
    """The SQL of the sum of two of `number`."""


SQLITE = Dialect(
    "INTEGER PRIMARY KEY", "INTEGER", "INTEGER", "BLOB", "REAL", " WITHOUT ROWID", exact_sum
)
"""Its own integers have 64 bits; `numbers` says how a larger one is kept."""
