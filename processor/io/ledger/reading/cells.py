"""Sums of a range by every combination of dimensions, for files that other programs read."""

from __future__ import annotations

from typing import Final

import apsw

from processor.core.model.posting import DimensionSet
from processor.core.questions import SET_DIMENSIONS, CellRow, PricedBy, ReadingPlan, UsageQuestion
from processor.io.ledger.reading import sql
from processor.io.ledger.reading.calls import own_dimensions
from processor.io.ledger.reading.cell_pricing import read_pricing
from processor.io.ledger.reading.own_traces import find_own_traces
from processor.io.ledger.reading.sql import Sql
from processor.io.ledger.reading.sums import parts_of, rows_of_sql, totals_of
from processor.io.ledger.reading.usage import pieces_of
from processor.io.ledger.tables import SUMS

_KEYS: Final = ("set_id",)
_SETS_READ: Final = 1000


def read_cells(
    database: apsw.Connection, question: UsageQuestion, plan: ReadingPlan, *, with_pricing: bool
) -> list[CellRow]:
    """What each combination of dimensions has in each bucket; zeros are left out."""
    if not plan.segments:
        return []
    columns = sql.sum_columns(with_parts=True)
    needs_charges = any(each.source == "charges" for each in plan.segments)
    own = find_own_traces(database, question.filters) if needs_charges else None
    of_traces = own and own.condition()

    def statement(function: str) -> Sql:
        pieces = pieces_of(question, plan, _KEYS, columns, function, of_traces=of_traces)
        summed = sql.sums(columns, function, "p")
        having = sql.is_something(columns, function)
        return pieces.add(
            f" SELECT p.bucket, p.set_id, {summed} FROM pieces p GROUP BY 1, 2 HAVING {having}"
        )

    found = list(rows_of_sql(database, statement, len(columns)))
    sets = _sets_of(database, {row[1] for row in found})
    at, nothing = len(SUMS), PricedBy()
    pricing = read_pricing(database, question) if with_pricing else {}
    rows = [
        CellRow(
            bucket, sets[set_id], totals_of(sums[:at]), parts_of(tuple(sums[at:])),
            pricing.get((bucket, set_id), nothing),
        )
        for bucket, set_id, *sums in found
    ]  # fmt: skip
    # By what they say and not by their numbers, which another copy of the ledger may give anew.
    return sorted(rows, key=lambda row: row[:2])


def _sets_of(database: apsw.Connection, ids: set[int]) -> dict[int, DimensionSet]:
    own = own_dimensions(database, ids)
    listed, found = sorted(ids), {}
    for at in range(0, len(listed), _SETS_READ):
        some = listed[at : at + _SETS_READ]
        text = (
            f"SELECT id, {', '.join(SET_DIMENSIONS)} FROM dimension_sets "
            f"WHERE id IN {sql.placeholders(some)}"
        )
        for set_id, *values in database.execute(text, some):
            names = (*values, tuple(own.get(set_id, ())))
            found[set_id] = DimensionSet._make(names)
    return found
