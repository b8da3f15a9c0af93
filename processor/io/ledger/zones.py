"""The zones whose days sums are kept for, as the ledger's file has them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import apsw

from processor.core.budgets.zones import ReportingZone, ReportingZones
from processor.io.ledger import statements


def read_zones(database: apsw.Connection) -> ReportingZones:
    """All zones that the ledger has had. Raises ZoneInfoNotFoundError where one is unknown here."""
    found = database.execute(statements.READ_ZONES)
    return ReportingZones(
        ReportingZone(start_s, ZoneInfo(zone), cell_s) for start_s, zone, cell_s in found
    )


def write_zones(database: apsw.Connection, zones: ReportingZones) -> None:
    """Replace the zones that are kept; the caller commits."""
    database.execute("DELETE FROM reporting_zones")
    database.executemany(
        statements.INSERT_ZONE, [(each.start_s, each.zone.key, each.cell_s) for each in zones.zones]
    )
