"""The door of the ledger: callers wait in line, one thread keeps the books.

Batches that wait together share one commit (group commit), each behind a mark of its own: a
batch that fails alone is refused alone, a commit that fails refuses them all as retryable.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeVar

from processor import decide
from processor.budget.policy import Policy
from processor.errors import LedgerUnavailableError, Trouble
from processor.ledger.books import Books, Counters, Held, Limits
from processor.ledger.repricing import PriceAgain, Repricer
from processor.ledger.store import Store
from processor.model import (
    Intake,
    Plan,
    Repricing,
    Scope,
    Stamp,
    Standing,
    Totals,
    Unknown,
)

_LOG = logging.getLogger(__name__)
_GROUP_MAX = 64
"""Turns that share one commit at most, so that the first does not wait for ever."""

_ASIDES_MAX = 1000
"""Batches without calls that may wait in line; nothing else holds them back if a disk stalls."""

_REPRICED_AT_ONCE = 50
"""Traces of one transaction of a reprice: some milliseconds."""

_Result = TypeVar("_Result")


@dataclass(slots=True)
class _Job:
    """Something to do with the books."""

    work: Callable[[], Any]
    kind: Literal["turn", "aside", "question"]
    """A turn writes, in a group; an aside writes nothing and nobody waits for it; a question has
    the books for itself, and a transaction of its own if it needs one."""
    future: asyncio.Future[Any] | None = None


class _TurnFailedError(LedgerUnavailableError):
    """A bug of ours met something in a batch; the books themselves are well."""


class Ledger:
    """Exactly-once bookkeeping over a store."""

    def __init__(self, store: Store, policy: Policy, limits: Limits) -> None:
        self._books = Books(store, policy, limits)
        self._limits = limits
        self._known: OrderedDict[bytes, None] = OrderedDict()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="ledger", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_closed = False
        self.size_bytes = 0
        """What the books take on the disk, as of the last commit."""
        self.trouble: Trouble | None = None
        """Why the last turn could not be booked; None while turns can."""

    @property
    def policy(self) -> Policy:
        """The budgets in force."""
        return self._books.policy

    @property
    def counters(self) -> Counters:
        """What has happened to spans since the start."""
        return self._books.counters

    @property
    def held(self) -> Held:
        """How much is in memory."""
        return self._books.held

    @property
    def jobs_in_line(self) -> int:
        """Turns and questions that wait for the books."""
        return self._jobs.qsize()

    async def start(self) -> None:
        """Open the books: read which traces are under way, fill totals that budgets need."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()
        books = self._books
        recent = await self._ask(lambda: books.store.recent_traces(self._limits.known_traces))
        self._known.update(dict.fromkeys(reversed(recent)))
        await self._ask(lambda: books.set_policy(books.policy))
        self.size_bytes = await self._ask(books.store.size_bytes)

    async def close(self) -> None:
        """Finish the turns in line, then close the store."""
        self._is_closed = True
        if self._thread.is_alive():
            self._jobs.put(None)
            await asyncio.to_thread(self._thread.join)
        self._books.store.close()

    async def set_policy(self, policy: Policy) -> None:
        """Put other budgets into force, between two turns."""
        await self._ask(lambda: self._books.set_policy(policy))

    async def post(self, intake: Intake) -> Mapping[int, Stamp]:
        """Charge a batch; returns what to write on its spans, by row.

        A span that is on the books already gets the stamp of the first time. A batch that
        concerns no trace with calls takes no turn. Raises LedgerUnavailableError, and then
        nothing was charged.
        """
        for trace_id in decide.notable(intake.charges, intake.marks, intake.spans):
            self._known[trace_id] = None
            self._known.move_to_end(trace_id)
        while len(self._known) > self._limits.known_traces:
            self._known.popitem(last=False)
        trace_ids = decide.relevant(intake, self._known)
        books = self._books
        if not trace_ids:
            if self._jobs.qsize() < _ASIDES_MAX:
                self._jobs.put(_Job(lambda: decide.set_aside(intake, (), books.room), "aside"))
            return {}
        plan: Plan = await self._ask(lambda: books.turn(intake, trace_ids), "turn")
        return plan.stamps

    async def total(self, scope: Scope, scope_id: str, window: tuple[int, int] = (0, 0)) -> Totals:
        """What a scope has spent in a window of epoch seconds; (0, 0) for all time.

        A trace is named by its hex id, an agent run by ``trace id:span id``, the grand total
        by ``""``.
        """
        return await self._ask(lambda: self._books.total(scope, scope_id, window))

    async def standing(self, scopes: Mapping[str, str], time_s: int) -> list[Standing]:
        """How the given scope ids, and the grand total, stand against their budgets."""
        return await self._ask(lambda: self._books.standing(scopes, time_s))

    async def unpriced(self) -> list[Unknown]:
        """Calls without a price, alike ones together, most calls first."""
        return await self._ask(self._books.store.unpriced)

    async def reprice(
        self, price_again: PriceAgain, span_ns: tuple[int, int], now_ns: int, *, is_dry_run: bool
    ) -> Repricing:
        """Price the stored calls again that ended in ``[start, end)``; batches go on in between.

        With `is_dry_run` everything is worked out, and nothing kept.
        """
        repricer = Repricer(self._books, price_again, *span_ns, now_ns, is_dry_run)
        store = self._books.store
        trace_ids = await self._ask(lambda: store.traces_between(*span_ns))
        for at in range(0, len(trace_ids), _REPRICED_AT_ONCE):
            some = trace_ids[at : at + _REPRICED_AT_ONCE]
            await self._ask(partial(repricer.step, some))
        return repricer.result()

    async def _ask(
        self, work: Callable[[], _Result], kind: Literal["turn", "question"] = "question"
    ) -> _Result:
        if self._is_closed:
            raise LedgerUnavailableError("the books are closed")
        future: asyncio.Future[_Result] = asyncio.get_running_loop().create_future()
        self._jobs.put(_Job(work, kind, future))
        # The turn is carried on even if its caller has gone.
        return await asyncio.shield(future)

    def _work(self) -> None:
        while True:
            jobs = [self._jobs.get()]
            while len(jobs) < _GROUP_MAX and not self._jobs.empty():
                jobs.append(self._jobs.get())
            group: list[_Job] = []
            for job in jobs:
                if job is None:
                    self._commit(group)
                    return
                if job.kind != "question":
                    group.append(job)
                    continue
                # A question keeps its place in line.
                self._commit(group)
                group = []
                self._answer([(job, *_outcome(job.work))])
            self._commit(group)

    def _commit(self, group: list[_Job]) -> None:
        """Do the turns and asides of a group, in order, the turns in one transaction."""
        books, outcomes = self._books, []
        is_writing = any(job.kind == "turn" for job in group)
        try:
            if is_writing:
                books.store.begin()
            for job in group:
                if job.kind == "aside":
                    outcomes.append((job, *_outcome(job.work)))
                    continue
                books.store.save()
                plan, error = _outcome(job.work)
                if error is None:
                    books.store.keep()
                else:
                    books.store.undo()
                    books.forget()
                outcomes.append((job, plan, error and _as_unavailable(error)))
            if is_writing:
                books.store.commit()
        except Exception as error:  # noqa: BLE001 - every caller has to be answered
            _roll_back(books)
            outcomes = [(job, None, _as_unavailable(error)) for job in group]
        else:
            books.settle(plan for _, plan, error in outcomes if error is None and plan is not None)
        if is_writing:
            self._note([error for job, _, error in outcomes if job.kind == "turn"])
        self._answer(outcomes)

    def _note(self, errors: list[Exception | None]) -> None:
        """Count the turns that failed. A batch that fails by its own fault tells nothing."""
        self.counters.failures += len(errors) - errors.count(None)
        telling = [error for error in errors if not isinstance(error, _TurnFailedError)]
        if telling:
            last = telling[-1]
            self.trouble = Trouble(str(last), time.monotonic()) if last else None
        self.size_bytes = self._books.store.size_bytes()

    def _answer(self, outcomes: list[tuple[_Job, Any, Exception | None]]) -> None:
        waiting = [outcome for outcome in outcomes if outcome[0].future is not None]
        for job, _, error in outcomes:
            if job.future is None and error is not None:
                _LOG.error("the ledger failed on its own: %s", error)
        if waiting and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_resolve, waiting)


def _outcome(work: Callable[[], Any]) -> tuple[Any, Exception | None]:
    try:
        return work(), None
    except Exception as error:  # noqa: BLE001 - handed to the one who asked
        return None, error


def _roll_back(books: Books) -> None:
    books.lose()
    try:
        books.store.rollback()
    except LedgerUnavailableError:
        _LOG.exception("the ledger could not even roll back")


def _as_unavailable(error: Exception) -> LedgerUnavailableError:
    if isinstance(error, LedgerUnavailableError):
        return error
    _LOG.error("a turn of the ledger failed", exc_info=error)
    return _TurnFailedError(f"the ledger failed: {error!r}", delay_s=5.0)


def _resolve(outcomes: list[tuple[_Job, Any, Exception | None]]) -> None:
    for job, result, error in outcomes:
        if job.future is None or job.future.done():
            continue
        if error is None:
            job.future.set_result(result)
        else:
            job.future.set_exception(error)
