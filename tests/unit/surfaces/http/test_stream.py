"""Server-sent events: their form, heartbeats, and what a stream costs others."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import suppress

import pytest
from aiohttp import ClientError, web

from processor.core.access import Access, ApiTokens
from processor.core.errors import LedgerUnavailableError
from processor.surfaces.api import Sources
from processor.surfaces.http import Api, Hosts, stream


@pytest.fixture
async def url(serve, small):
    server = await serve(
        Api(Sources(small), Access(ApiTokens(), is_loopback=True), Hosts(is_loopback=True))
    )
    return f"http://127.0.0.1:{server.port}/api/v1/stream"


async def read_until(response, text):
    found = b""
    while text not in found:
        found += await asyncio.wait_for(response.content.readany(), 10)
    return found.decode()


async def test_events_have_a_name_an_id_and_data_in_one_line(url, session):
    async with session.get(url) as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/event-stream"
        assert response.headers["Cache-Control"] == "no-store"
        text = await read_until(response, b"event: totals")
        while not text.endswith("\n\n"):
            text += (await response.content.readany()).decode()
    retry, event = text.rstrip("\n").split("\n\n")
    assert retry == "retry: 2000"
    id_line, name, data = event.split("\n")
    assert (id_line, name) == ("id: 3.0", "event: totals")
    assert json.loads(data.removeprefix("data: "))["today"]["cost_usd"] == "0.000000012"


async def test_a_client_that_comes_back_gets_what_it_has_missed(url, session):
    async with session.get(url, headers={"Last-Event-ID": "1.0"}) as response:
        text = await read_until(response, b"event: totals")
    assert text.index("event: calls") < text.index("event: totals")


async def test_a_quiet_stream_has_heartbeats(url, session, monkeypatch):
    monkeypatch.setattr(stream.stream_events, "__defaults__", (0.02,))
    async with session.get(url) as response:
        await read_until(response, b": heartbeat\n\n: heartbeat\n\n")


async def test_a_stream_takes_no_parameters_and_head_ends_at_once(url, session):
    async with session.get(f"{url}?window=today") as response:
        assert response.status == 400
    async with session.head(url) as response:
        assert response.headers["Content-Type"] == "text/event-stream"


async def test_many_streams_leave_room_for_questions(url, session):
    """Guarantees: a stream counts for none of the questions that one caller may have.

    One caller has half of all streams at most, also where it asks for many at once.
    """
    opened = await asyncio.gather(*(session.get(url) for _ in range(20)))
    statuses = Counter(each.status for each in opened)
    assert statuses == {200: 16, 429: 4}
    async with session.get(url.replace("stream", "costs")) as response:
        assert response.status == 200
    for each in opened:
        each.close()


@pytest.mark.parametrize("last_id", ["", "1.0", "x"])
async def test_a_stream_of_a_ledger_that_is_not_to_be_read_is_a_problem(
    url, session, small, monkeypatch, last_id
):
    """Guarantees: no stream begins that cannot go on, whatever its first event would be."""

    async def fail(_):
        raise LedgerUnavailableError("no disk")

    monkeypatch.setattr(small, "news", fail)
    async with session.get(url, headers={"Last-Event-ID": last_id}) as response:
        assert (response.status, response.content_type) == (503, "application/problem+json")


@pytest.mark.parametrize("step", ["prepare", "write"])
async def test_a_client_that_goes_before_the_first_event_is_no_failure(
    url, session, monkeypatch, caplog, step
):
    """Guarantees: however early a client goes, the log has nothing of it."""

    async def fail(*_):
        raise ConnectionResetError("the client has gone")

    monkeypatch.setattr(web.StreamResponse, step, fail)
    with suppress(ClientError):
        async with session.get(url) as response:
            await response.read()
    assert not caplog.records
