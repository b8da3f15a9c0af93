"""The outbox as those who send see it: they are on the event loop, the writer is on a thread."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from functools import partial

from processor.core.notices import Taken, Waiting
from processor.io.ledger.outbox_rows import OutboxRows
from processor.io.ledger.writer import WriterThread


class LedgerOutbox:
    """`core.notices.Outbox`: each step shares the commit of the turns that wait with it."""

    def __init__(self, rows: OutboxRows, writer: WriterThread) -> None:
        self._rows, self._writer = rows, writer

    def watch(self, wake: Callable[[], None]) -> None:
        """Call `wake` on the event loop that runs now whenever something new may wait."""
        loop = asyncio.get_running_loop()

        def pass_on() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(wake)

        self._rows.on_added = pass_on

    async def start(self, channels: Collection[str]) -> None:
        """Give up what waits for channels that are not there any more."""
        now_s = int(time.time())
        await self._writer.ask(partial(self._rows.give_up_others, channels, now_s), "turn")

    async def take(self, channel: str, now_s: int, limit: int) -> Taken:
        """What is due by a channel: up to `limit` crossings, or one report."""
        return await self._writer.ask(partial(self._rows.take, channel, now_s, limit), "turn")

    async def sent(self, taken: Sequence[Waiting], now_s: int) -> None:
        """Note that it has been delivered."""
        await self._writer.ask(partial(self._rows.sent, taken, now_s), "turn")

    async def failed(
        self, channel: str, taken: Sequence[Waiting], now_s: int, next_s: int, error: str
    ) -> int:
        """Note that it was not, and when it is tried again; returns how many were given up."""
        work = partial(self._rows.failed, channel, taken, now_s, next_s, error)
        return await self._writer.ask(work, "turn")

    async def add_report(self, channels: Collection[str], period: str, now_s: int) -> None:
        """Write that a report is due, unless it was written before."""
        work = partial(self._rows.add_report, channels, period, now_s)
        await self._writer.ask(work, "turn")
