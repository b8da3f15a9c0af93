"""The embedded ledger: one SQLite file, one writing process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo

import apsw

from processor.core.attribution.pending import PendingTurn
from processor.core.attribution.same_response import KnownReports, SpanKey
from processor.core.budgets.zones import ReportingZones
from processor.core.errors import LedgerUnavailableError
from processor.core.model import PendingRows, Plan, Posting, SpanRow, Totals
from processor.io.ledger import months, pending_columns, statements
from processor.io.ledger.addition import Addition
from processor.io.ledger.audit_rows import AuditRows
from processor.io.ledger.database import open_database
from processor.io.ledger.deleted_rows import DeletedRows
from processor.io.ledger.dialect import SQLITE
from processor.io.ledger.exclusion_rows import ExclusionRows
from processor.io.ledger.forgetting.forgotten import ForgottenIds
from processor.io.ledger.forgetting.rows import IdRows
from processor.io.ledger.plan_writer import PlanWriter
from processor.io.ledger.responses import read_reports
from processor.io.ledger.row_reader import RowReader
from processor.io.ledger.scope_totals import total_of
from processor.io.ledger.store import WHOLE, Filled, Job
from processor.io.ledger.translation import TRANSLATED
from processor.io.ledger.window_rows import WindowRows
from processor.io.ledger.zones import read_zones, write_zones

_UTC = ZoneInfo("UTC")


class SqliteStore:
    """`Store` on SQLite in WAL mode, each commit synced to the disk; no other process may write."""

    def __init__(self, path: Path, zone: ZoneInfo = _UTC) -> None:
        """Open or create the file at `path`. Raises ConfigError when that cannot be done.

        A file that has no sums by day yet gets those of `zone`.
        """
        self._files = path, path.with_name(f"{path.name}-wal")
        self._db, self._lock, self._presence = open_database(path, zone)
        self._is_copied = False
        self._zones: ReportingZones | None = None
        self._writer = PlanWriter(self._db, SQLITE, lambda: self.zones)
        self._reader = RowReader(self._db)
        self._totals = Addition("totals", SQLITE)
        self.spend, self.outbox = self._writer.spend, self._writer.outbox
        self.deleted = DeletedRows(
            self._db, SQLITE, self._writer.forget_trace, self._writer.note_uses
        )
        self.exclusions = ExclusionRows(self._db, self._writer.trace)
        self.audit = AuditRows(self._db)
        self.windows = WindowRows(self._db)
        self.forgotten = ForgottenIds(self._db)
        self.ids = IdRows(self._db, self.spend)

    @property
    def zones(self) -> ReportingZones:
        """The zones whose days sums are kept for."""
        if self._zones is None:
            with TRANSLATED:
                self._zones = read_zones(self._db)
        return self._zones

    def set_zones(self, zones: ReportingZones) -> None:
        """Keep the sums of days by other zones, as of when these say so."""
        with TRANSLATED:
            write_zones(self._db, zones)
        self._zones = zones

    def begin(self) -> None:
        """Start a transaction."""
        with TRANSLATED:
            self._db.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Commit, and wait until it is on the disk, in files that are where they were opened."""
        self._presence.check()
        with TRANSLATED:
            self._db.execute("COMMIT")
        self._presence.check_commit()

    def check_files(self) -> None:
        """Raises LedgerUnavailableError while what is committed would not be kept.

        Then all that the log has is copied into the file, which may have been moved only, or whose
        log was removed.
        """
        try:
            self._presence.check(is_thorough=True)
        except LedgerUnavailableError:
            if self._presence.is_overwritten:
                # Not even when it is closed: the rest would go into what another program wrote.
                self._db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            elif not self._is_copied and not self._db.in_transaction:
                with suppress(apsw.Error):
                    self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
                self._is_copied = True
            raise
        self._is_copied = False

    def rollback(self) -> None:
        """Undo the transaction, and forget the ids that it gave."""
        self._forget()
        if self._db.in_transaction:
            with TRANSLATED:
                self._db.execute("ROLLBACK")

    def savepoint(self) -> None:
        """Set a savepoint inside the transaction."""
        with TRANSLATED:
            self._db.execute("SAVEPOINT turn")

    def release(self) -> None:
        """Drop the savepoint, keeping what was written since."""
        with TRANSLATED:
            self._db.execute("RELEASE turn")

    def undo_savepoint(self) -> None:
        """Undo what was written since the savepoint, and drop it."""
        self._forget()
        with TRANSLATED:
            self._db.execute("ROLLBACK TO turn")
            self._db.execute("RELEASE turn")

    def rows_of(self, trace_id: bytes) -> list[SpanRow]:
        """Everything kept of a trace, in the order it was written."""
        return self.rows_after(trace_id, 0, -1)

    def rows_after(self, trace_id: bytes, row_id: int, limit: int) -> list[SpanRow]:
        """The next rows of a trace after one, in the order they were written."""
        with TRANSLATED:
            trace = self._writer.trace(trace_id)
            return self._reader.rows_of(trace_id, trace, row_id, limit) if trace else []

    def rows_by_id(self, ids: Iterable[int]) -> list[SpanRow]:
        """Single rows of spans, of any traces."""
        with TRANSLATED:
            return self._reader.rows_by_id(ids)

    def count_rows(self, trace_id: bytes, limit: int) -> int:
        """How many rows are kept of a trace, counted up to a limit."""
        with TRANSLATED:
            key = self._writer.trace(trace_id), limit
            found: int = self._db.execute(statements.COUNT_SPANS, key).get
            return found

    def total(self, series: str, scope_id: str, start_s: int, end_s: int) -> Totals:
        """What a scope has spent in ``[start_s, end_s)``; both 0 for all time."""
        with TRANSLATED:
            return total_of(self._db, self.zones, series, scope_id, (start_s, end_s))

    def write(self, plan: Plan) -> list[int]:
        """Write all that a turn has decided; returns the ids of the rows."""
        with TRANSLATED:
            if plan.late is not None:
                self.deleted.add_late(plan.late, self.trace_number)
            return self._writer.write(plan)

    def keep_pending(
        self, pending: Sequence[PendingRows], limit_spans: int, taken: Sequence[SpanKey] = ()
    ) -> None:
        """Keep spans that wait for a call; of all that came, at least the last `limit_spans`."""
        with TRANSLATED:
            self._db.execute(statements.INSERT_PENDING, pending_columns.encode(pending, taken))
            self._db.execute(statements.DELETE_PENDING, (limit_spans,))

    def pending(self) -> Iterator[PendingTurn]:
        """Spans that wait for a call, latest turn first."""
        taken = dict[bytes, set[bytes]]()
        with TRANSLATED:
            for columns in self._db.execute(statements.READ_PENDING):
                yield pending_columns.StoredTurn(columns, taken)

    def reports_of(self, responses: Iterable[tuple[int, int]]) -> dict[int, KnownReports]:
        """The spans that report some responses, given with the end of a call in nanoseconds."""
        with TRANSLATED:
            return read_reports(self._db, responses)

    def recent_traces(self, limit: int) -> list[bytes]:
        """Ids of the traces written last, or at least begun last; newest first."""
        with TRANSLATED:
            return self._reader.recent_traces(limit)

    def series(self) -> dict[str, Filled | None]:
        """The further totals that are followed, and how far they are filled."""
        with TRANSLATED:
            return {
                name: None if is_complete else Filled(trace, WHOLE if span_id is None else span_id)
                for name, trace, span_id, is_complete in self._db.execute(statements.READ_SERIES)
            }

    def put_series(self, name: str, filled_to: Filled | None) -> None:
        """Keep how far a series is filled; None for all of it."""
        trace, span_id = filled_to or (0, WHOLE)
        with TRANSLATED:
            self._db.execute(statements.PUT_SERIES, (name, trace, int(filled_to is None)))
            if span_id == WHOLE:
                self._db.execute(statements.DELETE_PART, (name,))
            else:
                self._db.execute(statements.PUT_PART, (name, span_id))

    def drop_series(self, name: str) -> None:
        """Keep nothing of a series any more, which has no totals."""
        with TRANSLATED:
            self._db.execute("DELETE FROM series WHERE name = ?", (name,))

    def drop_totals(self, name: str, limit: int) -> int:
        """Drop up to `limit` totals of a series; returns how many there were."""
        with TRANSLATED:
            self._db.execute(statements.DROP_TOTALS, (name, limit))
            return self._db.changes()

    def add_totals(self, changes: Iterable[tuple[Posting, Totals]]) -> None:
        """Add to totals."""
        with TRANSLATED:
            self._totals.run(self._db, ((key, each.values()) for key, each in changes))

    def day_for_month(self, before_s: int) -> int | None:
        """The start of the next day to add to the sums of months; None for none."""
        with TRANSLATED:
            return months.day_to_add(self._db, self.zones, before_s)

    def add_day_to_month(self, start_s: int) -> None:
        """Add the sums of that day to those of its month. Later changes of it go to both."""
        with TRANSLATED:
            self._writer.add_day_to_month(start_s)

    def trace_number(self, trace_id: bytes) -> int:
        """The number of a trace, which rise as traces come; 0 for one of which nothing is kept."""
        with TRANSLATED:
            return self._writer.trace(trace_id)

    def last_trace(self) -> int:
        """The highest number that a trace has."""
        with TRANSLATED:
            found: int = self._db.execute(statements.LAST_TRACE).get
            return found

    def traces_after(self, number: int, limit: int) -> list[tuple[int, bytes]]:
        """Numbers and ids of the next traces after one, in the order of their numbers."""
        with TRANSLATED:
            return list(self._db.execute(statements.READ_TRACES_AFTER, (number, limit)))

    def charged_traces(
        self, numbers: tuple[int, int], span_ns: tuple[int, int], limit: int
    ) -> list[tuple[int, bytes]]:
        """Numbers and ids of the next traces that may have a call of a time, in their order."""
        bounds = *numbers, *span_ns, limit
        with TRANSLATED:
            return list(self._db.execute(statements.READ_CHARGED_TRACES, bounds))

    def unfinished_jobs(self, kind: str) -> list[Job]:
        """Long work of a kind that is not done, the oldest first."""
        with TRANSLATED:
            return [Job(*columns) for columns in self._db.execute(statements.READ_JOBS, (kind,))]

    def put_job(self, job: Job) -> int:
        """Keep how far long work has come; returns its id."""
        columns = *job[:4], "done" if job.is_done else "under way"
        with TRANSLATED:
            if job.id:
                self._db.execute(statements.UPDATE_JOB, (*columns, job.id))
                return job.id
            new: int = self._db.execute(statements.INSERT_JOB, columns).get
            return new

    def forget_ids(self) -> None:
        """Rows have other names: what is remembered of them is no longer valid."""
        self._writer.forget()
        self._reader.forget()

    def size_bytes(self) -> int:
        """Bytes of the file and of its write-ahead log; 0 where nobody can say."""
        with suppress(OSError):
            return sum(file.stat().st_size for file in self._files if file.exists())
        return 0

    def close(self) -> None:
        """Close the file and release the lock."""
        self._db.close()
        self._lock.close()

    def _forget(self) -> None:
        self._zones = None
        self.forget_ids()
        self.forgotten.undo()
