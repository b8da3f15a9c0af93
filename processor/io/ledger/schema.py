"""The tables of the embedded ledger."""

from __future__ import annotations

from processor.io.ledger.numbers import exact_sum

VERSION = 6
"""Raised with every change of the tables; an older file is brought up step by step."""

APPLICATION_ID = int.from_bytes(b"LLMC", "big")
"""Marks a file as a ledger, in SQLite's header. Files that older programs wrote have 0."""

KNOWN_TABLES = frozenset({"spans", "totals", "crossings"})
"""Tables of every version: what a ledger without the mark is recognised by."""

TABLES = """
-- What many spans have in common, as JSON, so that span rows stay narrow.
CREATE TABLE labels (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);

-- Calls, and the spans that link them in their traces. Appended, never edited. The key mixes the
-- last four bytes of both ids, so that a trace's rows lie together in the one index that is needed.
CREATE TABLE spans (
  seq INTEGER PRIMARY KEY,
  key INTEGER NOT NULL,
  trace_id BLOB NOT NULL,
  span_id BLOB NOT NULL,
  parent_id BLOB NOT NULL,
  time_ns INTEGER NOT NULL,
  flags INTEGER NOT NULL,
  own TEXT,
  origin INTEGER NOT NULL REFERENCES labels (id),
  label INTEGER REFERENCES labels (id),
  input INTEGER, cache_read INTEGER, cache_write INTEGER, cache_write_1h INTEGER,
  output INTEGER, reasoning INTEGER, more TEXT,
  cost INTEGER, cost_input INTEGER, cost_output INTEGER, cost_cache_read INTEGER,
  cost_cache_write INTEGER, cost_fees INTEGER, saved INTEGER, reported INTEGER,
  response_id TEXT, start_ns INTEGER,
  stamp TEXT
);
CREATE INDEX spans_by_key ON spans (key);

CREATE TABLE corrections (
  seq INTEGER PRIMARY KEY,
  key INTEGER NOT NULL,
  trace_id BLOB NOT NULL,
  span_id BLOB NOT NULL,
  cause_id BLOB NOT NULL,
  time_ns INTEGER NOT NULL,
  cost INTEGER NOT NULL, input INTEGER NOT NULL, output INTEGER NOT NULL,
  cached INTEGER NOT NULL, calls INTEGER NOT NULL, unpriced INTEGER NOT NULL,
  saved INTEGER NOT NULL, cache_hits INTEGER NOT NULL, agent_runs INTEGER NOT NULL,
  doubtful INTEGER NOT NULL DEFAULT 0,
  response_hits INTEGER NOT NULL DEFAULT 0, response_saved INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE totals (
  scope TEXT NOT NULL,
  id TEXT NOT NULL,
  bucket INTEGER NOT NULL,
  cost INTEGER NOT NULL, input INTEGER NOT NULL, output INTEGER NOT NULL,
  cached INTEGER NOT NULL, calls INTEGER NOT NULL, unpriced INTEGER NOT NULL,
  saved INTEGER NOT NULL, cache_hits INTEGER NOT NULL, agent_runs INTEGER NOT NULL,
  doubtful INTEGER NOT NULL DEFAULT 0,
  response_hits INTEGER NOT NULL DEFAULT 0, response_saved INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (scope, id, bucket)
) WITHOUT ROWID;

CREATE TABLE crossings (
  seq INTEGER PRIMARY KEY,
  budget TEXT NOT NULL, scope TEXT NOT NULL, id TEXT NOT NULL,
  window_start INTEGER NOT NULL, window_end INTEGER NOT NULL,
  amount INTEGER NOT NULL, unit TEXT NOT NULL, share REAL NOT NULL,
  spent INTEGER NOT NULL, at_least INTEGER NOT NULL, late INTEGER NOT NULL,
  cause TEXT NOT NULL, span TEXT NOT NULL,
  UNIQUE (scope, id, window_start, budget, amount, unit, share)
);

CREATE TABLE series (name TEXT PRIMARY KEY) WITHOUT ROWID;
"""

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
TABLES += _TASK_TITLES + _PENDING

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

READABLE = frozenset({*_STEPS, VERSION})
"""Versions whose labels and span rows `ASKED` and `UNPRICED` can read."""


def steps_from(version: int) -> str:
    """What turns the tables of a version into today's; ``""`` for one that is not known."""
    return "".join(_STEPS[step] for step in range(version, VERSION)) if version in _STEPS else ""


