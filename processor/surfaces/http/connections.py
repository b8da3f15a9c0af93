"""Connections of the HTTP server: how many are open, in all and from one address."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from aiohttp import web

library_log: Final = logging.getLogger(f"{__name__}.aiohttp")
library_log.disabled = True  # It would write a traceback for every malformed request.

CONNECTIONS_MAX: Final = 64
"""Where nothing else is set."""


class _Connection:
    """An open connection, and what is known of it."""

    def __init__(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        self.handler = handler
        self.transport = transport
        peer = transport.get_extra_info("peername")
        self.address = peer[0] if peer else ""
        self.may_ask = False
        """Whether a question that came over it was allowed."""
        self.under_way = 0

    @property
    def worth(self) -> tuple[bool, bool]:
        """The least one is closed first: of strangers before others, idle before busy."""
        return self.may_ask, self.under_way > 0


class Connections(web.Server):
    """Bounds how many connections are open: for one beyond that, another one is closed.

    So a client that holds all of them cannot keep a probe from an answer, and strangers close no
    connection of those who may ask while there is one of their own.
    """

    def __init__(self, *arguments: Any, open_max: int = CONNECTIONS_MAX, **settings: Any) -> None:  # noqa: ANN401 - as aiohttp has it
        """One address may have half of `open_max`, so that there is room for everybody else."""
        super().__init__(*arguments, **settings)
        self._open_max = open_max
        self._of_one_address_max = max(open_max // 2, 1)
        self._open: dict[web.RequestHandler, _Connection] = {}

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        """Remember an open connection, and close another one beyond a limit."""
        super().connection_made(handler, transport)
        made = _Connection(handler, transport)
        others = list(self._open.values())
        beside = [each for each in others if each.address == made.address]
        if len(beside) >= self._of_one_address_max:
            self._close_one(beside)
        elif len(others) >= self._open_max:
            self._close_one(others)
        self._open[handler] = made

    def connection_lost(
        self, handler: web.RequestHandler, exc: BaseException | None = None
    ) -> None:
        """Forget a connection that is closed."""
        super().connection_lost(handler, exc)
        self._open.pop(handler, None)

    @contextmanager
    def answering(self, handler: web.RequestHandler) -> Iterator[None]:
        """While a request is answered, its connection is not idle."""
        connection = self._open.get(handler)
        if connection is None:
            yield
            return
        connection.under_way += 1
        try:
            yield
        finally:
            connection.under_way -= 1

    def trust(self, handler: web.RequestHandler) -> None:
        """Note that a question over a connection was allowed."""
        if connection := self._open.get(handler):
            connection.may_ask = True

    def _close_one(self, among: Iterable[_Connection]) -> None:
        """Close the one of least worth; of several the oldest, which comes first."""
        closed = min(among, key=lambda each: each.worth)
        del self._open[closed.handler]
        closed.transport.abort()
