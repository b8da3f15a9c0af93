"""What the embedded ledger held at one moment; see `core.ports.LedgerView`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from zoneinfo import ZoneInfo

import apsw

from processor.core.budgets.window import BUCKET_S
from processor.core.budgets.zones import ReportingZone, ReportingZones
from processor.core.model import AuditEntry, Crossing, SpanRow, Totals
from processor.core.notices import Notifications
from processor.core.questions import (
    SET_DIMENSIONS,
    CallRow,
    CallsQuestion,
    CellsAnswer,
    CrossingCounts,
    Filters,
    Freshness,
    SeriesSum,
    SeriesWindow,
    Spend,
    Stored,
    TraceRow,
    TraceSpan,
    TracesQuestion,
    UnknownAnswer,
    UsageAnswer,
    UsageQuestion,
    ValueInOther,
    plan_reading,
)
from processor.io.ledger import statements
from processor.io.ledger.kept_from import KeptFrom, read_kept_from
from processor.io.ledger.reading import (
    calls,
    cells,
    exclusions,
    notifications,
    running_sums,
    standings,
    traces,
    unknown,
)
from processor.io.ledger.reading.fingerprint import read_fingerprint
from processor.io.ledger.reading.freshness import read_freshness
from processor.io.ledger.reading.lifetimes import is_whole
from processor.io.ledger.reading.own_values import read_values_in_other
from processor.io.ledger.reading.ranking import ranks_first, read_ranking
from processor.io.ledger.reading.usage import read_usage
from processor.io.ledger.row_reader import RowReader

_HOUR_S: Final = 3_600
_LATE_HOURS: Final = (
    "SELECT start_s FROM late_hours WHERE start_s > ? AND start_s < ? ORDER BY start_s"
)
_LAST_BUCKET: Final = "SELECT MAX(bucket) FROM totals WHERE scope = 'total' AND id = ''"


class SqliteView:
    """Reads on a connection that is in a read transaction."""

    def __init__(self, database: apsw.Connection) -> None:
        self._database = database
        self._kept_from: KeptFrom | None = None
        self._zones: ReportingZones | None = None

    @property
    def zones(self) -> ReportingZones:
        """The days that sums are kept for."""
        if self._zones is None:
            rows = self._database.execute(
                "SELECT start_s, zone, cell_s FROM reporting_zones ORDER BY start_s"
            )
            history = [ReportingZone(start_s, ZoneInfo(zone), s) for start_s, zone, s in rows]
            self._zones = ReportingZones(history) if history else ReportingZones.of(ZoneInfo("UTC"))
        return self._zones

    @property
    def calls_kept_from_s(self) -> int:
        """From which end on single calls are kept; 0 for all."""
        return self._kept.calls

    @property
    def _kept(self) -> KeptFrom:
        if self._kept_from is None:
            self._kept_from = read_kept_from(self._database)
        return self._kept_from

    def usage(self, question: UsageQuestion) -> UsageAnswer:
        """How much was used."""
        stored = self._stored(question)
        plan = plan_reading(question, stored)
        if ranks_first(question, plan, stored):
            return read_ranking(self._database, question, plan, stored)
        answer = read_usage(self._database, question, plan)
        if any(answer[-2:]) and is_whole(self._database, question, answer):
            return answer._replace(left_out=(), lacks_late_s=())
        return answer

    def cells(self, question: UsageQuestion, *, with_pricing: bool = False) -> CellsAnswer:
        """The same by every combination of dimensions."""
        asked = replace(question, group_by=SET_DIMENSIONS, with_parts=True)
        plan = plan_reading(asked, self._stored(asked))
        rows = cells.read_cells(self._database, asked, plan, with_pricing=with_pricing)
        return CellsAnswer(rows, plan.left_out, plan.lacks_late_s)

    def _stored(self, question: UsageQuestion) -> Stored:
        """What there are sums of."""
        return Stored(
            self.zones,
            self.calls_kept_from_s,
            self._database.execute(statements.READ_MONTHS_UNTIL).get or 0,
            self._kept.hours,
            self._last_charge_s(),
            tuple(self.late_hours_s(question.start_s, question.end_s)),
        )

    def late_hours_s(self, start_s: int, end_s: int) -> list[int]:
        """Starts of hours of ``[start, end)`` in which calls ended that came too late."""
        # In those before all single calls are deleted, which is said of them.
        start_s = max(start_s - _HOUR_S, self.calls_kept_from_s - 1)
        return [hour for (hour,) in self._database.execute(_LATE_HOURS, (start_s, end_s))]

    def _last_charge_s(self) -> int | None:
        """When what ended last did so, or the end of the quarter hour in which it did."""
        last_s: int | None = self._database.execute("SELECT MAX(end_s) FROM charges").get
        # A call that came too late is in sums, and has no row.
        bucket_s: int | None = self._database.execute(_LAST_BUCKET).get
        if last_s is None or bucket_s is None or bucket_s <= last_s:
            return last_s
        return bucket_s + BUCKET_S - 1

    def calls(self, question: CallsQuestion) -> list[CallRow]:
        """Charged spans, newest first."""
        return calls.read_calls(self._database, question)

    def calls_in_order(
        self, question: CallsQuestion, after: tuple[int, int, bytes] | None
    ) -> list[CallRow]:
        """Charged spans, the earliest end first, those after one."""
        return calls.calls_in_order(self._database, question, after)

    def stored_calls(
        self, question: CallsQuestion, after: tuple[int, int, bytes] | None
    ) -> list[tuple[CallRow, SpanRow]]:
        """Likewise, each with all that is kept of it."""
        found = calls.calls_in_order(self._database, question, after)
        spans = RowReader(self._database).rows_by_id(row.id for row in found)
        return list(zip(found, spans, strict=True))

    def calls_after(self, row: int, limit: int) -> list[CallRow]:
        """The charged spans with the latest rows after a row's id, the oldest first."""
        return calls.calls_after(self._database, row, limit)

    @property
    def last_charge_id(self) -> int:
        """Id of the latest row of a charge; 0 for none."""
        return self._database.execute("SELECT MAX(id) FROM charges").get or 0

    def traces(self, question: TracesQuestion) -> list[TraceRow]:
        """Traces, the last that began to be charged first."""
        return traces.read_traces(self._database, question)

    def traces_between(self, least: bytes, greatest: bytes, limit: int) -> list[TraceRow]:
        """Up to `limit` charged traces with ids from `least` to `greatest`, in their order."""
        return traces.read_traces_between(self._database, least, greatest, limit)

    def spans(self, trace: TraceRow, limit: int, run: bytes = b"") -> list[TraceSpan]:
        """The spans that are kept of a trace, the first that came first."""
        return traces.read_spans(self._database, trace.id, limit, run)

    def run(self, trace: TraceRow, run: bytes) -> Totals:
        """What a span and all below it are charged."""
        return traces.read_run(self._database, trace.id, run)

    def values_in_other(self, filters: Filters, start_s: int, end_s: int) -> list[ValueInOther]:
        """Values that are filtered by and may have used more in ``[start, end)`` than is found."""
        day_s, _ = self.zones.day_of(start_s)
        return read_values_in_other(self._database, filters, day_s, end_s)

    def unknown(self, limit: int) -> UnknownAnswer:
        """Calls whose cost is unknown, alike ones together; those with most calls are listed."""
        return unknown.read_unknown(self._database, limit)

    def fingerprint(self, start_s: int, end_s: int, *, of_calls: bool) -> str:
        """A text that is another one once a charge of ``[start, end)`` has changed."""
        return read_fingerprint(self._database, start_s, end_s, of_calls=of_calls)

    def freshness(self) -> Freshness:
        """How far the ledger reaches."""
        return read_freshness(self._database)

    def series(self, name: str, scope_id: str, start_s: int, end_s: int) -> Totals:
        """What a total that budgets follow has in ``[start, end)``."""
        return standings.read_series(self._database, name, scope_id, start_s, end_s)

    def series_by_hour(
        self, name: str, scope_id: str, start_s: int, end_s: int
    ) -> list[tuple[int, Totals]]:
        """Likewise for each hour from `start_s` on in which there was any, by its start."""
        # What is older is kept by day, at its start.
        start_s += max(0, -(-(self._kept.hours - start_s) // _HOUR_S)) * _HOUR_S
        return standings.read_series_by_hour(self._database, name, scope_id, start_s, end_s)

    def many_series(self, asked: Sequence[SeriesWindow]) -> list[SeriesSum]:
        """Several such totals at once, in the order asked for."""
        return standings.read_many_series(self._database, asked)

    def progress(self, name: str) -> float:
        """The share of traces that a total which budgets follow is filled with; 1 for all."""
        return standings.read_progress(self._database, name)

    def largest(self, name: str, start_s: int, end_s: int, limit: int) -> list[tuple[str, Totals]]:
        """The scope ids of such a total that have cost most in ``[start, end)``."""
        return standings.read_largest(self._database, name, start_s, end_s, limit)

    def crossings(self, limit: int, before: int | None = None) -> list[tuple[int, Crossing]]:
        """Budget crossings with their number, latest first."""
        return standings.read_crossings(self._database, limit, before)

    def notifications(self, limit: int, before: int | None, now_s: int) -> Notifications:
        """Notifications before a number, latest first, and what has not arrived."""
        return notifications.read_notifications(self._database, limit, before, now_s)

    def spend(self) -> Spend:
        """What has been used in all, by the dimensions of metrics."""
        return running_sums.read_spend(self._database)

    def crossing_counts(self, after: int) -> CrossingCounts:
        """Crossings after a number, alike ones together."""
        return running_sums.read_crossing_counts(self._database, after)

    def audit(self, since_ns: int, limit: int, before: int | None = None) -> list[AuditEntry]:
        """Who has changed what from a time on, the latest first; those before a number."""
        return exclusions.read_audit(self._database, since_ns, limit, before)

    def task_titles(self, tasks: Sequence[str]) -> dict[str, str]:
        """The titles of tasks that have one."""
        return standings.read_task_titles(self._database, tasks)
