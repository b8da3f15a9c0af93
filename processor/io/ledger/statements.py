"""What the ledger's writer says to the database in a turn, for any engine."""

from __future__ import annotations

from collections.abc import Sequence

from processor.core.model import TraceOwner
from processor.io.ledger.tables import DETAILS, DIMENSIONS, NAMED, OWNER, PARTS, SPAN, SUMS

TRACE = (
    "start_ns", "end_ns", "session_id", "user_id", "task_id", "agent_id", "org_id", "service_id",
    *SUMS,
)  # fmt: skip
"""Columns of ``traces`` that change."""
CHARGE = ("id", "end_s", "set_id", "user_id", "session_id", "task_id")


CROSSING = (
    "budget", "scope", "id", "window_start", "window_end", "amount", "unit", "share", "spent",
    "at_least", "late", "cause", "span",
)  # fmt: skip
"""Columns of `model.Crossing`, in its order."""


def _insert(table: str, columns: Sequence[str]) -> str:
    values = ", ".join("?" * len(columns))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({values})"


def _insert_new(table: str, columns: Sequence[str]) -> str:
    """The statement that makes a row, unless its first column is there."""
    return f"{_insert(table, columns)} ON CONFLICT ({columns[0]}) DO NOTHING"


def _put(table: str, columns: Sequence[str]) -> str:
    """The statement that makes a row, or replaces that of the same key, the first column."""
    replaced = ", ".join(f"{name} = excluded.{name}" for name in columns[1:])
    return f"{_insert(table, columns)} ON CONFLICT ({columns[0]}) DO UPDATE SET {replaced}"


FIND_NAME = "SELECT id FROM names WHERE text = ?"
INSERT_NAME = _insert_new("names", ("text",))
FIND_TRACE = "SELECT id FROM traces WHERE trace_id = ?"
INSERT_TRACE = _insert("traces", ("id", "trace_id", *TRACE))
RESUME_TRACE = (
    f"INSERT INTO resumed_traces (trace, {', '.join(TRACE)}) "
    f"SELECT id, {', '.join(TRACE)} FROM traces WHERE id = ?"
)
"""Keeps of a deleted trace what it had, before it has rows again."""


def _kept_summary(before: str, where: str) -> str:
    owner = (f"(SELECT text FROM names WHERE id = before.{name}_id)" for name in TraceOwner._fields)
    sums = (f"traces.{name}" for name in SUMS)
    return (
        f"SELECT traces.trace_id, before.start_ns, before.end_ns, {', '.join((*owner, *sums))} "
        f"FROM traces CROSS JOIN {before} AS before WHERE traces.id = ?1 AND {where}"
    )


READ_KEPT_SUMMARY = (
    _kept_summary("resumed_traces", "before.trace = ?1")
    + " UNION ALL "
    + _kept_summary(
        "traces", "before.id = ?1 AND NOT EXISTS (SELECT 1 FROM spans WHERE trace = ?1)"
    )
)
"""Of a trace of which rows are deleted: the time and owner of those, and all sums."""
UPDATE_TRACE = f"UPDATE traces SET {', '.join(f'{name} = ?' for name in TRACE)} WHERE id = ?"
INSERT_OWNER = _insert("owners", (*OWNER, "service"))
FIND_DETAILS = "SELECT id FROM call_details WHERE digest = ?"
INSERT_DETAILS = _insert_new("call_details", ("digest", *DETAILS))
FIND_SET = "SELECT id FROM dimension_sets WHERE digest = ?"
INSERT_SET = _insert_new("dimension_sets", ("digest", *DIMENSIONS))
INSERT_SET_VALUE = _insert("set_values", ("set_id", "dimension", "value"))
FIND_OWN_VALUES = "SELECT value FROM own_values WHERE dimension = ? AND day = ?"
INSERT_OWN_VALUE = _insert("own_values", ("dimension", "day", "value"))

_NAMES = ", ".join(f"(SELECT text FROM names WHERE names.id = {name})" for name in NAMED)
READ_OWNER = f"SELECT {_NAMES}, {', '.join(OWNER[len(NAMED) :])}, service FROM owners WHERE id = ?"
READ_DETAILS = f"SELECT {', '.join(DETAILS)} FROM call_details WHERE id = ?"
READ_SPANS = (
    f"SELECT id, {', '.join(SPAN)} FROM spans WHERE trace = ? AND id > ? ORDER BY id LIMIT ?"
)
READ_SPAN = f"""
SELECT spans.id, {", ".join(f"spans.{name}" for name in SPAN)}, traces.trace_id
FROM spans JOIN traces ON traces.id = spans.trace WHERE spans.id = ?
"""
COUNT_SPANS = "SELECT COUNT(*) FROM (SELECT 1 FROM spans WHERE trace = ? LIMIT ?)"

