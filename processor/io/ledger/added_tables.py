"""All tables of the ledger, and those and indexes that versions 8 to 10 added to `tables`."""

from __future__ import annotations

from processor.core.model import TraceOwner
from processor.io.ledger.dialect import Dialect
from processor.io.ledger.tables import PARTS, SUMS, create_tables, numbers_of


def create_all_tables(words: Dialect) -> str:
    """The statements that make all tables, none being there."""
    added = create_added_tables(words) + create_spend_tables(words)
    return create_tables(words) + added + create_outbox(words)


def create_added_tables(words: Dialect) -> str:
    """The statements that make of the tables of version 7 those of version 8."""
    integer, octets = words.integer, words.octets
    sums, parts = numbers_of(words, SUMS), numbers_of(words, PARTS)
    named = ", ".join(f"{name}_id {integer} REFERENCES names (id)" for name in TraceOwner._fields)
    return f"""
-- Which spans of a trace an exclusion has taken out of all sums, 8 bytes each; its number is that
-- of its row in jobs.
CREATE TABLE exclusions (trace {integer} NOT NULL REFERENCES traces (id),
  job {integer} NOT NULL REFERENCES jobs (id), span_ids {octets} NOT NULL,
  PRIMARY KEY (trace, job)){words.without_key};
-- Of series whose last trace is counted in part, the last span, in the order of ids.
CREATE TABLE series_parts (name TEXT PRIMARY KEY, span_id {octets} NOT NULL){words.without_key};
-- Who has changed what, and when; before and after are JSON objects of text.
CREATE TABLE audit (seq {words.key}, time_ns {integer} NOT NULL, actor TEXT NOT NULL,
  action TEXT NOT NULL, subject TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL);
-- Which ids of users were taken out, as digests with a random key, and what stands in their place.
-- In traces up to a number, and in those that waited then (16 bytes each), they are read as that.
CREATE TABLE forgotten (seq {words.key}, secret {octets} NOT NULL, digest {octets} NOT NULL,
  tombstone TEXT NOT NULL, last_trace {integer} NOT NULL, waiting {octets} NOT NULL);
-- From which end on calls, keys, traces and hours are kept whole; it never moves back.
CREATE TABLE kept_from (what TEXT PRIMARY KEY, time_s {integer} NOT NULL){words.without_key};
-- The ids of the spans of a trace whose rows are deleted, 8 bytes each, so that one that is sent
-- again is recognised.
CREATE TABLE trace_keys (trace {words.key} REFERENCES traces (id), span_ids {octets} NOT NULL);
-- What traces that have rows again had before, as their rows in traces said then.
CREATE TABLE resumed_traces (trace {words.key} REFERENCES traces (id),
  start_ns {integer} NOT NULL, end_ns {integer} NOT NULL,
  {named},
  {sums});
-- Sums of charges that have no row any more, or never had one, by the UTC day of their ends: with
-- those of all rows they are what totals have.
CREATE TABLE deleted_days (start_s {words.key}, {sums}, {parts});
-- How many calls of those never had a row, since they came too late, by the hour of their ends.
CREATE TABLE late_hours (start_s {words.key}, calls {integer} NOT NULL);
-- Sums of traces that have no row any more, by the UTC day of their ends.
CREATE TABLE deleted_traces (start_s {words.key}, {sums});
-- For the pages of a task and of a trace.
CREATE INDEX traces_of_task ON traces (task_id) WHERE task_id IS NOT NULL;
CREATE INDEX corrections_of_trace ON corrections (trace);
-- Of the days before `months_until`, added up by month (is_part 0) and by part of one (1).
CREATE TABLE usage_months (is_part {integer} NOT NULL, start_s {integer} NOT NULL,
  set_id {integer} NOT NULL REFERENCES dimension_sets (id),
  {sums}, {parts},
  PRIMARY KEY (is_part, start_s, set_id)){words.without_key};
CREATE TABLE months_until (until_s {words.key});
"""


def create_spend_tables(words: Dialect) -> str:
    """The statements that make of the tables of version 8 those of version 9."""
    return f"""
-- What metrics show of each combination of values of `spend_dimensions`, as JSON, or of the others
-- as '': what was charged first, and what corrections have raised (up) and lowered (down) it by.
-- None of these sums falls, and first + up - down is what its charges make. Input is without what
-- caches gave, and agent runs are 0.
CREATE TABLE spend (labels TEXT NOT NULL, part TEXT NOT NULL,
  {numbers_of(words, SUMS)}, PRIMARY KEY (labels, part)){words.without_key};
CREATE TABLE spend_dimensions (names TEXT PRIMARY KEY){words.without_key};
"""


def create_outbox(words: Dialect) -> str:
    """The statements that make of the tables of version 9 those of version 10."""
    integer = words.integer
    return f"""
-- A notification for each channel, of a crossing by its number or of a report by its period. Those
-- of one `message`, which is the number of its first one, are sent together; 0: not sent yet.
CREATE TABLE outbox (seq {words.key}, channel TEXT NOT NULL,
  crossing {integer} REFERENCES crossings (seq), report TEXT, written_s {integer} NOT NULL,
  state TEXT NOT NULL, attempts {integer} NOT NULL, next_s {integer} NOT NULL,
  message {integer} NOT NULL, error TEXT NOT NULL, changed_s {integer} NOT NULL);
CREATE INDEX outbox_waiting ON outbox (channel, next_s) WHERE state = 'waiting';
CREATE UNIQUE INDEX outbox_reports ON outbox (report, channel) WHERE report IS NOT NULL;
"""
