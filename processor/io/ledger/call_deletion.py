"""Deletes the rows of traces, and keeps what totals and repeats need of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import apsw

from processor.io.ledger import statements
from processor.io.ledger.addition import Addition
from processor.io.ledger.dialect import Dialect
from processor.io.ledger.numbers import encode_numbers
from processor.io.ledger.reading.sums import define_sum, rows_of
from processor.io.ledger.responses import delete_responses
from processor.io.ledger.tables import PARTS, SUMS
from processor.io.ledger.translation import TRANSLATED

ROWS_AT_ONCE: Final = 256
"""A trace with more rows is deleted in parts."""
ADD_KEYS: Final = """
INSERT INTO trace_keys (trace, span_ids) VALUES (?, ?)
ON CONFLICT (trace) DO UPDATE SET span_ids = CAST(trace_keys.span_ids || excluded.span_ids AS BLOB)
"""
"""Keeps ids of spans whose rows are deleted."""
_KIND: Final = "delete"
"""Of the row in ``jobs`` while a part of a trace is deleted; its position is the trace's number."""
_DAY_S: Final = 86_400
_ALL: Final = (*SUMS, *PARTS)
_SPANS: Final = (
    "SELECT id, span_id, time_ns, response FROM spans WHERE trace = ? ORDER BY id LIMIT ?"
)
_CHARGED: Final = "IN (SELECT spans.id FROM spans WHERE spans.trace = ? AND spans.id <= ?)"
_SOME_CORRECTIONS: Final = (
    "DELETE FROM corrections WHERE id IN (SELECT id FROM corrections WHERE trace = ? LIMIT ?)"
)
_NOTE: Final = (
    "INSERT INTO jobs (kind, parameters, position, state, progress) "
    f"VALUES ('{_KIND}', '', ?, 'under way', '')"
)
_NOTED: Final = f"SELECT position FROM jobs WHERE kind = '{_KIND}'"
_KEEP_NOTHING: Final = (
    f"INSERT INTO resumed_traces (trace, {', '.join(statements.TRACE)}) "
    f"SELECT id, {', '.join('0' if name in SUMS else name for name in statements.TRACE)} "
    "FROM traces WHERE id = ? ON CONFLICT (trace) DO NOTHING"
)
_KEPT: Final = f"SELECT {', '.join(SUMS)} FROM resumed_traces WHERE trace = ?"
_KEEP: Final = (
    f"UPDATE resumed_traces SET {', '.join(f'{name} = ?' for name in SUMS)} WHERE trace = ?"
)


class KeptSpan(NamedTuple):
    """A row of `spans`, as far as a sweep looks at it."""

    id: int
    trace: int
    """Number of its trace."""
    time_ns: int


class DeletedPart(NamedTuple):
    """What was deleted of a trace."""

    rows: int
    """Of spans."""
    is_last: bool
    """Whether nothing of it is left."""


def read_partly_deleted(database: apsw.Connection) -> int:
    """The number of the trace of which only a part is deleted; 0 without one.

    What its other rows are charged does not follow from them any more.
    """
    found: int | None = database.execute(_NOTED).get
    return found or 0


