"""Totals that budgets follow, crossings, and titles of tasks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

import apsw

from processor.core.model import Crossing, Totals
from processor.core.questions import SeriesSum, SeriesWindow
from processor.io.ledger import rows
from processor.io.ledger.reading.sql import placeholders
from processor.io.ledger.reading.sums import rows_of, totals_of
from processor.io.ledger.statements import CROSSING
from processor.io.ledger.tables import SUMS

_HOUR_S: Final = 3_600
_NEARLY_ALL: Final = 0.999
_LIMITED: Final = ("cost", "input", "output", "unpriced")
"""What budgets look at, of `tables.SUMS`."""
_AT_ONCE: Final = 50
"""Sums of one statement: SQLite joins up to 64."""
_COUNTED: Final = """
SELECT filled_to - (span_id IS NOT NULL), is_complete FROM series
  LEFT JOIN series_parts USING (name) WHERE name = ?
"""


def read_series(
    database: apsw.Connection, name: str, scope_id: str, start_s: int, end_s: int
) -> Totals:
    """What `totals` has in ``[start, end)`` for one scope id."""
    [sums] = rows_of(
        database,
        lambda function: (
            f"SELECT {', '.join(f'{function}({column})' for column in SUMS)} FROM totals "
            "WHERE scope = ? AND id = ? AND bucket >= ? AND bucket < ?"
        ),
        (name, scope_id, start_s, end_s),
        len(SUMS),
    )
    return totals_of(sums)


def read_series_by_hour(
    database: apsw.Connection, name: str, scope_id: str, start_s: int, end_s: int
) -> list[tuple[int, Totals]]:
    """What `totals` has in each hour from `start_s` on that has something, by its start."""
    found = rows_of(
        database,
        lambda function: (
            f"SELECT (bucket - ?1) / {_HOUR_S}, "
            f"{', '.join(f'{function}({column})' for column in SUMS)} FROM totals "
            "WHERE scope = ?2 AND id = ?3 AND bucket >= ?1 AND bucket < ?4 GROUP BY 1 ORDER BY 1"
        ),
        (start_s, name, scope_id, end_s),
        len(SUMS),
    )
    return [(start_s + hour * _HOUR_S, totals_of(sums)) for hour, *sums in found]


def read_many_series(database: apsw.Connection, asked: Sequence[SeriesWindow]) -> list[SeriesSum]:
    """What `totals` has of each, of what budgets look at.

    A statement has one row for all that it is asked: other threads run between two rows, and give
    the interpreter back after a millisecond or more when they are busy.
    """
    kept = tuple({each.name for each in asked if "?" in each.name})
    found: list[Totals] = []
    complete = 0
    for first in range(0, len(asked), _AT_ONCE):
        some = asked[first : first + _AT_ONCE]
        bindings = (*kept, *(value for each in some for value in each))
        statement = partial(_added_up, len(kept), len(some))
        columns = len(some) * len(_LIMITED)
        [(complete, *sums)] = rows_of(database, statement, bindings, columns)
        for at in range(0, columns, len(_LIMITED)):
            cost, given, made, unpriced = (int(each or 0) for each in sums[at : at + len(_LIMITED)])
            found.append(Totals(cost, given, made, unpriced=unpriced))
    filling = set(kept) - _complete(database, kept) if complete < len(kept) else set()
    return [
        SeriesSum(totals, each.name not in filling)
        for each, totals in zip(asked, found, strict=True)
    ]


def _added_up(kept: int, number: int, function: str) -> str:
    """How many of some series are complete, and the sums of some windows, in one row."""
    added = ", ".join(f"{function}({column})" for column in _LIMITED)
    one = f"(SELECT {added} FROM totals WHERE scope = ? AND id = ? AND bucket >= ? AND bucket < ?)"
    names = placeholders("?" * kept)
    count = f"(SELECT COUNT(*) FROM series WHERE is_complete AND name IN {names})"
    return f"SELECT {count}, * FROM {', '.join([one] * number)}"


def _complete(database: apsw.Connection, names: Sequence[str]) -> set[str]:
    found = database.execute(
        f"SELECT name FROM series WHERE is_complete AND name IN {placeholders(names)}", names
    )
    return {str(name) for (name,) in found}


def read_progress(database: apsw.Connection, name: str) -> float:
    """The share of traces that a series has been filled with; 1 for all."""
    known = database.execute(_COUNTED, (name,))
    filled_to, is_complete = next(known, (0, 0))
    if is_complete:
        return 1.0
    [(last,)] = database.execute("SELECT MAX(id) FROM traces").fetchall()
    return min(max(int(filled_to), 0) / int(last), _NEARLY_ALL) if last else 1.0


def read_largest(
    database: apsw.Connection, name: str, start_s: int, end_s: int, limit: int
) -> list[tuple[str, Totals]]:
    """The scope ids of a series that have cost most in ``[start, end)``."""
    found = rows_of(
        database,
        lambda function: (
            f"SELECT id, {', '.join(f'{function}({column})' for column in SUMS)} FROM totals "
            "WHERE scope = ? AND bucket >= ? AND bucket < ? GROUP BY id "
            "ORDER BY SUM(CAST(cost AS REAL)) DESC, id LIMIT ?"
        ),
        (name, start_s, end_s, limit),
        len(SUMS),
    )
    return [(str(scope_id), totals_of(sums)) for scope_id, *sums in found]


def read_crossings(
    database: apsw.Connection, limit: int, before: int | None
) -> list[tuple[int, Crossing]]:
    """Crossings with their number, latest first."""
    found = database.execute(
        f"SELECT seq, {', '.join(CROSSING)} FROM crossings WHERE seq < ? ORDER BY seq DESC LIMIT ?",
        (before or 2**63 - 1, limit),
    )
    return [(number, rows.decode_crossing(columns)) for number, *columns in found]


def read_task_titles(database: apsw.Connection, tasks: Sequence[str]) -> dict[str, str]:
    """The titles of tasks that have one."""
    found = database.execute(
        f"SELECT task, title FROM task_titles WHERE task IN {placeholders(tasks)}", tuple(tasks)
    )
    return {str(task): str(title) for task, title in found}
