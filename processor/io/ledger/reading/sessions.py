"""Whether all charges of a session are found in the traces that belong to it."""

from __future__ import annotations

import apsw

from processor.core.questions import Filters
from processor.io.ledger.reading.sql import placeholders
from processor.io.ledger.reading.sums import rows_of
from processor.io.ledger.tables import SUMS


def with_own_traces(database: apsw.Connection, filters: Filters) -> tuple[int, ...]:
    """The sessions that are filtered by, if they share no trace with others: ids in `names`.

    There is an index from sessions to their traces, and none to their charges. Where the traces
    of sessions have cost what the sessions have, down to the last sum, their charges are all in
    them; where they have not, or none is filtered by, nothing is returned.
    """
    values = dict(filters).get("session", ())
    if not values or "" in values:
        return ()
    found = database.execute(f"SELECT id FROM names WHERE text IN {placeholders(values)}", values)
    ids = tuple(int(str(row[0])) for row in found)

    def statement(function: str) -> str:
        added = ", ".join(f"{function}(u.{name})" for name in SUMS)
        return (
            f"SELECT {added} FROM totals u WHERE u.scope = 'session' AND u.id IN "
            f"{placeholders(values)} UNION ALL SELECT {added} FROM traces u "
            f"WHERE u.session_id IN {placeholders(ids)}"
        )

    if not ids:
        return ()
    whole, of_traces = rows_of(database, statement, (*values, *ids), len(SUMS))
    return ids if tuple(whole) == tuple(of_traces) else ()
