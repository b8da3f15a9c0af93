"""The place of one request under way: what it holds, and how its body gets on."""

from __future__ import annotations

import asyncio
from typing import Final, NamedTuple, Protocol

from processor.core.errors import OverloadedError, SlowSenderError
from processor.core.memory import Holding

UNDISTURBED_S: Final = 1.0
"""How long a request may arrive without anybody asking how it gets on."""
_PATIENCE_S: Final = 5.0
_SLOWEST: Final = 1024
"""Bytes a second that a body has to come with on average, once `_PATIENCE_S` have passed."""


class Peer(NamedTuple):
    """Who sends a request."""

    address: str
    connection: str
    """The address with its port, or whatever else distinguishes connections."""


class Owner(Protocol):
    """Who gives places out, and has to know what becomes of them."""

    def now_s(self) -> float:
        """The time of the event loop."""

    def finish_arriving(self, place: Place) -> None:
        """The body of its request is there."""

    def begin_work(self, place: Place) -> None:
        """The payload of its request is ready to be worked on."""

    def leave(self, place: Place) -> None:
        """Its request is over."""


class Place:
    """The place of one request under way."""

    def __init__(self, owner: Owner, peer: Peer, holding: Holding) -> None:
        self.peer = peer
        self.began_s = owner.now_s()
        self.received_bytes: int | None = 0
        """Of its body, as they came; None where that is not known before all of it is there."""
        self.holding = holding
        self.reason = ""
        """Why it was ended; ``""`` while it was not."""
        self.deadline: asyncio.Timeout | None = None
        """Ends the reading of its body; set by whoever reads."""
        self._owner = owner

    def rate(self, now_s: float) -> float:
        """Bytes a second so far; infinite while there is nothing to judge by.

        A body whose progress is not known has `_PATIENCE_S`, and counts as stalled from then on.
        """
        age_s = now_s - self.began_s
        if self.received_bytes is None:
            return 0.0 if age_s >= _PATIENCE_S else float("inf")
        return self.received_bytes / age_s if age_s >= UNDISTURBED_S else float("inf")

    def receive(self, size_bytes: int) -> None:
        """Note that so much of the body has come. Raises SlowSenderError for one that crawls."""
        self.received_bytes = (self.received_bytes or 0) + size_bytes
        now_s = self._owner.now_s()
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
        # One whose time is over already cannot be given another; it is about to end by itself.
        if self.deadline is not None and not self.deadline.expired():
            self.deadline.reschedule(asyncio.get_running_loop().time())

    def ensure_kept(self) -> None:
        """Raises OverloadedError for a place that was ended."""
        if not self.reason:
            return
        if self.received_bytes is None:
            raise OverloadedError(f"{self.reason} before the request body had arrived")
        raise OverloadedError(
            f"{self.reason} after {self.received_bytes} bytes of the request body"
        )

    def finish_arriving(self, size_bytes: int) -> None:
        """The body is there and has this size: from now on the place cannot be ended for others.

        Raises OverloadedError for one that was ended before.
        """
        self.ensure_kept()
        self.holding.set(size_bytes)
        self._owner.finish_arriving(self)

    def begin_work(self, size_bytes: int) -> None:
        """The payload is there, and working on it takes so much. Raises MemoryFullError."""
        self.holding.set(min(self.holding.size_bytes, size_bytes))
        self.holding.grow(size_bytes - self.holding.size_bytes)
        self._owner.begin_work(self)

    def close(self) -> None:
        """Give the place and the memory back; again is allowed."""
        self._owner.leave(self)
