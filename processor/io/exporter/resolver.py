"""The addresses of a name, for connections over HTTP: each is the first one in its turn."""

from __future__ import annotations

import socket

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver


class RotatingResolver(AbstractResolver):
    """The system's resolver, which gives the addresses of a name in the same order each time."""

    def __init__(self) -> None:
        self._system = ThreadedResolver()
        self._turn = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of `host`, beginning with another one each time. Raises OSError."""
        found = await self._system.resolve(host, port, family)
        first = self._turn % max(len(found), 1)
        self._turn += 1
        return found[first:] + found[:first]

    async def close(self) -> None:
        """Nothing is kept."""
