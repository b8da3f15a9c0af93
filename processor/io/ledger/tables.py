"""The tables of the ledger as README.md describes them; `added_tables` has later ones."""

from __future__ import annotations

from processor.io.ledger.dialect import Dialect

VERSION = 10
"""Raised with every change of the tables; `migration` brings an older file up."""

APPLICATION_ID = int.from_bytes(b"LLMC", "big")
"""Marks a file as a ledger, in SQLite's header. Files that older programs wrote have 0."""

KNOWN_TABLES = frozenset({"spans", "totals", "crossings"})
"""Tables of every version: what a ledger without the mark is recognised by."""

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
PARTS = (
    "cache_write",
    "reasoning",
    "cost_input",
    "cost_output",
    "cost_cache_read",
    "cost_cache_write",
)
"""Columns of `model.Parts`, in its order."""
COUNTS = frozenset({"calls", "unpriced", "cache_hits", "agent_runs", "doubtful", "response_hits"})
"""Sums that count spans, of which there are fewer than 64 bits hold. The others are quantities."""

NAMED = (
    "session_id",
    "user_id",
    "org_id",
    "agent_id",
    "feature_id",
    "task_id",
    "task_type_id",
    "purpose_id",
)
"""Columns of an owner that are names."""
OWNER = (*NAMED, "task_title", "own_dimensions")
"""Columns of `model.Owner`, in its order."""
DETAILS = (
    "status",
    "reason",
    "provider",
    "model",
    "service",
    "price_version",
    "rates",
    "aggregate",
    "rule",
    "has_tokens",
    "kind",
    "time_assumed",
    "asked_provider",
    "asked_models",
    "asked_tier",
    "reported_by",
    "free",
    "scope",
    "doubt",
    "is_cumulative",
    "may_exclude_cache",
    "time_rescaled",
)
"""What the entries of many calls have in common."""
DETAILS_FLAGS = frozenset(
    {"has_tokens", "time_assumed", "is_cumulative", "may_exclude_cache", "time_rescaled"}
)
"""Those of them that are true or false."""
DIMENSIONS = (
    "provider",
    "model",
    "service",
    "agent",
    "org",
    "feature",
    "task_type",
    "purpose",
    "kind",
    "status",
)
"""Columns of `model.DimensionSet`, in its order; the operator's own are in ``set_values``."""
SPAN = (
    "trace",
    "span_id",
    "parent_id",
    "time_ns",
    "flags",
    "own_id",
    "origin_id",
    "details_id",
    "input",
    "cache_read",
    "cache_write",
    "cache_write_1h",
    "output",
    "reasoning",
    "more",
    "cost",
    "cost_input",
    "cost_output",
    "cost_cache_read",
    "cost_cache_write",
    "cost_fees",
    "saved",
    "reported",
    "response",
    "duration_ns",
    "stamp",
)
"""Columns of ``spans`` after its id."""


def create_tables(words: Dialect) -> str:
    """The statements that make the tables of version 7, none being there."""
    return _interned(words) + _charged(words) + _added_up(words) + _beside(words)


def _interned(words: Dialect) -> str:
    details = ", ".join(
        f"{name} {words.integer} NOT NULL"
        if name in DETAILS_FLAGS
        else f"{name} TEXT{'' if name in {'rates', 'aggregate'} else ' NOT NULL'}"
        for name in DETAILS
    )
    return f"""
-- Ids of users and sessions, and whatever else owners are called; '' is one too.
CREATE TABLE names (id {words.key}, text TEXT NOT NULL UNIQUE);
-- What a span says of its owner, or what its scope and resource say, then with the service. Two
-- rows may say the same: one that is no longer remembered is not looked for.
CREATE TABLE owners (id {words.key},
  {", ".join(f"{name} {words.integer} REFERENCES names (id)" for name in NAMED)},
  {", ".join(f"{name} TEXT" for name in OWNER[len(NAMED) :])}, service TEXT);
CREATE TABLE call_details (id {words.key}, digest {words.octets} NOT NULL UNIQUE,
  {details});
CREATE TABLE dimension_sets (id {words.key}, digest {words.octets} NOT NULL UNIQUE,
  {", ".join(f"{name} TEXT NOT NULL" for name in DIMENSIONS)});
CREATE TABLE set_values (set_id {words.integer} NOT NULL REFERENCES dimension_sets (id),
  dimension TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (set_id, dimension)){words.without_key};
-- Which values of an own dimension were seen on a day, and count by themselves.
CREATE TABLE own_values (dimension TEXT NOT NULL, day {words.integer} NOT NULL,
  value TEXT NOT NULL, PRIMARY KEY (dimension, day, value)){words.without_key};
"""


