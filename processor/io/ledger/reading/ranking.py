"""The largest users or sessions of a time: found by one number, and only then added up.

There are many of them, and of most nothing is wanted but that they are smaller.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import apsw

from processor.core.questions import (
    CHARGE_DIMENSIONS,
    Measure,
    ReadingPlan,
    Segment,
    Source,
    Stored,
    UsageAnswer,
    UsageQuestion,
    plan_reading,
)
from processor.io.ledger.reading import sql
from processor.io.ledger.reading.sql import Sql
from processor.io.ledger.reading.sums import rows_of_sql
from processor.io.ledger.reading.usage import SIZES, others_of, read_usage, source_of
from processor.io.ledger.tables import SUMS

_COLUMNS: Final[dict[Measure, tuple[str, ...]]] = {
    "cost": ("cost",),
    "calls": ("calls",),
    "tokens": ("input", "output"),
}
"""What `SIZES` are made of."""


def ranks_first(question: UsageQuestion, plan: ReadingPlan, stored: Stored) -> bool:
    """Whether the largest groups are found before anything is added up.

    All groups together have to be in other tables, which read little, and have the same calls.
    Every row must count as it is: one that is taken off may leave a group without anything.
    """
    named = {name for name, _ in question.filters}
    return (
        len(question.group_by) == 1
        and question.group_by[0] in sql.NAMED
        and named.isdisjoint(CHARGE_DIMENSIONS)
        and bool(plan.segments)
        and all(
            not each.is_taken_off and each.source in {"user_days", "charges"}
            for each in plan.segments
        )
        and not any((*plan[1:], *_plan_of_all(question, stored)[1:]))
    )


def _plan_of_all(question: UsageQuestion, stored: Stored) -> ReadingPlan:
    return plan_reading(replace(question, group_by=()), stored)


def read_ranking(
    database: apsw.Connection, question: UsageQuestion, plan: ReadingPlan, stored: Stored
) -> UsageAnswer:
    """Answer a question that `ranks_first`."""
    values, groups = _largest(database, question, plan)
    in_all = replace(question, group_by=())
    totals = read_usage(database, in_all, _plan_of_all(question, stored)).totals
    if not values:
        return UsageAnswer((), totals, (), 0, ())
    [name] = question.group_by
    others = tuple(each for each in question.filters if each[0] != name)
    listed = replace(question, filters=(*others, (name, values)))
    rows = read_usage(database, listed, plan_reading(listed, stored)).rows
    return UsageAnswer(rows, totals, others_of(rows, totals), groups, ())


def _largest(
    database: apsw.Connection, question: UsageQuestion, plan: ReadingPlan
) -> tuple[tuple[str, ...], int]:
    """The values of the largest groups, and how many groups there are."""
    columns = _COLUMNS[question.order_by]
    found = list(
        rows_of_sql(
            database, lambda function: _statement(question, plan, columns, function), len(columns)
        )
    )
    return tuple(str(value) for value, *_ in found), int(found[0][1]) if found else 0


def _statement(
    question: UsageQuestion, plan: ReadingPlan, columns: Sequence[str], function: str
) -> Sql:
    parts: defaultdict[Source, list[Segment]] = defaultdict(list)
    for segment in plan.segments:
        parts[segment.source].append(segment._replace(bucket=0))
    statement = Sql("WITH RECURSIVE ")
    for at, segments in enumerate(parts.values()):
        statement.join(sql.ranges_of(segments, f"range_{at}"), "", ", ")
    if "user_days" in parts and "user" in dict(question.filters):
        statement.add(f"{sql.STORED_DAYS}, ")
    key = sql.NAMED[question.group_by[0]]
    is_something = sql.is_something(dict.fromkeys((*columns, *SUMS)), table="u")
    statement.add("pieces AS (")
    for at, segments in enumerate(parts.values()):
        statement.add(" UNION ALL " if at else "")
        statement.add(f"SELECT u.{key} AS key, {sql.sums(columns, function, 'u')}")
        statement.join(source_of(question, segments, f"range_{at}", of_traces=None))
        statement.add(f" AND ({is_something}) GROUP BY u.{key}")
    statement.add("), ranked AS (")
    statement.add(f"SELECT p.key, {sql.sums(columns, function, 'p')} FROM pieces p GROUP BY p.key")
    listed = ", ".join(columns)
    return statement.add(
        f") SELECT n.text, (SELECT COUNT(*) FROM ranked), {listed} "
        f"FROM ranked JOIN names n ON n.id = ranked.key "
        f"ORDER BY {SIZES[question.order_by]} DESC, n.text LIMIT ?",
        (question.limit,),
    )
