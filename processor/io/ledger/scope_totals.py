"""What a scope has spent in a window: from the totals that are kept, or from sums or charges."""

from __future__ import annotations

import math
from typing import Any

import apsw

from processor.core.budgets.window import BUCKET_S
from processor.core.budgets.zones import ReportingZones
from processor.core.model import NS_PER_S, Totals
from processor.io.ledger.kept_from import read_kept_from
from processor.io.ledger.tables import DIMENSIONS, SUMS

_KEPT = frozenset({"total", "user", "org"})
"""Scopes that always have totals by quarter hour; so have the series of budgets."""
_LIFETIME = frozenset({"session", "task"})
"""Scopes that always have one total of all time."""
_OF_CALLS = frozenset({"provider", "model"})
"""Dimensions that an agent does not have."""
_FOREVER_S = (2**63 - 1) // NS_PER_S
_ADDED = ", ".join(f"COALESCE(SUM({name}), 0)" for name in SUMS)
_LISTED = ", ".join(SUMS)


def total_of(
    database: apsw.Connection,
    zones: ReportingZones,
    series: str,
    scope_id: str,
    window: tuple[int, int],
) -> Totals:
    """The sum of one scope in a window ``[start, end)`` of epoch seconds; (0, 0) for all time.

    A window holds the quarter hours that begin in it. `zones` are those of the sums.
    """
    start_s, end_s = (-(-each // BUCKET_S) * BUCKET_S for each in window)
    is_windowed = bool(end_s)
    if "?" in series or series in _KEPT or (series in _LIFETIME and not is_windowed):
        bindings: tuple[str | int, ...]
        where, bindings = "FROM totals WHERE scope = ? AND id = ?", (series, scope_id)
        time = "bucket"
    else:
        where, bindings = _of_dimension(series, scope_id)
        source, time = "usage_days", "start_s"
        if series in _LIFETIME or (is_windowed and not _is_of_cells(zones, start_s, end_s)):
            source, time = "charged", "end_s"
        elif is_windowed and start_s >= read_kept_from(database).hours:
            source = "usage_hours"
        where = f"FROM {source} WHERE {where}"
    if is_windowed:
        where = f"{where} AND {time} >= ? AND {time} < ?"
        bindings = (*bindings, start_s, min(end_s, _FOREVER_S))
    return _add_up(database, where, bindings)


def _of_dimension(scope: str, scope_id: str) -> tuple[str, tuple[Any, ...]]:
    """The condition on cells, or charges, that a scope's id has."""
    if scope in _LIFETIME:
        return f"{scope}_id = (SELECT id FROM names WHERE text = ?)", (scope_id,)
    if scope in DIMENSIONS:
        of_calls = " AND kind <> 'agent'" if scope in _OF_CALLS else ""
        sets = f"SELECT id FROM dimension_sets WHERE {scope} = ?{of_calls}"
        return f"set_id IN ({sets})", (scope_id,)
    sets = "SELECT set_id FROM set_values WHERE dimension = ? AND value = ?"
    return f"set_id IN ({sets})", (scope, scope_id)


def _is_of_cells(zones: ReportingZones, *times_s: int) -> bool:
    """Whether each of the moments is the start of a cell of ``usage_hours``."""
    return all(zones.cell_of(time_s)[0] == time_s for time_s in times_s)


def _add_up(database: apsw.Connection, where: str, bindings: tuple[Any, ...]) -> Totals:
    try:
        sums = next(database.execute(f"SELECT {_ADDED} {where}", bindings))
    except apsw.SQLError:  # They leave 64 bits.
        sums = (math.nan,)
    if float not in set(map(type, sums)):
        return Totals(*sums)
    found = [0] * len(SUMS)
    for row in database.execute(f"SELECT {_LISTED} {where}", bindings):
        found = [one + int(other) for one, other in zip(found, row, strict=True)]
    return Totals(*found)
