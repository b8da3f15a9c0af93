"""The ledger as callers see it: they are on the event loop, the writer is on a thread."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

from processor.core import posting
from processor.core.budgets.policy import Policy
from processor.core.counters import LedgerCounters, MemoryUse
from processor.core.errors import LastFailure
from processor.core.model import (
    Exclusion,
    ExclusionRequest,
    ForgetRequest,
    Forgetting,
    Intake,
    JobProgress,
    Plan,
    Repricing,
    Stamp,
)
from processor.core.ports import PricesAgain, RenameRequests
from processor.io.ledger.audit_log import AuditLog, InForce
from processor.io.ledger.background import Background
from processor.io.ledger.exclude_job import ExcludeJob
from processor.io.ledger.excluding import steps_of
from processor.io.ledger.forgetting.job import ForgetJob
from processor.io.ledger.forgetting.steps import Forgetter
from processor.io.ledger.kept_from import KEEPS_ALL, Ages, KeptFrom
from processor.io.ledger.limits import Limits
from processor.io.ledger.long_job import Steps, refusal, result_of
from processor.io.ledger.outbox import LedgerOutbox
from processor.io.ledger.reprice_job import RepriceJob
from processor.io.ledger.repricing import Repricer
from processor.io.ledger.retention import Retention
from processor.io.ledger.spend_rows import BY_MODEL, SpendBy
from processor.io.ledger.store import Store
from processor.io.ledger.working_set import WorkingSet
from processor.io.ledger.writer import WriterThread

T = TypeVar("T")
_Jobs = Sequence[RepriceJob | ExcludeJob | ForgetJob]
OnPosted = Callable[[Intake, Plan], None]
"""Called on the event loop with each batch and what has been committed for it, also when the sender
has gone. It has to be quick; what it raises is logged."""


class Ledger:
    """Charges each span exactly once, over a store."""

    def __init__(
        self,
        store: Store,
        policy: Policy,
        limits: Limits,
        ages: Ages = KEEPS_ALL,
        spend_by: SpendBy = BY_MODEL,
    ) -> None:
        """`ages` say how long what is in the store is kept, `spend_by` what metrics tell apart."""
        self._spend_by = spend_by
        self._working_set = WorkingSet(store, policy, limits)
        self._limits = limits
        self._known: OrderedDict[bytes, None] = OrderedDict()
        self._reprice = RepriceJob(self._working_set)
        self._exclude = ExcludeJob(self._working_set)
        self._forget = ForgetJob(self._working_set)
        self._rename_requests: RenameRequests | None = None
        self._trial: Steps[object] | None = None
        """A dry run under way."""
        self.on_posted: OnPosted | None = None
        self._audit = AuditLog(store)
        works = (self._working_set.budgets, self._reprice, self._exclude, self._forget)
        self._retention = Retention(self._working_set, ages, works)
        more = (self._working_set.months, self._audit, self._retention)
        background = Background((*works, *more))
        self._writer = WriterThread(self._working_set, background)
        self.outbox = LedgerOutbox(store.outbox, self._writer)

    @property
    def policy(self) -> Policy:
        """The budgets in force."""
        return self._working_set.budgets.policy

    @property
    def counters(self) -> LedgerCounters:
        """What has happened to spans since the start."""
        return self._working_set.counters

    @property
    def memory_use(self) -> MemoryUse:
        """How much is in memory."""
        return self._working_set.memory_use

    @property
    def traces_to_count(self) -> int:
        """How many traces of before are still to be counted until all budgets are in force."""
        return self._working_set.budgets.traces_to_count

    @property
    def kept_from(self) -> KeptFrom:
        """From when on what is kept."""
        return self._working_set.kept_from

    @property
    def job_progress(self) -> JobProgress | None:
        """How far the long work under way has come, a dry run as well; None without any."""
        trial = self._trial
        if trial is not None:
            return trial.progress
        under_way = (self._reprice.progress, self._exclude.progress, self._forget.progress)
        return next((each for each in under_way if each is not None), None)

    @property
    def jobs_waiting(self) -> int:
        """Jobs that wait for the thread that writes."""
        return self._writer.jobs_waiting

    @property
    def size_bytes(self) -> int:
        """What the ledger takes on the disk, as of the last commit."""
        return self._writer.size_bytes

    @property
    def last_failure(self) -> LastFailure | None:
        """Why the last turn could not be committed; None while turns can."""
        return self._writer.last_failure

    def forget_also(self, rename: RenameRequests) -> None:
        """Have ids that are forgotten taken out of requests as well; called before `start`."""
        self._rename_requests = rename
        loop = asyncio.get_running_loop()

        def begin(user: str, tombstone: str) -> Future[Mapping[str, int]]:
            work = rename(user, tombstone, is_trial=False)
            found = asyncio.run_coroutine_threadsafe(work, loop)
            found.add_done_callback(lambda _: loop.call_soon_threadsafe(self._writer.wake))
            return found

        self._forget.begin_rename = begin

    async def start(self) -> None:
        """Open the ledger: read what is under way and what waits, fill totals that budgets need."""
        self._writer.start()
        working_set = self._working_set
        recent = await self._writer.ask(
            lambda: working_set.store.recent_traces(self._limits.known_traces)
        )
        self._known = OrderedDict.fromkeys(reversed(recent))
        await self._writer.ask(working_set.load)
        await self._writer.ask(self._retention.finish)
        await self._writer.ask(lambda: working_set.budgets.set_policy(working_set.budgets.policy))
        await self._writer.ask(self._reprice.load)
        await self._writer.ask(working_set.months.load)
        await self._writer.ask(lambda: working_set.follow_spend(self._spend_by))
        await self._writer.ask(self._exclude.load)
        await self._writer.ask(self._forget.load)
        await self._writer.ask(self._retention.load)
        self._writer.size_bytes = await self._writer.ask(working_set.store.size_bytes)

    async def close(self) -> None:
        """Finish the queued turns, then close the store."""
        await self._writer.close()
        self._audit.close()
        self._reprice.close()
        self._exclude.close()
        self._forget.close()
        self._working_set.store.close()

    async def set_policy(self, policy: Policy) -> None:
        """Put other budgets into force, between two turns."""
        await self._writer.ask(self._retention.finish)
        await self._writer.ask(lambda: self._working_set.budgets.set_policy(policy))

    async def post(self, intake: Intake) -> Mapping[int, Stamp]:
        """Charge a batch; returns what to write on its spans, by row.

        A span that is in the ledger already gets the stamp of the first time. Spans of traces
        without a call are kept in case one comes. Raises LedgerUnavailableError, and then nothing
        was charged or kept.
        """
        if not intake.spans.trace_ids:
            return {}
        for trace_id in posting.traces_with_calls(intake.charges, intake.marks, intake.spans):
            self._known[trace_id] = None
            self._known.move_to_end(trace_id)
        while len(self._known) > self._limits.known_traces:
            self._known.popitem(last=False)
        trace_ids = posting.relevant_traces(intake, self._known)
        working_set = self._working_set
        then = None if self.on_posted is None else partial(self.on_posted, intake)
        turn = partial(working_set.turn, intake, trace_ids)
        plan: Plan = await self._writer.ask(turn, "turn", then)
        return plan.stamps

    async def reprice(
        self,
        prices: PricesAgain,
        span_ns: tuple[int, int],
        now_ns: int,
        *,
        is_dry_run: bool,
        actor: str = "",
    ) -> Repricing:
        """Price the stored calls again that ended in ``[start, end)``; batches go on in between.

        It goes on when the asker has gone, and after a restart. One of the same prices that is
        under way and covers these calls is waited for; beside another one OverloadedError is
        raised. With `is_dry_run` everything is worked out, and nothing kept.
        """
        others = self._exclude, self._forget
        if is_dry_run:
            trial = Repricer(self._working_set, prices, span_ns, now_ns, last=0)
            return await self._try(trial, trial.find_last, (*others, self._reprice))
        begin = partial(self._reprice.begin, prices, span_ns, now_ns, actor)
        return await self._begin(begin, others)

    async def exclude(self, asked: ExclusionRequest, *, is_dry_run: bool) -> Exclusion:
        """Take stored calls out of all sums, or put them back; batches go on in between.

        It goes on when the asker has gone, and after a restart. Beside another one, or a reprice,
        OverloadedError is raised, and InvalidQuestionError where there is nothing to undo. With
        `is_dry_run` everything is worked out, and nothing kept.
        """
        others = self._reprice, self._exclude, self._forget
        if is_dry_run:
            trial = steps_of(self._working_set, asked)
            return await self._try(trial, partial(self._exclude.check, asked), others)
        return await self._begin(partial(self._exclude.begin, asked), others)

    async def forget(self, asked: ForgetRequest, *, is_dry_run: bool) -> Forgetting:
        """Take the id of a user out of all that is kept; batches go on in between.

        It goes on when the asker has gone, and after a restart. Beside other long work
        OverloadedError is raised, and InvalidQuestionError for what is no id of a user. With
        `is_dry_run` it is counted where the id stands, and nothing changes.
        """
        others = self._reprice, self._exclude
        if is_dry_run:
            trial = Forgetter(self._working_set, asked, is_dry_run=True)
            check = partial(self._working_set.store.ids.check, asked.user)
            found = await self._try(trial, check, (*others, self._forget))
            if self._rename_requests is None:
                return found
            kept = await self._rename_requests(asked.user, trial.tombstone, is_trial=True)
            return found._replace(places=(*found.places, *((k, n) for k, n in kept.items() if n)))
        return await self._begin(partial(self._forget.begin, asked), others)

    def _refuse_beside(self, jobs: _Jobs, own: Steps[object] | None = None) -> None:
        """Raise OverloadedError beside another dry run, and while one of `jobs` is under way.

        Only on the writer's thread nothing begins between this and what the caller begins.
        """
        trial = self._trial
        if trial is not None and trial is not own:
            raise refusal(trial.progress.job, trial.progress, is_dry_run=True)
        for job in jobs:
            if job.is_under_way:
                raise job.refusal()

    def _alone(self, work: Callable[[], T], others: _Jobs, own: Steps[object] | None = None) -> T:
        """Do it on the writer's thread, where it may be and no trace is deleted in part only."""
        self._refuse_beside(others, own)
        self._retention.finish()
        return work()

    async def note_in_force(self, found: InForce) -> None:
        """Have the audit say what is in force, unless its last line of the action says the same.

        It is written between turns.
        """
        await self._writer.ask(lambda: self._audit.note(found))

    async def _begin(self, begin: Callable[[], Future[T]], others: _Jobs) -> T:
        """The result of long work that may not be beside `others`."""
        return await result_of(await self._writer.ask(lambda: self._alone(begin, others)))

    async def _try(self, trial: Steps[T], prepare: Callable[[], object], others: _Jobs) -> T:
        """The result of a dry run that may not be beside `others`."""
        self._refuse_beside(others)
        # From now on nothing else begins.
        self._trial = trial
        try:
            await self._writer.ask(lambda: self._alone(prepare, others, trial))
            while not trial.is_done:
                await self._writer.ask(trial.try_step)
        finally:
            self._trial = None
        return trial.result()

    async def resume_reprice(self, prices: PricesAgain) -> None:
        """Go on with a reprice that the last process has not finished, if there is one.

        Where it was of other prices it begins again with these.
        """
        await self._writer.ask(lambda: self._reprice.resume(prices))
