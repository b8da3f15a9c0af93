"""Places for requests under way, shared out fairly among those who send.

Every request takes a place before its body is read. While the body arrives the place is at risk:
where others wait, or memory is short, the request with the least progress loses it. Once the body
is there, the request keeps its place to its end.

Who waits for a place is served in the order of what it has already: first by address, then by
connection, so that neither a flood from one address nor one connection behind a proxy, where all
have one address, keeps others out. Memory is taken before it is used, within the one limit.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

from processor.core.errors import OverloadedError, SlowSenderError
from processor.core.memory import MemoryLimit

_SETTLED_S: Final = 1.0
"""How long a request may arrive without anybody asking how it gets on."""
_LOOK_AGAIN_S: Final = 0.25
"""How often somebody who waits looks for a request that has stalled meanwhile."""
_WAITING_MAX: Final = 1024
"""Requests that may wait for a place, where there is memory for them."""
_WAITING_BYTES: Final = 64 * 1024
"""What may have come of the body of one that waits, in the buffers of its connection."""
_WORKING_MAX: Final = 32
"""Requests that are worked on until they are charged. More of them at once would not be done
sooner, but would make others wait behind them, whoever they are from."""
_WORKING_BYTES: Final = 2 * 1024 * 1024
"""What they may hold before another one is let in: about 50 ms of work. All that is ready to be
worked on is done in one turn of the event loop, in which gRPC accepts a single request."""
_RESERVE: Final = 8
"""One part in so many, of places and of memory, is kept for connections with little under way."""
_LITTLE: Final = 2
"""Requests of one connection."""
_PATIENCE_S: Final = 5.0
_SLOWEST: Final = 1024
"""Bytes a second that a body has to come with on average, once `_PATIENCE_S` have passed."""


class Peer(NamedTuple):
    """Who sends a request."""

    address: str
    connection: str
    """The address with its port, or whatever else distinguishes connections."""


class Place:
    """The place of one request under way."""

    def __init__(self, places: Places, peer: Peer, now_s: float) -> None:
        self.peer = peer
        self.began_s = now_s
        self.received_bytes = 0
        """Of its body, as they came."""
        self.holding = places.memory.open()
        self.reason = ""
        """Why it was ended; ``""`` while it was not."""
        self.deadline: asyncio.Timeout | None = None
        """Ends the reading of its body; set by whoever reads."""
        self._places = places

    def rate(self, now_s: float) -> float:
        """Bytes a second so far; infinite for one that has only begun."""
        age_s = now_s - self.began_s
        return self.received_bytes / age_s if age_s >= _SETTLED_S else float("inf")

    def receive(self, size_bytes: int) -> None:
        """Note that so much of the body has come. Raises SlowSenderError for one that crawls."""
        self.received_bytes += size_bytes
        now_s = self._places.now_s()
        if now_s - self.began_s >= _PATIENCE_S and self.rate(now_s) < _SLOWEST:
            raise SlowSenderError(f"the request body came with less than {_SLOWEST} bytes a second")

    def hold(self, size_bytes: int) -> None:
        """Hold at least so much. Raises MemoryFullError."""
        more_bytes = size_bytes - self.holding.size_bytes
        if more_bytes > 0:
            self.holding.grow(more_bytes)

    def end(self, reason: str) -> None:
        """End a request that is still arriving; what it holds counts as given back."""
        self.reason = reason
        self.holding.close()
        if self.deadline is not None:
            self.deadline.reschedule(asyncio.get_running_loop().time())

    def begin_work(self, size_bytes: int) -> None:
        """The body is there, and working on it takes so much. Raises MemoryFullError."""
        self.holding.set(min(self.holding.size_bytes, size_bytes))
        self.holding.grow(size_bytes - self.holding.size_bytes)
        self._places.settle(self)

    def close(self) -> None:
        """Give the place and the memory back; again is allowed."""
        self._places.leave(self)


class _Waiter(NamedTuple):
    peer: Peer
    claim_bytes: int
    number: int
    granted: asyncio.Future[Place]


class Places:
    """All places; used in the event loop only."""

    def __init__(
        self,
        memory: MemoryLimit,
        *,
        max_requests: int,
        max_arriving: int,
        wait_s: float = 2.0,
        now_s: Callable[[], float] | None = None,
    ) -> None:
        """`wait_s` is the longest wait for a place, before a request is refused for now.

        At most half of the memory is for claims of what has not arrived.
        """
        self.memory = memory
        memory.when_full = self._end_slowest
        self._max_requests = max_requests
        self._max_arriving = max_arriving
        self._wait_s = wait_s
        self.now_s = now_s or (lambda: asyncio.get_running_loop().time())
        self._taken: set[Place] = set()
        self._arriving: set[Place] = set()
        self._working: set[Place] = set()
        self._max_waiting = min(_WAITING_MAX, memory.limit_bytes // _RESERVE // _WAITING_BYTES)
        self._by_address: Counter[str] = Counter()
        self._by_connection: Counter[str] = Counter()
        self._queues: dict[Peer, deque[_Waiter]] = {}
        self._waiting = 0
        self._numbers = 0

    def __len__(self) -> int:
        return len(self._taken)

    async def enter(self, peer: Peer, claim_bytes: int) -> Place:
        """A place that holds `claim_bytes`. Raises OverloadedError when none becomes free."""
        if not self._waiting and self._has_place(peer, claim_bytes):
            return self._take(peer, claim_bytes)
        waiter = self._queue(peer, claim_bytes)
        try:
            async with asyncio.timeout(self._wait_s):
                while not waiter.granted.done():
                    self._make_way(peer)
                    self._grant()
                    await asyncio.wait([waiter.granted], timeout=_LOOK_AGAIN_S)
            return waiter.granted.result()
        except TimeoutError:
            if waiter.granted.done():
                return waiter.granted.result()
            raise OverloadedError(self._overload()) from None
        except BaseException:
            if waiter.granted.done() and not waiter.granted.exception():
                waiter.granted.result().close()
            raise
        finally:
            self._forget(waiter)

    def settle(self, place: Place) -> None:
        """A body has arrived: what was at risk is no longer."""
        self._arriving.discard(place)
        self._working.add(place)
        place.holding.settled = partial(self._finish_work, place)
        self._grant()

    def _finish_work(self, place: Place) -> None:
        """A request is charged, and waits for a backend."""
        self._working.discard(place)
        self._grant()

    def leave(self, place: Place) -> None:
        """Take a place back."""
        place.holding.close()
        if place not in self._taken:
            return
        self._taken.discard(place)
        self._arriving.discard(place)
        self._working.discard(place)
        for counts, key in self._counts(place.peer):
            counts[key] -= 1
            if not counts[key]:
                del counts[key]
        self._grant()

    def _counts(self, peer: Peer) -> tuple[tuple[Counter[str], str], ...]:
        return (self._by_address, peer.address), (self._by_connection, peer.connection)

    def _share(self, peer: Peer) -> tuple[int, int]:
        """What somebody has already; the less, the sooner it is served."""
        return self._by_address[peer.address], self._by_connection[peer.connection]

    def _has_place(self, peer: Peer, claim_bytes: int) -> bool:
        memory, taken = self.memory, len(self._taken)
        if not taken:
            return True
        claimed = sum(place.holding.size_bytes for place in self._arriving)
        if claimed and claimed + claim_bytes > memory.limit_bytes // 2:
            return False
        has_little = self._by_connection[peer.connection] < _LITTLE
        places, limit_bytes = self._max_requests, memory.limit_bytes
        if not has_little:
            places, limit_bytes = places - places // _RESERVE, limit_bytes - limit_bytes // _RESERVE
        return (
            taken < places
            and len(self._arriving) < self._max_arriving
            and len(self._working) < _WORKING_MAX
            and sum(place.holding.size_bytes for place in self._working) < _WORKING_BYTES
            and memory.used_bytes + claim_bytes <= limit_bytes
        )

    def _take(self, peer: Peer, claim_bytes: int) -> Place:
        place = Place(self, peer, self.now_s())
        place.holding.set(claim_bytes)
        self._taken.add(place)
        self._arriving.add(place)
        for counts, key in self._counts(peer):
            counts[key] += 1
        return place

    def _queue(self, peer: Peer, claim_bytes: int) -> _Waiter:
        """Wait for a place; beyond the limit the last of whoever waits most often is refused."""
        self._numbers += 1
        granted: asyncio.Future[Place] = asyncio.get_running_loop().create_future()
        waiter = _Waiter(peer, claim_bytes, self._numbers, granted)
        self._queues.setdefault(peer, deque()).append(waiter)
        self._waiting += 1
        if self._waiting > max(self._max_waiting, 1):
            longest = max(self._queues.values(), key=len)
            last = longest[-1]
            self._forget(last)
            last.granted.set_exception(OverloadedError(self._overload()))
        return waiter

    def _forget(self, waiter: _Waiter) -> None:
        queue = self._queues.get(waiter.peer)
        if queue is None or waiter not in queue:
            return
        queue.remove(waiter)
        self._waiting -= 1
        if not queue:
            del self._queues[waiter.peer]

    def _grant(self) -> None:
        """Give free places to those who wait, first to those who have least."""
        while self._queues:
            peer = min(self._queues, key=lambda each: (*self._share(each), self._first(each)))
            waiter = self._queues[peer][0]
            if not self._has_place(peer, waiter.claim_bytes):
                return
            self._forget(waiter)
            if not waiter.granted.done():
                waiter.granted.set_result(self._take(peer, waiter.claim_bytes))

    def _first(self, peer: Peer) -> int:
        return self._queues[peer][0].number

    def _make_way(self, peer: Peer) -> None:
        """End the slowest request that has stalled, or whose sender has more of them by two."""
        now_s, mine = self.now_s(), self._share(peer)

        def is_at_risk(place: Place) -> bool:
            theirs = self._share(place.peer)
            level = 0 if place.peer.address != peer.address else 1
            ahead = theirs[level] - mine[level]
            return ahead > 1 or (ahead > 0 and now_s - place.began_s >= _SETTLED_S)

        at_risk = [place for place in self._arriving if not place.reason and is_at_risk(place)]
        if at_risk:
            slowest = min(at_risk, key=lambda place: (place.rate(now_s), place.began_s))
            slowest.end("its place was needed for others")

    def _end_slowest(self, size_bytes: int) -> None:
        """End requests that are arriving, the slowest first, until so much has been given back."""
        now_s = self.now_s()
        at_risk = [place for place in self._arriving if not place.reason]
        if sum(place.holding.size_bytes for place in at_risk) < size_bytes:
            return
        for place in sorted(at_risk, key=lambda place: (place.rate(now_s), place.began_s)):
            if size_bytes <= 0:
                return
            size_bytes -= place.holding.size_bytes
            place.end("memory was needed for others")

    def _overload(self) -> str:
        used, limit = (each >> 20 for each in (self.memory.used_bytes, self.memory.limit_bytes))
        return (
            f"{len(self._taken)} requests are under way and hold {used} MiB; the limits are "
            f"{self._max_requests} and {limit} MiB"
        )
