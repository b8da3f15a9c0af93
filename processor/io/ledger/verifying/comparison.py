"""Whether two ways to the same sums arrive at the same numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import apsw

from processor.io.ledger.reading.sums import EXACT

Bindings = Mapping[str, Any]
_FOUND_MAX: Final = 20
"""Of one comparison; the others are counted only."""


class Sides(NamedTuple):
    """Two statements that give the columns of a key, and sums, under the same names."""

    kept: str
    expected: str
    key: Sequence[str]
    sums: Sequence[str]

    def together(self) -> str:
        """The rows of both, with the sign of each."""
        columns = ", ".join((*self.key, *self.sums))
        return (
            f"SELECT 1 AS sign, {columns} FROM ({self.kept}) "
            f"UNION ALL SELECT -1, {columns} FROM ({self.expected})"
        )


class Unequal(NamedTuple):
    """A sum that is not what it should be."""

    key: tuple[Any, ...]
    column: str
    kept: int
    expected: int


class Found(NamedTuple):
    """The sums that differ: how many, and the first of them."""

    differing: int
    first: tuple[Unequal, ...]


NOTHING_FOUND: Final = Found(0, ())


def compare(database: apsw.Connection, sides: Sides, bindings: Bindings) -> Found:
    """Find keys under which the two sides do not have the same sums; one without a row has 0.

    SQLite adds up first. Only where a sum differs, or has more than 64 bits, all is added up
    again, exactly.
    """
    try:
        is_equal = next(iter(database.execute(_any_unequal(sides), bindings)), None) is None
    except apsw.SQLError as error:
        if "integer overflow" not in str(error):
            raise
        is_equal = False
    if is_equal:
        return NOTHING_FOUND
    count, first = 0, list[Unequal]()
    for each in _unequal(database, sides, bindings):
        count += 1
        if len(first) < _FOUND_MAX:
            first.append(each)
    return Found(count, tuple(first))


def _any_unequal(sides: Sides) -> str:
    signed = [f"SUM(sign * {name})" for name in sides.sums]
    differs = " OR ".join(f"{each} <> 0" for each in signed)
    # A double comes from a number that has more than 64 bits, or that is none.
    return (
        f"SELECT 1 FROM ({sides.together()}) GROUP BY {', '.join(sides.key)} "
        f"HAVING {differs} OR typeof({' + '.join(signed)}) = 'real' LIMIT 1"
    )


def _unequal(database: apsw.Connection, sides: Sides, bindings: Bindings) -> Iterator[Unequal]:
    sums = ", ".join(
        f"{EXACT}(CASE sign WHEN {sign} THEN {name} END)" for sign in (1, -1) for name in sides.sums
    )
    keys, width = ", ".join(sides.key), len(sides.sums)
    statement = f"SELECT {keys}, {sums} FROM ({sides.together()}) GROUP BY {keys}"
    for row in database.execute(statement, bindings):
        key, numbers = row[: len(sides.key)], [int(value) for value in row[len(sides.key) :]]
        for at, name in enumerate(sides.sums):
            if numbers[at] != numbers[width + at]:
                yield Unequal(key, name, numbers[at], numbers[width + at])
