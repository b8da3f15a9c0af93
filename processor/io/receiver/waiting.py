"""Requests that wait for a place, in the order in which they are served."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from processor.io.receiver.place import Peer, Place


class Waiter(NamedTuple):
    """One request that waits."""

    peer: Peer
    claim_bytes: int
    number: int
    """In the order in which they came."""
    granted: asyncio.Future[Place]


class Waiting:
    """All that wait: first those whose sender has least, and of one sender the first that came."""

    def __init__(self, max_waiting: int, share_of: Callable[[Peer], tuple[int, int]]) -> None:
        """`share_of` says how much a sender has already: its address, and its connection."""
        self._max_waiting = max_waiting
        self._share_of = share_of
        self._queues: dict[Peer, deque[Waiter]] = {}
        self._count = 0
        self._numbers = 0

    def __len__(self) -> int:
        return self._count

    def add(self, peer: Peer, claim_bytes: int) -> tuple[Waiter, Waiter | None]:
        """One more, and who has to leave for it: beyond the limit the last of whoever has most."""
        self._numbers += 1
        granted: asyncio.Future[Place] = asyncio.get_running_loop().create_future()
        waiter = Waiter(peer, claim_bytes, self._numbers, granted)
        self._queues.setdefault(peer, deque()).append(waiter)
        self._count += 1
        if self._count <= self._max_waiting:
            return waiter, None
        last = max(self._queues.values(), key=len)[-1]
        self.discard(last)
        return waiter, last

    def discard(self, waiter: Waiter) -> None:
        """One that waits no longer, or did not wait."""
        queue = self._queues.get(waiter.peer)
        if queue is None or waiter not in queue:
            return
        queue.remove(waiter)
        self._count -= 1
        if not queue:
            del self._queues[waiter.peer]

    def first(self) -> Waiter:
        """The one to be served next, where any waits."""
        return self._queues[min(self._queues, key=self._order)][0]

    def senders(self) -> list[Peer]:
        """Who waits, in the order in which they are served."""
        return sorted(self._queues, key=self._order)

    def _order(self, peer: Peer) -> tuple[int, int, int]:
        return *self._share_of(peer), self._queues[peer][0].number