INSERT_SPAN = _insert("spans", ("id", *SPAN))
DELETE_CHARGE = "DELETE FROM charges WHERE id = ?"
PUT_CHARGE = _put("charges", CHARGE)
DELETE_SUMS = "DELETE FROM charge_sums WHERE id = ?"
PUT_SUMS = _put("charge_sums", ("id", *SUMS, *PARTS))
INSERT_CORRECTION = _insert("corrections", ("trace", "span_id", "cause_id", "time_ns", *SUMS))
INSERT_CROSSING = _insert("crossings", CROSSING)
INSERT_PENDING = """
INSERT INTO pending (upto, traces, span_ids, parent_ids, flags, marks)
SELECT COALESCE(MAX(upto), 0) + ?, ?, ?, ?, ?, ? FROM pending
"""
READ_PENDING = "SELECT traces, span_ids, parent_ids, flags, marks FROM pending ORDER BY upto DESC"
DELETE_PENDING = "DELETE FROM pending WHERE upto <= (SELECT MAX(upto) FROM pending) - ?"
PUT_TITLE = """
INSERT INTO task_titles (task, title, time_ns) VALUES (?, ?, ?)
ON CONFLICT (task) DO UPDATE SET title = excluded.title, time_ns = excluded.time_ns
  WHERE (excluded.time_ns, excluded.title) > (task_titles.time_ns, task_titles.title)
"""
"""The latest title stays, in whatever order they come; of two at one moment, one and the same."""
PUT_PART = _put("series_parts", ("name", "span_id"))
DELETE_PART = "DELETE FROM series_parts WHERE name = ?"
PUT_SERIES = _put("series", ("name", "filled_to", "is_complete"))
LAST_ID = """
SELECT COALESCE(MAX(id), 0) FROM (SELECT MAX(id) AS id FROM spans
  UNION ALL SELECT MAX(id) FROM charges) AS used
"""
"""The highest id that a span has or had; no other must ever get it."""

ASKED = "SELECT DISTINCT asked_provider, asked_models, asked_tier FROM call_details"
"""What calls have named. Details are few, however many calls."""
READ_SERIES = """
SELECT series.name, filled_to, span_id, is_complete FROM series LEFT JOIN series_parts USING (name)
"""
DROP_TOTALS = """
DELETE FROM totals WHERE scope = ?1 AND (id, bucket) IN (
  SELECT id, bucket FROM totals WHERE scope = ?1 LIMIT ?2)
"""
LAST_TRACE = "SELECT COALESCE(MAX(id), 0) FROM traces"
LAST_SPAN = "SELECT COALESCE(MAX(id), 0) FROM spans"
LAST_NAME = "SELECT COALESCE(MAX(id), 0) FROM names"
READ_TRACES_AFTER = "SELECT id, trace_id FROM traces WHERE id > ? ORDER BY id LIMIT ?"
READ_CHARGED_TRACES = """
SELECT id, trace_id FROM traces WHERE id > ? AND id <= ? AND end_ns >= ? AND start_ns < ?
ORDER BY id LIMIT ?
"""
_JOB = ("kind", "parameters", "position", "progress", "state")
READ_JOBS = f"""
SELECT {", ".join(_JOB[:-1])}, 0, id FROM jobs WHERE kind = ? AND state <> 'done' ORDER BY id
"""
INSERT_JOB = f"{_insert('jobs', _JOB)} RETURNING id"
UPDATE_JOB = f"UPDATE jobs SET {', '.join(f'{name} = ?' for name in _JOB)} WHERE id = ?"
READ_LATEST = "SELECT trace FROM spans ORDER BY id DESC LIMIT ?"
READ_TRACE_ID = "SELECT trace_id FROM traces WHERE id = ?"
READ_TRACE_IDS = "SELECT trace_id FROM traces ORDER BY id DESC LIMIT ?"
READ_ZONES = "SELECT start_s, zone, cell_s FROM reporting_zones ORDER BY start_s"
INSERT_ZONE = _insert("reporting_zones", ("start_s", "zone", "cell_s"))
DAYS_AFTER = "SELECT MIN(start_s), MAX(start_s) FROM usage_days WHERE start_s >= ?"
INSERT_MONTHS_UNTIL = _insert("months_until", ("until_s",))
READ_MONTHS_UNTIL = "SELECT MAX(until_s) FROM months_until"
