"""Sums that only grow, as metrics show them."""

from __future__ import annotations

from typing import Final

import apsw

from processor.core.model import NOTHING, SpendPart, Totals
from processor.core.questions import CrossingCount, CrossingCounts, Spend, SpendRow
from processor.io.ledger.spend_rows import read_dimensions, read_rows

_COUNTS: Final = """
SELECT budget, scope, window_start, amount, unit, share, COUNT(*) FROM crossings
WHERE seq > ? AND seq <= ? GROUP BY budget, scope, window_start, amount, unit, share
"""


def read_spend(database: apsw.Connection) -> Spend:
    """What has been used by each combination that has sums of its own, and by the others."""
    found = dict[tuple[str, ...] | None, dict[SpendPart, Totals]]()
    for values, part, sums in read_rows(database):
        found.setdefault(values, {})[part] = sums
    rows = [
        SpendRow(values, *(parts.get(part, NOTHING) for part in ("first", "up", "down")))
        for values, parts in found.items()
    ]
    return Spend(read_dimensions(database) or (), rows)


def read_crossing_counts(database: apsw.Connection, after: int) -> CrossingCounts:
    """Crossings after a number, alike ones together: of many the first time only."""
    last: int = database.execute("SELECT COALESCE(MAX(seq), 0) FROM crossings").get
    counts = [
        CrossingCount(budget, scope, start_s, int(amount), unit, share, count)
        for budget, scope, start_s, amount, unit, share, count in database.execute(
            _COUNTS, (after, last)
        )
    ]
    return CrossingCounts(counts, last)
