"""Writes what one turn has decided. Statements go in batches; no work grows with what is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, count

import apsw

from processor.core.budgets.zones import ReportingZones
from processor.core.model import (
    NOBODY,
    NS_PER_S,
    ChargeRow,
    Correction,
    Plan,
    SpanRow,
    TraceSummary,
)
from processor.io.ledger import months, rows, statements
from processor.io.ledger.addition import Addition
from processor.io.ledger.dialect import Dialect
from processor.io.ledger.interning import NAMES_CACHED_MAX, Cache, DimensionSets, Interned
from processor.io.ledger.numbers import encode_numbers
from processor.io.ledger.outbox_rows import OutboxRows
from processor.io.ledger.responses import write_responses
from processor.io.ledger.shared import (
    Columns,
    OriginOwner,
    encode_details,
    encode_name,
    encode_owner,
    shared_of,
)
from processor.io.ledger.spend_rows import SpendRows
from processor.io.ledger.tables import NAMED
from processor.io.ledger.used_ids import UsedIds

_TRACES_CACHED_MAX = 65_536
_OWNERS_CACHED_MAX = 16_384
_NEW_TRACE = (0, 0, *(None,) * 6, *(0,) * 12)
"""Columns of a trace in which nothing has been charged."""


class PlanWriter:
    """Writes plans, and remembers the ids of what many rows share."""

    def __init__(
        self, database: apsw.Connection, words: Dialect, zones: Callable[[], ReportingZones]
    ) -> None:
        self._database = database
        self._names: Interned[str] = Interned(
            database, (statements.FIND_NAME, statements.INSERT_NAME), encode_name, NAMES_CACHED_MAX
        )
        self._owners = Cache[OriginOwner, int](_OWNERS_CACHED_MAX)
        self._details: Interned[Columns] = Interned(
            database, (statements.FIND_DETAILS, statements.INSERT_DETAILS), encode_details
        )
        self._sets = DimensionSets(database, zones)
        self._traces = Cache[bytes, int](_TRACES_CACHED_MAX)
        """Ids of traces, 0 for one that has none."""
        self._last_id = -1
        """The highest id that a span has or had; -1 while that is not known."""
        self._words, self._zones = words, zones
        self.spend = SpendRows(database, words)
        self.outbox = OutboxRows(database)
        self._months_until_s = -1
        """The days that end by then are in the sums of months; -1 while that is not known."""
        self._totals, self._hours, self._days, self._months, self._user_days = (
            Addition(table, words)
            for table in ("totals", "usage_hours", "usage_days", "usage_months", "usage_user_days")
        )

    def forget(self) -> None:
        """A transaction was undone: ids that it gave are no longer valid."""
        for interned in (self._names, self._details, self._sets):
            interned.forget()
        self._owners.clear()
        self._traces.clear()
        self._last_id = self._months_until_s = -1
        self.spend.forget()

    def note_uses(self, names: UsedIds | None, details: UsedIds | None) -> None:
        """Note from now on which names and details are used, until it is None.

        Of owners none of before is used again.
        """
        self._names.note(names)
        self._details.note(details)
        self._owners.clear()

    def forget_trace(self, trace_id: bytes) -> None:
        """A trace is deleted: its id is no longer valid."""
        self._traces.pop(trace_id, None)

    def trace(self, trace_id: bytes) -> int:
        """The id of a trace; 0 for one of which nothing is kept."""
        known = self._traces.get(trace_id)
        if known is None:
            known = self._database.execute(statements.FIND_TRACE, (trace_id,)).get or 0
            self._traces[trace_id] = known
        return known

    def write(self, plan: Plan) -> list[int]:
        """Append rows and corrections, replace charges and traces, add to sums.

        Returns the ids of the rows.
        """
        self._write_traces(plan)
        ids = self._append(plan.rows)
        self._write_charges(plan.charges, ids)
        self._add_up(plan)
        self._run(statements.PUT_TITLE, [(task, *each) for task, each in plan.task_titles.items()])
        self._run(
            statements.INSERT_CORRECTION,
            [
                (self.trace(each.trace_id), *each[1:4], *encode_numbers(each.change.values()))
                for each in plan.corrections
            ],
        )
        if plan.crossings:
            self._run(statements.INSERT_CROSSING, list(map(rows.encode_crossing, plan.crossings)))
            self.outbox.add(plan.crossings, self._database.last_insert_rowid())
        return ids

    def _run(self, statement: str, columns: Sequence[Columns]) -> None:
        if columns:
            self._database.executemany(statement, columns)

    def _write_traces(self, plan: Plan) -> None:
        """Make and replace traces, so that the id of each that the plan names is known."""
        changed, new = list[Columns](), dict[bytes, Columns]()
        for summary in plan.traces:
            columns = self._summary(summary)
            if trace := self.trace(summary.trace_id):
                changed.append((*columns, trace))
            else:
                new[summary.trace_id] = columns
        self._run(statements.UPDATE_TRACE, changed)
        kept: tuple[Sequence[SpanRow | Correction], ...] = (plan.rows, plan.corrections)
        for each in chain(*kept):
            if each.trace_id not in new and not self.trace(each.trace_id):
                new[each.trace_id] = _NEW_TRACE
        if new:
            first: int = self._database.execute(statements.LAST_TRACE).get + 1
            ids = dict(zip(new, count(first)))
            rows_of_new = [(ids[each], each, *columns) for each, columns in new.items()]
            self._database.executemany(statements.INSERT_TRACE, rows_of_new)
            for trace_id, row_id in ids.items():
                self._traces[trace_id] = row_id

    def _summary(self, summary: TraceSummary) -> Columns:
        names = self._names
        ids = (None if text is None else names(text) for text in summary.owner)
        return rows.encode_summary(summary, ids)

    def _append(self, spans: Sequence[SpanRow]) -> list[int]:
        if not spans:
            return []
        if self._last_id < 0:
            self._last_id = self._database.execute(statements.LAST_ID).get
        first = self._last_id + 1
        self._last_id += len(spans)
        ids = list(range(first, first + len(spans)))
        self._database.executemany(
            statements.INSERT_SPAN,
            [(row_id, *self._span(row)) for row_id, row in zip(ids, spans, strict=True)],
        )
        write_responses(self._database, spans, ids)
        return ids

    def _span(self, row: SpanRow) -> Columns:
        return rows.encode_span(
            row,
            self.trace(row.trace_id),
            None if row.own is NOBODY or row.own == NOBODY else self._owner((row.own, None)),
            self._owner((row.inherited, row.service)),
            None if row.entry is None else self._details(shared_of(row.entry)),
        )

    def _owner(self, said: OriginOwner) -> int:
        known = self._owners.get(said)
        if known is None:
            names = self._names
            named: Columns = said[0][: len(NAMED)]
            ids = (None if text is None else names(text) for text in named)
            columns = encode_owner(said, ids)
            self._database.execute(statements.INSERT_OWNER, columns)
            known = self._owners[said] = self._database.last_insert_rowid()
        return known

    def _write_charges(self, charges: Sequence[ChargeRow], ids: Sequence[int]) -> None:
        replaced = [(each.row_id,) for each in charges if each.row >= 0 and each.row_id]
        names, id_of = self._names, self._sets.id_of
        columns, sums, without = list[Columns](), list[Columns](), list[Columns]()
        for each in charges:
            row_id = ids[each.row] if each.row >= 0 else each.row_id
            set_id = id_of(each.dimensions, each.end_ns // NS_PER_S)
            named = names(each.user), names(each.session), names(each.task)
            columns.append(rows.encode_charge(each, row_id, set_id, named))
            if not rows.follows_from_span(each):
                sums.append((row_id, *encode_numbers(rows.values_of(each.sums))))
            elif each.row < 0:
                without.append((row_id,))
        self._run(statements.DELETE_CHARGE, replaced)
        self._run(statements.DELETE_SUMS, [*replaced, *without])
        self._run(statements.PUT_CHARGE, columns)
        self._run(statements.PUT_SUMS, sums)

    def _add_up(self, plan: Plan) -> None:
        id_of, names, values_of = self._sets.id_of, self._names, rows.values_of
        self._totals.run(
            self._database, ((key, change.values()) for key, change in plan.postings.items())
        )
        for table, cells in ((self._hours, plan.hours), (self._days, plan.days)):
            table.run(
                self._database,
                (
                    ((start_s, id_of(found, start_s)), values_of(sums))
                    for (start_s, found), sums in cells.items()
                ),
            )
        self._add_to_months(plan)
        self.spend.add(plan.spend)
        self._user_days.run(
            self._database,
            (
                ((start_s, names(user), id_of(found, start_s)), values_of(sums))
                for (start_s, user, found), sums in plan.user_days.items()
            ),
        )

    def _add_to_months(self, plan: Plan) -> None:
        """Add what changes in days that are in the sums of months already."""
        if self._months_until_s < 0:
            self._months_until_s = self._database.execute(statements.READ_MONTHS_UNTIL).get or 0
        zones = self._zones()
        self._months.run(
            self._database,
            (
                ((*cell, self._sets.id_of(found, start_s)), rows.values_of(sums))
                for (start_s, found), sums in plan.days.items()
                if start_s < self._months_until_s
                for cell in months.cells_of(zones, start_s)
            ),
        )

    def add_day_to_month(self, start_s: int) -> None:
        """Add the sums of a day to those of its month; see `months.add_day`."""
        self._months_until_s = -1
        months.add_day(self._database, self._words, self._zones(), start_s)
