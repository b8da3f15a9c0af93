"""What an engine of the ledger has to offer; the contract tests run against any of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from processor.core.budgets.zones import ReportingZones
from processor.core.model import Crossing, PendingRows, Plan, SpanRow, Totals, UnpricedCalls

CrossingMark = tuple[str, int, str, float]
"""(budget, limit, unit, threshold): the key of a crossing within its scope and window."""


class Store(Protocol):
    """Durable rows. All calls come from one thread; writes stand between `begin` and `commit`.

    Every method raises LedgerUnavailableError when the rows cannot be read or written for a
    reason that may pass (disk full, locked, read-only).
    """

    @property
    def zones(self) -> ReportingZones:
        """The zones whose days sums are kept for."""

    def set_zones(self, zones: ReportingZones) -> None:
        """Keep the sums of days by other zones, as of when these say so."""

    def begin(self) -> None:
        """Start a transaction."""

    def commit(self) -> None:
        """Make everything since `begin` durable: it survives a kill and a power loss."""

    def check_files(self) -> None:
        """Raises LedgerUnavailableError while what is committed would not be kept."""

    def rollback(self) -> None:
        """Undo everything since `begin`."""

    def savepoint(self) -> None:
        """Set a savepoint inside the transaction."""

    def release(self) -> None:
        """Drop the savepoint, keeping what was written since."""

    def undo_savepoint(self) -> None:
        """Undo what was written since the savepoint, and drop it."""

    def rows_of(self, trace_id: bytes) -> list[SpanRow]:
        """Everything kept of a trace, in the order it was written, with the ids of the rows."""

    def total(self, series: str, scope_id: str, start_s: int, end_s: int) -> Totals:
        """What a scope has spent in ``[start_s, end_s)``; both 0 for all time.

        A window holds the quarter hours that begin in it. A trace and an agent run are asked for by
        their rows.
        """

    def crossed(self, scope: str, scope_id: str, window_start_s: int) -> set[CrossingMark]:
        """What one scope has crossed in a window."""

    def write(self, plan: Plan) -> list[int]:
        """Write all that a turn has decided; returns the ids of its rows, in their order.

        Ids rise in the order of arrival, and none is ever given twice. Only one process may write:
        that a span or a crossing is new is known by the turn, not by the engine.
        """

    def keep_pending(self, pending: Sequence[PendingRows], limit_spans: int) -> None:
        """Keep spans that wait for a call; of all that came, at least the last `limit_spans`.

        Whole turns are kept, and dropped whole.
        """

    def pending(self) -> Iterator[PendingRows]:
        """Spans that wait for a call, latest turn first; some may have had theirs since."""

    def span_ids_of(self, trace_id: bytes) -> set[bytes]:
        """Ids of the spans of a trace that have rows."""

    def recent_traces(self, limit: int) -> list[bytes]:
        """Ids of the traces written last, newest first."""

    def traces_between(self, start_ns: int, end_ns: int) -> list[bytes]:
        """Ids of the traces with a call that ended in ``[start_ns, end_ns)``, in any order."""

    def task_title(self, task: str) -> str:
        """The title of a task, as its latest span had it; ``""`` when none has given it one."""

    def unpriced(self) -> list[UnpricedCalls]:
        """Calls without a price as they stand now, alike ones together, most calls first."""

    def series(self) -> set[str]:
        """Names of the series that are complete."""

    def set_series(self, name: str, changes: Iterable[tuple[str, int, Totals]] | None) -> None:
        """Fill a series with (scope id, bucket, totals); None drops it."""

    def crossings(self, limit: int) -> Sequence[Crossing]:
        """The latest crossings, newest first."""

    def size_bytes(self) -> int:
        """What the rows take on the disk; 0 where nobody can say. Raises nothing."""

    def close(self) -> None:
        """Close the file or connection."""
