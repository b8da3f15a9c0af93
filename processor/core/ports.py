"""What packages with I/O promise: the pipeline, the surfaces and the receiver depend on these."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol, TypeVar

from processor.core.budgets import Policy
from processor.core.model import (
    AuditEntry,
    Batch,
    Crossing,
    Entry,
    Exclusion,
    ExclusionRequest,
    ForgetRequest,
    Forgetting,
    Intake,
    JobProgress,
    Receipt,
    Repricing,
    SpanRow,
    Stamp,
    StoredCall,
    Totals,
)
from processor.core.notices import Notifications
from processor.core.questions import (
    CallRow,
    CallsQuestion,
    CellsAnswer,
    CrossingCounts,
    Filters,
    Freshness,
    SeriesSum,
    SeriesWindow,
    Spend,
    TraceRow,
    TraceSpan,
    TracesQuestion,
    UnknownAnswer,
    UsageAnswer,
    UsageQuestion,
    ValueInOther,
)

T = TypeVar("T")


class Reservation(Protocol):
    """Capacity that is reserved for a batch. Leaving its `with` block releases it."""

    async def deliver(self, payload: bytes) -> Receipt:
        """Send, and wait until every exporter has delivered the payload or has it durably on disk.

        Raises BackendRefusedError when it never will, BackendUnavailableError when the sender
        should try again.
        """


class Exporter(Protocol):
    """Sends batches on, to every backend there is."""

    def reserve(self, batch: Batch) -> AbstractContextManager[Reservation]:
        """Reserve capacity for a batch. Raises OverloadedError, before anything has changed."""

    async def start(self) -> None:
        """Open connections and files; never waits for the backend to be there."""

    async def close(self) -> None:
        """Finish what is under way, then close connections and files."""


class Ledger(Protocol):
    """Charges batches. Raises LedgerUnavailableError, and then nothing was charged."""

    async def post(self, intake: Intake) -> Mapping[int, Stamp]:
        """Charge a batch; returns what to write on its spans, by row."""


class RenameRequests(Protocol):
    """Takes an id out of requests that are kept to be sent."""

    async def __call__(self, user: str, tombstone: str, *, is_trial: bool) -> Mapping[str, int]:
        """Returns how many had it, by what they are, in words; the same when it is done again.

        Nothing changes where it is a trial. Raises OSError, and then all of it is to be done again.
        """


class PricesAgain(NamedTuple):
    """The prices that stored calls get with a reprice."""

    version: str
    """The same for the same prices, and for no others."""
    entry: Callable[[StoredCall], Entry]
    """The entry that a stored call has at these prices; its own one where nothing changes."""


class CostLedger(Protocol):
    """What the process that writes the ledger is asked; `LedgerReader` answers all else."""

    @property
    def policy(self) -> Policy:
        """The budgets in force."""

    async def reprice(
        self,
        prices: PricesAgain,
        span_ns: tuple[int, int],
        now_ns: int,
        *,
        is_dry_run: bool,
        actor: str = "",
    ) -> Repricing:
        """Price the stored calls again that ended in ``[start, end)``; `actor` asks for it.

        It goes on when the asker has gone. One of the same prices that is under way and covers
        these calls is waited for; beside another one OverloadedError is raised.
        """

    async def exclude(self, asked: ExclusionRequest, *, is_dry_run: bool) -> Exclusion:
        """Take stored calls out of all sums, or put them back.

        It goes on when the asker has gone. Beside another one or a reprice OverloadedError is
        raised, and InvalidQuestionError where there is nothing to undo.
        """

    async def forget(self, asked: ForgetRequest, *, is_dry_run: bool) -> Forgetting:
        """Take the id of a user out of all that is kept.

        It goes on when the asker has gone. Beside other long work OverloadedError is raised, and
        InvalidQuestionError for what is no id of a user alone.
        """

    async def resume_reprice(self, prices: PricesAgain) -> None:
        """Go on with a reprice that the last process has not finished, if there is one."""

    @property
    def job_progress(self) -> JobProgress | None:
        """How far a reprice, exclusion, undo or forgetting has come, dry runs too; None of none."""


class LedgerView(Protocol):
    """What the ledger held at one moment. Raises LedgerUnavailableError, QuestionTooSlowError."""

    @property
    def calls_kept_from_s(self) -> int:
        """From which end on single calls are kept, in epoch seconds; 0 where none was deleted."""

    def usage(self, question: UsageQuestion) -> UsageAnswer:
        """How much was used in a time, by up to two dimensions."""

    def late_hours_s(self, start_s: int, end_s: int) -> Sequence[int]:
        """Starts of hours of ``[start, end)`` in which calls ended that came too late.

        They are in sums, and no single calls. Those before `calls_kept_from_s` are not among them.
        """

    def calls(self, question: CallsQuestion) -> list[CallRow]:
        """Charged spans, the latest end first; of one moment in one order, whatever changes."""

    def cells(self, question: UsageQuestion, *, with_pricing: bool = False) -> CellsAnswer:
        """The same by every combination of dimensions, whatever the question groups by.

        Users, sessions, tasks and traces are not distinguished. `with_pricing` says how their calls
        were priced, for which it looks at each of them.
        """

    def calls_in_order(
        self, question: CallsQuestion, after: tuple[int, int, bytes] | None
    ) -> list[CallRow]:
        """Charged spans, the earliest end first, those after one (see `CallsQuestion.before`)."""

    def stored_calls(
        self, question: CallsQuestion, after: tuple[int, int, bytes] | None
    ) -> list[tuple[CallRow, SpanRow]]:
        """Likewise, each with all that is kept of it to price it again."""

    def calls_after(self, row: int, limit: int) -> list[CallRow]:
        """The `limit` charged spans with the latest rows after a row's id, the oldest first."""

    @property
    def last_charge_id(self) -> int:
        """Id of the latest row of a charge; 0 for none. It only rises while the ledger is used."""

    def traces(self, question: TracesQuestion) -> list[TraceRow]:
        """Traces, the last that began to be charged first."""

    def traces_between(self, least: bytes, greatest: bytes, limit: int) -> list[TraceRow]:
        """Up to `limit` charged traces with ids from `least` to `greatest`, in their order."""

    def spans(self, trace: TraceRow, limit: int, run: bytes = b"") -> list[TraceSpan]:
        """Up to `limit` spans that are kept of a trace, the first that came first.

        With `run`, a span id, it is that span and those below it: none where it is not there.
        """

    def run(self, trace: TraceRow, run: bytes) -> Totals:
        """What a span of a trace and all below it are charged; nothing where it is not there."""

    def values_in_other(self, filters: Filters, start_s: int, end_s: int) -> list[ValueInOther]:
        """Values that are filtered by and may have used more in ``[start, end)`` than is found."""

    def unknown(self, limit: int) -> UnknownAnswer:
        """Calls whose cost is unknown, alike ones together; those with most calls are listed."""

    def fingerprint(self, start_s: int, end_s: int, *, of_calls: bool) -> str:
        """A text that is another one once a charge that ended in ``[start, end)`` has changed.

        With `of_calls` also where a session or task of single calls has, which are in no sums by
        day. It may differ where only a neighbour of that time has changed.
        """

    def freshness(self) -> Freshness:
        """How far the ledger reaches."""

    def series(self, name: str, scope_id: str, start_s: int, end_s: int) -> Totals:
        """What a total that budgets follow has in ``[start, end)``; see `progress`."""

    def series_by_hour(
        self, name: str, scope_id: str, start_s: int, end_s: int
    ) -> list[tuple[int, Totals]]:
        """Likewise for each hour from `start_s` on in which there was any, by its start."""

    def many_series(self, asked: Sequence[SeriesWindow]) -> list[SeriesSum]:
        """Several such totals at once, in the order asked for."""

    def progress(self, name: str) -> float:
        """The share of traces that a total which budgets follow is filled with; 1 for all."""

    def largest(self, name: str, start_s: int, end_s: int, limit: int) -> list[tuple[str, Totals]]:
        """The scope ids of such a total that have cost most in ``[start, end)``."""

    def crossings(self, limit: int, before: int | None = None) -> list[tuple[int, Crossing]]:
        """Budget crossings with their number, latest first."""

    def notifications(self, limit: int, before: int | None, now_s: int) -> Notifications:
        """Notifications before a number, latest first, and what has not arrived."""

    def spend(self) -> Spend:
        """What has been used in all, by the dimensions of metrics, in sums that only grow."""

    def crossing_counts(self, after: int) -> CrossingCounts:
        """Crossings after a number, alike ones together; 0 for all."""

    def audit(self, since_ns: int, limit: int, before: int | None = None) -> list[AuditEntry]:
        """Who has changed what from a time on, the latest first; those before a number."""

    def task_titles(self, tasks: Sequence[str]) -> dict[str, str]:
        """The titles of tasks that have one."""


