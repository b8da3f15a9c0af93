"""The HTTP server on a loopback port, over a small ledger."""

from __future__ import annotations

import asyncio
import socket

import aiohttp
import pytest
from unit.surfaces.metrics.conftest import costs as costs  # noqa: PLC0414 - likewise
from unit.surfaces.metrics.conftest import readings as readings  # noqa: PLC0414 - likewise
from unit.surfaces.metrics.conftest import sources as sources  # noqa: PLC0414 - fixtures are found by name
from unit.surfaces.metrics.conftest import states as states  # noqa: PLC0414 - likewise
from unit.surfaces.queries.conftest import ask as ask  # noqa: PLC0414 - likewise
from unit.surfaces.queries.conftest import catalog as catalog  # noqa: PLC0414 - likewise
from unit.surfaces.queries.conftest import given_calls as given_calls  # noqa: PLC0414 - likewise

from processor.core.access import Access, ApiTokens
from processor.surfaces.api import Sources
from processor.surfaces.http import Api, Hosts, HttpServer, Page
from processor.surfaces.metrics import CONTENT_TYPE, Exposition
from processor.surfaces.queries import Health


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as found:
        yield found


@pytest.fixture
async def serve(sources):
    """Serves metrics and health, and an API where one is given."""
    running = []

    async def start(api=None, *, is_loopback=True, allowed_hosts=()):
        server = HttpServer(
            [socket.create_server(("127.0.0.1", 0))],
            Page(CONTENT_TYPE, Exposition(sources).page),
            Health(sources.exporter, sources.ledger, sources.flow, {}),
            api,
            hosts=Hosts(is_loopback=is_loopback, allowed=allowed_hosts),
        )
        await server.start()
        running.append(server)
        return server

    yield start
    await asyncio.gather(*(each.stop() for each in running))


@pytest.fixture
def small(ask, given_calls):
    """Queries over a ledger with a few calls."""
    made = given_calls.charged
    return ask(
        made(1, 10, 5, agent="writer", user="u1", model="gpt-4o", provider="openai"),
        made(2, 20, 7, agent="reader", user="u2", model="gpt-4o", provider="openai", trace=2),
        made(3, 30, 0, user="u2", model="who", provider="openai", unpriced=1, trace=3),
    )


@pytest.fixture
async def client(serve, session, small):
    """Asks the API of a server whose access is given, and gives the answer with its text."""
    servers = {}

    async def get(path, *, method="GET", headers=None, queries=None, is_loopback=True,
                  read=(), admin=(), allowed_hosts=()):  # fmt: skip
        key = is_loopback, read, admin, allowed_hosts, id(queries)
        if key not in servers:
            access = Access(ApiTokens(read=read, admin=admin), is_loopback=is_loopback)
            hosts = Hosts(is_loopback=is_loopback, allowed=allowed_hosts)
            servers[key] = await serve(Api(Sources(queries or small), access, hosts))
        url = f"http://127.0.0.1:{servers[key].port}/api/v1{path}"
        async with session.request(method, url, headers=headers) as response:
            response.body_text = await response.text()
            return response

    return get
