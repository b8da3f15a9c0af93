"""Agents ask at /mcp by the rules of the API: names of this machine, tokens, bounded requests."""

import json
import sys

import pytest
from mcp import Client, MCPError

from processor.core.access import Access, ApiTokens
from processor.core.errors import OverloadedError
from processor.surfaces.api import Sources
from processor.surfaces.http import Api, Hosts
from processor.surfaces.http.sending import Sending
from processor.surfaces.mcp import MCP_PATH, McpEndpoint

LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
HEADERS = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}


@pytest.fixture
async def url(serve, small):
    """Starts a server; where its agents ask."""

    async def start(*, read=(), is_loopback=True):
        access = Access(ApiTokens(read=read, admin=()), is_loopback=is_loopback)
        api = Api(Sources(small), access, Hosts(is_loopback=is_loopback, allowed=()))
        api.add(MCP_PATH, McpEndpoint(api.ask))
        return f"http://127.0.0.1:{(await serve(api)).port}/mcp"

    return start


async def test_the_official_client_is_answered(url):
    async with Client(await url()) as client:
        result = await client.call_tool("get_cost_report", {"period": "all"})
    assert result.structured_content["totals"]["calls"] == 3


async def test_versions_of_the_protocol_with_a_handshake_are_answered_too(url, session):
    async with session.post(await url(), json=LIST, headers=HEADERS) as response:
        assert response.status == 200
        assert len((await response.json())["result"]["tools"]) == 5


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Authorization": "Bearer wrong"}, 401),
        ({}, 401),
        ({"Authorization": "Bearer right"}, 200),
    ],
)
async def test_who_may_not_ask_the_api_may_not_ask_here(url, session, headers, status):
    address = await url(read=("right",))
    async with session.post(address, json=LIST, headers=HEADERS | headers) as response:
        assert response.status == status


async def test_beyond_this_machine_nobody_is_answered_without_a_token(url, session):
    async with session.post(await url(is_loopback=False), json=LIST, headers=HEADERS) as response:
        assert response.status == 403
        assert "read_tokens" in await response.text()


async def test_there_are_no_sessions_and_no_streams(url, session):
    for method in ("GET", "DELETE", "PUT"):
        async with session.request(method, await url(), headers=HEADERS) as response:
            assert (response.status, response.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"{", 400), (b"[" * 100_000, 400), (b"\xff", 400), (b" " * 300_000, 413)],
)
async def test_a_body_that_is_no_request_is_refused(url, session, body, status):
    async with session.post(await url(), data=body, headers=HEADERS) as response:
        assert response.status == status


async def test_without_the_package_the_answer_says_how_to_install_it(url, session, monkeypatch):
    monkeypatch.setitem(sys.modules, "processor.surfaces.mcp.server", None)
    async with session.post(await url(), data=json.dumps(LIST), headers=HEADERS) as response:
        assert response.status == 501
        assert "pip install mcp" in await response.text()


async def test_what_is_not_there_is_not_logged(url, session, caplog):
    """Guarantees: nobody fills the log of the processor with tracebacks."""
    address = await url()
    async with Client(address) as client:
        with pytest.raises(MCPError):
            await client.get_prompt("nothing")
    asked = {"jsonrpc": "2.0", "id": 1, "method": "prompts/get", "params": {"name": "nothing"}}
    async with session.post(address, json=asked, headers=HEADERS) as response:
        assert "nothing" in (await response.json())["error"]["message"]
    assert not [each for each in caplog.records if each.name.startswith("mcp")]


async def test_answers_that_agents_do_not_read_are_bounded_as_those_of_the_api(
    url, session, monkeypatch
):
    async def send(*_):
        raise OverloadedError("answers of 64 MiB wait until their clients read them")

    monkeypatch.setattr(Sending, "send", send)
    async with session.post(await url(), json=LIST, headers=HEADERS) as response:
        assert response.status == 503