class LedgerReader(Protocol):
    """Answers questions without the thread that writes."""

    async def ask(self, work: Callable[[LedgerView], T]) -> T:
        """Run `work` on the ledger as it is at one moment, in another thread.

        Raises what `work` raises, and OverloadedError when too many questions wait.
        """


class Caller(NamedTuple):
    """Who asks, as far as the connection and the headers say."""

    is_local: bool
    """By the loopback interface or a Unix socket, and not passed on by a proxy that says so."""
    authorization: str = ""
    """The header of that name; empty without one."""
    may_send: bool = True
    """Whether it may send spans as well: by a token of senders, or since none is needed."""


Method = Callable[[bytes], Awaitable[bytes]]
"""From a request's bytes to the response's bytes."""


class Service(Protocol):
    """A gRPC service that the receiver offers beside OTLP's own."""

    @property
    def name(self) -> str:
        """Its full name, as on the wire."""

    @property
    def methods(self) -> Mapping[str, Method]:
        """Its unary methods by name; each raises a ProcessorError for what it refuses."""

    @property
    def without_message(self) -> frozenset[str]:
        """The methods whose requests say nothing: of these nothing is read."""

    def check(self, method: str, caller: Caller) -> None:
        """Raise ForbiddenError or UnauthenticatedError unless a caller may call a method.

        It is asked before the request is read.
        """
