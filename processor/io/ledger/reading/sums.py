"""Sums of columns whose numbers may have more than 64 bits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import apsw

from processor.core.model import NO_PARTS, Parts, Totals
from processor.io.ledger.numbers import encode_number
from processor.io.ledger.reading.sql import Sql

PLAIN: Final = "SUM"
EXACT: Final = "sum_exactly"
"""The two functions that a statement may add up with."""
NEGATED: Final = {PLAIN: "-SUM", EXACT: "subtract_exactly"}
"""What gives the negative of such a sum."""

Row = tuple[Any, ...]


def define_sum(database: apsw.Connection) -> None:
    """Let statements on this connection use `EXACT`."""
    database.create_aggregate_function(EXACT, _exact_sum, 1)
    database.create_aggregate_function(NEGATED[EXACT], _exact_difference, 1)


def _exact_sum() -> tuple[list[int], Callable[..., None], Callable[..., int | bytes]]:
    return [0], _step, _final


def _exact_difference() -> tuple[list[int], Callable[..., None], Callable[..., int | bytes]]:
    return [0], _step, lambda context: encode_number(-context[0])


def _step(context: list[int], value: Any) -> None:  # noqa: ANN401 - what stands in columns
    if value is not None:
        context[0] += int(value)


def _final(context: list[int]) -> int | bytes:
    return encode_number(context[0])


def rows_of(
    database: apsw.Connection, statement: Callable[[str], str], bindings: tuple[Any, ...], sums: int
) -> Iterable[Row]:
    """The rows of a statement whose last `sums` columns are sums.

    `statement` is given the function to add up with. SQLite's own is quick, but stops at 64 bits
    with an error, and makes a double of numbers that have more: then all is added up exactly.
    """
    return _added_up(database, lambda function: (statement(function), bindings), sums)


def rows_of_sql(
    database: apsw.Connection, statement: Callable[[str], Sql], sums: int
) -> Iterable[Row]:
    """Likewise, of a statement that has what stands for its placeholders."""

    def with_bindings(function: str) -> tuple[str, Sequence[Any]]:
        made = statement(function)
        return made.text, made.bindings

    return _added_up(database, with_bindings, sums)


def _added_up(
    database: apsw.Connection, statement: Callable[[str], tuple[str, Sequence[Any]]], sums: int
) -> Iterable[Row]:
    try:
        found = database.execute(*statement(PLAIN)).fetchall()
    except apsw.SQLError as error:
        if "integer overflow" not in str(error):
            raise
    else:
        if not any(float in map(type, row[-sums:]) for row in found):
            return found
    return [
        (*row[:-sums], *(None if value is None else int(value) for value in row[-sums:]))
        for row in database.execute(*statement(EXACT))
    ]


def totals_of(columns: Iterable[Any]) -> Totals:
    """Columns of a row in the order of `tables.SUMS`."""
    return Totals(*(int(value or 0) for value in columns))


def parts_of(columns: tuple[Any, ...]) -> Parts:
    """Columns of a row in the order of `tables.PARTS`; nothing for none."""
    return Parts(*(int(value or 0) for value in columns)) if columns else NO_PARTS
