"""One limit in bytes for everything under way: arriving, inflated, read, waiting, going out.

Whoever makes bytes for a request takes their size here *before* they are made, and gives it back
when they are gone, so what is counted is what requests hold, and a request that finds no room is
refused before anything has changed. The limit only counts: it holds no bytes and reads no clock.
Bytes that several exporters share are counted once, by the request that they belong to.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from processor.core.counters import MemoryHeld
from processor.core.errors import MemoryFullError, TooLargeError

_MIB = 1024 * 1024
_ALONE: Final = 1.5
"""What a request may take while it is the only one, as a share of the limit, where its size in
memory is known before it is made."""
REQUEST_BYTES: Final = 32 * 1024
"""What a request takes beside its payload: its tasks, its call, its part of connections."""
SPAN_BYTES: Final = 800
"""What a span takes in columns, however small it was; measured: 525 for an empty one, 801 for a
call with a single attribute."""
JSON_FACTOR: Final = 26
"""How many times its size a JSON body takes while it is converted, itself included."""


class MemoryLimit:
    """What all requests may hold together; used in the event loop only."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.used_bytes = 0
        self.refused = 0
        """How often something found no room."""
        self.when_full: Callable[[int], None] | None = None
        """Asked to give so many bytes back before anything is refused: the receiver ends the
        slowest requests that are still arriving."""

    @property
    def held(self) -> MemoryHeld:
        """What is held now, and may be."""
        return MemoryHeld(self.used_bytes, self.limit_bytes)

    def open(self, size_bytes: int = 0) -> Holding:
        """Begin to hold `size_bytes`, for a `with` block. Raises MemoryFullError."""
        holding = Holding(self)
        holding.grow(size_bytes)
        return holding

    def ensure_available(self, more_bytes: int, held_bytes: int = 0) -> bool:
        """Whether one that holds `held_bytes` may hold so much more, after `when_full` if need be.

        A request that is larger than the whole limit is admitted while it is the only one: a
        limit on the sum must not turn into a lower limit on each.
        """
        if self._fits(more_bytes, held_bytes):
            return True
        if self.when_full is not None:
            self.when_full(self.used_bytes + more_bytes - self.limit_bytes)
        return self._fits(more_bytes, held_bytes)

    def _fits(self, more_bytes: int, held_bytes: int) -> bool:
        return self.used_bytes + more_bytes <= self.limit_bytes or self.used_bytes == held_bytes


class Holding:
    """What one request, or one step of it, holds. Leaving its `with` block gives it back."""

    __slots__ = ("_is_closed", "_limit", "on_work_finished", "size_bytes")

    def __init__(self, limit: MemoryLimit) -> None:
        self._limit = limit
        self._is_closed = False
        self.size_bytes = 0
        """What it holds now."""
        self.on_work_finished: Callable[[], None] | None = None
        """Called once its request only waits for others, so that the next one may be worked on."""

    def grow(self, more_bytes: int) -> None:
        """Hold so much more. Raises MemoryFullError, and then holds what it held before."""
        limit = self._limit
        # What is freed may be the very request that asks.
        if not limit.ensure_available(more_bytes, self.size_bytes) or self._is_closed:
            limit.refused += 1
            used_mib, limit_mib = limit.used_bytes // _MIB, limit.limit_bytes // _MIB
            raise MemoryFullError(
                f"requests under way hold {used_mib} MiB of memory; the limit is {limit_mib} MiB"
            )
        self.set(self.size_bytes + more_bytes)

    def require(self, size_bytes: int) -> None:
        """Hold at least so much before it is made.

        Raises MemoryFullError, and TooLargeError for what is too much even for a request alone.
        """
        if size_bytes > self._limit.limit_bytes * _ALONE:
            raise TooLargeError(
                f"the request takes {size_bytes // _MIB} MiB of memory while it is read, and all "
                f"requests have {self._limit.limit_bytes // _MIB} MiB (memory_limiter.limit_mib)"
            )
        if size_bytes > self.size_bytes:
            self.grow(size_bytes - self.size_bytes)

    def set(self, size_bytes: int) -> None:
        """Hold exactly so much from now on, without asking.

        For what shrinks, and for what a request that must not be refused any more needs.
        """
        if self._is_closed:
            return
        self._limit.used_bytes += size_bytes - self.size_bytes
        self.size_bytes = size_bytes

    def finish_work(self, size_bytes: int) -> None:
        """Hold exactly so much from now on: all work is done, and others have to answer."""
        self.set(size_bytes)
        if self.on_work_finished is not None:
            self.on_work_finished()

    def close(self) -> None:
        """Give everything back, for good; again is allowed."""
        self.set(0)
        self._is_closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
