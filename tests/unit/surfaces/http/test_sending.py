"""Large answers to clients that read slowly, or not at all."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from aiohttp import web

from processor.core.errors import OverloadedError
from processor.surfaces.http.connections import Connections
from processor.surfaces.http.sending import Sending

MIB = 1024 * 1024
SIZE = 32 * MIB
"""More than the buffers of a connection take."""


class Served:
    """A server that gives one large answer to everybody."""

    def __init__(self, sending):
        self.sending = sending
        self.refused = 0
        self.opened = []

    async def answer(self, request):
        try:
            return await self.sending.send(request, web.Response(body=bytes(SIZE)))
        except OverloadedError:
            self.refused += 1
            return web.Response(status=503)

    async def ask(self):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1024)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        self.opened.append(writer)
        return reader


@pytest.fixture
async def serve():
    runners, servers = [], []

    async def start(**settings):
        served = Served(Sending(**settings))
        runner = web.ServerRunner(Connections(served.answer, handler_cancellation=True))
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        served.port = runner.addresses[0][1]
        runners.append(runner)
        servers.append(served)
        return served

    yield start
    for each in servers:
        for writer in each.opened:
            writer.close()
    for each in runners:
        await each.cleanup()


async def eventually(is_so):
    """Waits until something is so, for twenty seconds at most."""
    for _ in range(2000):
        if is_so():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it never was so")


async def test_an_answer_arrives_whole(serve):
    served = await serve(limit_bytes=3 * SIZE)
    readers = [await served.ask() for _ in range(3)]
    for body in await asyncio.gather(*(reader.read() for reader in readers)):
        assert body.startswith(b"HTTP/1.1 200")
        assert body.partition(b"\r\n\r\n")[2] == bytes(SIZE)


async def test_answers_that_nobody_reads_are_bounded(serve):
    """Guarantees: slow readers take no more memory than the limit, and give it back."""
    served = await serve(limit_bytes=2 * SIZE)
    slow = [await served.ask() for _ in range(6)]
    await eventually(lambda: served.refused == 4)
    for reader in slow:
        with suppress(ConnectionError):
            await reader.read()
    assert (await (await served.ask()).read()).startswith(b"HTTP/1.1 200")
    assert served.refused == 4


async def test_a_client_that_does_not_read_in_time_is_cut_off(serve):
    served = await serve(limit_bytes=SIZE, within_s=0.2)
    reader = await served.ask()
    await eventually(lambda: served.sending._sent_bytes > 0)
    await eventually(lambda: served.sending._sent_bytes == 0)
    body = b""
    with suppress(ConnectionError):
        body = await reader.read()
    assert len(body) < SIZE


async def test_who_leaves_while_it_is_sent_holds_nothing(serve):
    served = await serve(limit_bytes=SIZE)
    await served.ask()
    await eventually(lambda: served.sending._sent_bytes > 0)
    served.opened[0].transport.abort()
    await eventually(lambda: served.sending._sent_bytes == 0)
