"""Sums by month, and by part of one, against the days that are in them."""

from __future__ import annotations

from typing import Final

import apsw

from processor.core.budgets.zones import ReportingZones
from processor.io.ledger import statements
from processor.io.ledger.tables import PARTS, SUMS
from processor.io.ledger.verifying.check import FIRST, Findings, Step, moment, set_of
from processor.io.ledger.verifying.comparison import Sides, compare
from processor.io.ledger.zones import read_zones

_ALL: Final = (*SUMS, *PARTS)
_LISTED: Final = ", ".join(_ALL)
_NEXT: Final = """
SELECT MIN(start_s) FROM (SELECT MIN(start_s) AS start_s FROM usage_days WHERE start_s >= ?1
  UNION ALL SELECT MIN(start_s) FROM usage_months WHERE is_part = 0 AND start_s >= ?1
  UNION ALL SELECT MIN(start_s) FROM usage_months WHERE is_part = 1 AND start_s >= ?1)
"""


class SumsByMonth:
    """Months and their parts, month by month."""

    name = "months"

    def step(self, database: apsw.Connection, position: int) -> Step:
        """Look at the next month in which something is."""
        findings = Findings(self.name)
        next_s = database.execute(_NEXT, (position,)).get
        if next_s is None:
            return findings.step(None, 1.0)
        first_s = int(database.execute(_NEXT, (FIRST,)).get)
        last_s = int(database.execute("SELECT COALESCE(MAX(start_s), 0) FROM usage_days").get)
        zones = read_zones(database)
        start_s, end_s = zones.month_of(max(int(next_s), 0))
        sides = Sides(
            f"SELECT is_part, start_s, set_id, {_LISTED} FROM usage_months "
            "WHERE is_part IN (0, 1) AND start_s >= :start AND start_s < :end",
            _of_days("0", ":start")
            + " UNION ALL "
            + _of_days("1", _part_of(zones, start_s, end_s)),
            ("is_part", "start_s", "set_id"),
            _ALL,
        )
        until_s = database.execute(statements.READ_MONTHS_UNTIL).get or 0
        bindings = {"start": start_s, "end": end_s, "until": until_s}
        findings.add(
            compare(database, sides, bindings),
            lambda key: (
                f"{'part of a month' if key[0] else 'month'} from {moment(key[1])}: "
                f"{set_of(database, key[2])}"
            ),
        )
        share = (end_s - first_s) / max(last_s - first_s, 1)
        return findings.step(end_s if end_s > position else None, min(share, 1.0))


def _of_days(is_part: str, start: str) -> str:
    return (
        f"SELECT {is_part} AS is_part, {start} AS start_s, set_id, {_LISTED} FROM usage_days "
        "WHERE start_s >= :start AND start_s < :end AND start_s < :until"
    )


def _part_of(zones: ReportingZones, start_s: int, end_s: int) -> str:
    """The SQL of the start of the part of a month that a day is in."""
    parts = list[tuple[int, int]]()
    while start_s < end_s:
        parts.append(zones.month_part_of(start_s))
        start_s = parts[-1][1]
    whens = " ".join(f"WHEN start_s < {until_s} THEN {from_s}" for from_s, until_s in parts)
    return f"CASE {whens} END"
