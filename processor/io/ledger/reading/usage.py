"""Sums of a range by up to two dimensions, in one statement for each question."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

import apsw

from processor.core.model import NO_PARTS, Parts, Totals
from processor.core.questions import (
    Measure,
    ReadingPlan,
    Segment,
    Source,
    UsageAnswer,
    UsageQuestion,
    UsageRow,
    scope_of,
)
from processor.io.ledger.reading import sql
from processor.io.ledger.reading.own_traces import find_own_traces
from processor.io.ledger.reading.sql import Sql
from processor.io.ledger.reading.sums import NEGATED, parts_of, rows_of_sql, totals_of
from processor.io.ledger.tables import SUMS

SIZES: Final[dict[Measure, str]] = {
    "cost": "CAST(cost AS REAL)",
    "calls": "calls * 1.0",
    "tokens": "CAST(input AS REAL) + CAST(output AS REAL)",
}
"""What groups are compared by: a double, so that sums beyond 64 bits have their place too."""


def read_usage(
    database: apsw.Connection, question: UsageQuestion, plan: ReadingPlan
) -> UsageAnswer:
    """Answer a question from the tables that its plan names."""
    if not plan.segments:
        return UsageAnswer((), (), (), 0, plan.left_out, plan.lacks_late_s)
    columns = sql.sum_columns(with_parts=question.with_parts)
    needs_charges = any(each.source == "charges" for each in plan.segments)
    own = find_own_traces(database, question.filters) if needs_charges else None
    of_traces = own and own.condition()
    found = rows_of_sql(
        database,
        lambda function: _statement(question, plan, columns, function, of_traces=of_traces),
        len(columns),
    )
    rows: list[UsageRow] = []
    totals: list[UsageRow] = []
    groups = 0
    for bucket, count, *rest in found:
        values, numbers = rest[: -len(columns)], tuple(rest[-len(columns) :])
        sums = totals_of(numbers[: len(SUMS)]), parts_of(numbers[len(SUMS) :])
        if count is not None:
            groups = count
            totals.append(UsageRow(bucket, (), *sums))
        else:
            rows.append(UsageRow(bucket, tuple(map(_text, values)), *sums))
    totals.sort()
    return UsageAnswer(
        _largest_first(rows, question.order_by),
        [row for row in totals if _is_something(row)],
        others_of(rows, totals),
        groups if question.group_by else 0,
        plan.left_out,
        plan.lacks_late_s,
    )


def _statement(
    question: UsageQuestion,
    plan: ReadingPlan,
    columns: Sequence[str],
    function: str,
    *,
    of_traces: Sql | None,
) -> Sql:
    """All sources together, grouped; the largest groups; and each bucket as a whole."""
    if plan.segments[0].source == "lifetime":
        return _lifetimes(question, columns, function)
    names = [f"v{at}" for at in range(len(question.group_by))]
    listed = ", ".join(names)
    statement = _groups(question, plan, columns, function, of_traces=of_traces)
    whole = (
        f"SELECT bucket, {{count}}, {'NULL, ' * len(names)}{sql.sums(columns, function, 'g')} "
        "FROM groups g GROUP BY bucket"
    )
    if not names:
        return statement.add(f" {whole.format(count='0')}")
    statement.add(
        f", ranked AS (SELECT {listed}, SUM({SIZES[question.order_by]}) AS size FROM groups "
        f"GROUP BY {listed}), "
        f"top AS (SELECT {listed} FROM ranked ORDER BY size DESC, {listed} LIMIT ?)",
        (question.limit,),
    )
    of_group = ", ".join(f"g.{name}" for name in (*names, *columns))
    same = " AND ".join(f"top.{name} = g.{name}" for name in names)
    return statement.add(
        f" SELECT g.bucket, NULL, {of_group} FROM groups g JOIN top ON {same} UNION ALL "
        + whole.format(count="(SELECT COUNT(*) FROM ranked)")
    )


def _groups(
    question: UsageQuestion,
    plan: ReadingPlan,
    columns: Sequence[str],
    function: str,
    *,
    of_traces: Sql | None,
) -> Sql:
    """The common table `groups`: bucket, v0, v1, sums."""
    keys = sql.keys_of(question.group_by)
    statement = pieces_of(question, plan, keys, columns, function, of_traces=of_traces)
    values, joins = sql.names_of(question.group_by)
    named = "".join(f"{value} AS v{at}, " for at, value in enumerate(values))
    statement.add(f", groups AS (SELECT p.bucket, {named}{sql.sums(columns, function, 'p')}")
    statement.join(joins, " FROM pieces p")
    positions = ", ".join(str(at + 1) for at in range(len(values) + 1))
    having = sql.is_something(columns, function)
    return statement.add(f" GROUP BY {positions} HAVING {having})")


def pieces_of(
    question: UsageQuestion,
    plan: ReadingPlan,
    keys: Sequence[str],
    columns: Sequence[str],
    function: str,
    *,
    of_traces: Sql | None,
) -> Sql:
    """The common table `pieces`: bucket, columns that name groups, sums; of each source apart."""
    parts: defaultdict[tuple[Source, bool], list[Segment]] = defaultdict(list)
    for segment in plan.segments:
        parts[segment.source, segment.is_taken_off].append(segment)
    statement = Sql("WITH RECURSIVE ")
    for at, segments in enumerate(parts.values()):
        statement.join(sql.ranges_of(segments, f"range_{at}"), "", ", ")
    if ("user_days", False) in parts and "user" in dict(question.filters):
        statement.add(f"{sql.STORED_DAYS}, ")
    statement.add("pieces AS (")
    for at, segments in enumerate(parts.values()):
        rows = source_of(question, segments, f"range_{at}", of_traces=of_traces)
        piece = _piece(rows, segments, keys, columns, function)
        statement.join(piece, " UNION ALL " if at else "")
    return statement.add(")")


def source_of(
    question: UsageQuestion, segments: Sequence[Segment], ranges: str, *, of_traces: Sql | None
) -> Sql:
    """FROM and WHERE of segments of one source, which are in the common table of that name."""
    source = segments[0].source
    if _is_cell(segments):
        return sql.cell_of(segments[0], question.filters)
    if source == "totals":
        scope, ids = scope_of(question) or ("total", ("",))
        return Sql(
            f" FROM {ranges} r CROSS JOIN totals u WHERE u.scope = ? "
            f"AND u.id IN {sql.placeholders(ids)} AND u.bucket >= r.low AND u.bucket < r.high",
            [scope, *ids],
        )
    by_trace = "trace" in question.dimensions()
    own = of_traces if source == "charges" else None
    return sql.source_of(source, question.filters, ranges, by_trace=by_trace, of_traces=own)


def _piece(
    rows: Sql,
    segments: Sequence[Segment],
    keys: Sequence[str],
    columns: Sequence[str],
    function: str,
) -> Sql:
    """What some segments add: bucket, the columns that name groups, numbers.

    Those of one bucket are added up by these columns first, so that names are looked up for few
    rows. Of several that would hardly make them fewer, and cost a sort more; and in one cell there
    is one row for each set of dimensions as it is.
    """
    first = segments[0]
    buckets = {each.bucket for each in segments}
    bucket = str(first.bucket) if len(buckets) == 1 else "r.bucket"
    qualified = [f"{'s' if key == 'trace' else 'u'}.{key}" for key in keys]
    head = ", ".join((f"{bucket} AS bucket", *qualified))
    is_one_each = _is_cell(segments) and keys == ("set_id",) and first.source != "user_days"
    if not first.is_taken_off and (len(buckets) > 1 or is_one_each):
        return Sql(f"SELECT {head}, {', '.join(f'u.{name}' for name in columns)}").join(rows)
    adds = NEGATED[function] if first.is_taken_off else function
    piece = Sql(f"SELECT {head}, {sql.sums(columns, adds, 'u')}").join(rows)
    grouped = qualified if len(buckets) == 1 else [bucket, *qualified]
    return piece.add(f" GROUP BY {', '.join(grouped)}") if grouped else piece


def _is_cell(segments: Sequence[Segment]) -> bool:
    first = segments[0]
    return len(segments) == 1 and first.is_cell and first.source not in {"totals", "charges"}


def _lifetimes(question: UsageQuestion, columns: Sequence[str], function: str) -> Sql:
    """Whole sessions, tasks or traces, whose sums are kept: a row is a group already."""
    [dimension] = question.dimensions()
    ids = question.filters[0][1] if question.filters else ()
    if dimension == "trace":
        source, key = Sql(" FROM traces g WHERE"), "trace_id"
        values: Sequence[str | bytes] = [bytes.fromhex(value) for value in ids]
    else:
        source, key = Sql(" FROM totals g WHERE g.scope = ? AND", [dimension]), "id"
        values = ids
    source.add(f" ({sql.is_something(columns, table='g')})")
    if values:
        source.add(f" AND g.{key} IN {sql.placeholders(values)}", values)
    summed = sql.sums(columns, function, "g")
    if not question.group_by:
        return Sql(f"SELECT 0, 0, {summed}").join(source)
    listed = ", ".join(f"g.{name}" for name in columns)
    statement = Sql(f"SELECT 0, NULL, g.v0, {listed} FROM (SELECT g.{key} AS v0, {listed}")
    statement.join(source)
    statement.add(
        f" ORDER BY {SIZES[question.order_by]} DESC, g.{key} LIMIT ?) g", (question.limit,)
    )
    return statement.join(source, f" UNION ALL SELECT 0, COUNT(*), NULL, {summed}")


def _text(value: Any) -> str:  # noqa: ANN401 - what stands in columns
    return value.hex() if isinstance(value, bytes) else str(value)


def size_of(totals: Totals, measure: Measure) -> int:
    """What groups are the largest by."""
    match measure:
        case "cost":
            return totals.cost_nano_usd
        case "calls":
            return totals.calls
        case "tokens":
            return totals.tokens


def _largest_first(rows: Sequence[UsageRow], measure: Measure) -> list[UsageRow]:
    sizes: dict[tuple[str, ...], int] = defaultdict(int)
    for row in rows:
        sizes[row.values] += size_of(row.totals, measure)
    return sorted(rows, key=lambda row: (-sizes[row.values], row.values, row.bucket))


def others_of(rows: Sequence[UsageRow], totals: Sequence[UsageRow]) -> list[UsageRow]:
    """What is in each bucket beyond the groups that are listed."""
    if not rows:
        return []
    listed: dict[int, tuple[Totals, Parts]] = {}
    for row in rows:
        known, parts = listed.get(row.bucket, (Totals(), NO_PARTS))
        listed[row.bucket] = known.plus(row.totals), parts.plus(row.parts)
    left = []
    for row in totals:
        known, parts = listed.get(row.bucket, (Totals(), NO_PARTS))
        left.append(row._replace(totals=row.totals.minus(known), parts=row.parts.minus(parts)))
    return [row for row in left if _is_something(row)]


def _is_something(row: UsageRow) -> bool:
    return not row.totals.is_zero or any(row.parts)
