"""What turns and readers find out of rows that are deleted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Mapping
from typing import Final

import apsw

from processor.core.model import (
    NO_PARTS,
    NS_PER_S,
    SPAN_ID_BYTES,
    LateCalls,
    Sums,
    Totals,
    TraceOwner,
    TraceSummary,
)
from processor.core.posting import Deletions
from processor.io.ledger import statements
from processor.io.ledger.addition import Addition
from processor.io.ledger.call_deletion import ADD_KEYS, CallDeletion
from processor.io.ledger.dialect import Dialect
from processor.io.ledger.folded_hours import FoldedHours
from processor.io.ledger.free_pages import FileSpace
from processor.io.ledger.kept_from import KeptFrom, read_kept_from
from processor.io.ledger.rows import values_of
from processor.io.ledger.shared_rows import NoteUses, SharedRows
from processor.io.ledger.trace_deletion import TraceDeletion
from processor.io.ledger.translation import TRANSLATED

_MOVE: Final = """
INSERT INTO kept_from (what, time_s) VALUES (?, ?)
ON CONFLICT (what) DO UPDATE SET time_s = excluded.time_s WHERE excluded.time_s > kept_from.time_s
"""
_ADD_LATE: Final = """
INSERT INTO late_hours (start_s, calls) VALUES (?, ?)
ON CONFLICT (start_s) DO UPDATE SET calls = late_hours.calls + excluded.calls
"""
_DAY_S: Final = 86_400


def read_kept_summary(database: apsw.Connection, trace: int) -> TraceSummary | None:
    """What is kept of a trace of which rows are deleted; None for another one.

    The sums are those of all its calls, time and owner those of the deleted ones.
    """
    found = next(iter(database.execute(statements.READ_KEPT_SUMMARY, (trace,))), None)
    if found is None:
        return None
    trace_id, start_ns, end_ns, *rest = found
    width = len(TraceOwner._fields)
    owner, sums = TraceOwner(*rest[:width]), Totals(*map(int, rest[width:]))
    return TraceSummary(trace_id, start_ns, end_ns, owner, sums)


class SpanIds(Container[bytes]):
    """Ids of spans, as they are kept: beside each other."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets

    def __contains__(self, span_id: object) -> bool:
        if not isinstance(span_id, bytes):
            return False
        at = self._octets.find(span_id)
        while at % SPAN_ID_BYTES and at >= 0:
            at = self._octets.find(span_id, at + 1)
        return at >= 0


class DeletedRows:
    """What a ledger has deleted, and what deletes more; the caller has a transaction."""

    def __init__(
        self,
        database: apsw.Connection,
        words: Dialect,
        forget: Callable[[bytes], None],
        note_uses: NoteUses,
    ) -> None:
        """`forget` is called with the id of each trace whose number is not valid any more.

        `note_uses` see `SharedRows`.
        """
        self._database = database
        self._days = Addition("deleted_days", words)
        self.calls = CallDeletion(database, words)
        self.traces = TraceDeletion(database, words, forget)
        self.hours = FoldedHours(database, words)
        self.shared = SharedRows(database, note_uses)
        self.space = FileSpace(database)

    @TRANSLATED
    def kept_from(self) -> KeptFrom:
        """From when on things are kept."""
        return read_kept_from(self._database)

    @TRANSLATED
    def move(self, what: str, time_s: int) -> None:
        """Note that something is kept from a moment on, unless it is from a later one."""
        self._database.execute(_MOVE, (what, time_s))
        if what == "calls":
            # Of that time no single calls are left which these could be missing among.
            self._database.execute("DELETE FROM late_hours WHERE start_s < ?", (time_s,))

    @TRANSLATED
    def newest_end_s(self) -> int:
        """The end of the call that ended last, in epoch seconds; 0 without one."""
        found: int | None = self._database.execute("SELECT MAX(end_s) FROM charges").get
        return found or 0

    @TRANSLATED
    def span_ids_of(self, trace: int) -> Container[bytes]:
        """The ids that are kept of a deleted trace."""
        query = "SELECT span_ids FROM trace_keys WHERE trace = ?"
        return SpanIds(self._database.execute(query, (trace,)).get or b"")

    @TRANSLATED
    def deletions(self, numbers: Mapping[bytes, int], kept_from: KeptFrom) -> Deletions:
        """What was deleted of traces, by their numbers."""
        span_ids = {trace_id: self.span_ids_of(number) for trace_id, number in numbers.items()}
        return Deletions(span_ids, kept_from.keys * NS_PER_S, kept_from.calls * NS_PER_S)

    @TRANSLATED
    def summary_of(self, trace: int) -> TraceSummary | None:
        """See `read_kept_summary`."""
        return read_kept_summary(self._database, trace)

    @TRANSLATED
    def resume(self, trace: int) -> None:
        """Keep of a deleted trace that is about to have rows again what it had before."""
        self._database.execute(statements.RESUME_TRACE, (trace,))

    @TRANSLATED
    def add_late(self, calls: LateCalls, number_of: Callable[[bytes], int]) -> None:
        """Keep calls that came too late; `number_of` gives the number of a trace."""
        self._database.executemany(_ADD_LATE, calls.hours.items())
        days = Counter[int]()
        for hour_s, count in calls.hours.items():
            days[hour_s // _DAY_S * _DAY_S] += count
        unknown = ((day_s, Sums(Totals(unpriced=count), NO_PARTS)) for day_s, count in days.items())
        self._days.run(self._database, (((day_s,), values_of(sums)) for day_s, sums in unknown))
        for trace_id, span_ids in calls.span_ids.items():
            trace = number_of(trace_id)
            self._database.execute(ADD_KEYS, (trace, b"".join(span_ids)))
            for table, key in (("traces", "id"), ("resumed_traces", "trace")):
                text = f"UPDATE {table} SET unpriced = unpriced + ? WHERE {key} = ?"
                self._database.execute(text, (len(span_ids), trace))
