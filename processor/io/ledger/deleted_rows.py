"""Deletes the rows of traces, and keeps what totals and repeats need of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any, Final, NamedTuple

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
from processor.io.ledger.dialect import Dialect
from processor.io.ledger.folded_hours import FoldedHours
from processor.io.ledger.kept_from import KeptFrom, read_kept_from
from processor.io.ledger.reading.sums import define_sum, rows_of
from processor.io.ledger.responses import delete_responses
from processor.io.ledger.rows import values_of
from processor.io.ledger.tables import PARTS, SUMS
from processor.io.ledger.translation import TRANSLATED

_DAY_S: Final = 86_400
_INCREMENTAL: Final = 2
"""SQLite's number of a file that can give free pages back."""
_ALL: Final = (*SUMS, *PARTS)
_MOVE: Final = """
INSERT INTO kept_from (what, time_s) VALUES (?, ?)
ON CONFLICT (what) DO UPDATE SET time_s = excluded.time_s WHERE excluded.time_s > kept_from.time_s
"""
_ADD_LATE: Final = """
INSERT INTO late_hours (start_s, calls) VALUES (?, ?)
ON CONFLICT (start_s) DO UPDATE SET calls = late_hours.calls + excluded.calls
"""
_ADD_KEYS: Final = """
INSERT INTO trace_keys (trace, span_ids) VALUES (?, ?)
ON CONFLICT (trace) DO UPDATE SET span_ids = CAST(trace_keys.span_ids || excluded.span_ids AS BLOB)
"""
_SPANS: Final = "SELECT id, span_id, time_ns, response FROM spans WHERE trace = ? ORDER BY id"
_TRACE: Final = f"SELECT end_ns, {', '.join(SUMS)} FROM traces WHERE id = ?"


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


class KeptSpan(NamedTuple):
    """A row of `spans`, as far as a sweep looks at it."""

    id: int
    trace: int
    """Number of its trace."""
    time_ns: int


class KeptTrace(NamedTuple):
    """A row of `traces`, or of `trace_keys`, likewise."""

    number: int
    trace_id: bytes
    start_ns: int
    end_ns: int
    """0 where nothing was charged in it."""
    has_rows: bool


class DeletedTrace(NamedTuple):
    """What was deleted of a trace."""

    trace_id: bytes
    spans: int
    """Rows."""


class FreePages(NamedTuple):
    """Pages of the file that nothing is in; they are used again."""

    free: int
    pages: int
    """All of them."""
    page_bytes: int
    can_be_given_back: bool
    """False for a file of an older program, until it is copied."""


class DeletedRows:
    """What a ledger has deleted, and how it deletes more; the caller has a transaction."""

    def __init__(
        self, database: apsw.Connection, words: Dialect, forget: Callable[[bytes], None]
    ) -> None:
        """`forget` is called with the id of each trace whose number is not valid any more."""
        self._database = database
        self._forget = forget
        self.hours = FoldedHours(database, words)
        self._days = Addition("deleted_days", words)
        self._traces = Addition("deleted_traces", words)
        define_sum(database)

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
            self._database.execute(_ADD_KEYS, (trace, b"".join(span_ids)))
            for table, key in (("traces", "id"), ("resumed_traces", "trace")):
                text = f"UPDATE {table} SET unpriced = unpriced + ? WHERE {key} = ?"
                self._database.execute(text, (len(span_ids), trace))

    @TRANSLATED
    def spans_after(self, span: int, limit: int) -> list[KeptSpan]:
        """The next rows of spans after one, in the order in which they came."""
        query = "SELECT id, trace, time_ns FROM spans WHERE id > ? ORDER BY id LIMIT ?"
        return [KeptSpan(*row) for row in self._database.execute(query, (span, limit))]

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
    def delete_calls(self, trace: int, before_ns: int) -> DeletedTrace | None:
        """Delete all rows of a trace that is older; None where it is not.

        The trace with the latest row stays, so that no id of a row is given twice.
        """
        end_ns: int = self._database.execute("SELECT end_ns FROM traces WHERE id = ?", (trace,)).get
        if end_ns >= before_ns:
            return None
        found: list[tuple[Any, ...]]
        found = self._database.execute(_SPANS, (trace,)).fetchall()
        latest: int = self._database.execute("SELECT MAX(id) FROM spans").get
        if not found or found[-1][0] == latest or max(row[2] for row in found) >= before_ns:
            return None
        self._keep_sums(trace)
        span_ids = b"".join(dict.fromkeys(row[1] for row in found))
        self._database.execute(_ADD_KEYS, (trace, span_ids))
        delete_responses(self._database, [(row[0], *row[2:]) for row in found])
        for table in ("charges", "charge_sums"):
            of_trace = "IN (SELECT spans.id FROM spans WHERE spans.trace = ?)"
            self._database.execute(f"DELETE FROM {table} WHERE id {of_trace}", (trace,))
        self._database.execute("DELETE FROM spans WHERE trace = ?", (trace,))
        for table in ("corrections", "exclusions", "resumed_traces"):
            self._database.execute(f"DELETE FROM {table} WHERE trace = ?", (trace,))
        [trace_id] = self._one("SELECT trace_id FROM traces WHERE id = ?", (trace,))
        return DeletedTrace(trace_id, len(found))

    def _keep_sums(self, trace: int) -> None:
        """Keep what the charges of a trace add up to."""

        def statement(function: str) -> str:
            sums = ", ".join(f"{function}(u.{name})" for name in _ALL)
            return (
                f"SELECT u.end_s / {_DAY_S} * {_DAY_S} AS day, {sums} "
                "FROM spans s CROSS JOIN charged u ON u.id = s.id WHERE s.trace = ? GROUP BY day"
            )

        found = rows_of(self._database, statement, (trace,), len(_ALL))
        self._days.run(self._database, ((row[:1], tuple(row[1:])) for row in found))

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
        end_ns, *sums = self._one(_TRACE, (trace.number,))
        day_s = end_ns // NS_PER_S // _DAY_S * _DAY_S
        self._traces.run(self._database, [((day_s,), tuple(map(int, sums)))])
        self.delete_keys([trace.number])
        self._database.execute("DELETE FROM traces WHERE id = ?", (trace.number,))
        self._forget(trace.trace_id)
        return True

    @TRANSLATED
    def free_pages(self) -> FreePages:
        """What the file has that nothing is in."""
        free, pages, size, mode = (
            int(str(self._database.pragma(name)))
            for name in ("freelist_count", "page_count", "page_size", "auto_vacuum")
        )
        return FreePages(free, pages, size, mode == _INCREMENTAL)

    @TRANSLATED
    def give_back(self, pages: int) -> None:
        """Give free pages back to the disk, where the file can."""
        self._database.execute(f"PRAGMA incremental_vacuum({pages})").fetchall()

    def _one(self, query: str, bindings: tuple[Any, ...]) -> tuple[Any, ...]:
        return next(iter(self._database.execute(query, bindings)))
