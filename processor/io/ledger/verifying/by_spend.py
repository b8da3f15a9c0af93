"""The sums that metrics show, corrections included, against the total of everything."""

from __future__ import annotations

from typing import Final

import apsw

from processor.io.ledger.spend_rows import read_dimensions
from processor.io.ledger.tables import SUMS
from processor.io.ledger.verifying.check import Findings, Step
from processor.io.ledger.verifying.comparison import Sides, compare

_COMPARED: Final = tuple(name for name in SUMS if name != "agent_runs")
_LISTED: Final = ", ".join(_COMPARED)
_CACHED: Final = ", ".join("cached" if name == "input" else "0" for name in _COMPARED)
"""What caches gave, which is a part of the input in totals, and beside it for metrics."""
_TOTAL: Final = f"SELECT 0 AS everything, {_LISTED} FROM totals WHERE scope = 'total' AND id = ''"


class ShownSums:
    """All combinations together, in one step."""

    name = "metrics"

    def step(self, database: apsw.Connection, position: int) -> Step:
        """Compare them, where there are any."""
        del position
        findings = Findings(self.name)
        if read_dimensions(database) is not None:
            sides = Sides(
                " UNION ALL ".join(_of_spend("part <> 'down'")),
                " UNION ALL ".join((_TOTAL, *_of_spend("part = 'down'"))),
                ("everything",),
                _COMPARED,
            )
            findings.add(compare(database, sides, {}), lambda _: "all that is shown")
        return findings.step(None, 1.0)


def _of_spend(condition: str) -> tuple[str, str]:
    return (
        f"SELECT 0 AS everything, {_LISTED} FROM spend WHERE {condition}",
        f"SELECT 0, {_CACHED} FROM spend WHERE {condition}",
    )
