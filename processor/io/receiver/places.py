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
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Final

from processor.core.errors import OverloadedError
from processor.core.memory import MemoryLimit
from processor.io.receiver.place import UNDISTURBED_S, Peer, Place
from processor.io.receiver.waiting import Waiter, Waiting

_LOOK_AGAIN_S: Final = 0.25
"""How often, while anybody waits, requests are looked for that have stalled meanwhile."""
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
        self._now_s = now_s
        self._taken: set[Place] = set()
        self._arriving: set[Place] = set()
        self._working: set[Place] = set()
        self._by_address: Counter[str] = Counter()
        self._by_connection: Counter[str] = Counter()
        max_waiting = min(_WAITING_MAX, memory.limit_bytes // _RESERVE // _WAITING_BYTES)
        self._waiting = Waiting(max(max_waiting, 1), self._share)
        self._is_looking = False

    def __len__(self) -> int:
        return len(self._taken)

    def now_s(self) -> float:
        """The time of the event loop, or of the clock that was given."""
        return self._now_s() if self._now_s else asyncio.get_running_loop().time()

    async def enter(self, peer: Peer, claim_bytes: int) -> Place:
        """A place that holds `claim_bytes`. Raises OverloadedError when none becomes free."""
        if not self._waiting and self._has_place(peer, claim_bytes):
            return self._take(peer, claim_bytes)
        waiter = self._wait(peer, claim_bytes)
        try:
            async with asyncio.timeout(self._wait_s):
                await asyncio.wait([waiter.granted])
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
            self._waiting.discard(waiter)

    def finish_arriving(self, place: Place) -> None:
        """A body is there: what was at risk is no longer."""
        self._arriving.discard(place)
        self._grant()

    def begin_work(self, place: Place) -> None:
        """A payload is ready to be worked on, until it is charged."""
        self._arriving.discard(place)
        self._working.add(place)
        place.holding.on_work_finished = partial(self._finish_work, place)
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

    def _is_full(self) -> bool:
        """Whether nobody gets a place now, whoever it is."""
        return bool(self._taken) and (
            len(self._taken) >= self._max_requests
            or len(self._arriving) >= self._max_arriving
            or len(self._working) >= _WORKING_MAX
            or sum(place.holding.size_bytes for place in self._working) >= _WORKING_BYTES
        )

    def _has_place(self, peer: Peer, claim_bytes: int) -> bool:
        memory, taken = self.memory, len(self._taken)
        if not taken:
            return True
        if self._is_full():
            return False
        claimed = sum(place.holding.size_bytes for place in self._arriving)
        if claimed and claimed + claim_bytes > memory.limit_bytes // 2:
            return False
        places, limit_bytes = self._max_requests, memory.limit_bytes
        if self._by_connection[peer.connection] >= _LITTLE:
            places, limit_bytes = places - places // _RESERVE, limit_bytes - limit_bytes // _RESERVE
        return taken < places and memory.used_bytes + claim_bytes <= limit_bytes

    def _take(self, peer: Peer, claim_bytes: int) -> Place:
        place = Place(self, peer, self.memory.open())
        place.holding.set(claim_bytes)
        self._taken.add(place)
        self._arriving.add(place)
        for counts, key in self._counts(peer):
            counts[key] += 1
        return place

    def _wait(self, peer: Peer, claim_bytes: int) -> Waiter:
        """Wait for a place, for which a request that has stalled is ended at once."""
        waiter, refused = self._waiting.add(peer, claim_bytes)
        if refused is not None:
            refused.granted.set_exception(OverloadedError(self._overload()))
        self._make_way(peer)
        self._grant()
        if not self._is_looking:
            self._is_looking = True
            asyncio.get_running_loop().call_later(_LOOK_AGAIN_S, self._look_again)
        return waiter

    def _look_again(self) -> None:
        """Make way for all who wait, up to the first for whom nobody has to.

        What is freed goes to that one first, so others would have nothing of it.
        """
        self._is_looking = bool(self._waiting)
        if not self._is_looking:
            return
        for peer in self._waiting.senders():
            if not self._make_way(peer):
                break
        self._grant()
        asyncio.get_running_loop().call_later(_LOOK_AGAIN_S, self._look_again)

    def _grant(self) -> None:
        """Give free places to those who wait, first to those who have least."""
        while self._waiting and not self._is_full():
            waiter = self._waiting.first()
            if not self._has_place(waiter.peer, waiter.claim_bytes):
                return
            self._waiting.discard(waiter)
            if not waiter.granted.done():
                waiter.granted.set_result(self._take(waiter.peer, waiter.claim_bytes))

    def _make_way(self, peer: Peer) -> bool:
        """End the slowest request that has stalled, or whose sender has more of them by two."""
        now_s, mine = self.now_s(), self._share(peer)

        def is_at_risk(place: Place) -> bool:
            theirs = self._share(place.peer)
            level = 0 if place.peer.address != peer.address else 1
            ahead = theirs[level] - mine[level]
            return ahead > 1 or (ahead > 0 and now_s - place.began_s >= UNDISTURBED_S)

        at_risk = [place for place in self._arriving if not place.reason and is_at_risk(place)]
        if at_risk:
            slowest = min(at_risk, key=lambda place: (place.rate(now_s), place.began_s))
            slowest.end("its place was needed for others")
        return bool(at_risk)

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
