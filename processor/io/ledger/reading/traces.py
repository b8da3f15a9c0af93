"""Traces as a whole, and the spans that are kept of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

import apsw

from processor.core.questions import TraceRow, TraceSpan, TracesQuestion
from processor.io.ledger.reading.calls import calls_of_trace
from processor.io.ledger.reading.sql import Sql
from processor.io.ledger.reading.sums import totals_of
from processor.io.ledger.tables import SUMS

_TRACE: Final = (
    "t.id, t.trace_id, t.start_ns, t.end_ns, ns.text, nu.text, nt.text, na.text, no.text, nv.text, "
    f"{', '.join(f't.{name}' for name in SUMS)} FROM traces t "
    "LEFT JOIN names ns ON ns.id = t.session_id LEFT JOIN names nu ON nu.id = t.user_id "
    "LEFT JOIN names nt ON nt.id = t.task_id "
    "LEFT JOIN names na ON na.id = t.agent_id LEFT JOIN names no ON no.id = t.org_id "
    "LEFT JOIN names nv ON nv.id = t.service_id"
)
_OWNERS: Final = ("session", "user", "task", "agent", "org", "service")


def read_traces(database: apsw.Connection, question: TracesQuestion) -> list[TraceRow]:
    """Traces, the last that began to be charged first."""
    # The plus keeps SQLite from going through all traces, where there is an index of their owners.
    statement = Sql(
        f"SELECT {_TRACE} WHERE t.end_ns > 0 AND +t.id < ?", [question.before or 2**63 - 1]
    )
    if question.owner is not None:
        name, value = question.owner
        if name in _OWNERS:
            known = database.execute("SELECT id FROM names WHERE text = ?", (value,)).fetchall()
            if not known:
                return []
            statement.add(f" AND t.{name}_id = ?", known[0])
    statement.add(" ORDER BY t.id DESC LIMIT ?", (question.limit,))
    return [_trace(row) for row in database.execute(statement.text, tuple(statement.bindings))]


def read_trace(database: apsw.Connection, trace_id: bytes) -> TraceRow | None:
    """One trace; None for one in which nothing was charged."""
    found = database.execute(
        f"SELECT {_TRACE} WHERE t.end_ns > 0 AND t.trace_id = ?", (trace_id,)
    ).fetchall()
    return _trace(found[0]) if found else None


def _trace(row: Sequence[Any]) -> TraceRow:
    return TraceRow._make((*row[:10], totals_of(row[10:])))


_SPANS: Final = (
    "SELECT s.span_id, s.parent_id, s.time_ns - s.duration_ns, s.time_ns, s.flags, n.text "
    "FROM spans s LEFT JOIN owners o ON o.id = s.own_id LEFT JOIN names n ON n.id = o.agent_id "
    "WHERE s.trace = ? ORDER BY s.id LIMIT ?"
)
_AGENT, _LOCAL_ROOT, _CUT, _REFERENCE, _TOOL = 1, 2, 8, 16, 32


def read_spans(database: apsw.Connection, trace: int, limit: int) -> list[TraceSpan]:
    """The spans that are kept of a trace, by the id of its row, the first that came first.

    A later row of a span replaces an earlier one.
    """
    charges = {charge.span_id: charge for charge in calls_of_trace(database, trace)}
    corrections = defaultdict[bytes, list[tuple[bytes, int]]](list)
    found = database.execute(
        "SELECT span_id, cause_id, cost FROM corrections WHERE trace = ? ORDER BY id", (trace,)
    )
    for span_id, cause_id, cost in found:
        corrections[bytes(span_id)].append((bytes(cause_id), int(cost)))
    spans: dict[bytes, TraceSpan] = {}
    for span_id, parent_id, start_ns, end_ns, flags, agent in database.execute(
        _SPANS, (trace, limit)
    ):
        if flags & _REFERENCE:
            continue
        spans[span_id] = TraceSpan(
            span_id, parent_id or b"", start_ns or 0, end_ns,
            bool(flags & _AGENT), bool(flags & _LOCAL_ROOT), bool(flags & _TOOL),
            bool(flags & _CUT), agent or "", charges.get(span_id),
            tuple(corrections.get(span_id, ())),
        )  # fmt: skip
    return list(spans.values())
