"""The HTTP server: /metrics, /health, /live, the API below /api/v1, and /mcp for agents.

Nothing that is asked here changes the ledger.
"""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final, NamedTuple

from aiohttp import web

from processor.core.episodes import Episodes
from processor.core.errors import ForbiddenError
from processor.surfaces.http.api import Api
from processor.surfaces.http.connections import CONNECTIONS_MAX, Connections, library_log
from processor.surfaces.http.hosts import Hosts
from processor.surfaces.queries import Health

_log = logging.getLogger(__name__)

_HEADERS: Final = {"Server": "llm-cost-processor", "Cache-Control": "no-store"}
_IDLE_S: Final = 75.0
_STOP_S: Final = 1.0
_LINE_MAX_BYTES: Final = 32 * 1024
"""Of a request: a question may filter by a hundred names."""

_Answer = Callable[[web.BaseRequest], Awaitable[web.Response]]


class Page(NamedTuple):
    """Something that is served as it is made."""

    content_type: str
    make: Callable[[], Awaitable[bytes]]


class HttpServer:
    """Serves metrics, health and the API, on sockets that listen already."""

    def __init__(
        self,
        sockets: Sequence[socket.socket],
        metrics: Page,
        health: Health,
        api: Api | None = None,
        *,
        hosts: Hosts,
        connections_max: int = CONNECTIONS_MAX,
    ) -> None:
        """Without `api` there is nothing but metrics and health.

        `hosts` are the names under which metrics are given.
        """
        self._sockets = tuple(sockets)
        self._metrics = metrics
        self.health = health
        self.api = api
        self._hosts = hosts
        self._paths: Final[dict[str, _Answer]] = {
            "/metrics": self._show_metrics,
            "/health": self._report,
            "/live": _live,
        }
        self._runner: web.ServerRunner | None = None
        self._connections = Connections(
            self._serve,
            open_max=connections_max,
            access_log=None,
            logger=library_log,
            keepalive_timeout=_IDLE_S,
            # A question is given up when nobody waits for its answer any more.
            handler_cancellation=True,
            max_line_size=_LINE_MAX_BYTES,
            max_field_size=_LINE_MAX_BYTES,
        )
        self._failures = Episodes()

    @property
    def port(self) -> int:
        """The port of the first socket."""
        port: int = self._sockets[0].getsockname()[1]
        return port

    async def start(self) -> None:
        """Answer requests from now on."""
        self._runner = web.ServerRunner(self._connections, shutdown_timeout=_STOP_S)
        await self._runner.setup()
        for each in self._sockets:
            await web.SockSite(self._runner, each).start()

    async def stop(self) -> None:
        """Close all connections and sockets."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        if self.api is not None:
            await self.api.close()
        for each in self._sockets:
            each.close()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        with self._connections.answering(request.protocol):
            if self.api is not None and self.api.has(request.path):
                allowed = partial(self._connections.trust, request.protocol)
                return await self.api.serve(request, allowed)
            return await self._show(request)

    async def _show(self, request: web.BaseRequest) -> web.Response:
        """What is served outside of the API."""
        answer = self._paths.get(request.path)
        if answer is None:
            served = [*self._paths, *([] if self.api is None else self.api.paths)]
            return _text(404, f"there is only {', '.join(served)}")
        if request.method not in {"GET", "HEAD"}:
            return _text(405, "only GET is served here", {"Allow": "GET, HEAD"})
        try:
            return await answer(request)
        except ForbiddenError as error:
            return _text(403, str(error))
        except Exception:  # noqa: BLE001 - whatever it is, a client gets an answer
            # A client that asks every second must not fill the log.
            if self._failures.note(request.path, time.monotonic()):
                _log.exception("%s cannot be answered", request.path)
            return _text(500, "internal error; the processor's log has it")

    async def _show_metrics(self, request: web.BaseRequest) -> web.Response:
        self._hosts.check_scrape(request.headers)
        headers = _HEADERS | {"Content-Type": self._metrics.content_type}
        return web.Response(body=await self._metrics.make(), headers=headers)

    async def _report(self, _request: web.BaseRequest) -> web.Response:
        report = self.health.report()
        body = json.dumps({"status": report.status, "reasons": report.reasons})
        status = 200 if report.is_well else 503
        return web.Response(
            status=status, text=body, content_type="application/json", headers=_HEADERS
        )


async def _live(_request: web.BaseRequest) -> web.Response:
    """Whether it answers at all; restarting it would not help against anything else."""
    return _text(200, "alive")


def _text(status: int, text: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(status=status, text=f"{text}\n", headers=_HEADERS | (headers or {}))
