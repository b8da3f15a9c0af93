"""Sums by month and by part of a month: those of the days that are over.

A turn adds to the day of a charge, and to its month only where that day is in the sums of months
already. So they cost a turn nothing, and answer for a month as quickly as a day does. A day is
added once a later one has begun, by one statement: 2 to 3 us for each row of the day.
"""

from __future__ import annotations

from typing import Final

import apsw

from processor.core.budgets.zones import ReportingZones
from processor.io.ledger import statements
from processor.io.ledger.addition import addition_of
from processor.io.ledger.dialect import Dialect
from processor.io.ledger.tables import PARTS, SUMS

_OF_DAY: Final = (
    f"SELECT ?, ?, set_id, {', '.join((*SUMS, *PARTS))} FROM usage_days WHERE start_s = ?"
)


def cells_of(zones: ReportingZones, time_s: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """The month of a moment, and the part of it: what the keys of both begin with."""
    return (0, zones.month_of(time_s)[0]), (1, zones.month_part_of(time_s)[0])


def day_to_add(database: apsw.Connection, zones: ReportingZones, before_s: int) -> int | None:
    """The start of the first day that the sums of months do not have; None for none.

    It has to end by `before_s`, and a later day to have begun.
    """
    until_s = database.execute(statements.READ_MONTHS_UNTIL).get or 0
    first_s, last_s = next(database.execute(statements.DAYS_AFTER, (until_s,)))
    is_over = first_s != last_s and zones.day_of(first_s)[1] <= before_s
    return first_s if is_over else None


def add_day(database: apsw.Connection, words: Dialect, zones: ReportingZones, start_s: int) -> None:
    """Add the day that is the next one to the sums of months; the caller has a transaction."""
    for cell in cells_of(zones, start_s):
        database.execute(addition_of("usage_months", _OF_DAY, words), (*cell, start_s))
    database.execute("DELETE FROM months_until")
    database.execute(statements.INSERT_MONTHS_UNTIL, (zones.day_of(start_s)[1],))
