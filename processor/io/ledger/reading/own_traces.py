"""Whether all charges of sessions or tasks are found in the traces that belong to these."""

from __future__ import annotations

from typing import NamedTuple

import apsw

from processor.core.questions import Filters
from processor.io.ledger.reading.sql import Sql, placeholders
from processor.io.ledger.reading.sums import rows_of
from processor.io.ledger.tables import SUMS

_WITH_TRACES = ("session", "task")
"""Dimensions with an index of the traces that belong to them, and totals of all time."""


class OwnTraces(NamedTuple):
    """Sessions or tasks whose charges are those of their traces."""

    column: str
    """Of `traces`, which has their ids."""
    ids: tuple[int, ...]
    """In `names`."""

    def condition(self) -> Sql:
        """What the trace `t` has to meet."""
        return Sql(f"t.{self.column} IN {placeholders(self.ids)}", list(self.ids))


def find_own_traces(database: apsw.Connection, filters: Filters) -> OwnTraces | None:
    """The sessions, or the tasks, that are filtered by, if they share no trace with others.

    There is an index from them to their traces, and none to their charges. Where the traces have
    cost what the sessions have, down to the last sum, their charges are all in them; where they
    have not, or none is filtered by, it is None.
    """
    for name in _WITH_TRACES:
        values = dict(filters).get(name, ())
        if values and "" not in values and (ids := _ids_of(database, values)):
            own = OwnTraces(f"{name}_id", ids)
            if _are_whole(database, name, values, own):
                return own
    return None


def _ids_of(database: apsw.Connection, values: tuple[str, ...]) -> tuple[int, ...]:
    found = database.execute(f"SELECT id FROM names WHERE text IN {placeholders(values)}", values)
    return tuple(int(str(row[0])) for row in found)


def _are_whole(
    database: apsw.Connection, scope: str, values: tuple[str, ...], own: OwnTraces
) -> bool:
    condition = own.condition()

    def statement(function: str) -> str:
        added = ", ".join(f"{function}(t.{name})" for name in SUMS)
        return (
            f"SELECT {added} FROM totals t WHERE t.scope = ? AND t.id IN "
            f"{placeholders(values)} UNION ALL SELECT {added} FROM traces t "
            f"WHERE {condition.text}"
        )

    whole, of_traces = rows_of(database, statement, (scope, *values, *own.ids), len(SUMS))
    return tuple(whole) == tuple(of_traces)
