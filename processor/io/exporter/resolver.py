"""The addresses of a name, for connections over HTTP: each is the first one in its turn."""

from __future__ import annotations

import socket
from collections import Counter

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver


class RotatingResolver(AbstractResolver):
    """The addresses of a name, beginning with another one each time, as the system does not."""

    def __init__(self) -> None:
        self._system = ThreadedResolver()
        self._turns: Counter[str] = Counter()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of `host`, beginning with another one each time. Raises OSError."""
        found = await self._system.resolve(host, port, family)
        first = self._turns[host] % max(len(found), 1)
        self._turns[host] += 1
        return found[first:] + found[:first]

    async def close(self) -> None:
        """Nothing is kept."""
