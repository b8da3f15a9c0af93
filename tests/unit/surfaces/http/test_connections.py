"""Which connection is closed where too many are open."""

from __future__ import annotations

import asyncio
import socket

import pytest

from processor.core.access import Access, ApiTokens
from processor.surfaces.api import Sources
from processor.surfaces.http import Api, Hosts
from processor.surfaces.http.connections import Connections

TOKEN = "reader-token-of-some-length"


class Transport(asyncio.Transport):
    """A transport that knows its peer, and whether it was closed."""

    def __init__(self, address):
        super().__init__({"peername": (address, 1)})
        self.is_closed = False

    def abort(self):
        self.is_closed = True

    def is_closing(self):
        return self.is_closed


class Handler:
    """Of a connection that no request has come over."""

    _task_handler = None


class Opened:
    """Connections that a test has opened."""

    def __init__(self):
        async def nothing(_request):
            """Nobody asks anything here."""

        self.connections = Connections(nothing)

    def open(self, address, *, may_ask=False):
        handler, transport = Handler(), Transport(address)
        self.connections.connection_made(handler, transport)
        if may_ask:
            self.connections.trust(handler)
        transport.handler = handler
        return transport


def closed(transports):
    return [number for number, each in enumerate(transports) if each.is_closed]


@pytest.fixture
async def opened():
    return Opened()


async def test_strangers_close_each_other_and_nobody_who_may_ask(opened):
    """Guarantees: however many connections strangers open, those with a token stay."""
    friends = [opened.open(f"10.0.0.{number}", may_ask=True) for number in range(20)]
    strangers = [opened.open(f"10.1.0.{number}") for number in range(200)]
    assert closed(friends) == []
    assert closed(strangers) == list(range(156))


async def test_one_address_has_half_of_all_and_closes_only_its_own(opened):
    others = [opened.open(f"10.0.0.{number}") for number in range(32)]
    greedy = [opened.open("10.1.0.1") for _ in range(100)]
    assert closed(others) == []
    assert closed(greedy) == list(range(68))


async def test_idle_ones_are_closed_before_busy_ones(opened):
    found = [opened.open(f"10.0.0.{number}") for number in range(64)]
    with opened.connections.answering(found[0].handler):
        opened.open("10.1.0.1")
        assert closed(found) == [1]
    opened.open("10.1.0.2")
    assert closed(found) == [0, 1]


async def test_a_new_one_comes_in_where_all_are_of_those_who_may_ask(opened):
    """Guarantees: a probe, which shows no token, is answered all the same."""
    friends = [opened.open(f"10.0.0.{number}", may_ask=True) for number in range(64)]
    probe = opened.open("10.1.0.1")
    assert (closed(friends), probe.is_closed) == ([0], False)


async def test_a_closed_connection_is_forgotten(opened):
    """Guarantees: a request that was under way when its connection was closed leaves nothing."""
    found = [opened.open("10.0.0.1") for _ in range(32)]
    with opened.connections.answering(found[0].handler):
        for each in found[1:]:
            opened.connections.connection_lost(each.handler)
        for _ in range(32):
            opened.open("10.0.0.1", may_ask=True)
    assert closed(found) == [0]
    with opened.connections.answering(found[0].handler):
        opened.connections.trust(found[0].handler)


async def test_a_token_that_was_shown_keeps_the_connection(serve, session, small):
    """Guarantees: over a real server, strangers at the same address push out one another."""
    access = Access(ApiTokens(read=[TOKEN]), is_loopback=True)
    server = await serve(Api(Sources(small), access, Hosts(is_loopback=True)))
    url = f"http://127.0.0.1:{server.port}/api/v1/status"
    kept, refused = await connect(server), await connect(server)
    assert b"200" in await ask(*kept, TOKEN)
    assert b"401" in await ask(*refused, "another-token-of-some-length")
    strangers = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(80)]
    assert b"200" in await ask(*kept, TOKEN)
    assert await ask(*refused, TOKEN) == b""
    async with session.get(url, headers={"Authorization": f"Bearer {TOKEN}"}) as response:
        assert response.status == 200
    for each in (*strangers, kept[1], refused[1]):
        each.close()


async def connect(server):
    return await asyncio.open_connection("127.0.0.1", server.port)


async def ask(reader, writer, token):
    """The first line of an answer; empty where the connection was closed instead."""
    head = f"GET /api/v1/openapi.json HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}"
    try:
        writer.write(f"{head}\r\n\r\n".encode())
        line = await reader.readline()
        lines = await reader.readuntil(b"\r\n\r\n") if line else b""
        [length] = [
            each for each in lines.split(b"\r\n") if each.startswith(b"Content-Length")
        ] or [b":0"]
        await reader.readexactly(int(length.partition(b":")[2]))
    except ConnectionError:
        return b""
    return line
