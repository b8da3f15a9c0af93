"""The one thread that writes the ledger; its jobs are queued.

Turns that wait together share one commit (group commit), each behind a savepoint of its own: one
that fails alone is refused alone, a commit that fails refuses them all as retryable.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeVar

from processor.core.episodes import Episodes
from processor.core.errors import LastFailure, LedgerDamagedError, LedgerUnavailableError
from processor.core.model import Plan
from processor.io.ledger.background import Background
from processor.io.ledger.crossing_log import log_crossings
from processor.io.ledger.working_set import WorkingSet

_LOG = logging.getLogger(__name__)
_GROUP_MAX = 64
"""Turns that share one commit at most, so that the first does not wait for ever."""
_FILES_LOOKED_AT_S = 2.0
"""How often to look whether the files are there, whether or not there is something to commit."""

_Result = TypeVar("_Result")


@dataclass(slots=True)
class _Job:
    """Something for the thread to do."""

    work: Callable[[], Any]
    kind: Literal["turn", "query"]
    """A turn writes, in a group; a query runs alone, in a transaction of its own if it needs
    one."""
    future: asyncio.Future[Any]


class _TurnFailedError(LedgerUnavailableError):
    """A bug of ours met something in a batch; the store itself works."""


class WriterThread:
    """Runs jobs on the working set, one after the other."""

    def __init__(self, working_set: WorkingSet, background: Background) -> None:
        self._working_set = working_set
        self._background = background
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="ledger", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_closed = False
        self._episodes = Episodes()
        self.size_bytes = 0
        """What the ledger takes on the disk, as of the last commit."""
        self._looked_at_s = time.monotonic()
        self._lost: LastFailure | None = None
        """What has become of the files; None where all was well when they were last looked at."""
        self._damage: LastFailure | None = None
        """Damage that was met last. A turn that does not meet it says nothing about it."""
        self._turn_failure: LastFailure | None = None
        """Why the last turn could not be committed; None while turns can."""

    @property
    def last_failure(self) -> LastFailure | None:
        """Why the last turn could not be committed, or none could be; None while they can."""
        failures = [each for each in (self._damage, self._turn_failure) if each is not None]
        return self._lost or max(failures, key=lambda each: each.at_s, default=None)

    @property
    def jobs_waiting(self) -> int:
        """Jobs in the queue."""
        return self._jobs.qsize()

    def start(self) -> None:
        """Begin; answers go to the event loop that runs now."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def close(self) -> None:
        """Finish the jobs in the queue; no more are accepted."""
        self._is_closed = True
        if self._thread.is_alive():
            self._jobs.put(None)
            await asyncio.to_thread(self._thread.join)

    async def ask(
        self,
        work: Callable[[], _Result],
        kind: Literal["turn", "query"] = "query",
        then: Callable[[_Result], None] | None = None,
    ) -> _Result:
        """Run a job and return its result, which `then` gets as well, even if the caller has gone.

        Raises what the job raises, and LedgerUnavailableError after `close`.
        """
        if self._is_closed:
            raise LedgerUnavailableError("the ledger is closed")
        future: asyncio.Future[_Result] = asyncio.get_running_loop().create_future()
        if then is not None:
            future.add_done_callback(partial(_pass_on, then))
        self._jobs.put(_Job(work, kind, future))
        # The turn is carried on even if its caller has gone.
        return await asyncio.shield(future)

    def wake(self) -> None:
        """Have the thread see now what work there is; called on the event loop."""
        future = asyncio.get_running_loop().create_future()
        self._jobs.put(_Job(lambda: None, "query", future))

    def _work(self) -> None:
        while True:
            jobs = self._next()
            if time.monotonic() - self._looked_at_s > _FILES_LOOKED_AT_S:
                self._look_at_files()
            group: list[_Job] = []
            for job in jobs:
                if job is None:
                    self._commit(group)
                    return
                if job.kind == "turn":
                    group.append(job)
                    continue
                # A query keeps its place in the queue.
                self._commit(group)
                group = []
                outcome = _outcome(job.work)
                self._note_damage(outcome[1])
                self._answer([(job, *outcome)])
            self._commit(group)
            if not jobs or self._background.is_due:
                self._background.step()

    def _next(self) -> list[_Job | None]:
        """The jobs that wait together; none when there is something to do in between."""
        wait_s = self._background.wait_s(_FILES_LOOKED_AT_S)
        jobs: list[_Job | None] = []
        with suppress(queue.Empty):
            jobs.append(self._jobs.get(timeout=wait_s) if wait_s else self._jobs.get_nowait())
        while jobs and len(jobs) < _GROUP_MAX and not self._jobs.empty():
            jobs.append(self._jobs.get())
        return jobs

    def _commit(self, group: list[_Job]) -> None:
        """Run the turns of a group, in order, in one transaction."""
        if not group:
            return
        working_set, outcomes = self._working_set, []
        try:
            working_set.store.begin()
            for job in group:
                working_set.store.savepoint()
                plan, error = _outcome(job.work)
                if error is None:
                    working_set.store.release()
                else:
                    _undo(working_set, error)
                outcomes.append((job, plan, error and _as_unavailable(error)))
            working_set.store.commit()
        except Exception as error:  # noqa: BLE001 - every caller has to be answered
            _roll_back(working_set)
            # Files that are gone make SQLite complain of whatever it happens to read.
            failure = self._look_at_files() or _as_unavailable(error)
            outcomes = [(job, None, failure) for job in group]
        else:
            if self._lost is not None:
                self._look_at_files()
            plans = [plan for _, plan, _ in outcomes if isinstance(plan, Plan)]
            working_set.committed(plans)
            log_crossings(crossing for plan in plans for crossing in plan.crossings)
            self._log_uncharged(plans)
        self._note([error for _, _, error in outcomes])
        self._answer(outcomes)

    def _note(self, errors: list[Exception | None]) -> None:
        """Count the turns that failed. One that met a bug of ours says nothing about the store."""
        self._working_set.counters.failures += len(errors) - errors.count(None)
        relevant = [error for error in errors if not isinstance(error, _TurnFailedError)]
        if relevant:
            last = relevant[-1]
            self._turn_failure = LastFailure(str(last), time.monotonic()) if last else None
        for error in relevant:
            self._note_damage(error)
        self.size_bytes = self._working_set.store.size_bytes()

    def _note_damage(self, error: Exception | None) -> None:
        if isinstance(error, LedgerDamagedError):
            self._damage = LastFailure(str(error), time.monotonic())

    def _look_at_files(self) -> LedgerUnavailableError | None:
        """Note and log that they are gone, or are back; returns what has become of them."""
        self._looked_at_s = time.monotonic()
        try:
            self._working_set.store.check_files()
        except LedgerUnavailableError as error:
            if self._lost is None:
                _LOG.error("nothing is charged any more: %s", error)
            self._lost = LastFailure(str(error), time.monotonic())
            return error
        if self._lost is not None:
            _LOG.warning("the ledger's files are back: spans are charged again")
            self._lost = self._turn_failure = None
        return None

    def _log_uncharged(self, plans: Iterable[Plan]) -> None:
        """Say of which traces calls were charged nothing, once a time for each."""
        self._episodes.end_quiet(time.monotonic())
        for plan in plans:
            for trace_id, calls in plan.uncharged.items():
                if calls and self._episodes.note(trace_id.hex(), time.monotonic()):
                    _LOG.warning(
                        "trace %s has more spans than are followed of one trace, so further LLM "
                        "calls of it are charged nothing and its total is at least: let traces "
                        "end, or raise limits.spans_per_trace, and limits.spans_in_memory to "
                        "twice as many",
                        trace_id.hex(),
                    )

    def _answer(self, outcomes: list[tuple[_Job, Any, Exception | None]]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_resolve, outcomes)


