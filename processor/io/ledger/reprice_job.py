"""The reprice under way, which outlives its asker and the process.

What is killed goes on from where it was; with other prices from the beginning: a call that has
these prices already stays as it is.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from typing import NamedTuple

from processor.core.errors import LedgerUnavailableError
from processor.core.model import TIME_NS_MAX, AuditEntry, Repricing
from processor.core.money import format_usd
from processor.core.ports import PricesAgain
from processor.core.wording import utc_text
from processor.io.ledger.audit_rows import as_json
from processor.io.ledger.long_job import LongJob
from processor.io.ledger.reprice_sums import RepriceSums
from processor.io.ledger.repricing import Repricer, progress_of
from processor.io.ledger.store import Job
from processor.io.ledger.working_set import WorkingSet

_LOG = logging.getLogger(__name__)


class _Parameters(NamedTuple):
    """What a reprice is to do, as the row has it."""

    start_ns: int
    end_ns: int
    now_ns: int
    last: int
    price_version: str
    audit: int = 0
    """Its line in the audit."""


class RepriceJob(LongJob[Repricer, Repricing]):
    """At most one reprice that is kept; the thread that writes owns it."""

    kind = "reprice"
    what = "the reprice"

    def __init__(self, working_set: WorkingSet) -> None:
        super().__init__(working_set)
        self._is_left = False
        """The last process has not finished one, and there are no prices for it yet."""
        self._prices: PricesAgain | None = None
        """Those of the reprice under way."""

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
            self.progress = progress_of(job.position, _read(job).last, calls)

    def resume(self, prices: PricesAgain) -> None:
        """Go on with one that is left by the last process, if there is one."""
        if self._is_left:
            self._prices, self._is_left = prices, False
            with suppress(LedgerUnavailableError):  # It is tried again between turns.
                self._under_way()

    def begin(
        self, prices: PricesAgain, span_ns: tuple[int, int], now_ns: int, actor: str = ""
    ) -> Future[Repricing]:
        """Begin one, or join one of the same prices that covers it; returns its result to be.

        One that is left by the last process goes on at these prices. Raises OverloadedError beside
        another one, which goes on.
        """
        self.resume(prices)
        under_way = self._under_way()
        if under_way is None:
            self._begin(prices, span_ns, now_ns, actor)
        elif under_way.prices.version != prices.version or not _covers(under_way.span_ns, span_ns):
            raise self.refusal()
        return self._result

    def _begin(
        self, prices: PricesAgain, span_ns: tuple[int, int], now_ns: int, actor: str
    ) -> None:
        last = self._working_set.store.last_trace()
        repricer = Repricer(self._working_set, prices, span_ns, now_ns, last)
        until = f" until {utc_text(span_ns[1])}" if span_ns[1] < TIME_NS_MAX else ""
        subject, after = f"calls from {utc_text(span_ns[0])}{until}", {"prices": prices.version}
        line = AuditEntry(now_ns, actor, self.kind, subject, as_json({}), as_json(after))
        self._prices = prices
        self._begin_with(repricer, line)
        _LOG.info("a reprice begins, with prices %s", prices.version)
        self._note(repricer)

    def _under_way(self) -> Repricer | None:
        """The reprice under way, as its row has it where it is not in memory."""
        if self._steps is None and self._prices is not None:
            job = self._unfinished()
            if job is None:  # Its last step was committed, or its first one was not.
                self._prices, self.progress, self._id = None, None, 0
            else:
                self._take_up(job, self._prices)
        return self._steps

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
        self._id, self._audit = job.id, parameters.audit
        if prices.version != parameters.price_version:
            # At once: calls that come with these prices must not seem to have those before.
            self._commit(repricer)
        self._steps = repricer
        self._note(repricer)

    def _row_of(self, steps: Repricer) -> Job:
        parameters = _Parameters(
            *steps.span_ns, steps.now_ns, steps.last, steps.prices.version, self._audit
        )
        return Job(
            self.kind,
            json.dumps(parameters._asdict()),
            steps.position,
            steps.sums.to_json(),
            steps.is_done,
            self._id,
        )

    def _outcome(self, steps: Repricer) -> tuple[Mapping[str, str], Mapping[str, str]]:
        result = steps.result()
        after = {
            "prices": steps.prices.version,
            "calls": str(result.calls),
            "usd": format_usd(result.after_nano_usd),
        }
        return {"usd": format_usd(result.before_nano_usd)}, after

    def _end(self, steps: Repricer) -> None:
        result = steps.result()
        _LOG.info(
            "the reprice is done: %d calls have changed, from USD %s to USD %s",
            result.calls,
            format_usd(result.before_nano_usd),
            format_usd(result.after_nano_usd),
        )
        self._prices = None
        self._ended(result)


def _read(job: Job) -> _Parameters:
    return _Parameters(**json.loads(job.parameters))


def _covers(outer: tuple[int, int], inner: tuple[int, int]) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]
