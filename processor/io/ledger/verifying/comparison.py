"""Whether two ways to the same sums arrive at the same numbers."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import apsw

from processor.io.ledger.reading.sums import EXACT

Bindings = Mapping[str, Any]
_SUMS_MAX: Final = 32
_FACTORS: Final = random.sample(range(1, 500), _SUMS_MAX)
_FOUND_MAX: Final = 20
"""Of one comparison; the others are counted only."""


class Sides(NamedTuple):
    """Two statements that give the columns of a key, and sums, under the same names."""

    kept: str
    expected: str
    key: Sequence[str]
    sums: Sequence[str]

    def together(self, *sums: str) -> str:
        """The rows of both with the sign of each, with these sums, or all."""
        columns = ", ".join((*self.key, *(sums or self.sums)))
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

    SQLite adds up first, of each row one number that all its sums make together, which takes a
    third of the time. Only where that differs, or has more than 64 bits, each sum is added up by
    itself, and where one differs or has more, all again exactly.
    """
    for statement in (_of_one_number(sides), _of_each_sum(sides)):
        if not _has_row(database, statement, bindings):
            return NOTHING_FOUND
    count, first = 0, list[Unequal]()
    for each in _unequal(database, sides, bindings):
        count += 1
        if len(first) < _FOUND_MAX:
            first.append(each)
    return Found(count, tuple(first))


def _has_row(database: apsw.Connection, statement: str, bindings: Bindings) -> bool:
    """Whether a statement finds something; also where its numbers leave 64 bits."""
    try:
        return next(iter(database.execute(statement, bindings)), None) is not None
    except apsw.SQLError as error:
        if "integer overflow" not in str(error):
            raise
    return True


def _of_one_number(sides: Sides) -> str:
    """Find a key under which the numbers differ that the sums make when each is multiplied.

    The factors are other ones in each process, and no two the same, so that what was taken from
    one sum and added to another differs.
    """
    number = " + ".join(
        f"{factor} * {name}" for name, factor in zip(sides.sums, _FACTORS, strict=False)
    )
    # A double comes from a number that has more than 64 bits, or that is none.
    return (
        f"SELECT 1 FROM ({sides.together(f'{number} AS number')}) GROUP BY {', '.join(sides.key)} "
        "HAVING SUM(sign * number) <> 0 OR typeof(SUM(sign * number)) = 'real' LIMIT 1"
    )


def _of_each_sum(sides: Sides) -> str:
    signed = [f"SUM(sign * {name})" for name in sides.sums]
    differs = " OR ".join(f"{each} <> 0" for each in signed)
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
