"""What is new in the ledger, for all who listen, a few times in a second.

It is read from the ledger, from what is committed. So nothing is done while nobody listens, and who
comes back says where it has left off, also after a restart.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import AsyncGenerator
from typing import Final, NamedTuple

from processor.core.episodes import Episodes
from processor.core.errors import OverloadedError
from processor.surfaces.api.documents import GapEvent
from processor.surfaces.api.documents.events import events_of
from processor.surfaces.queries import CostQueries, Known, News, Position

_log = logging.getLogger(__name__)

INTERVAL_S: Final = 0.25
"""How often the ledger is looked at, which takes 0.1 ms where nothing is new."""
_LISTENERS_MAX: Final = 32
_WAITING_MAX: Final = 64
"""Events that a slow listener may have waiting; then it misses some, and a gap says so."""
_ID: Final = re.compile(r"([0-9]{1,18})\.([0-9]{1,18})")


class Event(NamedTuple):
    """Something new."""

    name: str
    """``calls``, ``crossings``, ``totals``, or ``gap`` where something is in no event."""
    data: str
    """JSON in one line."""
    id: str = ""
    """Where it leads to: who comes back with it goes on from there. ``""`` for none."""


class _Listener:
    """One who listens: its events that wait, and whether it has missed some."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[Event] = asyncio.Queue(_WAITING_MAX)
        self.has_missed = False

    def give(self, events: list[Event]) -> None:
        if self.events.qsize() + len(events) > _WAITING_MAX:
            self.has_missed = True
            return
        for event in events:
            self.events.put_nowait(event)

    async def next(self) -> Event:
        if self.has_missed and self.events.empty():
            self.has_missed = False
            return _missed("this listener was slower than what came")
        return await self.events.get()


class Feed:
    """Reads what is new while somebody listens, once for all of them."""

    def __init__(self, costs: CostQueries, interval_s: float = INTERVAL_S) -> None:
        self._costs = costs
        self._interval_s = interval_s
        self._listeners = set[_Listener]()
        self._known = Known(None)
        self._task: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._failures = Episodes()

    async def listen(self, last_id: str = "") -> AsyncGenerator[Event, None]:
        """Events from now on, and what came since the event `last_id`, as far as there is room.

        The first one without `last_id` has the totals of now. Raises OverloadedError beside too
        many other listeners, and what `CostQueries` raises, both before the first event.
        """
        if len(self._listeners) >= _LISTENERS_MAX:
            raise OverloadedError(f"{_LISTENERS_MAX} others listen already", INTERVAL_S)
        listener = _Listener()
        known = Known(_position_of(last_id))
        # What it is given begins before what it reads itself, so that nothing falls between both.
        self._listeners.add(listener)
        try:
            await self._start()
            # Before the first event, so that an error comes instead of one.
            news = await self._costs.news(known)
            if last_id and known.position is None:
                yield _missed("the last event is none of this ledger")
            if news is not None:
                for event in await asyncio.to_thread(_written, news, known.position):
                    yield event
            while True:
                yield await listener.next()
        finally:
            self._listeners.discard(listener)
            if not self._listeners and self._task is not None:
                self._task.cancel()
                self._task = None

    async def _start(self) -> None:
        """Look at the ledger from now on, if nobody does yet."""
        async with self._starting:
            if self._task is None:
                self._known = Known(None)
                await self._look()
                self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._interval_s)
            try:
                await self._look()
            except Exception:  # noqa: BLE001 - listeners stay while the ledger is not to be read
                if self._failures.note("feed", time.monotonic()):
                    _log.warning("what is new cannot be read", exc_info=True)

    async def _look(self) -> None:
        """Give listeners what is new; at the first time nothing is."""
        before = self._known.position
        news = await self._costs.news(self._known)
        if news is None:
            return
        if before is not None:
            events = await asyncio.to_thread(_written, news, before)
            for listener in self._listeners:
                listener.give(events)
        self._known = Known(news.position, news.as_of.version, news.day_s)


def _written(news: News, before: Position | None) -> list[Event]:
    """The events of an answer; after all but the last one there is still something to come."""
    begun = Position(news.position.call, (before or news.position).crossing)
    ids = {"gap": "", "calls": _id_of(begun)}
    return [
        Event(name, document.model_dump_json(), ids.get(name, _id_of(news.position)))
        for name, document in events_of(news)
    ]


def _missed(detail: str) -> Event:
    return Event("gap", GapEvent(detail=detail).model_dump_json())


def _id_of(position: Position) -> str:
    return f"{position.call}.{position.crossing}"


def _position_of(last_id: str) -> Position | None:
    found = _ID.fullmatch(last_id)
    return Position(int(found[1]), int(found[2])) if found else None
