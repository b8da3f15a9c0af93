"""Whole numbers of any size in columns of SQLite, whose own integers have 64 bits.

One beyond that is a blob of its decimal digits. SQLite itself would go on with a double, and SQL
does so when it adds to such a blob: that is how a sum is recognised that has to be made here.
"""

from __future__ import annotations

from typing import Any

import apsw

_MIN, INTEGER_MAX = -(1 << 63), (1 << 63) - 1


def encode_number(number: int) -> int | bytes:
    """A number as it stands in a column."""
    return number if _MIN <= number <= INTEGER_MAX else b"%d" % number


def encode_numbers(numbers: tuple[int, ...]) -> tuple[int | bytes, ...]:
    """Numbers as they stand in columns."""
    if max(numbers) <= INTEGER_MAX and min(numbers) >= _MIN:
        return numbers
    return tuple(map(encode_number, numbers))


def define_functions(database: apsw.Connection) -> None:
    """Let statements on this connection use `exact_sum`."""
    add: Any = _add_exactly  # apsw's declared types leave out bytes, which it takes.
    database.create_scalar_function("add_exactly", add, 2, deterministic=True)


def exact_sum(first: str, second: str) -> str:
    """The SQL of a sum: of integers as SQLite makes it, and by `add_exactly` where it is none."""
    plain, exact = f"{first} + {second}", f"add_exactly({first}, {second})"
    return f"CASE typeof({plain}) WHEN 'integer' THEN {plain} ELSE {exact} END"


def _add_exactly(first: Any, second: Any) -> int | bytes:  # noqa: ANN401 - what stands in columns
    return encode_number(int(first) + int(second))
