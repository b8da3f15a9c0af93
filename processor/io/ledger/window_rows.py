"""What scopes have spent and crossed in single windows, as rows have it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import apsw

from processor.core.budgets.rolling import Mark
from processor.core.model import Totals
from processor.io.ledger.tables import SUMS
from processor.io.ledger.translation import TRANSLATED

_CROSSED: Final = (
    "SELECT budget, amount, unit, share FROM crossings "
    "WHERE scope = ? AND id = ? AND window_start = ?"
)
_LAST_CROSSED: Final = (
    "SELECT budget, amount, unit, share, MAX(window_end) FROM crossings "
    "WHERE scope = ? AND id = ? AND window_end - window_start = ? "
    "GROUP BY budget, amount, unit, share"
)
_QUARTER_HOURS: Final = (
    f"SELECT bucket, {', '.join(SUMS)} FROM totals "
    "WHERE scope = ? AND id = ? AND bucket >= ? AND bucket < ?"
)


class WindowRows:
    """Reads them on the writer's connection."""

    def __init__(self, database: apsw.Connection) -> None:
        self._database = database

    @TRANSLATED
    def crossed(self, scope: str, scope_id: str, window_start_s: int) -> set[Mark]:
        """What one scope has crossed in a window."""
        found = self._database.execute(_CROSSED, (scope, scope_id, window_start_s))
        return {(budget, int(limit), unit, share) for budget, limit, unit, share in found}

    @TRANSLATED
    def last_crossed(self, scope: str, scope_id: str, length_s: int) -> Mapping[Mark, int]:
        """What one scope has crossed in windows of some length, each with the end of the last."""
        found = self._database.execute(_LAST_CROSSED, (scope, scope_id, length_s))
        return {
            (budget, int(limit), unit, share): end_s for budget, limit, unit, share, end_s in found
        }

    @TRANSLATED
    def quarter_hours(
        self, series: str, scope_id: str, start_s: int, end_s: int
    ) -> Mapping[int, Totals]:
        """What one scope has spent in the quarter hours of ``[start_s, end_s)``, by their start.

        Of series that are kept by quarter hour.
        """
        found = self._database.execute(_QUARTER_HOURS, (series, scope_id, start_s, end_s))
        return {int(str(at_s)): Totals(*(int(str(each)) for each in sums)) for at_s, *sums in found}
