"""Connections of the HTTP server: how many are open."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

from aiohttp import web

library_log: Final = logging.getLogger(f"{__name__}.aiohttp")
library_log.disabled = True  # It would write a traceback for every malformed request.

_CONNECTIONS_MAX: Final = 64


class Connections(web.Server):
    """Bounds how many connections are open: for one beyond that, the oldest is closed.

    So a client that holds all of them cannot keep a probe from an answer.
    """

    def __init__(self, *arguments: Any, **settings: Any) -> None:  # noqa: ANN401 - as aiohttp has it
        super().__init__(*arguments, **settings)
        self._open: dict[web.RequestHandler, asyncio.Transport] = {}

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        """Remember an open connection, and close the oldest one beyond the limit."""
        super().connection_made(handler, transport)
        self._open[handler] = transport
        if len(self._open) > _CONNECTIONS_MAX:
            self._open.pop(next(iter(self._open))).abort()

    def connection_lost(
        self, handler: web.RequestHandler, exc: BaseException | None = None
    ) -> None:
        """Forget a connection that is closed."""
        super().connection_lost(handler, exc)
        self._open.pop(handler, None)
