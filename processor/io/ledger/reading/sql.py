"""Pieces of the statements that answer questions; SQLite and PostgreSQL take both the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from processor.core.questions import SET_DIMENSIONS, Filters, Segment, Source
from processor.io.ledger.tables import PARTS, SUMS

_TABLES: Final[dict[Source, str]] = {
    "months": "usage_months",
    "month_parts": "usage_months",
    "days": "usage_days",
    "user_days": "usage_user_days",
    "hours": "usage_hours",
    "charges": "charged",
}
_OF_MONTHS: Final[dict[Source, str]] = {
    "months": "u.is_part = 0 AND ",
    "month_parts": "u.is_part = 1 AND ",
}
NAMED: Final = {"user": "user_id", "session": "session_id", "task": "task_id"}
"""Dimensions whose values are in `names`, and their columns."""


@dataclass(slots=True)
class Sql:
    """Text with placeholders, and what stands for them."""

    text: str = ""
    bindings: list[Any] = field(default_factory=list)

    def add(self, text: str, bindings: Iterable[Any] = ()) -> Sql:
        """Append; returns itself."""
        self.text += text
        self.bindings += bindings
        return self

    def join(self, other: Sql, before: str = "", after: str = "") -> Sql:
        """Append another one, between two texts; returns itself."""
        return self.add(f"{before}{other.text}{after}", other.bindings)


def placeholders(values: Sequence[Any]) -> str:
    """A list of as many placeholders."""
    return "(" + ", ".join("?" * len(values)) + ")"


def sum_columns(*, with_parts: bool) -> tuple[str, ...]:
    """Names of the columns that are added up."""
    return (*SUMS, *PARTS) if with_parts else SUMS


def sums(columns: Iterable[str], function: str, table: str) -> str:
    """What adds them up."""
    return ", ".join(f"{function}({table}.{name}) AS {name}" for name in columns)


def is_something(columns: Iterable[str], function: str = "", table: str = "p") -> str:
    """Whether any of these is not 0: what has moved to another owner leaves rows of zeros."""
    return " OR ".join(f"{function}({table}.{name}) <> 0" for name in columns)


def ranges_of(segments: Sequence[Segment], name: str) -> Sql:
    """A common table of segments: bucket, start, end."""
    values = ", ".join(["(?, ?, ?)"] * len(segments))
    bindings = (number for each in segments for number in (each.bucket, each.start_s, each.end_s))
    return Sql(f"{name}(bucket, low, high) AS (VALUES {values})", list(bindings))


def keys_of(group_by: Sequence[str]) -> tuple[str, ...]:
    """The columns that inner sums are grouped by, so that groups can be named at the end."""
    keys = dict[str, None]()
    for name in group_by:
        keys[NAMED.get(name, "trace" if name == "trace" else "set_id")] = None
    return tuple(keys)


def cell_of(segment: Segment, filters: Filters) -> Sql:
    """FROM and WHERE of a single cell of a table by days, months or hours, whose rows are `u`.

    That there is one moment only is said so that its rows come in the order of the rest of the key,
    and need no sorting to be added up.
    """
    sql = Sql(f" FROM {_TABLES[segment.source]} u WHERE ").add(_OF_MONTHS.get(segment.source, ""))
    sql.add("u.start_s = ?", (segment.start_s,))
    for condition in conditions(filters):
        sql.join(condition, " AND ")
    return sql


def source_of(
    source: Source, filters: Filters, ranges: str, *, by_trace: bool, of_traces: Sql | None
) -> Sql:
    """FROM and WHERE of one source, whose rows are `u`, within the ranges of that name.

    `by_trace` joins the rows of spans as `s`, whose trace a charge belongs to. `of_traces` is a
    condition on traces, where only those that meet it have charges that the filters let pass.
    """
    table = _TABLES[source]
    accepted = dict(filters)
    sql = Sql(" FROM ")
    if source == "user_days" and "user" in accepted:
        # The key begins with the day: each day that there is gives one range of a user's rows.
        sql.add(
            f"{ranges} r CROSS JOIN stored_days d CROSS JOIN {table} u "
            "WHERE d.start_s >= r.low AND d.start_s < r.high AND u.start_s = d.start_s"
        )
    elif "trace" in accepted or of_traces:
        sql.add(
            f"{OF_TRACES} CROSS JOIN {ranges} r WHERE {SAME_SPAN} "
            "AND u.end_s >= r.low AND u.end_s < r.high"
        )
    else:
        time = "end_s" if source == "charges" else "start_s"
        spans = " CROSS JOIN spans s" if by_trace else ""
        on = " AND s.id = u.id" if by_trace else ""
        sql.add(
            f"{ranges} r CROSS JOIN {table} u{spans} "
            f"WHERE {_OF_MONTHS.get(source, '')}u.{time} >= r.low AND u.{time} < r.high{on}"
        )
    for condition in conditions(filters, of_traces):
        sql.join(condition, " AND ")
    return sql


OF_TRACES: Final = "traces t CROSS JOIN spans s CROSS JOIN charged u"
SAME_SPAN: Final = "s.trace = t.id AND u.id = s.id"
"""Charges by way of their traces."""


STORED_DAYS: Final = """stored_days(start_s) AS (
  SELECT MIN(start_s) FROM usage_user_days UNION ALL
  SELECT (SELECT MIN(start_s) FROM usage_user_days WHERE start_s > stored_days.start_s)
  FROM stored_days WHERE start_s IS NOT NULL)"""
"""The days that there are, each found by one step into the index."""


def conditions(filters: Filters, of_traces: Sql | None = None) -> Iterator[Sql]:
    """What rows of `u` have to meet; `t` is their trace where `OF_TRACES` is read.

    `of_traces` is a condition on these traces.
    """
    of_sets = Sql()
    if of_traces:
        yield of_traces
    for name, values in filters:
        accepted = placeholders(values)
        if name in NAMED:
            column = NAMED[name]
            text = f"u.{column} IN (SELECT id FROM names WHERE text IN {accepted})"
            yield Sql(text, list(values))
        elif name == "trace":
            yield Sql(f"t.trace_id IN {accepted}", list(map(bytes.fromhex, values)))
        elif name in SET_DIMENSIONS:
            of_sets.add(f" AND x.{name} IN {accepted}", values)
        else:
            of_sets.add(
                " AND COALESCE((SELECT v.value FROM set_values v WHERE v.set_id = x.id "
                f"AND v.dimension = ?), '') IN {accepted}",
                (name, *values),
            )
    if of_sets.text:
        yield Sql("u.set_id IN (SELECT x.id FROM dimension_sets x WHERE 1 = 1").join(
            of_sets, "", ")"
        )


def names_of(group_by: Sequence[str]) -> tuple[list[str], Sql]:
    """What names the groups of `p`, and the joins that it needs."""
    values: list[str] = []
    joins = Sql()
    if "set_id" in keys_of(group_by):
        joins.add(" JOIN dimension_sets d ON d.id = p.set_id")
    for at, name in enumerate(group_by):
        table = f"n{at}"
        if name in NAMED:
            joins.add(f" JOIN names {table} ON {table}.id = p.{NAMED[name]}")
            values.append(f"{table}.text")
        elif name == "trace":
            joins.add(f" JOIN traces {table} ON {table}.id = p.trace")
            values.append(f"{table}.trace_id")
        elif name in SET_DIMENSIONS:
            values.append(f"d.{name}")
        else:
            joins.add(
                f" LEFT JOIN set_values {table} ON {table}.set_id = p.set_id "
                f"AND {table}.dimension = ?",
                (name,),
            )
            values.append(f"COALESCE({table}.value, '')")
    return values, joins