def _charged(words: Dialect) -> str:
    integer, octets = words.integer, words.octets
    return f"""
-- The names of a trace are NULL where its charges name several or none.
CREATE TABLE traces (id {words.key}, trace_id {octets} NOT NULL UNIQUE,
  start_ns {integer} NOT NULL, end_ns {integer} NOT NULL,
  session_id {integer} REFERENCES names (id), user_id {integer} REFERENCES names (id),
  task_id {integer} REFERENCES names (id), agent_id {integer} REFERENCES names (id),
  org_id {integer} REFERENCES names (id), service_id {integer} REFERENCES names (id),
  {numbers_of(words, SUMS)});
CREATE INDEX traces_of_session ON traces (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX traces_of_user ON traces (user_id) WHERE user_id IS NOT NULL;
-- In the order of arrival; appended, never edited. A later row of a span replaces an earlier one.
-- `cost` is NULL where it is the sum of its parts.
CREATE TABLE spans (id {words.key}, trace {integer} NOT NULL REFERENCES traces (id),
  span_id {octets} NOT NULL, parent_id {octets} NOT NULL, time_ns {integer} NOT NULL,
  flags {integer} NOT NULL, own_id {integer} REFERENCES owners (id),
  origin_id {integer} NOT NULL REFERENCES owners (id),
  details_id {integer} REFERENCES call_details (id),
  input {integer}, cache_read {integer}, cache_write {integer}, cache_write_1h {integer},
  output {integer}, reasoning {integer}, more TEXT,
  cost {integer}, cost_input {integer}, cost_output {integer}, cost_cache_read {integer},
  cost_cache_write {integer}, cost_fees {integer}, saved {integer}, reported {integer},
  response {integer}, duration_ns {integer}, stamp TEXT);
CREATE INDEX spans_of_trace ON spans (trace);
-- Which calls report a response, by time first and then by a part of its number: see `responses`.
CREATE TABLE responses (slot {integer} NOT NULL, part {integer} NOT NULL,
  span {integer} NOT NULL REFERENCES spans (id),
  PRIMARY KEY (slot, part, span)){words.without_key};
-- Whose each span that is charged is now; the id is that of its latest row in spans. `end_s` is
-- that row's `time_ns` in whole seconds.
CREATE TABLE charges (id {words.key}, end_s {integer} NOT NULL,
  set_id {integer} NOT NULL REFERENCES dimension_sets (id),
  user_id {integer} NOT NULL REFERENCES names (id),
  session_id {integer} NOT NULL REFERENCES names (id),
  task_id {integer} NOT NULL REFERENCES names (id));
CREATE INDEX charges_by_end ON charges (end_s);
-- What they are charged, of those where that is not what `charged` makes of the row in spans.
CREATE TABLE charge_sums (id {words.key}, {numbers_of(words, (*SUMS, *PARTS))});
CREATE INDEX charge_sums_unpriced ON charge_sums (id) WHERE unpriced <> 0;
{create_view()}
CREATE TABLE corrections (id {words.key}, trace {integer} NOT NULL REFERENCES traces (id),
  span_id {octets} NOT NULL, cause_id {octets} NOT NULL, time_ns {integer} NOT NULL,
  {numbers_of(words, SUMS)});
"""


FROM_SPAN = {
    "cost": "COALESCE(s.cost, s.cost_input + s.cost_output + s.cost_cache_read + "
    "s.cost_cache_write + s.cost_fees)",
    "input": "s.input + s.cache_read + s.cache_write + s.cache_write_1h",
    "output": "s.output + s.reasoning",
    "cached": "s.cache_read",
    "calls": "CASE WHEN s.details_id IS NULL THEN 0 ELSE 1 END",
    "saved": "s.saved",
    "cache_hits": "CASE WHEN s.cache_read > 0 THEN 1 ELSE 0 END",
    "agent_runs": "CASE WHEN s.details_id IS NULL THEN 1 ELSE 0 END",
    "cache_write": "s.cache_write + s.cache_write_1h",
    **{name: f"s.{name}" for name in PARTS[1:]},
}
"""What a usual call or agent is charged, by the columns of its row `s` in spans; else 0.

`rows.follows_from_span` says the same of our types: of which charges no sums are kept.
"""


