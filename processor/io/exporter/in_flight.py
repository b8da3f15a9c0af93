"""The bound on what is in flight to the backends."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from processor.core.errors import OverloadedError

_MIB = 1024 * 1024


class InFlightLimiter:
    """Admits at most `max_bytes` and `max_requests` at a time; refuses the rest at once.

    A single payload larger than `max_bytes` is admitted alone, when nothing else is under way:
    a limit on the sum must not turn into a lower limit on each. Bytes are counted as received;
    what is written on the spans comes on top.
    """

    def __init__(
        self, *, max_bytes: int = 128 * _MIB, max_requests: int = 512, delay_s: float = 1.0
    ) -> None:
        """`delay_s` is how long a refused sender is asked to wait."""
        self.max_bytes = max_bytes
        self.max_requests = max_requests
        self._delay_s = delay_s
        self._empty = asyncio.Event()
        self._empty.set()
        self.bytes_under_way = 0
        self.requests_under_way = 0
        self.refused = 0
        """How many payloads were refused."""

    @contextmanager
    def reserve(self, size: int) -> Iterator[None]:
        """Reserve room for one request of `size` bytes. Raises OverloadedError."""
        if self.requests_under_way and (
            self.bytes_under_way + size > self.max_bytes
            or self.requests_under_way >= self.max_requests
        ):
            self.refused += 1
            raise OverloadedError(self._overload(), self._delay_s)
        self.bytes_under_way += size
        self.requests_under_way += 1
        self._empty.clear()
        try:
            yield
        finally:
            self.bytes_under_way -= size
            self.requests_under_way -= 1
            if not self.requests_under_way:
                self._empty.set()

    async def drain(self, grace_s: float) -> bool:
        """Wait until nothing is under way; False when something still is after `grace_s`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await self._empty.wait()
        return not self.requests_under_way

    def _overload(self) -> str:
        return (
            f"{self.requests_under_way} requests with {self.bytes_under_way} bytes wait for the "
            f"backend; the limits are {self.max_requests} and {self.max_bytes}"
        )
