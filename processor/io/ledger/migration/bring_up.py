"""Brings a file of an older version up to the tables of today."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import apsw

from processor.core import posting
from processor.core.budgets.zones import ReportingZones
from processor.core.model import Correction, Plan, SpanRow, Totals
from processor.io.ledger import months, statements, tables
from processor.io.ledger.added_tables import (
    create_added_tables,
    create_all_tables,
    create_outbox,
    create_spend_tables,
)
from processor.io.ledger.dialect import SQLITE
from processor.io.ledger.interning import Cache
from processor.io.ledger.migration import rows_6
from processor.io.ledger.migration.steps import LAST_REWRITTEN, steps_from
from processor.io.ledger.plan_writer import PlanWriter
from processor.io.ledger.row_reader import RowReader
from processor.io.ledger.zones import write_zones

_LOG = logging.getLogger(__name__)
_OLD = (
    "labels", "spans", "corrections", "totals", "crossings", "series", "task_titles", "pending",
)  # fmt: skip
_SAME = ("crossings", "task_titles", "pending")
"""Tables that have stayed as they were."""
_TRACES = "SELECT id, trace_id FROM traces WHERE id > ? AND id <= ?"
_LABELS_CACHED_MAX = 4096
_SPANS_AT_ONCE = 1_000
_TRACES_AT_ONCE = 500
_TOTALS_AT_ONCE = 1_000
_LOGGED_EVERY_S = 10.0

_Item = TypeVar("_Item")


def bring_up(database: apsw.Connection, version: int, zone: ZoneInfo) -> None:
    """Turn the tables of an older version into those of today; the caller has a transaction.

    Spans, corrections and totals are taken over as they are. What was not kept is found from the
    spans, trace by trace: what each is charged, and the sums by dimensions, for days of `zone`.
    """
    if version > LAST_REWRITTEN:
        if version == LAST_REWRITTEN + 1:
            # A view is only text, so that of today costs nothing.
            database.execute(f"DROP VIEW charged; {tables.create_view()}")
            database.execute(create_added_tables(SQLITE))
        if version <= LAST_REWRITTEN + 2:
            database.execute(create_spend_tables(SQLITE))
        database.execute(create_outbox(SQLITE))
        return
    database.execute(steps_from(version))
    for table in _OLD:
        database.execute(f"ALTER TABLE {table} RENAME TO old_{table}")
    database.execute(create_all_tables(SQLITE))
    zones = ReportingZones.of(zone)
    write_zones(database, zones)
    writer = PlanWriter(database, SQLITE, lambda: zones)
    for table in _SAME:
        database.execute(f"INSERT INTO {table} SELECT * FROM old_{table}")
    _take_spans(database, writer)
    _take_corrections(database, writer)
    _take_totals(database, writer)
    _find_charges(database, writer, zones)
    while (day_s := months.day_to_add(database, zones, int(time.time()))) is not None:
        writer.add_day_to_month(day_s)
    database.execute("".join(f"DROP TABLE old_{table};" for table in reversed(_OLD)))


def _take_spans(database: apsw.Connection, writer: PlanWriter) -> None:
    count = database.execute("SELECT COUNT(*) FROM old_spans").get
    _LOG.info("the ledger's file is brought up to tables %d: %d spans", tables.VERSION, count)
    progress = _Progress("%d of %d spans are taken over", count)
    for spans in _batched(_old_spans(database), _SPANS_AT_ONCE):
        writer.write(Plan(rows=spans))
        progress.add(len(spans))


def _old_spans(database: apsw.Connection) -> Iterator[SpanRow]:
    labels = Cache[int, Sequence[Any]](_LABELS_CACHED_MAX)

    def label_of(label: int) -> Sequence[Any]:
        found = labels.get(label)
        if found is None:
            text = str(database.execute("SELECT text FROM old_labels WHERE id = ?", (label,)).get)
            found = labels[label] = json.loads(text)
        return found

    for columns in database.execute(f"SELECT {rows_6.COLUMNS} FROM old_spans ORDER BY seq"):
        yield rows_6.decode(columns, label_of)


def _take_corrections(database: apsw.Connection, writer: PlanWriter) -> None:
    sums = ", ".join(tables.SUMS)
    query = f"SELECT trace_id, span_id, cause_id, time_ns, {sums} FROM old_corrections ORDER BY seq"
    corrections = (
        Correction(trace_id, span_id, cause_id, time_ns, _totals(sums))
        for trace_id, span_id, cause_id, time_ns, *sums in _rows(database, query)
    )
    for some in _batched(corrections, _TOTALS_AT_ONCE):
        writer.write(Plan(corrections=some))


def _take_totals(database: apsw.Connection, writer: PlanWriter) -> None:
    """What was counted stays counted, where totals are still kept; of some, for all time only."""
    columns = f"scope, id, bucket, {', '.join(tables.SUMS)}"
    database.execute(
        f"INSERT INTO totals ({columns}) SELECT {columns} FROM old_totals "
        "WHERE scope IN ('total', 'user', 'org') OR scope IN (SELECT name FROM old_series)"
    )
    query = f"SELECT {columns} FROM old_totals WHERE scope IN ('session', 'task')"
    for some in _batched(_rows(database, query), _TOTALS_AT_ONCE):
        plan = Plan()
        for scope, scope_id, _, *sums in some:
            key = scope, scope_id, 0
            known = plan.postings.get(key)
            plan.postings[key] = _totals(sums) if known is None else known.plus(_totals(sums))
        writer.write(plan)
    database.execute(
        "INSERT INTO series (name, filled_to, is_complete) SELECT name, ?, 1 FROM old_series",
        (database.execute(statements.LAST_ID).get,),
    )


def _find_charges(database: apsw.Connection, writer: PlanWriter, zones: ReportingZones) -> None:
    """What each span is charged now, and the sums of that by dimensions."""
    count = database.execute("SELECT COUNT(*) FROM traces").get
    reader = RowReader(database)
    progress = _Progress("%d of %d traces are added up", count)
    for at in range(0, count, _TRACES_AT_ONCE):
        # Ids begin with 1, and none is left out.
        some = _rows(database, _TRACES, (at, at + _TRACES_AT_ONCE))
        traces = {
            trace_id: posting.rebuild(trace_id, reader.rows_of(trace_id, trace))
            for trace, trace_id in some
        }
        plan = posting.charged(traces, zones)
        plan.postings.clear()  # They have been taken over.
        writer.write(plan)
        progress.add(len(traces))


class _Progress:
    """Says in the log how far something has come, every few seconds."""

    def __init__(self, message: str, count: int) -> None:
        self._message, self._count = message, count
        self._done = 0
        self._logged_s = time.monotonic()

    def add(self, done: int) -> None:
        """Note that so many more are done."""
        self._done += done
        if time.monotonic() - self._logged_s > _LOGGED_EVERY_S:
            self._logged_s = time.monotonic()
            _LOG.info(self._message, self._done, self._count)


def _rows(
    database: apsw.Connection, query: str, bindings: tuple[int, ...] = ()
) -> Iterator[tuple[Any, ...]]:
    yield from database.execute(query, bindings)


def _totals(columns: Sequence[int | bytes]) -> Totals:
    """From numbers, or blobs of their digits."""
    return Totals(*map(int, columns))


def _batched(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
