"""Both clients, over the real API of a small ledger, and servers that answer as a test says."""

from __future__ import annotations

import asyncio
import socket
import ssl

import pytest
from unit.surfaces.queries.conftest import ask as ask  # noqa: PLC0414 - fixtures are found by name
from unit.surfaces.queries.conftest import catalog as catalog  # noqa: PLC0414 - likewise
from unit.surfaces.queries.conftest import given_calls as given_calls  # noqa: PLC0414 - likewise

from processor.client import AsyncCostClient, CostClient
from processor.core.access import Access, ApiTokens
from processor.surfaces.api import Sources
from processor.surfaces.http import Api, Hosts, HttpServer, Page


@pytest.fixture(params=[CostClient, AsyncCostClient], ids=["sync", "async"])
def asked(request, monkeypatch):
    """Asks by one of the clients, which the event loop of the test does not wait for."""
    monkeypatch.delenv("LLM_COST_TOKEN", raising=False)

    async def answer(endpoint, *questions, **options):
        """The answers of one client, or of a single question the only one."""
        client = request.param(endpoint, **options)
        found = []
        try:
            for question in questions:
                if request.param is CostClient:
                    found.append(await asyncio.to_thread(question, client))
                else:
                    found.append(await question(client))
        finally:
            if request.param is CostClient:
                client.close()
            else:
                await client.close()
        return found if len(found) > 1 else found[0]

    return answer


@pytest.fixture
def usual(given_calls):
    """Charges of some agents, a cached response among them, and a call of unknown cost."""
    made, day = given_calls.charged, given_calls.DAY_S
    return (
        made(1, 10, 1_000_000_001, agent="writer", user="u1", model="gpt-4o", provider="openai",
             session="s1", task="t1", kind="llm", task_type="draft", purpose="generate",
             status="exact", input_tokens=70, output_tokens=30, cached_tokens=20, cache_hits=1,
             saved_nano_usd=7),
        made(2, 20, 2, agent="reader", user="u1", model="gpt-4o", provider="openai", trace=2),
        made(3, 30, 0, user="u2", model="who", unpriced=1, trace=3, kind="llm"),
        made(4, -day, 4_000_000_000, agent="writer", model="gpt-4o", provider="openai", trace=4,
             own=(("team", "search, ads"),)),
        made(5, 40, 0, agent="writer", model="gpt-4o", provider="openai", trace=4,
             response_cache_hits=1, response_cache_saved_nano_usd=5),
    )  # fmt: skip


@pytest.fixture
async def endpoint(ask):
    """Serves the API of a ledger with these charges, and says where."""
    running = []

    async def start(*charges, policy=None, dimensions=("team",), queries=None, is_loopback=True,
                    checks=None, **tokens):  # fmt: skip
        more = {"dimensions": dimensions} if policy is None else {"policy": policy}
        queries = queries or ask(*charges, **more)
        access, hosts = (
            Access(ApiTokens(**tokens), is_loopback=is_loopback),
            Hosts(is_loopback=True),
        )
        api = Api(Sources(queries, checks=checks), access, hosts)
        page, health = Page("text/plain", bytes), None  # Nobody asks for these here.
        server = HttpServer(
            [socket.create_server(("127.0.0.1", 0))], page, health, api, hosts=hosts
        )
        await server.start()
        running.append(server)
        return f"http://127.0.0.1:{server.port}"

    yield start
    await asyncio.gather(*(each.stop() for each in running))


@pytest.fixture
async def answering():
    """Serves one text for every request, over TLS with a certificate's files; says where.

    Of each answer only `sent` bytes are sent, after which the connection ends; with 0 nothing ever
    comes. `requests` has what came.
    """
    servers, requests = [], []

    async def start(status=200, body=b"{}", headers=(), files=None, *, sent=None):
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers, "", ""]

        async def serve(reader, writer):
            try:
                while True:
                    requests.append(await reader.readuntil(b"\r\n\r\n"))
                    writer.write(("\r\n".join(lines).encode() + body)[:sent])
                    if sent:
                        writer.close()
            except (asyncio.IncompleteReadError, ConnectionError):
                writer.close()

        tls = None
        if files:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(*files)
        servers.append(await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls))
        port = servers[-1].sockets[0].getsockname()[1]
        return f"http{'s' if tls else ''}://127.0.0.1:{port}"

    start.requests = requests
    yield start
    for each in servers:
        each.close()
