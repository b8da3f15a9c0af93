"""The HTTP server for /metrics, /health and /live."""

import asyncio
import socket
from contextlib import ExitStack

import pytest


@pytest.fixture
async def server(serve):
    return await serve()


def url(server, path):
    return f"http://127.0.0.1:{server.port}{path}"


async def test_metrics_are_prometheus_text(server, session):
    async with session.get(url(server, "/metrics")) as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        text = await response.text()
    assert text.startswith("# HELP llm_cost_processor_")
    assert text.endswith("\n")


async def test_health_is_a_status_and_reasons(server, session):
    """Guarantees: 200 only while requests should be sent here."""
    async with session.get(url(server, "/health")) as response:
        assert response.status == 503
        assert await response.json() == {
            "status": "starting", "reasons": ["the processor is starting"],
        }  # fmt: skip
    server.health.phase = "serving"
    async with session.get(url(server, "/health")) as response:
        assert response.status == 200
        assert (await response.json())["status"] == "degraded"


async def test_live_answers_whatever_is_wrong(server, session):
    async with session.get(url(server, "/live")) as response:
        assert (response.status, await response.text()) == (200, "alive\n")


async def test_head_is_answered_without_a_body(server, session):
    async with session.head(url(server, "/metrics")) as response:
        assert response.status == 200
        assert await response.read() == b""


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/", 404), ("GET", "/metrics/x", 404), ("POST", "/metrics", 405)],
)
async def test_a_path_or_method_that_is_not_served_is_answered_so(
    server, session, method, path, status
):
    async with session.request(method, url(server, path)) as response:
        assert response.status == status
        assert await response.text() in {
            "there is only /metrics, /health, /live\n",
            "only GET is served here\n",
        }


async def test_a_bug_is_an_answer_and_one_line_in_the_log(server, session, states, caplog):
    """Guarantees: a scrape that fails every few seconds does not fill the disk."""
    states.ledger = None
    for _ in range(3):
        async with session.get(url(server, "/metrics")) as response:
            assert response.status == 500
    assert len(caplog.records) == 1


def ask_by_hand(port, data):
    """The first line of the answer; empty where the connection is closed instead."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(data)
        try:
            return connection.makefile("rb").readline()
        except ConnectionResetError:
            return b""


async def test_a_client_that_holds_all_connections_keeps_no_probe_out(server):
    """Guarantees: connections of one address are bounded, and the oldest gives way."""
    request = b"GET /live HTTP/1.1\r\nHost: x\r\n\r\n"
    address = ("127.0.0.1", server.port)
    with ExitStack() as idle:
        held = [
            idle.enter_context(await asyncio.to_thread(socket.create_connection, address))
            for _ in range(70)
        ]
        assert b"200" in await asyncio.to_thread(ask_by_hand, server.port, request)
        for each in held:
            each.settimeout(0.2)
        assert [await asyncio.to_thread(is_closed, each) for each in held[:39]] == [True] * 39
        assert not await asyncio.to_thread(is_closed, held[-1])


def is_closed(connection):
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


async def test_nonsense_is_refused_and_not_logged(server, caplog):
    answer = await asyncio.to_thread(ask_by_hand, server.port, b"\x16\x03\x01 nonsense\r\n\r\n")
    assert b"400" in answer
    assert not caplog.records
