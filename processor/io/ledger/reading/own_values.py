"""Values of own dimensions that are not kept by themselves, since a day had too many."""

from __future__ import annotations

from typing import Final

import apsw

from processor.core.questions import DIMENSIONS, Filters, ValueInOther
from processor.io.ledger.interning import OTHER, OWN_VALUES_MAX

_FULL_DAYS: Final = (
    "SELECT day FROM own_values WHERE dimension = ? AND day >= ? AND day < ? "
    "GROUP BY day HAVING COUNT(*) >= ? ORDER BY day"
)
_IS_KEPT: Final = "SELECT 1 FROM own_values WHERE dimension = ? AND day = ? AND value = ?"


def read_values_in_other(
    database: apsw.Connection, filters: Filters, start_s: int, end_s: int
) -> list[ValueInOther]:
    """Values that are filtered by and that days of ``[start, end)`` may have as `OTHER`.

    These are days that have as many values as they may, and this one not among them. `start_s` is
    the start of a day.
    """
    found = []
    for dimension, values in filters:
        if dimension in DIMENSIONS or {*values} <= {"", OTHER}:
            continue
        bounds = (dimension, start_s, end_s, OWN_VALUES_MAX)
        full = [int(str(row[0])) for row in database.execute(_FULL_DAYS, bounds)]
        for value in values:
            if value in {"", OTHER}:
                continue
            days = [day for day in full if not _is_kept(database, dimension, day, value)]
            if days:
                found.append(ValueInOther(dimension, value, len(days), days[0], days[-1]))
    return found


def _is_kept(database: apsw.Connection, dimension: str, day: int, value: str) -> bool:
    return database.execute(_IS_KEPT, (dimension, day, value)).get is not None
