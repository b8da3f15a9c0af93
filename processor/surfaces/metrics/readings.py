"""What metrics show of the ledger: read when somebody scrapes, and not more often than is cheap."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Final, Generic, NamedTuple, TypeVar

from processor.core.budgets import Policy
from processor.core.errors import ProcessorError, StoppingError
from processor.surfaces.metrics.budget_metrics import CrossingTotals
from processor.surfaces.metrics.declaration import Sample, counter, gauge
from processor.surfaces.metrics.spend_metrics import render_spend
from processor.surfaces.queries import CostQueries
from processor.surfaces.queries.answers import BudgetState

_log = logging.getLogger(__name__)

_WAITED_S: Final = 0.5
"""How long a scrape waits for what it reads; what takes longer is in the next one."""
_PAUSE_FACTOR: Final = 50
"""How many times as long as it took nothing is read again: a reader is busy 2 % of the time."""
_BUDGET_IDS: Final = 10
"""Of each budget, those that have spent most: limits may differ, so that one of them is nearest."""
_READ_S: Final = gauge(
    "costs_last_success_timestamp_seconds",
    "When what was spent, or how budgets stand, was read from the ledger last. What is older than "
    "a minute, or five for budgets, is not shown any more.",
    "what",
)
_FAILED: Final = counter(
    "costs_failed_reads", "Times that this could not be read from the ledger.", "what"
)
METRICS: Final = (_READ_S, _FAILED)

T = TypeVar("T")


class Reading(Generic[T]):
    """Something that is read again once somebody asks and it is old enough."""

    def __init__(
        self,
        what: str,
        read: Callable[[], Awaitable[T]],
        *,
        pause_s: float,
        stale_s: float,
    ) -> None:
        self.what = what
        self.failures = 0
        self.read_s = 0.0
        """When it was read last, in seconds since 1970; 0 before."""
        self._read = read
        self._pause_s, self._stale_s = pause_s, stale_s
        self._value: T | None = None
        self._task: asyncio.Task[None] | None = None
        self._next_s = self._good_until_s = 0.0
        self._has_failed = False

    @property
    def value(self) -> T | None:
        """What was read last; None before, and once it is too old to be shown."""
        return self._value if time.monotonic() < self._good_until_s else None

    def renew(self) -> asyncio.Task[None] | None:
        """Begin to read it again where that is due; what is under way, or None."""
        if self._task is None and time.monotonic() >= self._next_s:
            self._task = asyncio.create_task(self._renew())
        return self._task

    async def _renew(self) -> None:
        begun_s = time.monotonic()
        try:
            self._value = await self._read()
            self._has_failed = False
            self.read_s, self._good_until_s = time.time(), begun_s + self._stale_s
        except StoppingError:
            pass  # What was read last is shown until the process ends.
        except Exception as error:  # noqa: BLE001 - a scrape shows all else
            self.failures += 1
            if not self._has_failed:
                is_bug = not isinstance(error, ProcessorError)
                _log.warning("metrics lack %s: %s", self.what, error, exc_info=is_bug)
            self._has_failed = True
        finally:
            took_s = time.monotonic() - begun_s
            self._next_s = begun_s + took_s + max(self._pause_s, _PAUSE_FACTOR * took_s)
            self._task = None


class Standings(NamedTuple):
    """How budgets stand."""

    policy: Policy
    states: tuple[BudgetState, ...]
    now_s: int


class CostReadings:
    """What was spent, and how budgets stand, as the ledger has it."""

    def __init__(
        self, costs: CostQueries, policy: Callable[[], Policy], *, is_shown: bool = True
    ) -> None:
        """Unless `is_shown` nothing is read, so that there is nothing to show."""
        self._costs, self._policy, self._is_shown = costs, policy, is_shown
        self.crossings = CrossingTotals()
        self.spend: Reading[bytes] = Reading("spend", self._text, pause_s=1.0, stale_s=60.0)
        """As text: that is made beside the event loop, since a thousand combinations take 25 ms."""
        self.budgets: Reading[Standings] = Reading(
            "budgets", self._standings, pause_s=5.0, stale_s=300.0
        )

    async def renew(self) -> None:
        """Read again what is due, and wait for it a little. Raises nothing."""
        if not self._is_shown:
            return
        under_way = [each for each in (self.spend.renew(), self.budgets.renew()) if each]
        if under_way:
            await asyncio.wait(under_way, timeout=_WAITED_S)

    def samples(self) -> Iterator[Sample]:
        """How old what is shown is, and how often it could not be read."""
        for each in (self.spend, self.budgets) if self._is_shown else ():
            yield _READ_S(each.read_s, each.what)
            yield _FAILED(each.failures, each.what)

    async def _text(self) -> bytes:
        return await asyncio.to_thread(render_spend, await self._costs.spend())

    async def _standings(self) -> Standings:
        policy, now_s = self._policy(), int(time.time())
        report = await self._costs.budgets(ids=_BUDGET_IDS)
        self.crossings.add(await self._costs.crossing_counts(self.crossings.last))
        self.crossings.forget_before(
            (each.name, each.crossed_from_s(now_s)) for each in policy.budgets
        )
        return Standings(policy, tuple(report.states), now_s)
