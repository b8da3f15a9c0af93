"""Which charges an exclusion is to take out of all sums, and which spans it has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import apsw

from processor.core.attribution.node import EXCLUDED
from processor.core.model import NS_PER_S, SPAN_ID_BYTES, Selection
from processor.io.ledger.reading.sums import Row
from processor.io.ledger.store import ChargesFound, ExcludedSpans, ExclusionFound, Job
from processor.io.ledger.translation import TRANSLATED

KIND: Final = "exclude"
"""Of the rows in ``jobs``; its number is that of the exclusion."""
_CHARGES_PASSED: Final = 20_000
"""Charges that are looked at in one step, of which most may be of other owners."""
_ROWS_PASSED: Final = 20_000
"""Likewise of what was taken out, of which most may be that of other exclusions."""
_SPANS_READ: Final = 1000
"""After so many spans that were taken out no further trace is read in one step."""
_FROM: Final = f"""
SELECT c.id, t.trace_id, s.span_id FROM charges c JOIN spans s ON s.id = c.id
  JOIN dimension_sets d ON d.id = c.set_id JOIN traces t ON t.id = s.trace
WHERE d.status <> '{EXCLUDED}' AND s.time_ns >= ? AND s.time_ns < ?
"""
_LAST: Final = "SELECT COALESCE(MAX(id), 0) FROM charges"
_READ: Final = """
SELECT e.trace, t.trace_id, e.span_ids FROM exclusions e JOIN traces t ON t.id = e.trace
WHERE e.trace > ? AND e.trace <= ? AND e.job = ? ORDER BY e.trace LIMIT ?
"""
_END: Final = "SELECT trace FROM exclusions WHERE trace > ? ORDER BY trace LIMIT 1 OFFSET ?"
_LAST_EXCLUDED: Final = "SELECT COALESCE(MAX(trace), 0) FROM exclusions"
_FIND: Final = "SELECT span_ids FROM exclusions WHERE trace = ? AND job = ?"
_PUT: Final = """
INSERT INTO exclusions (trace, job, span_ids) VALUES (?, ?, ?)
ON CONFLICT (trace, job) DO UPDATE SET span_ids = excluded.span_ids
"""
_DELETE: Final = "DELETE FROM exclusions WHERE trace = ? AND job = ?"
_JOBS: Final = """
SELECT kind, parameters, position, progress, CASE state WHEN 'done' THEN 1 ELSE 0 END, id
FROM jobs WHERE kind = ? ORDER BY id
"""


class ExclusionRows:
    """Reads and writes on the writer's connection, between `begin` and `commit` of its store."""

    def __init__(self, database: apsw.Connection, number_of: Callable[[bytes], int]) -> None:
        """`number_of` gives the number of a trace, 0 for none."""
        self._database = database
        self._number_of = number_of

    def charges(self, selection: Selection, position: int, limit: int) -> ChargesFound:
        """What matches and is not excluded, the next up to `limit` after a position."""
        times = selection.start_ns, selection.end_ns
        with TRANSLATED:
            last: int = self._database.execute(_LAST).get
            end, text, bindings = last, _FROM, [*times]
            if selection.trace_id:
                text += " AND s.trace = ? AND s.id > ?"
                bindings += [self._number_of(selection.trace_id), position]
            else:
                end = min(position + _CHARGES_PASSED, last)
                text += " AND c.id > ? AND c.id <= ? AND +c.end_s >= ? AND +c.end_s <= ?"
                bindings += [position, end, *(each // NS_PER_S for each in times)]
            given: list[Any] = []
            if selection.span_id:
                text += " AND s.span_id = ?"
                given.append(selection.span_id)
            for name, value in (("session", selection.session), ("user", selection.user)):
                if value:
                    text += f" AND c.{name}_id = (SELECT id FROM names WHERE text = ?)"
                    given.append(value)
            text += " ORDER BY s.id LIMIT ?"
            values = (*bindings, *given, limit)
            rows: list[Row] = self._database.execute(text, values).fetchall()
        spans = [(at, (trace_id, span_id)) for at, trace_id, span_id in rows]
        if len(spans) == limit:
            return ChargesFound(spans, spans[-1][0], is_last=False)
        return ChargesFound(spans, end, is_last=end >= last)

    def last(self) -> int:
        """The highest position."""
        with TRANSLATED:
            found: int = self._database.execute(_LAST).get
            return found

    def spans_of(self, number: int, position: int, limit: int) -> ExclusionFound:
        """What an exclusion has taken out, of the next up to `limit` traces after one."""
        with TRANSLATED:
            last: int = self._database.execute(_LAST_EXCLUDED).get
            end: int = self._database.execute(_END, (position, _ROWS_PASSED - 1)).get or last
            bindings = position, end, number, limit
            traces: list[ExcludedSpans] = []
            spans = 0
            for trace, trace_id, ids in self._database.execute(_READ, bindings):
                traces.append(ExcludedSpans(int(str(trace)), trace_id, list(_split(ids))))
                spans += len(ids) // SPAN_ID_BYTES
                if spans >= _SPANS_READ:
                    break
        if len(traces) == limit or spans >= _SPANS_READ:
            return ExclusionFound(traces, traces[-1].trace, is_last=False)
        return ExclusionFound(traces, end, is_last=end >= last)

    def add(self, number: int, trace_id: bytes, span_ids: Sequence[bytes]) -> None:
        """Keep that an exclusion has taken these out."""
        with TRANSLATED:
            key = self._number_of(trace_id), number
            known: bytes = self._database.execute(_FIND, key).get or b""
            self._database.execute(_PUT, (*key, known + b"".join(span_ids)))

    def drop(self, number: int, trace: int) -> None:
        """Keep nothing of an exclusion in a trace, by its number: it is undone there."""
        with TRANSLATED:
            self._database.execute(_DELETE, (trace, number))

    def jobs(self) -> list[Job]:
        """Every exclusion and undo that there was."""
        with TRANSLATED:
            rows: list[Row] = self._database.execute(_JOBS, (KIND,)).fetchall()
        return [Job(*row) for row in rows]


def _split(span_ids: bytes) -> Iterator[bytes]:
    for at in range(0, len(span_ids), SPAN_ID_BYTES):
        yield span_ids[at : at + SPAN_ID_BYTES]
