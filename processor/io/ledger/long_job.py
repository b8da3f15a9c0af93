"""Long work that outlives its asker and the process.

It is a row of ``jobs``. A step is a transaction that also moves the position in that row, so that
what is killed goes on from there.
"""

from __future__ import annotations

import asyncio
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Final, Generic, Protocol, TypeVar

from processor.core.errors import LedgerUnavailableError, OverloadedError
from processor.core.model import AuditEntry, JobProgress
from processor.io.ledger.store import Job
from processor.io.ledger.working_set import WorkingSet

_LOG = logging.getLogger(__name__)
_LOGGED_S: Final = 10.0
_PERHAPS: Final = -1
"""In the place of the id of a row of which nobody knows whether it is there."""
_RETRY_DELAY_S: Final = 5.0
"""When to ask again beside other long work."""
_NAMES: Final = {
    "reprice": "a reprice",
    "exclude": "an exclusion",
    "undo": "the undo of an exclusion",
    "forget": "the forgetting of a user",
}
"""By ``JobProgress.job``."""

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Steps(Protocol[R_co]):
    """Long work as far as it has come, in memory."""

    @property
    def is_done(self) -> bool:
        """Whether there is nothing left to do."""

    @property
    def progress(self) -> JobProgress:
        """How far it has come."""

    def step(self) -> None:
        """Do a little; the caller commits or undoes it."""

    def try_step(self) -> None:
        """Likewise, and undo it: what would change is added up, nothing is kept."""

    def result(self) -> R_co:
        """What has changed so far."""


def refusal(
    kind: str, progress: JobProgress | None, *, is_dry_run: bool = False
) -> OverloadedError:
    """Why long work may not begin beside other one of a kind, and what to do about it."""
    what = _NAMES[kind if progress is None else progress.job]
    left = "" if progress is None else f", with {progress.left} {progress.counted} left"
    goes_on = "it goes on by itself, also after a restart"
    if is_dry_run:
        what, goes_on = f"a dry run of {what}", "it ends with whoever asked for it"
    return OverloadedError(
        f"{what} is under way{left}; {goes_on}: ask again once it is done, which "
        "ledger_unfinished_items at /metrics, CostService/GetJobProgress and the log tell",
        _RETRY_DELAY_S,
    )


def try_out(working_set: WorkingSet, step: Callable[[], None]) -> None:
    """Do a step in a transaction that is undone."""
    working_set.store.begin()
    try:
        step()
    finally:
        working_set.discard_touched()
        working_set.store.rollback()


S = TypeVar("S", bound=Steps[object])


class LongJob(ABC, Generic[S, R]):
    """At most one work of a kind; the thread that writes owns it."""

    kind: str
    """Of the rows in ``jobs``."""
    what: str
    """What it is, in words."""

    def __init__(self, working_set: WorkingSet) -> None:
        self._working_set = working_set
        self._steps: S | None = None
        """None where it has to be read from its row."""
        self._id = 0
        self._audit = 0
        """The number of its line in the audit; 0 for none."""
        self._result: Future[R] = Future()
        self._logged_s = 0.0
        self.progress: JobProgress | None = None
        """How far it has come; None without one. May be read from any thread."""

    @property
    @abstractmethod
    def has_work(self) -> bool:
        """Whether there is one under way."""

    @property
    def is_under_way(self) -> bool:
        """Whether there is one, even if it waits."""
        return self.has_work

    def refusal(self) -> OverloadedError:
        """Why other long work may not begin beside the one under way."""
        return refusal(self.kind, self.progress)

    @abstractmethod
    def _under_way(self) -> S | None:
        """The one under way, as its row has it where it is not in memory."""

    @abstractmethod
    def _row_of(self, steps: S) -> Job:
        """What is kept of it, under the id `_id`."""

    @abstractmethod
    def _outcome(self, steps: S) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """What was before and is since, for its line in the audit."""

    @abstractmethod
    def _end(self, steps: S) -> None:
        """It is done, and that is committed."""

    def work(self) -> None:
        """Do a step, in a transaction of its own. Raises what the store raises.

        Those who wait get that error; it goes on from what was committed.
        """
        try:
            self._step()
        except BaseException as error:
            reason = error
            if not isinstance(error, LedgerUnavailableError):
                reason = LedgerUnavailableError(f"the ledger failed: {error!r}")
            waiting, self._result = self._result, Future()
            waiting.set_exception(reason)
            raise

    def close(self) -> None:
        """Tell those who wait that the process ends."""
        message = f"the ledger is closed; {self.what} goes on when it is open again"
        self._result.set_exception(LedgerUnavailableError(message))
        self._result = Future()

    def _step(self) -> None:
        steps, store = self._under_way(), self._working_set.store
        if steps is None:
            return
        store.begin()
        try:
            steps.step()
            self._write(steps)
            store.commit()
        except BaseException:
            self._working_set.discard_touched()
            # What is in memory may be ahead of what was committed.
            self._steps = None
            store.rollback()
            raise
        self._working_set.committed(())
        self._note(steps)
        if steps.is_done:
            self._end(steps)

    def _unfinished(self) -> Job | None:
        return next(iter(self._working_set.store.unfinished_jobs(self.kind)), None)

    def _commit(self, steps: S) -> int:
        """Keep how far it has come, in a transaction of its own; returns the id of the row."""
        store = self._working_set.store
        store.begin()
        try:
            job_id = self._write(steps)
            store.commit()
        except BaseException:
            store.rollback()
            raise
        return job_id

    def _write(self, steps: S) -> int:
        """Keep how far it has come; the caller commits. Returns the id of the row."""
        if steps.is_done and self._audit:
            self._working_set.store.audit.complete(self._audit, *self._outcome(steps))
        return self._working_set.store.put_job(self._row_of(steps))

    def _begin_with(self, steps: S, entry: AuditEntry) -> None:
        """Keep that it begins, and who asked for it. Raises what the store raises."""
        store = self._working_set.store
        self._id = 0
        store.begin()
        try:
            self._audit = store.audit.add(entry)
            self._id = self._write(steps)
            store.commit()
        except BaseException:
            # It may be durable all the same: the next step looks.
            self._id = _PERHAPS
            store.rollback()
            raise
        self._steps = steps

    def _note(self, steps: S) -> None:
        """Note how far it has come, and now and then log it."""
        self.progress = progress = steps.progress
        if time.monotonic() - self._logged_s >= _LOGGED_S:
            self._logged_s = time.monotonic()
            _LOG.info(
                "%s: %d of %d %s are done, and %d %s have changed",
                self.what,
                progress.done,
                progress.done + progress.left,
                progress.counted,
                progress.changed,
                "rows" if progress.job == "forget" else "calls",
            )

    def _ended(self, result: R) -> None:
        """Give the result to those who wait, and have nothing under way."""
        self._steps = self.progress = None
        waiting, self._id, self._audit, self._logged_s = self._result, 0, 0, 0.0
        self._result = Future()
        waiting.set_result(result)


async def result_of(result: Future[R]) -> R:
    """The result of long work, which goes on when whoever waits for it has gone."""
    waiting = asyncio.wrap_future(result)
    # Where the asker has gone nobody else would look at its error, and asyncio complains.
    waiting.add_done_callback(lambda done: done.cancelled() or done.exception())
    return await asyncio.shield(waiting)