SUMS = (
    "cost",
    "input",
    "output",
    "cached",
    "calls",
    "unpriced",
    "saved",
    "cache_hits",
    "agent_runs",
    "doubtful",
    "response_hits",
    "response_saved",
)
"""Columns of `model.Totals`, in its order."""

_LARGE = frozenset({"cost", "input", "output", "cached", "saved", "response_saved"})
"""Sums of quantities. The others count spans, and these are fewer than 64 bits hold."""


def _sum_of(name: str) -> str:
    added = f"excluded.{name}"
    return exact_sum(name, added) if name in _LARGE else f"{name} + {added}"


INSERT_SPAN = f"INSERT INTO spans VALUES (NULL{', ?' * 27})"
INSERT_CORRECTION = f"INSERT INTO corrections VALUES (NULL{', ?' * (5 + len(SUMS))})"
INSERT_CROSSING = f"INSERT INTO crossings VALUES (NULL{', ?' * 13})"
INSERT_PENDING = """
INSERT INTO pending SELECT COALESCE(MAX(upto), 0) + ?, ?, ?, ?, ?, ? FROM pending
"""
DELETE_PENDING = "DELETE FROM pending WHERE upto <= (SELECT MAX(upto) FROM pending) - ?"
ADD_TOTALS = (
    f"INSERT INTO totals VALUES (?, ?, ?{', ?' * len(SUMS)}) ON CONFLICT DO UPDATE SET "
    + ", ".join(f"{name} = {_sum_of(name)}" for name in SUMS)
)
PUT_TITLE = """
INSERT INTO task_titles VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET
  title = excluded.title, time_ns = excluded.time_ns
  WHERE (excluded.time_ns, excluded.title) > (task_titles.time_ns, task_titles.title)
"""
"""The latest title stays, in whatever order they come; of two at one moment, one and the same."""
SUM_TOTALS = "SELECT " + ", ".join(f"COALESCE(SUM({name}), 0)" for name in SUMS) + " FROM totals"
LIST_TOTALS = f"SELECT {', '.join(SUMS)} FROM totals"
OF_SCOPE_EVER = " WHERE scope = ? AND id = ?"
OF_SCOPE = f"{OF_SCOPE_EVER} AND bucket >= ? AND bucket < ?"
"""Of one scope id, in a window; to follow `SUM_TOTALS` or `LIST_TOTALS`."""

# A later row of a span replaces an earlier one: it was given its usage, or another price. A span
# that spans below it or beside it explain owes nothing: its stamp says so where they were there
# first, a correction where they came later.
UNPRICED = """
WITH corrected AS (
  SELECT key, trace_id, span_id, SUM(unpriced) AS more FROM corrections
  WHERE unpriced <> 0 GROUP BY key, trace_id, span_id)
SELECT json_extract(text, '$[12][0]'), json_extract(text, '$[12][1]'), json_extract(text, '$[1]'),
  json_extract(text, '$[4]'), COUNT(*),
  SUM(tokens >> 32), SUM(tokens & 4294967295), MIN(time_ns), MAX(time_ns)
FROM (SELECT *, COALESCE(input, 0) + COALESCE(cache_read, 0) + COALESCE(cache_write, 0)
    + COALESCE(cache_write_1h, 0) + COALESCE(output, 0) + COALESCE(reasoning, 0)
    + COALESCE(json_extract(more, '$[0]') + json_extract(more, '$[1]')
    + json_extract(more, '$[2]') + json_extract(more, '$[3]'), 0) AS tokens FROM spans) AS spans
  JOIN labels ON labels.id = spans.label
WHERE spans.label IN (SELECT id FROM labels WHERE json_extract(text, '$[0]') = 'unpriced')
  AND NOT spans.flags & 16 -- a reference, to a call that has a row of its own
  AND (COALESCE(json_extract(stamp, '$.e.status'), 'unpriced') = 'unpriced') + COALESCE((
    SELECT more FROM corrected WHERE corrected.key = spans.key
      AND corrected.span_id = spans.span_id AND corrected.trace_id = spans.trace_id), 0) > 0
  AND NOT EXISTS (
  SELECT 1 FROM spans AS later WHERE later.key = spans.key AND later.seq > spans.seq
    AND later.span_id = spans.span_id AND later.trace_id = spans.trace_id)
GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC, 9 DESC
"""

ASKED = """
SELECT DISTINCT json_extract(text, '$[12][0]'), json_extract(text, '$[12][1]'),
  json_extract(text, '$[12][2]')
FROM labels WHERE json_extract(text, '$[12]') IS NOT NULL
"""
"""What calls have named: provider, models and service tier. Labels are few, however many calls."""
