"""Single charges, newest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import apsw

from processor.core.attribution.node import EXCLUDED
from processor.core.model import NS_PER_S
from processor.core.model.posting import DimensionSet
from processor.core.questions import (
    SET_DIMENSIONS,
    CallRow,
    CallsQuestion,
    Filters,
)
from processor.io.ledger.reading import sql
from processor.io.ledger.reading.exclusions import IS_EXCLUDED_CALL, with_reasons
from processor.io.ledger.reading.own_traces import find_own_traces
from processor.io.ledger.reading.sql import Sql
from processor.io.ledger.reading.sums import Row, parts_of, totals_of
from processor.io.ledger.tables import PARTS, SUMS

_CELL_S: Final = 3600
"""No cell of `usage_hours` is longer."""
_DAY_S: Final = 26 * 3600
"""No day is longer: a clock that is set back gives one of 25 hours."""
_SETS: Final = ", ".join(f"d.{name}" for name in SET_DIMENSIONS)
_CALL: Final = (
    "u.id, u.trace, t.trace_id, s.span_id, s.parent_id, u.start_ns, u.end_ns, u.set_id, "
    f"{_SETS}, nu.text, ns.text, nt.text, c.reason, c.doubt, c.rule, c.price_version, "
    f"c.aggregate, {', '.join(f'u.{name}' for name in (*SUMS, *PARTS))}"
)
_OF_ONE_MOMENT: Final = "u.trace, u.span_id"
_NEWEST_FIRST: Final = " ORDER BY u.end_s DESC, u.end_ns DESC, u.trace DESC, u.span_id DESC"
_OLDEST_FIRST: Final = " ORDER BY u.end_s, u.end_ns, u.trace, u.span_id"
_IS_SOMETHING: Final = (
    "u.calls <> 0 OR u.cost <> 0 OR u.unpriced <> 0 OR u.input <> 0 OR u.output <> 0"
)
"""Not a span that adds nothing, and not an agent that only begins a run."""
_SET_AT: Final = 7
"""Position of the set's id in a row of `_CALL`."""
_JOINED: Final = (
    " JOIN spans s ON s.id = u.id JOIN traces t ON t.id = s.trace "
    "JOIN dimension_sets d ON d.id = u.set_id JOIN names nu ON nu.id = u.user_id "
    "JOIN names ns ON ns.id = u.session_id JOIN names nt ON nt.id = u.task_id "
    "LEFT JOIN call_details c ON c.id = s.details_id"
)


def read_calls(database: apsw.Connection, question: CallsQuestion) -> list[CallRow]:
    """Charged spans of a range, the latest end first; of one moment by trace and span id.

    The order is by what never changes of a call, so that pages neither repeat nor leave out one
    that gets another row meanwhile.
    """
    own = find_own_traces(database, question.filters)
    of_traces = own and own.condition()
    found: list[CallRow] = []
    for times_s in _ranges(database, question, of_traces=of_traces):
        limit = question.limit - len(found)
        found += _calls_within(database, question, times_s, limit, of_traces=of_traces)
        if len(found) >= question.limit:
            break
    return found


