"""Deletes traces whose rows are deleted, and what is kept of the ids of their spans."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

import apsw

from processor.core.model import NS_PER_S
from processor.io.ledger.addition import Addition
from processor.io.ledger.dialect import Dialect
from processor.io.ledger.tables import SUMS
from processor.io.ledger.translation import TRANSLATED

_DAY_S: Final = 86_400
_TRACE: Final = f"SELECT end_ns, {', '.join(SUMS)} FROM traces WHERE id = ?"


class KeptTrace(NamedTuple):
    """A row of `traces`, or of `trace_keys`, likewise."""

    number: int
    trace_id: bytes
    start_ns: int
    end_ns: int
    """0 where nothing was charged in it."""
    has_rows: bool


class TraceDeletion:
    """On the writer's connection; the caller has a transaction."""

    def __init__(
        self, database: apsw.Connection, words: Dialect, forget: Callable[[bytes], None]
    ) -> None:
        """`forget` is called with the id of each trace whose number is not valid any more."""
        self._database = database
        self._forget = forget
        self._sums = Addition("deleted_traces", words)

    @TRANSLATED
    def keys_after(self, trace: int, limit: int) -> list[KeptTrace]:
        """The next traces after one that have kept ids of deleted spans."""
        query = (
            "SELECT k.trace, t.trace_id, t.start_ns, t.end_ns, 0 FROM trace_keys k "
            "JOIN traces t ON t.id = k.trace WHERE k.trace > ? ORDER BY k.trace LIMIT ?"
        )
        return [KeptTrace(*row) for row in self._database.execute(query, (trace, limit))]

    @TRANSLATED
    def traces_after(self, trace: int, limit: int) -> list[KeptTrace]:
        """The next traces after one."""
        query = (
            "SELECT id, trace_id, start_ns, end_ns, "
            "EXISTS (SELECT 1 FROM spans WHERE spans.trace = traces.id) "
            "FROM traces WHERE id > ? ORDER BY id LIMIT ?"
        )
        return [KeptTrace(*row) for row in self._database.execute(query, (trace, limit))]

    @TRANSLATED
    def delete_keys(self, traces: Iterable[int]) -> None:
        """Delete the ids that are kept of deleted spans of some traces."""
        self._database.executemany(
            "DELETE FROM trace_keys WHERE trace = ?", ((trace,) for trace in traces)
        )

    @TRANSLATED
    def delete_trace(self, trace: KeptTrace) -> bool:
        """Delete a trace without rows; returns False for the one with the highest number.

        That one stays, so that no number is given twice.
        """
        if trace.number == self._database.execute("SELECT MAX(id) FROM traces").get:
            return False
        end_ns, *sums = next(iter(self._database.execute(_TRACE, (trace.number,))))
        day_s = end_ns // NS_PER_S // _DAY_S * _DAY_S
        self._sums.run(self._database, [((day_s,), tuple(map(int, sums)))])
        self.delete_keys([trace.number])
        self._database.execute("DELETE FROM traces WHERE id = ?", (trace.number,))
        self._forget(trace.trace_id)
        return True
