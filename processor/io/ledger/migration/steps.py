"""What turns the tables of versions 1 to 5 into those of version 6."""

from __future__ import annotations

LAST_REWRITTEN = 6
"""The version that the steps end with: the last one whose rows are written anew."""

_TASK_TITLES = """
-- The title that the latest span gave a task.
CREATE TABLE task_titles (
  task TEXT PRIMARY KEY,
  title TEXT NOT NULL,
  time_ns INTEGER NOT NULL
) WITHOUT ROWID;
"""
_PENDING = """
-- Spans that wait for a call of their trace, those of one turn in a row: they are written with
-- every turn and read at the start only. `upto` counts all spans that have ever waited, this row's
-- included, so that the oldest can be deleted without counting.
CREATE TABLE pending (
  upto INTEGER PRIMARY KEY,
  traces BLOB NOT NULL, span_ids BLOB NOT NULL, parent_ids BLOB NOT NULL, flags BLOB NOT NULL,
  marks TEXT
);
"""
_STEPS = {
    1: """
ALTER TABLE corrections ADD COLUMN doubtful INTEGER NOT NULL DEFAULT 0;
ALTER TABLE totals ADD COLUMN doubtful INTEGER NOT NULL DEFAULT 0;
""",
    # What was charged before these dimensions were known belongs to none of their ids.
    2: _TASK_TITLES
    + "".join(
        f"""
INSERT INTO totals SELECT '{scope}', id, bucket, cost, input, output, cached, calls, unpriced,
  saved, cache_hits, agent_runs, doubtful FROM totals WHERE scope = 'total';
"""
        for scope in ("task_type", "purpose")
    ),
    # Before, what caches of responses saved was counted among what prompt caches saved.
    3: "".join(
        f"ALTER TABLE {table} ADD COLUMN {column} INTEGER NOT NULL DEFAULT 0;\n"
        for table in ("corrections", "totals")
        for column in ("response_hits", "response_saved")
    ),
    # Before, sums stopped at 64 bits; now a column may hold a number that has more.
    4: "-- The columns are the same.\n",
    # Before, what waited for a call was lost with the process.
    5: _PENDING,
}
"""What turns the tables of a version into those of the next one."""

VERSIONS = frozenset({*_STEPS, *range(LAST_REWRITTEN, LAST_REWRITTEN + 4)})
"""Versions that can be brought up: the last three need only further tables."""


def steps_from(version: int) -> str:
    """What turns the tables of one of versions 1 to 6 into those of version 6."""
    return "".join(_STEPS[step] for step in range(version, LAST_REWRITTEN))
