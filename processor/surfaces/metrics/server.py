"""The HTTP server for /metrics, /health and /live. It only reads."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from aiohttp import web

from processor.core.episodes import Episodes
from processor.surfaces.metrics.exposition import CONTENT_TYPE, Exposition
from processor.surfaces.queries import Health

_log = logging.getLogger(__name__)
_library_log = logging.getLogger(f"{__name__}.aiohttp")
_library_log.disabled = True  # It would write a traceback for every malformed request.

_HEADERS: Final = {"Server": "llm-cost-processor", "Cache-Control": "no-store"}
_CONNECTIONS_MAX: Final = 64
_IDLE_S: Final = 75.0
_STOP_S: Final = 1.0


class TelemetryServer:
    """Serves metrics and health, on sockets that listen already."""

    def __init__(
        self, sockets: Sequence[socket.socket], exposition: Exposition, health: Health
    ) -> None:
        self._sockets = tuple(sockets)
        self._exposition = exposition
        self.health = health
        self._paths: Final[dict[str, Callable[[], web.Response]]] = {
            "/metrics": self._metrics,
            "/health": self._report,
            "/live": _live,
        }
        self._runner: web.ServerRunner | None = None
        self._failures = Episodes()

    @property
    def port(self) -> int:
        """The port of the first socket."""
        port: int = self._sockets[0].getsockname()[1]
        return port

    async def start(self) -> None:
        """Answer requests from now on."""
        server = _Server(
            self._serve, access_log=None, logger=_library_log, keepalive_timeout=_IDLE_S
        )
        self._runner = web.ServerRunner(server, shutdown_timeout=_STOP_S)
        await self._runner.setup()
        for each in self._sockets:
            await web.SockSite(self._runner, each).start()

    async def stop(self) -> None:
        """Close all connections and sockets."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        for each in self._sockets:
            each.close()

    async def _serve(self, request: web.BaseRequest) -> web.Response:
        answer = self._paths.get(request.path)
        if answer is None:
            return _text(404, f"there is only {', '.join(self._paths)}")
        if request.method not in {"GET", "HEAD"}:
            return _text(405, "only GET is served here", {"Allow": "GET, HEAD"})
        try:
            return answer()
        except Exception:  # noqa: BLE001 - whatever it is, a client gets an answer
            # A client that asks every second must not fill the log.
            if self._failures.note(request.path, time.monotonic()):
                _log.exception("%s cannot be answered", request.path)
            return _text(500, "internal error; the processor's log has it")

    def _metrics(self) -> web.Response:
        body = self._exposition.render()
        return web.Response(body=body, headers=_HEADERS | {"Content-Type": CONTENT_TYPE})

    def _report(self) -> web.Response:
        report = self.health.report()
        body = json.dumps({"status": report.status, "reasons": report.reasons})
        status = 200 if report.is_well else 503
        return web.Response(
            status=status, text=body, content_type="application/json", headers=_HEADERS
        )


class _Server(web.Server):
    """Bounds how many connections are open: for one beyond that, the oldest is closed.

    So a client that holds all of them cannot keep a probe from an answer.
    """

    def __init__(self, *arguments: Any, **settings: Any) -> None:  # noqa: ANN401 - as aiohttp has it
        super().__init__(*arguments, **settings)
        self._open: dict[web.RequestHandler, asyncio.Transport] = {}

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        self._open[handler] = transport
        if len(self._open) > _CONNECTIONS_MAX:
            self._open.pop(next(iter(self._open))).abort()

    def connection_lost(
        self, handler: web.RequestHandler, exc: BaseException | None = None
    ) -> None:
        super().connection_lost(handler, exc)
        self._open.pop(handler, None)


def _live() -> web.Response:
    """Whether it answers at all; restarting it would not help against anything else."""
    return _text(200, "alive")


def _text(status: int, text: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(status=status, text=f"{text}\n", headers=_HEADERS | (headers or {}))