def create_view() -> str:
    """What each span is charged now, whose it is, and when it began and ended."""
    sums = ",\n  ".join(
        f"COALESCE(x.{name}, {FROM_SPAN[name]}, 0) AS {name}"
        if name in FROM_SPAN
        else f"COALESCE(x.{name}, 0) AS {name}"
        for name in (*SUMS, *PARTS)
    )
    return f"""
CREATE VIEW charged AS SELECT c.id, s.trace, s.span_id, s.time_ns - s.duration_ns AS start_ns,
  s.time_ns AS end_ns, c.end_s, c.set_id, c.user_id, c.session_id, c.task_id,
  {sums}
FROM charges c LEFT JOIN spans s ON s.id = c.id LEFT JOIN charge_sums x ON x.id = c.id;
"""


def _added_up(words: Dialect) -> str:
    integer, sums = words.integer, numbers_of(words, (*SUMS, *PARTS))
    set_id = f"set_id {integer} NOT NULL REFERENCES dimension_sets (id)"
    return f"""
CREATE TABLE usage_hours (start_s {integer} NOT NULL, {set_id},
  {sums}, PRIMARY KEY (start_s, set_id)){words.without_key};
CREATE TABLE usage_days (start_s {integer} NOT NULL, {set_id},
  {sums}, PRIMARY KEY (start_s, set_id)){words.without_key};
CREATE TABLE usage_user_days (start_s {integer} NOT NULL,
  user_id {integer} NOT NULL REFERENCES names (id), {set_id},
  {sums}, PRIMARY KEY (start_s, user_id, set_id)){words.without_key};
-- By quarter hour; those of sessions and tasks, which have no end, all in the bucket 0.
CREATE TABLE totals (scope TEXT NOT NULL, id TEXT NOT NULL, bucket {integer} NOT NULL,
  {numbers_of(words, SUMS)}, PRIMARY KEY (scope, id, bucket)){words.without_key};
-- Further totals that budgets follow, and the last trace that they were filled with; -1 for one
-- that nobody follows any more.
CREATE TABLE series (name TEXT PRIMARY KEY, filled_to {integer} NOT NULL,
  is_complete {integer} NOT NULL){words.without_key};
-- Of which zone the days are from when on, and how many seconds usage_hours adds up.
CREATE TABLE reporting_zones (start_s {words.key}, zone TEXT NOT NULL, cell_s {integer} NOT NULL);
"""


def _beside(words: Dialect) -> str:
    integer, octets = words.integer, words.octets
    return f"""
CREATE TABLE crossings (seq {words.key}, budget TEXT NOT NULL, scope TEXT NOT NULL,
  id TEXT NOT NULL, window_start {integer} NOT NULL, window_end {integer} NOT NULL,
  amount {words.number} NOT NULL, unit TEXT NOT NULL, share {words.real} NOT NULL,
  spent {words.number} NOT NULL, at_least {integer} NOT NULL, late {integer} NOT NULL,
  cause TEXT NOT NULL, span TEXT NOT NULL,
  UNIQUE (scope, id, window_start, budget, amount, unit, share));
-- The title that the latest span gave a task.
CREATE TABLE task_titles (task TEXT PRIMARY KEY, title TEXT NOT NULL,
  time_ns {integer} NOT NULL){words.without_key};
-- Spans that wait for a call of their trace, those of one turn in a row: they are written with
-- every turn and read at the start only. `upto` counts all spans that have ever waited, this row's
-- included, so that the oldest can be deleted without counting.
CREATE TABLE pending (upto {words.key}, traces {octets} NOT NULL, span_ids {octets} NOT NULL,
  parent_ids {octets} NOT NULL, flags {octets} NOT NULL, marks TEXT);
-- Long work that is done in steps.
CREATE TABLE jobs (id {words.key}, kind TEXT NOT NULL, parameters TEXT NOT NULL,
  position {integer} NOT NULL, state TEXT NOT NULL, progress TEXT NOT NULL);
"""


def numbers_of(words: Dialect, names: tuple[str, ...]) -> str:
    """Columns of sums."""
    return ", ".join(
        f"{name} {words.integer if name in COUNTS else words.number} NOT NULL" for name in names
    )
