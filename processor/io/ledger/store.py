"""What an engine of the ledger has to offer; the contract tests run against any of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple, Protocol

from processor.core.attribution.pending import PendingTurn
from processor.core.attribution.same_response import KnownReports, SpanKey
from processor.core.budgets.zones import ReportingZones
from processor.core.model import (
    SPAN_ID_BYTES,
    PendingRows,
    Plan,
    Posting,
    Selection,
    SpanRow,
    Totals,
)
from processor.io.ledger.audit_rows import AuditRows
from processor.io.ledger.deleted_rows import DeletedRows
from processor.io.ledger.forgetting.forgotten import ForgottenIds
from processor.io.ledger.forgetting.rows import IdRows
from processor.io.ledger.outbox_rows import OutboxRows
from processor.io.ledger.spend_rows import SpendRows
from processor.io.ledger.window_rows import WindowRows

WHOLE: Final = b"\xff" * (SPAN_ID_BYTES + 1)
"""After every span id."""


class Filled(NamedTuple):
    """How far a series is filled."""

    trace: int
    """The number of the last trace that is counted."""
    span_id: bytes = WHOLE
    """Of this trace, spans with ids up to this one are."""


UNFOLLOWED: Final = Filled(-1)
"""What `Store.series` has for one that nobody follows, until all its totals are dropped."""


class Job(NamedTuple):
    """Long work that is done in steps, as far as it has come."""

    kind: str
    parameters: str
    """What is to be done, as JSON."""
    position: int
    """Where the next step goes on."""
    progress: str
    """What was done, as JSON."""
    is_done: bool = False
    id: int = 0
    """0 for one that is not kept yet."""


class ChargesFound(NamedTuple):
    """Charges that match, the next ones after a position."""

    spans: Sequence[tuple[int, SpanKey]]
    """With the position that each is at, in its order."""
    position: int
    """Where to go on after all of them."""
    is_last: bool


class ExcludedSpans(NamedTuple):
    """The spans of one trace that an exclusion has taken out."""

    trace: int
    """The number of the trace, by which they are ordered."""
    trace_id: bytes
    span_ids: Sequence[bytes]


class ExclusionFound(NamedTuple):
    """What an exclusion has taken out, of the next traces after a position."""

    traces: Sequence[ExcludedSpans]
    position: int
    """Where to go on after all of them: the number of a trace."""
    is_last: bool


class Exclusions(Protocol):
    """What exclusions are to take out of all sums, and have; written between `begin` and `commit`.

    An exclusion has the number of its job.
    """

    def charges(self, selection: Selection, position: int, limit: int) -> ChargesFound:
        """What matches and is not excluded, the next up to `limit` after a position."""

    def last(self) -> int:
        """The highest position."""

    def spans_of(self, number: int, position: int, limit: int) -> ExclusionFound:
        """What an exclusion has taken out, of the next up to `limit` traces after one."""

    def add(self, number: int, trace_id: bytes, span_ids: Sequence[bytes]) -> None:
        """Keep that an exclusion has taken these out."""

    def drop(self, number: int, trace: int) -> None:
        """Keep nothing of an exclusion in a trace, by its number: it is undone there."""

    def jobs(self) -> Sequence[Job]:
        """Every exclusion and undo that there was."""


class Store(Protocol):
    """Durable rows. All calls come from one thread; writes stand between `begin` and `commit`.

    Every method raises LedgerUnavailableError when the rows cannot be read or written for a
    reason that may pass (disk full, locked, read-only).
    """

    @property
    def deleted(self) -> DeletedRows:
        """What it has deleted, and how it deletes more."""

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

    def rows_after(self, trace_id: bytes, row_id: int, limit: int) -> list[SpanRow]:
        """The next rows of a trace after one, in the order they were written."""

    def rows_by_id(self, ids: Iterable[int]) -> list[SpanRow]:
        """Single rows of spans, of any traces."""

    def count_rows(self, trace_id: bytes, limit: int) -> int:
        """How many rows are kept of a trace, counted up to a limit."""

    def total(self, series: str, scope_id: str, start_s: int, end_s: int) -> Totals:
        """What a scope has spent in ``[start_s, end_s)``; both 0 for all time.

        A window holds the quarter hours that begin in it. A trace and an agent run are asked for by
        their rows.
        """

    def write(self, plan: Plan) -> list[int]:
        """Write all that a turn has decided; returns the ids of its rows, in their order.

        Ids rise in the order of arrival, and none is ever given twice. Only one process may write:
        that a span or a crossing is new is known by the turn, not by the engine.
        """

    def keep_pending(
        self, pending: Sequence[PendingRows], limit_spans: int, taken: Sequence[SpanKey] = ()
    ) -> None:
        """Keep spans that wait for a call; of all that came, at least the last `limit_spans`.

        `taken` are trace and span ids of earlier ones that have had their call now. Whole turns are
        kept, and dropped whole.
        """

    def pending(self) -> Iterator[PendingTurn]:
        """Spans that wait for a call, latest turn first.

        Those of one trace and turn come together, until all of them have had their call.
        """

    def reports_of(self, responses: Iterable[tuple[int, int]]) -> dict[int, KnownReports]:
        """The spans that report some responses, each given with the end of a call in nanoseconds.

        Those within a minute of it, and of many the latest to come; by response.
        """

    def recent_traces(self, limit: int) -> list[bytes]:
        """Ids of the traces written last, newest first.

        Where there are more, those that began last may stand for those written last.
        """

    def series(self) -> dict[str, Filled | None]:
        """The further totals that are followed, and how far they are filled.

        None for one that is complete, `UNFOLLOWED` for one that is being dropped.
        """

    def put_series(self, name: str, filled_to: Filled | None) -> None:
        """Keep how far a series is filled; see `series`."""

    def drop_series(self, name: str) -> None:
        """Keep nothing of a series any more, which has no totals."""

    def drop_totals(self, name: str, limit: int) -> int:
        """Drop up to `limit` totals of a series; returns how many there were."""

    def add_totals(self, changes: Iterable[tuple[Posting, Totals]]) -> None:
        """Add to totals."""

    def day_for_month(self, before_s: int) -> int | None:
        """The start of the next day to add to the sums of months; None for none.

        It is over by `before_s`, and a later one has begun. Both are days of the reporting zone.
        """

    def add_day_to_month(self, start_s: int) -> None:
        """Add the sums of that day to those of its month. Later changes of it go to both."""

    def trace_number(self, trace_id: bytes) -> int:
        """The number of a trace, which rise as traces come; 0 for one of which nothing is kept."""

    def last_trace(self) -> int:
        """The highest number that a trace has."""

    def traces_after(self, number: int, limit: int) -> list[tuple[int, bytes]]:
        """Numbers and ids of the next traces after one, in the order of their numbers."""

    def charged_traces(
        self, numbers: tuple[int, int], span_ns: tuple[int, int], limit: int
    ) -> list[tuple[int, bytes]]:
        """Numbers and ids of the next traces that may have a call of a time, in their order.

        They are after the first number and up to the second. Their charged spans begin before
        the end of ``[start, end)``, and end at or after its start.
        """

    def unfinished_jobs(self, kind: str) -> list[Job]:
        """Long work of a kind that is not done, the oldest first."""

    def put_job(self, job: Job) -> int:
        """Keep how far long work has come; returns its id."""

    @property
    def exclusions(self) -> Exclusions:
        """What was taken out of all sums."""

    @property
    def audit(self) -> AuditRows:
        """Who has changed what."""

    @property
    def outbox(self) -> OutboxRows:
        """Which notifications wait."""

    @property
    def forgotten(self) -> ForgottenIds:
        """Which ids of users were taken out."""

    @property
    def spend(self) -> SpendRows:
        """The running sums that metrics show."""

    @property
    def windows(self) -> WindowRows:
        """What scopes have spent and crossed in single windows."""

    @property
    def ids(self) -> IdRows:
        """Where ids of users stand."""

    def forget_ids(self) -> None:
        """Rows have other names: what is remembered of them is no longer valid."""

    def size_bytes(self) -> int:
        """What the rows take on the disk; 0 where nobody can say. Raises nothing."""

    def close(self) -> None:
        """Close the file or connection."""
