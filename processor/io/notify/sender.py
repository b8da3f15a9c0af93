"""Takes what waits in the outbox and has it sent, one task for each channel.

A channel that is slow or away holds no other one up, and nothing of it waits in memory: what is due
is taken from the outbox, sent, and noted there before anything else of the channel is. So a process
that is killed repeats at most the one message of each channel that was under way.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from processor.core.budgets import Policy
from processor.core.counters import ChannelState
from processor.core.errors import LedgerUnavailableError, ProcessorError
from processor.core.notices import Notice, Outbox, Rules, Taken, Waiting, crossings_notice
from processor.core.wording import counted
from processor.io.notify.backoff import LEAST_S, delay_s
from processor.io.notify.channel import Channel, SendError

_LOG = logging.getLogger(__name__)
_WAIT_MAX_S: Final = 3600.0
_GRACE_S: Final = 5.0
"""How long a message under way may take once the program is asked to stop."""


MakeReport = Callable[[str, int], Awaitable[Notice]]
"""Makes the report of a period, by its name and when it was due. Raises ProcessorError."""


class Clock(NamedTuple):
    """Time of day, and chance for the pauses; tests have their own."""

    now_s: Callable[[], float] = time.time
    chance: Callable[[], float] = random.random


class Senders:
    """All channels, sending until they are closed."""

    def __init__(
        self,
        outbox: Outbox,
        channels: Sequence[Channel],
        policy: Callable[[], Policy],
        report: MakeReport,
        clock: Clock | None = None,
    ) -> None:
        """`policy` gives the budgets in force, by which crossings are worded."""
        self._outbox = outbox
        common = outbox, policy, report, clock or Clock()
        self._senders = [_Sender(each, *common, ChannelState(each.name)) for each in channels]
        self._tasks: list[asyncio.Task[None]] = []

    def states(self) -> Sequence[ChannelState]:
        """What has become of notifications by each channel."""
        return [each.state for each in self._senders]

    async def start(self) -> None:
        """Begin with what waits. Raises LedgerUnavailableError."""
        self._outbox.watch(self._wake)
        await self._outbox.start([each.channel.name for each in self._senders])
        self._tasks = [asyncio.create_task(each.run()) for each in self._senders]

    def _wake(self) -> None:
        for each in self._senders:
            each.has_news.set()

    async def close(self) -> None:
        """End; a message under way is finished if that takes a few seconds only."""
        for each in self._senders:
            each.stop()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=_GRACE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        for each in self._senders:
            await each.channel.close()


@dataclass(slots=True)
class _Sender:
    """One channel."""

    channel: Channel
    outbox: Outbox
    policy: Callable[[], Policy]
    report: MakeReport
    clock: Clock
    state: ChannelState
    has_news: asyncio.Event = field(default_factory=asyncio.Event)
    _is_stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _failures: int = 0
    """Attempts that failed one after the other."""

    def stop(self) -> None:
        """Take nothing more."""
        self._is_stopping.set()
        self.has_news.set()

    async def run(self) -> None:
        """Send what is due until asked to stop."""
        while not self._is_stopping.is_set():
            self.has_news.clear()
            try:
                pause_s = await self._step()
            except LedgerUnavailableError as error:
                if not self._is_stopping.is_set():
                    _LOG.warning("notifications by %s wait: %s", self.channel.name, error)
                pause_s = LEAST_S
            except Exception:  # noqa: BLE001 - a bug there must not end the channel
                _LOG.exception("notifications by %s wait", self.channel.name)
                pause_s = LEAST_S
            if pause_s:
                await self._rest(pause_s)

    async def _step(self) -> float:
        """Send one message, if one is due; returns how long to rest, below 0 for until news."""
        name, now_s = self.channel.name, int(self.clock.now_s())
        taken = await self.outbox.take(name, now_s, self.channel.folded_max)
        self.state = self.state._replace(waiting=taken.waiting)
        if not taken.notifications:
            return self._until_due(taken)
        try:
            await self.channel.send(await self._notice(taken.notifications, now_s))
        except SendError as error:
            return await self._failed(taken.notifications, error)
        await self._sent(taken.notifications)
        return self.channel.interval_s

    def _until_due(self, taken: Taken) -> float:
        if taken.next_s is None:
            return -_WAIT_MAX_S
        return -min(max(taken.next_s - self.clock.now_s(), 0.1), _WAIT_MAX_S)

    async def _notice(self, taken: Sequence[Waiting], now_s: int) -> Notice:
        first = taken[0]
        if first.report:
            try:
                return await self.report(first.report, first.written_s)
            except ProcessorError as error:
                raise SendError(f"the report could not be made: {error}") from error
        crossings = [each.crossing for each in taken if each.crossing is not None]
        return crossings_notice(crossings, Rules(self.policy()), first.written_s, now_s)

    async def _sent(self, taken: Sequence[Waiting]) -> None:
        """Note a delivery, however long that takes: else it would be made again."""
        while True:
            try:
                await self.outbox.sent(taken, int(self.clock.now_s()))
                break
            except LedgerUnavailableError as error:
                if self._is_stopping.is_set():
                    raise
                _LOG.warning("that %s has delivered is noted later: %s", self.channel.name, error)
                await self._rest(LEAST_S)
        state = self.state
        self.state = state._replace(sent=state.sent + len(taken), failure="")
        if self._failures:
            _LOG.info("notifications by %s arrive again", self.channel.name)
        self._failures = 0

    async def _failed(self, taken: Sequence[Waiting], error: SendError) -> float:
        self._failures += 1
        self.state = self.state._replace(failures=self.state.failures + 1, failure=str(error))
        asked_s, is_gone, chance = error.retry_after_s, error.is_gone, self.clock.chance
        attempts = max(each.attempts for each in taken) + 1
        now_s = self.clock.now_s()
        next_s = now_s + delay_s(attempts, chance, asked_s=asked_s, is_gone=is_gone)
        if self._failures == 1:
            _LOG.warning("a notification by %s is tried again: %s", self.channel.name, error)
        given_up = await self.outbox.failed(
            self.channel.name, taken, int(now_s), math.ceil(next_s), str(error)
        )
        if given_up:
            self.state = self.state._replace(given_up=self.state.given_up + given_up)
            what = counted(given_up, "notification")
            _LOG.error("%s by %s given up after a day: %s", what, self.channel.name, error)
        return delay_s(self._failures, chance, asked_s=asked_s, is_gone=is_gone)

    async def _rest(self, pause_s: float) -> None:
        """Wait: below 0 only until there is news, else all of it, unless asked to stop."""
        event = self.has_news if pause_s < 0 else self._is_stopping
        with suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), abs(pause_s))