def _ranges(
    database: apsw.Connection, question: CallsQuestion, *, of_traces: Sql | None
) -> Iterator[tuple[int, int]]:
    """Where calls may be that the filters let pass, latest first, in seconds.

    Rows of a rare agent or user are found by the cells that have any, instead of one by one.
    """
    low_s, high_s = question.start_s, question.end_s
    if question.before is not None:
        high_s = min(high_s, question.before[0] // NS_PER_S + 1)
    named = {name for name, _ in question.filters}
    is_in_no_cell = EXCLUDED in dict(question.filters).get("status", ())
    if not named or "trace" in named or of_traces or is_in_no_cell:
        yield low_s, high_s
        return
    if "user" in named:
        table, length_s = "usage_user_days", _DAY_S
    elif named.isdisjoint(("session", "task")):
        table, length_s = "usage_hours", _CELL_S
    else:
        yield low_s, high_s
        return
    found = database.execute("SELECT time_s FROM kept_from WHERE what = 'hours'").get
    hours_s = min(max(int(str(found or 0)), low_s), high_s) if table == "usage_hours" else low_s
    # What is older has no sums by hour; of calls there is little.
    older_s, low_s = low_s, hours_s
    upper_s = high_s
    for start_s in _cells(database, table, question.filters, low_s - length_s, high_s):
        end_s = min(start_s + length_s, upper_s)
        if max(start_s, low_s) < end_s:
            yield max(start_s, low_s), end_s
        upper_s = min(upper_s, start_s)
    if older_s < hours_s:
        yield older_s, hours_s


def _cells(
    database: apsw.Connection, table: str, filters: Filters, low_s: int, high_s: int
) -> Iterator[int]:
    """Starts of cells that have a matching row, latest first."""
    cubed = tuple((name, values) for name, values in filters if name not in {"session", "task"})
    statement = Sql(
        f"SELECT u.start_s FROM {table} u WHERE u.start_s > ? AND u.start_s < ?", [low_s, high_s]
    )
    for condition in sql.conditions(cubed):
        statement.join(condition, " AND ")
    statement.add(" ORDER BY u.start_s DESC")
    last = None
    for (start_s,) in database.execute(statement.text, tuple(statement.bindings)):
        if start_s != last:
            last = start_s
            yield start_s


def _calls_within(
    database: apsw.Connection,
    question: CallsQuestion,
    times_s: tuple[int, int],
    limit: int,
    *,
    of_traces: Sql | None,
) -> list[CallRow]:
    inner = _charged_within(question.filters, times_s, of_traces)
    if question.before is not None:
        inner.add(f" AND (u.end_ns, {_OF_ONE_MOMENT}) < (?, ?, ?)", question.before)
    return _ordered(database, inner, _NEWEST_FIRST, limit)


def calls_in_order(
    database: apsw.Connection, question: CallsQuestion, after: tuple[int, int, bytes] | None
) -> list[CallRow]:
    """Charged spans, the earliest end first, those after one: a step into the index by end."""
    start_s = question.start_s if after is None else max(question.start_s, after[0] // NS_PER_S)
    inner = _charged_within(question.filters, (start_s, question.end_s), None)
    if after is not None:
        inner.add(f" AND (u.end_ns, {_OF_ONE_MOMENT}) > (?, ?, ?)", after)
    return _ordered(database, inner, _OLDEST_FIRST, question.limit)


def _charged_within(filters: Filters, times_s: tuple[int, int], of_traces: Sql | None) -> Sql:
    """Charges `u` of a range that the filters let pass, in no order."""
    inner = Sql("SELECT u.* FROM charged u WHERE 1 = 1")
    if "trace" in dict(filters) or of_traces:
        inner = Sql(f"SELECT u.* FROM {sql.OF_TRACES} WHERE {sql.SAME_SPAN}")
    inner.add(" AND u.end_s >= ? AND u.end_s < ?", times_s)
    inner.add(f" AND ({_IS_SOMETHING} OR {IS_EXCLUDED_CALL})")
    for condition in sql.conditions(filters, of_traces):
        inner.join(condition, " AND ")
    return inner


def _ordered(database: apsw.Connection, inner: Sql, order: str, limit: int) -> list[CallRow]:
    """The first of some charges, joined with all that calls say."""
    inner.add(f"{order} LIMIT ?", (limit,))
    statement = Sql(f"SELECT {_CALL} FROM (").join(inner, "", f") u{_JOINED}{order}")
    return _decoded(database, statement)


def calls_after(database: apsw.Connection, row: int, limit: int) -> list[CallRow]:
    """The `limit` charged spans with the latest rows after a row's id, the oldest first.

    It reads that many rows from the end of the key.
    """
    latest = (
        f"SELECT u.* FROM charged u WHERE u.id > ? AND ({_IS_SOMETHING} OR {IS_EXCLUDED_CALL}) "
        "ORDER BY u.id DESC LIMIT ?"
    )
    text = f"SELECT {_CALL} FROM ({latest}) u{_JOINED} ORDER BY u.id"
    return _decoded(database, Sql(text, [row, limit]))


def calls_of_rows(database: apsw.Connection, ids: Sequence[int]) -> list[CallRow]:
    """What some spans are charged, by the ids of their latest rows."""
    text = f"SELECT {_CALL} FROM charged u{_JOINED} WHERE u.id IN {sql.placeholders(ids)}"
    return _decoded(database, Sql(text, list(ids)))


def _decoded(database: apsw.Connection, statement: Sql) -> list[CallRow]:
    rows: list[Row] = database.execute(statement.text, tuple(statement.bindings)).fetchall()
    own = own_dimensions(database, {row[_SET_AT] for row in rows})
    return with_reasons(database, [_call(row, own) for row in rows])


def own_dimensions(database: apsw.Connection, sets: set[int]) -> dict[int, list[tuple[str, str]]]:
    """The operator's own dimensions of some sets, sorted by name."""
    found: dict[int, list[tuple[str, str]]] = {}
    ids = list(sets)
    for at in range(0, len(ids), 1000):
        some = ids[at : at + 1000]
        text = (
            "SELECT set_id, dimension, value FROM set_values WHERE set_id IN "
            f"{sql.placeholders(some)} ORDER BY set_id, dimension"
        )
        for set_id, dimension, value in database.execute(text, some):
            found.setdefault(set_id, []).append((dimension, value))
    return found


def _call(row: Sequence[Any], own: dict[int, list[tuple[str, str]]]) -> CallRow:
    charge, trace, trace_id, span_id, parent_id, start_ns, end_ns, set_id = row[: _SET_AT + 1]
    after_set = _SET_AT + 1 + len(SET_DIMENSIONS)
    user, session, task, *details = row[after_set : after_set + 8]
    reason, doubt, rule, price_version, aggregate = (text or "" for text in details)
    numbers = row[after_set + 8 :]
    return CallRow(
        charge, trace, trace_id, span_id, parent_id or b"", start_ns or 0, end_ns,
        DimensionSet._make((*row[_SET_AT + 1 : after_set], tuple(own.get(set_id, ())))),
        user, session, task,
        totals_of(numbers[: len(SUMS)]), parts_of(tuple(numbers[len(SUMS) :])),
        reason, doubt, rule, price_version, aggregate,
    )  # fmt: skip
