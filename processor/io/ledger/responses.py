"""Which spans report a response, so that a call that two traces report is recognised.

Reports of one call end within seconds of each other, so rows are kept by time first: new ones stand
beside each other whatever their ids, and a look-up reads a few pages that were written lately.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Final

import apsw

from processor.core.attribution.same_response import (
    APART_MAX_NS,
    REPORTS_MAX,
    KnownReports,
    SpanKey,
)
from processor.core.attribution.trace import is_of_logs
from processor.core.model import NS_PER_S, SpanRow
from processor.io.ledger.shared import dump

_SLOT_NS: Final = 256 * NS_PER_S
_PART: Final = 2**24 - 1
_ROWS_MAX: Final = 2 * REPORTS_MAX
_AROUND_NS: Final = APART_MAX_NS * REPORTS_MAX
"""Before and after a call: of as many reports as are looked at, the last one may be so far away."""
_FIND: Final = """
SELECT spans.response, traces.trace_id, spans.span_id, spans.id FROM responses
  JOIN spans ON spans.id = responses.span JOIN traces ON traces.id = spans.trace
WHERE responses.slot = ? AND responses.part = ? AND spans.response = ?
ORDER BY responses.span DESC LIMIT ?
"""
"""The latest ones: another report of a call that comes now mostly came just before it."""
_FIND_PARTS: Final = """
SELECT asked.value FROM json_each(?) AS asked
WHERE EXISTS (SELECT 1 FROM responses WHERE slot = ? AND part = asked.value)
"""
"""Which of many there are at all, in one statement: most responses are reported once."""
_INSERT: Final = "INSERT INTO responses (slot, part, span) VALUES (?, ?, ?)"
_DELETE: Final = "DELETE FROM responses WHERE slot = ? AND part = ? AND span = ?"


def write_responses(
    database: apsw.Connection, spans: Sequence[SpanRow], ids: Sequence[int]
) -> None:
    """Keep which responses new rows of calls report."""
    kept = [
        (row.time_ns // _SLOT_NS, _part(row.entry.response), row_id)
        for row, row_id in zip(spans, ids, strict=True)
        if row.entry is not None
        and row.entry.response
        and row.entry.aggregate is None
        and not row.is_reference
        and not is_of_logs(row.trace_id)
    ]
    if kept:
        database.executemany(_INSERT, kept)


def read_reports(
    database: apsw.Connection, responses: Iterable[tuple[int, int]]
) -> dict[int, KnownReports]:
    """The spans that report some responses, each given with the end of a call in nanoseconds.

    Of one that has many reports about then, the latest to come.
    """
    found: dict[int, list[tuple[SpanKey, int]]] = {}
    asked = [(slot, _part(each), each) for each, end_ns in responses for slot in _slots(end_ns)]
    there = _parts_there(database, asked)
    likely = [(*each, _ROWS_MAX) for each in asked if each[:2] in there]
    if likely:
        for response, trace_id, span_id, row_id in database.executemany(_FIND, likely):
            found.setdefault(response, []).append(((trace_id, span_id), row_id))
    return {
        # A later row of a span replaces an earlier one.
        response: KnownReports(dict(sorted(spans, key=itemgetter(1))), len(spans) < _ROWS_MAX)
        for response, spans in found.items()
    }


def _parts_there(
    database: apsw.Connection, asked: Iterable[tuple[int, int, int]]
) -> set[tuple[int, int]]:
    """Slots and parts that some response has, of those that are asked for."""
    parts: dict[int, list[int]] = {}
    for slot, part, _ in asked:
        parts.setdefault(slot, []).append(part)
    return {
        (slot, row[0])
        for slot, some in parts.items()
        for row in database.execute(_FIND_PARTS, (dump(some), slot))
    }


def _part(response: int) -> int:
    """So much of a response's number that few of a slot have it in common: three bytes."""
    return (response & _PART) - _PART // 2


def _slots(end_ns: int) -> range:
    first, last = (end_ns - _AROUND_NS) // _SLOT_NS, (end_ns + _AROUND_NS) // _SLOT_NS
    return range(first, last + 1)


def delete_responses(
    database: apsw.Connection, spans: Iterable[tuple[int, int, int | None]]
) -> None:
    """Delete what is kept of the responses of some rows: their ids, ends and responses."""
    kept = [
        (end_ns // _SLOT_NS, _part(response), row_id)
        for row_id, end_ns, response in spans
        if response
    ]
    if kept:
        database.executemany(_DELETE, kept)
