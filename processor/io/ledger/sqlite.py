"""The embedded ledger: one SQLite file, one writing process."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import apsw

from processor.core.errors import LedgerUnavailableError
from processor.core.model import Crossing, PendingRows, Plan, SpanRow, Totals, UnpricedCalls
from processor.io.ledger import pending_columns, rows, schema
from processor.io.ledger.database import TRANSLATED, open_database
from processor.io.ledger.numbers import encode_numbers
from processor.io.ledger.store import CrossingMark

_LABELS_CACHED_MAX = 4096
_PROBE = "SELECT 1 FROM spans WHERE key BETWEEN ? AND ? LIMIT 1"
_SPAN_COLUMNS = (
    "key, trace_id, span_id, parent_id, time_ns, flags, own, origin, label, input, cache_read, "
    "cache_write, cache_write_1h, output, reasoning, more, cost, cost_input, cost_output, "
    "cost_cache_read, cost_cache_write, cost_fees, saved, reported, response_id, start_ns, stamp"
)


class SqliteStore:
    """`Store` on SQLite in WAL mode; every commit is synced to the disk.

    Locks keep a second process from writing the same ledger.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the file at `path`. Raises ConfigError when that cannot be done."""
        self._labels: OrderedDict[rows.Columns, int] = OrderedDict()
        self._texts: OrderedDict[int, str] = OrderedDict()
        self._files = path, path.with_name(f"{path.name}-wal")
        self._db, self._lock, self._presence = open_database(path)
        self._is_copied = False
        self._probe = self._db.cursor()

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
        """Undo the transaction; the ids of its labels are no longer valid."""
        self._forget_labels()
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
        self._forget_labels()
        with TRANSLATED:
            self._db.execute("ROLLBACK TO turn")
            self._db.execute("RELEASE turn")

    def rows_of(self, trace_id: bytes) -> list[SpanRow]:
        """Everything kept of a trace, in the order it was written."""
        query = (
            f"SELECT {_SPAN_COLUMNS} FROM spans "
            "WHERE key BETWEEN ? AND ? AND trace_id = ? ORDER BY seq"
        )
        keys = rows.key_range(trace_id)
        with TRANSLATED:
            # Most traces are new: whether there is anything at all is the quicker question.
            if not self._probe.execute(_PROBE, keys).fetchall():
                return []
            found = self._db.execute(query, (*keys, trace_id)).fetchall()
        return [rows.decode(columns, self._text) for columns in found]

    def total(self, series: str, scope_id: str, start_s: int, end_s: int) -> Totals:
        """Sum of a scope's buckets in ``[start_s, end_s)``; both 0 for all of them."""
        where = schema.OF_SCOPE if end_s else schema.OF_SCOPE_EVER
        bindings = (series, scope_id, start_s, end_s) if end_s else (series, scope_id)
        with TRANSLATED:
            try:
                sums = next(self._db.execute(schema.SUM_TOTALS + where, bindings))
            except apsw.SQLError:  # They leave 64 bits.
                sums = (math.nan,)
            if float not in set(map(type, sums)):
                return Totals(*sums)
            found = self._db.execute(schema.LIST_TOTALS + where, bindings).fetchall()
        return Totals(*(sum(map(int, column)) for column in zip(*found, strict=True)))

    def crossed(self, scope: str, scope_id: str, window_start_s: int) -> set[CrossingMark]:
        """What one scope has crossed in a window."""
        query = (
            "SELECT budget, amount, unit, share FROM crossings "
            "WHERE scope = ? AND id = ? AND window_start = ?"
        )
        with TRANSLATED:
            return {
                (budget, int(limit), unit, share)
                for budget, limit, unit, share in self._db.execute(
                    query, (scope, scope_id, window_start_s)
                )
            }

    def write(self, plan: Plan) -> None:
        """Append rows, corrections and crossings, add to the totals, keep titles of tasks."""
        with TRANSLATED:
            self._db.executemany(
                schema.INSERT_SPAN, [rows.encode(row, self._label) for row in plan.rows]
            )
            self._db.executemany(
                schema.ADD_TOTALS,
                [
                    (*posting, *encode_numbers(change.values()))
                    for posting, change in plan.postings.items()
                ],
            )
            if plan.task_titles:
                self._db.executemany(
                    schema.PUT_TITLE,
                    [(task, *latest) for task, latest in plan.task_titles.items()],
                )
            if plan.corrections:
                self._db.executemany(
                    schema.INSERT_CORRECTION,
                    [
                        (
                            rows.key_of(c.trace_id, c.span_id),
                            *c[:4],
                            *encode_numbers(c.change.values()),
                        )
                        for c in plan.corrections
                    ],
                )
            if plan.crossings:
                self._db.executemany(
                    schema.INSERT_CROSSING,
                    list(map(rows.encode_crossing, plan.crossings)),
                )

    def keep_pending(self, pending: Sequence[PendingRows], limit_spans: int) -> None:
        """Keep spans that wait for a call; of all that came, at least the last `limit_spans`."""
        with TRANSLATED:
            self._db.execute(schema.INSERT_PENDING, pending_columns.encode(pending))
            self._db.execute(schema.DELETE_PENDING, (limit_spans,))

    def pending(self) -> Iterator[PendingRows]:
        """Spans that wait for a call, latest turn first; some may have had theirs since."""
        query = "SELECT traces, span_ids, parent_ids, flags, marks FROM pending ORDER BY upto DESC"
        with TRANSLATED:
            for columns in self._db.execute(query):
                yield from pending_columns.decode(columns)

    def span_ids_of(self, trace_id: bytes) -> set[bytes]:
        """Ids of the spans of a trace that have rows."""
        query = "SELECT span_id FROM spans WHERE key BETWEEN ? AND ? AND trace_id = ?"
        with TRANSLATED:
            found = self._db.execute(query, (*rows.key_range(trace_id), trace_id))
            return {row[0] for row in found}

    def recent_traces(self, limit: int) -> list[bytes]:
        """Ids of the traces written last, newest first."""
        found: dict[bytes, None] = {}
        with TRANSLATED:
            for row in self._db.execute("SELECT trace_id FROM spans ORDER BY seq DESC"):
                found[row[0]] = None
                if len(found) >= limit:
                    break
        return list(found)

    def traces_between(self, start_ns: int, end_ns: int) -> list[bytes]:
        """Ids of the traces with a call that ended in ``[start_ns, end_ns)``, in any order."""
        query = (
            "SELECT DISTINCT trace_id FROM spans "
            "WHERE label IS NOT NULL AND time_ns >= ? AND time_ns < ?"
        )
        with TRANSLATED:
            return [row[0] for row in self._db.execute(query, (start_ns, end_ns))]

    def task_title(self, task: str) -> str:
        """The title of a task; ``""`` when no span has given it one."""
        with TRANSLATED:
            found = self._db.execute("SELECT title FROM task_titles WHERE task = ?", (task,))
            return next((row[0] for row in found), "")

    def unpriced(self) -> list[UnpricedCalls]:
        """Calls without a price as they stand now, alike ones together, most calls first."""
        with TRANSLATED:
            return list(map(rows.decode_unknown, self._db.execute(schema.UNPRICED)))

    def series(self) -> set[str]:
        """Names of the filtered totals that are complete."""
        with TRANSLATED:
            return {row[0] for row in self._db.execute("SELECT name FROM series")}

    def set_series(self, name: str, changes: Iterable[tuple[str, int, Totals]] | None) -> None:
        """Fill a filtered total with (scope id, bucket, totals); None drops it."""
        with TRANSLATED:
            self._db.execute("DELETE FROM totals WHERE scope = ?", (name,))
            if changes is None:
                self._db.execute("DELETE FROM series WHERE name = ?", (name,))
                return
            self._db.executemany(
                schema.ADD_TOTALS,
                (
                    (name, scope_id, bucket, *encode_numbers(change.values()))
                    for scope_id, bucket, change in changes
                ),
            )
            self._db.execute("INSERT OR IGNORE INTO series VALUES (?)", (name,))

    def crossings(self, limit: int) -> Sequence[Crossing]:
        """The latest crossings, newest first."""
        query = (
            "SELECT budget, scope, id, window_start, window_end, amount, unit, share, spent, "
            "at_least, late, cause, span FROM crossings ORDER BY seq DESC LIMIT ?"
        )
        with TRANSLATED:
            return list(map(rows.decode_crossing, self._db.execute(query, (limit,))))

    def size_bytes(self) -> int:
        """Bytes of the file and of its write-ahead log; 0 where nobody can say."""
        with suppress(OSError):
            return sum(file.stat().st_size for file in self._files if file.exists())
        return 0

    def close(self) -> None:
        """Close the file and release the lock."""
        self._db.close()
        self._lock.close()

    def _label(self, shared: rows.Columns) -> int:
        known = self._labels.get(shared)
        if known is not None:
            return known
        text = rows.dump(shared)
        self._db.execute("INSERT OR IGNORE INTO labels (text) VALUES (?)", (text,))
        label: int = next(self._db.execute("SELECT id FROM labels WHERE text = ?", (text,)))[0]
        if len(self._labels) >= _LABELS_CACHED_MAX:
            self._labels.popitem(last=False)
        self._labels[shared] = label
        return label

    def _text(self, label: int) -> str:
        text = self._texts.get(label)
        if text is None:
            with TRANSLATED:
                query = "SELECT text FROM labels WHERE id = ?"
                text = str(next(self._db.execute(query, (label,)))[0])
            if len(self._texts) >= _LABELS_CACHED_MAX:
                self._texts.popitem(last=False)
            self._texts[label] = text
        return text

    def _forget_labels(self) -> None:
        self._labels.clear()
        self._texts.clear()
