"""Traces as a whole, and the spans that are kept of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final

import apsw

from processor.core.model import NOTHING, Totals
from processor.core.questions import TraceRow, TraceSpan, TracesQuestion
from processor.io.ledger import rows
from processor.io.ledger.reading.calls import calls_of_rows
from processor.io.ledger.reading.sql import Sql, placeholders
from processor.io.ledger.reading.sql import sums as sums_of
from processor.io.ledger.reading.sums import rows_of, totals_of
from processor.io.ledger.tables import SUMS

_TRACE: Final = (
    "t.id, t.trace_id, t.start_ns, t.end_ns, ns.text, nu.text, nt.text, na.text, no.text, nv.text, "
    f"{', '.join(f't.{name}' for name in SUMS)} FROM traces t "
    "LEFT JOIN names ns ON ns.id = t.session_id LEFT JOIN names nu ON nu.id = t.user_id "
    "LEFT JOIN names nt ON nt.id = t.task_id "
    "LEFT JOIN names na ON na.id = t.agent_id LEFT JOIN names no ON no.id = t.org_id "
    "LEFT JOIN names nv ON nv.id = t.service_id"
)
_INDEXED: Final = frozenset({"session", "user", "task"})
_OWNERS: Final = ("session", "user", "task", "agent", "org", "service")


def read_traces(database: apsw.Connection, question: TracesQuestion) -> list[TraceRow]:
    """Traces, the last that began to be charged first."""
    name, value = question.owner or ("", "")
    # The plus keeps SQLite from going through all traces, where there is an index of their owners.
    # Those of others are looked for from the newest one on.
    number = "+t.id" if name in _INDEXED else "t.id"
    before = question.before or 2**63 - 1
    statement = Sql(f"SELECT {_TRACE} WHERE t.end_ns > 0 AND {number} < ?", [before])
    if name in _OWNERS:
        known = database.execute("SELECT id FROM names WHERE text = ?", (value,)).fetchall()
        if not known:
            return []
        statement.add(f" AND t.{name}_id = ?", known[0])
    statement.add(" ORDER BY t.id DESC LIMIT ?", (question.limit,))
    return [_trace(row) for row in database.execute(statement.text, tuple(statement.bindings))]


def read_traces_between(
    database: apsw.Connection, least: bytes, greatest: bytes, limit: int
) -> list[TraceRow]:
    """Up to `limit` charged traces with ids from `least` to `greatest`, in their order."""
    statement = (
        f"SELECT {_TRACE} WHERE t.end_ns > 0 AND t.trace_id BETWEEN ? AND ? "
        "ORDER BY t.trace_id LIMIT ?"
    )
    return [_trace(row) for row in database.execute(statement, (least, greatest, limit))]


def _trace(row: Sequence[Any]) -> TraceRow:
    return TraceRow._make((*row[:10], totals_of(row[10:])))


_KEPT: Final = (
    "(SELECT MIN(id) AS first, MAX(id) AS latest FROM spans "
    f"WHERE trace = ? AND flags & {rows.REFERENCE} = 0 GROUP BY span_id) k"
)
"""The rows of a trace's spans: where one came first, and what it is now."""
_SPANS: Final = (
    "SELECT s.id, s.span_id, s.parent_id, s.time_ns - s.duration_ns, s.time_ns, s.flags, n.text "
    "FROM spans s LEFT JOIN owners o ON o.id = s.own_id LEFT JOIN names n ON n.id = o.agent_id "
    "WHERE s.id IN "
)
_AT_ONCE: Final = 1000
"""Rows to name in one statement."""


def read_spans(
    database: apsw.Connection, trace: int, limit: int, run: bytes = b""
) -> list[TraceSpan]:
    """Up to `limit` spans of a trace, by the id of its row; the first that came first.

    With `run`, a span id, it is that span and those below it.
    """
    spans: list[TraceSpan] = []
    ids = _below(database, trace, run) if run else _rows(database, trace, limit)
    for some in _parts(ids[:limit]):
        charges = {charge.id: charge for charge in calls_of_rows(database, some)}
        kept = {row[0]: row for row in database.execute(f"{_SPANS}{placeholders(some)}", some)}
        corrections = _corrections(database, trace, [row[1] for row in kept.values()])
        for each in some:
            _, span_id, parent_id, start_ns, end_ns, flags, agent = kept[each]
            span = TraceSpan(
                span_id, parent_id or b"", start_ns or 0, end_ns,
                bool(flags & rows.AGENT), bool(flags & rows.LOCAL_ROOT), bool(flags & rows.TOOL),
                bool(flags & rows.CUT), agent or "", charges.get(each),
                tuple(corrections.get(span_id, ())),
            )  # fmt: skip
            spans.append(span)
    return spans


def read_run(database: apsw.Connection, trace: int, run: bytes) -> Totals:
    """What a span of a trace, by the id of its row, and all below it are charged."""
    total = NOTHING
    for some in _parts(_below(database, trace, run)):
        total = total.plus(_charged(database, some))
    return total


def _charged(database: apsw.Connection, ids: Sequence[int]) -> Totals:
    """What some spans are charged together, by the ids of their latest rows."""
    where = f"FROM charged u WHERE u.id IN {placeholders(ids)}"
    [sums] = rows_of(
        database,
        lambda function: f"SELECT {sums_of(SUMS, function, 'u')} {where}",
        tuple(ids),
        len(SUMS),
    )
    return totals_of(sums)


def _rows(database: apsw.Connection, trace: int, limit: int) -> list[int]:
    statement = f"SELECT k.latest FROM {_KEPT} ORDER BY k.first LIMIT ?"
    return [int(str(row[0])) for row in database.execute(statement, (trace, limit))]


def _below(database: apsw.Connection, trace: int, run: bytes) -> list[int]:
    """The rows of a span and of those below it; nothing where the trace has no such span."""
    children = defaultdict[bytes, list[tuple[int, bytes]]](list)
    found: list[tuple[int, bytes]] = []
    statement = (
        f"SELECT s.id, s.span_id, s.parent_id, s.flags FROM {_KEPT} "
        "CROSS JOIN spans s ON s.id = k.latest ORDER BY k.first"
    )
    for number, span_id, parent_id, flags in database.execute(statement, (trace,)):
        if span_id == run:
            found.append((number, span_id))
        elif not flags & rows.CUT:
            children[parent_id].append((number, span_id))
    for _, span_id in found:  # It grows meanwhile.
        found += children.pop(span_id, ())
    return [number for number, _ in found]


def _parts(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[at : at + _AT_ONCE] for at in range(0, len(ids), _AT_ONCE))


def _corrections(
    database: apsw.Connection, trace: int, span_ids: Sequence[bytes]
) -> dict[bytes, list[tuple[bytes, int]]]:
    """Of some spans of a trace: which span has changed their charge, and by what."""
    corrections = defaultdict[bytes, list[tuple[bytes, int]]](list)
    statement = (
        "SELECT span_id, cause_id, cost FROM corrections WHERE trace = ? "
        f"AND span_id IN {placeholders(span_ids)} ORDER BY id"
    )
    for span_id, cause_id, cost in database.execute(statement, (trace, *span_ids)):
        corrections[span_id].append((cause_id, int(cost)))
    return corrections