def _outcome(work: Callable[[], Any]) -> tuple[Any, Exception | None]:
    try:
        return work(), None
    except Exception as error:  # noqa: BLE001 - handed to the one who asked
        return None, error


def _undo(working_set: WorkingSet, error: Exception) -> None:
    """Undo one turn that has failed; raises its error where SQLite has undone the whole group."""
    try:
        working_set.store.undo_savepoint()
    except LedgerUnavailableError as no_savepoint:
        raise error from no_savepoint
    working_set.discard_touched()


def _roll_back(working_set: WorkingSet) -> None:
    working_set.discard_group()
    try:
        working_set.store.rollback()
    except LedgerUnavailableError:
        _LOG.exception("the ledger could not even roll back")


def _as_unavailable(error: Exception) -> LedgerUnavailableError:
    if isinstance(error, LedgerUnavailableError):
        return error
    _LOG.error("a turn of the ledger failed", exc_info=error)
    return _TurnFailedError(f"the ledger failed: {error!r}", delay_s=5.0)


def _resolve(outcomes: list[tuple[_Job, Any, Exception | None]]) -> None:
    for job, result, error in outcomes:
        if job.future.done():
            continue
        if error is None:
            job.future.set_result(result)
        else:
            job.future.set_exception(error)


def _pass_on(then: Callable[[_Result], None], done: asyncio.Future[_Result]) -> None:
    """Hand on the result of a job that went well; the loop logs what `then` raises."""
    if not done.cancelled() and done.exception() is None:
        then(done.result())
