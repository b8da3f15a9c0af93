"""Reads spans back, with what their rows share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, Final

import apsw

from processor.core.model import NOBODY, Owner, SpanRow
from processor.io.ledger import rows, statements
from processor.io.ledger.interning import Cache
from processor.io.ledger.shared import Details, decode_details, decode_owner

_CACHED_MAX: Final = 4096
_ALL: Final = -1
_SPANS_LOOKED_AT: Final = 50_000
"""So many of the last spans say which traces go on that began long ago."""


class RowReader:
    """Reads the rows of traces, and remembers what the ids in them stand for."""

    def __init__(self, database: apsw.Connection) -> None:
        self._database = database
        self._owners = Cache[int, tuple[Owner, str]](_CACHED_MAX)
        self._details = Cache[int, Details](_CACHED_MAX)

    def forget(self) -> None:
        """A transaction was undone: ids that it gave are no longer valid."""
        self._owners.clear()
        self._details.clear()

    def rows_of(
        self, trace_id: bytes, trace: int, after: int = 0, limit: int = _ALL
    ) -> list[SpanRow]:
        """What is kept of a trace after a row, in the order it was written."""
        found: list[tuple[Any, ...]]
        found = self._database.execute(statements.READ_SPANS, (trace, after, limit)).fetchall()
        return [self._decode(trace_id, columns) for columns in found]

    def rows_by_id(self, ids: Iterable[int]) -> list[SpanRow]:
        """Single rows, of any traces."""
        keys = ((row_id,) for row_id in ids)
        found: list[tuple[Any, ...]]
        found = self._database.executemany(statements.READ_SPAN, keys).fetchall()
        return [self._decode(columns[-1], columns[:-1]) for columns in found]

    def recent_traces(self, limit: int) -> list[bytes]:
        """Ids of the traces of the spans written last, then of the traces begun last."""
        latest = dict.fromkeys(self._database.execute(statements.READ_LATEST, (_SPANS_LOOKED_AT,)))
        found = {
            row[0]: None for row in self._database.executemany(statements.READ_TRACE_ID, latest)
        }
        if len(found) < limit:
            begun = self._database.execute(statements.READ_TRACE_IDS, (limit,))
            return [*found, *(row[0] for row in begun if row[0] not in found)][:limit]
        return list(islice(found, limit))

    def _decode(self, trace_id: bytes, columns: Sequence[Any]) -> SpanRow:
        return rows.decode_span(
            columns,
            trace_id,
            NOBODY if columns[6] is None else self._owner(columns[6])[0],
            self._owner(columns[7]),
            None if columns[8] is None else self._details_of(columns[8]),
        )

    def _owner(self, owner_id: int) -> tuple[Owner, str]:
        known = self._owners.get(owner_id)
        if known is None:
            found = self._database.execute(statements.READ_OWNER, (owner_id,))
            known = self._owners[owner_id] = decode_owner(next(found))
        return known

    def _details_of(self, details_id: int) -> Details:
        known = self._details.get(details_id)
        if known is None:
            found = self._database.execute(statements.READ_DETAILS, (details_id,))
            known = self._details[details_id] = decode_details(next(found))
        return known
