"""The reprice under way, which outlives its asker and the process.

It is a row of ``jobs``. A step is a transaction that also moves the position in that row, so that
what is killed goes on from there. With other prices it goes on from the beginning: a call that has
these prices already stays as it is.
"""

from __future__ import annotations

import json
import logging
import time
from concurrent.futures import Future
from contextlib import suppress
from typing import Final, NamedTuple

from processor.core.errors import LedgerUnavailableError, OverloadedError
from processor.core.model import RepriceProgress, Repricing
from processor.core.money import format_usd
from processor.core.ports import PricesAgain
from processor.io.ledger.reprice_sums import RepriceSums
from processor.io.ledger.repricing import Repricer
from processor.io.ledger.store import Job
from processor.io.ledger.working_set import WorkingSet

_LOG = logging.getLogger(__name__)
_KIND: Final = "reprice"
_LOGGED_S: Final = 10.0
RETRY_DELAY_S: Final = 5.0
"""When to ask again beside another reprice."""


class _Parameters(NamedTuple):
    """What a reprice is to do, as the row has it."""

    start_ns: int
    end_ns: int
    now_ns: int
    last: int
    price_version: str


class RepriceJob:
    """At most one reprice that is kept; the thread that writes owns it."""

    def __init__(self, working_set: WorkingSet) -> None:
        self._working_set = working_set
        self._is_left = False
        """The last process has not finished one, and there are no prices for it yet."""
        self._prices: PricesAgain | None = None
        """Those of the reprice under way."""
        self._repricer: Repricer | None = None
        self._id = 0
        self._result: Future[Repricing] = Future()
        self._logged_s = 0.0
        self.progress: RepriceProgress | None = None
        """How far it has come; None without one. May be read from any thread."""

    @property
    def has_work(self) -> bool:
        """Whether there is a reprice under way."""
        return self._prices is not None

    def load(self) -> None:
        """Find one that the last process has not finished; it goes on with `resume`."""
        job = self._unfinished()
        if job is not None:
            self._is_left = True
            calls = RepriceSums.from_json(job.progress).calls
            self.progress = RepriceProgress(job.position, _read(job).last - job.position, calls)

    def resume(self, prices: PricesAgain) -> None:
        """Go on with one that is left by the last process, if there is one."""
        if self._is_left:
            self._prices, self._is_left = prices, False
            with suppress(LedgerUnavailableError):  # It is tried again between turns.
                self._under_way()

    def begin(
        self, prices: PricesAgain, span_ns: tuple[int, int], now_ns: int
    ) -> Future[Repricing]:
        """Begin one, or join one of the same prices that covers it; returns its result to be.

        One that is left by the last process goes on at these prices. Raises OverloadedError beside
        another one, which goes on.
        """
        self.resume(prices)
        under_way = self._under_way()
        if under_way is None:
            self._begin(prices, span_ns, now_ns)
        elif under_way.prices.version != prices.version or not _covers(under_way.span_ns, span_ns):
            left = under_way.progress.traces_left
            message = f"another reprice is under way, with {left} traces left"
            raise OverloadedError(message, RETRY_DELAY_S)
        return self._result

    def _begin(self, prices: PricesAgain, span_ns: tuple[int, int], now_ns: int) -> None:
        last = self._working_set.store.last_trace()
        repricer = Repricer(self._working_set, prices, span_ns, now_ns, last)
        self._id = self._commit(repricer)
        self._prices, self._repricer = prices, repricer
        _LOG.info("a reprice begins, with prices %s", prices.version)
        self._note(repricer)

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
        message = "the ledger is closed; the reprice goes on when it is open again"
        self._result.set_exception(LedgerUnavailableError(message))
        self._result = Future()

    def _step(self) -> None:
        repricer, store = self._under_way(), self._working_set.store
        if repricer is None:
            return
        store.begin()
        try:
            repricer.step()
            self._write(repricer)
            store.commit()
        except BaseException:
            self._working_set.discard_touched()
            # What is in memory may be ahead of what was committed.
            self._repricer = None
            store.rollback()
            raise
        self._working_set.committed(())
        self._note(repricer)
        if repricer.is_done:
            self._end(repricer.result())

    def _unfinished(self) -> Job | None:
        return next(iter(self._working_set.store.unfinished_jobs(_KIND)), None)

    def _under_way(self) -> Repricer | None:
        """The reprice under way, as its row has it where it is not in memory."""
        if self._repricer is None and self._prices is not None:
            job = self._unfinished()
            if job is None:  # Its last step was committed, though that had seemed to fail.
                self._prices, self.progress, self._id = None, None, 0
            else:
                self._take_up(job, self._prices)
        return self._repricer

    def _take_up(self, job: Job, prices: PricesAgain) -> None:
        """Go on where a row says, or from the beginning where it is of other prices."""
        parameters = _read(job)
        span_ns = parameters.start_ns, parameters.end_ns
        repricer = Repricer(
            self._working_set, prices, span_ns, parameters.now_ns, parameters.last, job.position,
            RepriceSums.from_json(job.progress),
        )  # fmt: skip
        if prices.version != parameters.price_version:
            # What came since then may have had the prices before these.
            repricer.last = self._working_set.store.last_trace()
            repricer.position, repricer.sums = 0, RepriceSums()
            _LOG.warning(
                "an unfinished reprice begins again, with prices %s, where it was with %s",
                prices.version,
                parameters.price_version,
            )
        else:
            _LOG.info("an unfinished reprice goes on, with prices %s", prices.version)
        self._id = job.id
        if prices.version != parameters.price_version:
            # At once: calls that come with these prices must not seem to have those before.
            self._commit(repricer)
        self._repricer = repricer
        self._note(repricer)

    def _commit(self, repricer: Repricer) -> int:
        """Keep how far it has come, in a transaction of its own; returns the id of the row."""
        store = self._working_set.store
        store.begin()
        try:
            job_id = self._write(repricer)
            store.commit()
        except BaseException:
            store.rollback()
            raise
        return job_id

    def _write(self, repricer: Repricer) -> int:
        """Keep how far it has come; the caller commits."""
        parameters = _Parameters(
            *repricer.span_ns, repricer.now_ns, repricer.last, repricer.prices.version
        )
        return self._working_set.store.put_job(
            Job(
                _KIND,
                json.dumps(parameters._asdict()),
                repricer.position,
                repricer.sums.to_json(),
                repricer.is_done,
                self._id,
            )
        )

    def _note(self, repricer: Repricer) -> None:
        """Note how far it has come, and now and then log it."""
        self.progress = progress = repricer.progress
        if time.monotonic() - self._logged_s >= _LOGGED_S:
            self._logged_s = time.monotonic()
            _LOG.info(
                "reprice: %d of %d traces are done, %d calls have changed",
                progress.traces_done,
                progress.traces_done + progress.traces_left,
                progress.calls,
            )

    def _end(self, result: Repricing) -> None:
        _LOG.info(
            "the reprice is done: %d calls have changed, from USD %s to USD %s",
            result.calls,
            format_usd(result.before_nano_usd),
            format_usd(result.after_nano_usd),
        )
        self._prices = self._repricer = self.progress = None
        waiting, self._id, self._logged_s = self._result, 0, 0.0
        self._result = Future()
        waiting.set_result(result)


def _read(job: Job) -> _Parameters:
    return _Parameters(**json.loads(job.parameters))


def _covers(outer: tuple[int, int], inner: tuple[int, int]) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]
