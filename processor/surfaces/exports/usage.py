"""The dataset `usage`: what each combination of dimensions has used in each hour or day."""

from __future__ import annotations

from typing import Final

from processor.core.columns import Column, Value
from processor.core.model import NS_PER_S
from processor.core.questions import SET_DIMENSIONS, CellRow
from processor.surfaces.exports.sums import SUMS, object_text, sums_of

COLUMNS: Final = (
    Column("starting_at", "time"),
    Column("ending_at", "time"),
    *map(Column, SET_DIMENSIONS),
    Column("dimensions"),
    *SUMS,
)
"""Users, sessions, tasks and traces are in `calls` alone."""


def row_of(cell: CellRow, start_s: int, end_s: int) -> tuple[Value, ...]:
    """What was used in ``[start, end)``, in the order of `COLUMNS`."""
    return (
        start_s * NS_PER_S,
        end_s * NS_PER_S,
        *(name or None for name in cell.dimensions[:-1]),
        object_text(dict(cell.dimensions.own)),
        *sums_of(cell.totals, cell.parts),
    )