class CallDeletion:
    """On the writer's connection; the caller has a transaction.

    While a part of a trace is deleted its row in `resumed_traces` has what that part was charged,
    so that sums agree. But what is above and below the other spans may be gone, so `finish` comes
    before anybody takes these rows as a trace.
    """

    def __init__(self, database: apsw.Connection, words: Dialect) -> None:
        self._database = database
        self._days = Addition("deleted_days", words)
        define_sum(database)

    @TRANSLATED
    def spans_after(self, span: int, limit: int) -> list[KeptSpan]:
        """The next rows of spans after one, in the order in which they came."""
        query = "SELECT id, trace, time_ns FROM spans WHERE id > ? ORDER BY id LIMIT ?"
        return [KeptSpan(*row) for row in self._database.execute(query, (span, limit))]

    @TRANSLATED
    def spans_of(self, trace: int, after: int, limit: int) -> list[KeptSpan]:
        """The next rows of spans of a trace after one."""
        query = (
            "SELECT id, trace, time_ns FROM spans WHERE trace = ? AND id > ? ORDER BY id LIMIT ?"
        )
        return [KeptSpan(*row) for row in self._database.execute(query, (trace, after, limit))]

    @TRANSLATED
    def last_span(self) -> int:
        """The id of the latest row of spans, which stays, so that no id is given twice."""
        found: int = self._database.execute(statements.LAST_SPAN).get
        return found

    @TRANSLATED
    def end_and_id(self, trace: int) -> tuple[int, bytes]:
        """When the last call of a trace ended, and its id."""
        query = "SELECT end_ns, trace_id FROM traces WHERE id = ?"
        [(end_ns, trace_id)] = self._database.execute(query, (trace,))
        return int(str(end_ns)), bytes(trace_id)

    @TRANSLATED
    def partly_deleted(self) -> int:
        """See `read_partly_deleted`."""
        return read_partly_deleted(self._database)

    @TRANSLATED
    def delete_part(self, trace: int) -> DeletedPart:
        """Delete the oldest rows of a trace, all where these are few."""
        is_noted = read_partly_deleted(self._database) == trace
        if is_noted:
            self._database.execute(_SOME_CORRECTIONS, (trace, ROWS_AT_ONCE))
            if self._database.changes() == ROWS_AT_ONCE:
                return DeletedPart(0, is_last=False)
        found: list[tuple[Any, ...]]
        found = self._database.execute(_SPANS, (trace, ROWS_AT_ONCE + 1)).fetchall()
        is_last = len(found) <= ROWS_AT_ONCE
        if not (is_last or is_noted):
            self._database.execute(_NOTE, (trace,))
            self._database.execute(_KEEP_NOTHING, (trace,))
        some = found[:ROWS_AT_ONCE]
        if some:
            self._delete_rows(trace, some, keep_sums=not is_last)
        if is_last:
            for table in ("corrections", "exclusions", "resumed_traces"):
                self._database.execute(f"DELETE FROM {table} WHERE trace = ?", (trace,))
            if is_noted:
                self._database.execute(f"DELETE FROM jobs WHERE kind = '{_KIND}'")
        return DeletedPart(len(some), is_last)

    def finish(self) -> None:
        """Delete the rest of a trace of which a part is deleted, all at once: 9 us a span."""
        trace = self.partly_deleted()
        while trace and not self.delete_part(trace).is_last:
            pass

    def _delete_rows(self, trace: int, rows: Sequence[tuple[Any, ...]], *, keep_sums: bool) -> None:
        """Delete the first rows of a trace; `keep_sums` where there are more."""
        last = rows[-1][0]
        sums = self._add_to_days(trace, last)
        if keep_sums:
            self._add_to_trace(trace, sums)
        span_ids = b"".join(dict.fromkeys(row[1] for row in rows))
        self._database.execute(ADD_KEYS, (trace, span_ids))
        delete_responses(self._database, [(row[0], *row[2:]) for row in rows])
        for table in ("charges", "charge_sums"):
            self._database.execute(f"DELETE FROM {table} WHERE id {_CHARGED}", (trace, last))
        self._database.execute("DELETE FROM spans WHERE trace = ? AND id <= ?", (trace, last))

    def _add_to_days(self, trace: int, last: int) -> list[int]:
        """Keep what the charges of some rows add up to, by day; returns the sums in all."""

        def statement(function: str) -> str:
            sums = ", ".join(f"{function}(u.{name})" for name in _ALL)
            return (
                f"SELECT u.end_s / {_DAY_S} * {_DAY_S} AS day, {sums} FROM spans s "
                "CROSS JOIN charged u ON u.id = s.id WHERE s.trace = ? AND s.id <= ? GROUP BY day"
            )

        found = rows_of(self._database, statement, (trace, last), len(_ALL))
        days = [((row[0],), tuple(int(each) for each in row[1:])) for row in found]
        self._days.run(self._database, days)
        nothing = (0,) * len(_ALL)
        return [sum(each) for each in zip(nothing, *(sums for _, sums in days), strict=True)]

    def _add_to_trace(self, trace: int, sums: Sequence[int]) -> None:
        """Keep what a part of a trace was charged."""
        [kept] = self._database.execute(_KEPT, (trace,))
        changed = tuple(int(str(one)) + other for one, other in zip(kept, sums, strict=False))
        self._database.execute(_KEEP, (*encode_numbers(changed), trace))
