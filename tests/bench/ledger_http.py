"""The benchmark's questions once more, over HTTP: what the way to the answer adds."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Self

import aiohttp
from aiohttp import web
from ledger_calls import END_S, START_S
from ledger_population import Population

from processor.core.access import Access, ApiTokens
from processor.surfaces.api import PREFIX, Sources
from processor.surfaces.http import Api, Hosts
from processor.surfaces.queries import CostQueries


class OverHttp:
    """Serves the API of some queries on a loopback port, and asks it."""

    def __init__(self, queries: CostQueries, population: Population) -> None:
        access = Access(ApiTokens(), is_loopback=True)
        self._api = Api(Sources(queries), access, Hosts(is_loopback=True))
        self._population = population
        self._tags: dict[str, str] = {}
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._base = f"http://127.0.0.1:{self._socket.getsockname()[1]}{PREFIX}"

    async def start(self) -> Self:
        """Serve from now on."""
        self._runner = web.ServerRunner(web.Server(self._api.serve, access_log=None))
        await self._runner.setup()
        await web.SockSite(self._runner, self._socket).start()
        self._session = aiohttp.ClientSession()
        return self

    async def close(self) -> None:
        """Serve no more."""
        await self._session.close()
        await self._runner.cleanup()

    def questions(self, trace_id: str) -> Mapping[str, Callable[[], Awaitable[bytes]]]:
        """Some of the questions, by name; each reads the whole answer."""
        user = self._population.users[0].id
        month = f"starting_at={_written(START_S)}&ending_at={_written(END_S)}"
        asked = {
            "month by agent": f"/costs?{month}&group_by=agent",
            "month by agent and day": f"/costs?{month}&group_by=agent&bucket=1d",
            "month by agent and day as CSV": f"/costs?{month}&group_by=agent&bucket=1d&format=csv",
            "month by agent and model, of a service": (
                f"/costs?{month}&group_by=agent&group_by=model&filter[service]=support-desk"
                "&limit=100"
            ),
            "month of a user by model": f"/costs?{month}&group_by=model&filter[user]={user}",
            "newest calls": "/calls",
            "newest traces": "/traces",
            "a trace": f"/traces/{trace_id}",
            "an execution": f"/executions/{trace_id}",
            "budgets": "/budgets",
            "dimensions of the month": f"/dimensions?{month}",
            "prices of the month": f"/prices?{month}",
        }
        found: dict[str, Callable[[], Awaitable[bytes]]]
        found = {f"over HTTP: {name}": partial(self._ask, path) for name, path in asked.items()}
        found["over HTTP: month by agent, known already"] = partial(
            self._ask_again, asked["month by agent"]
        )
        return found

    async def _ask(self, path: str) -> bytes:
        async with self._session.get(self._base + path) as response:
            response.raise_for_status()
            return await response.read()

    async def _ask_again(self, path: str) -> bytes:
        """Ask for an answer that is there already; where it is another one, it is sent."""
        known = {"If-None-Match": self._tags.get(path, "")} if path in self._tags else {}
        async with self._session.get(self._base + path, headers=known) as response:
            response.raise_for_status()
            self._tags[path] = response.headers["ETag"]
            return await response.read()


def _written(time_s: int) -> str:
    return f"{datetime.fromtimestamp(time_s, UTC):%Y-%m-%dT%H:%M:%SZ}"
