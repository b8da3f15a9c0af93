"""Who may ask: costs are shown to nobody who should not see them."""

from __future__ import annotations

import json

import pytest

from processor.core.access import Access, ApiTokens
from processor.surfaces.api import Sources
from processor.surfaces.http import Api, Hosts

READER, ADMIN = "reader-token-of-some-length", "admin-token-of-some-length"
TOKENS = {"read": (READER,), "admin": (ADMIN,)}
EVERY_PATH = ["/costs", "/openapi.json", "/status", "/nothing", "/costs?windw=x"]


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("path", EVERY_PATH)
async def test_beyond_this_machine_nothing_is_shown_without_tokens(client, path):
    """Guarantees: a listener that others reach answers 403 with the lines to set, never data."""
    response = await client(path, is_loopback=False)
    assert response.status == 403
    assert (
        'api: {read_tokens: ["${env:LLM_COST_TOKEN}"]}' in json.loads(response.body_text)["detail"]
    )
    assert "gpt-4o" not in response.body_text


@pytest.mark.parametrize("is_loopback", [True, False])
@pytest.mark.parametrize("path", EVERY_PATH)
async def test_with_tokens_one_has_to_be_shown(client, path, is_loopback):
    for headers, challenge in ((None, "Bearer realm"), (bearer("another"), "invalid_token")):
        response = await client(path, headers=headers, is_loopback=is_loopback, **TOKENS)
        assert response.status == 401
        assert challenge in response.headers["WWW-Authenticate"]
        assert json.loads(response.body_text)["type"] == "urn:llm-cost:problem:unauthenticated"


@pytest.mark.parametrize("token", [READER, ADMIN])
async def test_a_known_token_is_answered(client, token):
    response = await client("/costs", headers=bearer(token), is_loopback=False, **TOKENS)
    assert response.status == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8888", 200), ("127.0.0.1", 200), ("[::1]:8888", 200), ("LOCALHOST", 200),
        ("evil.example", 403), ("evil.example:8888", 403), ("localhost.evil.example", 403),
        ("127.0.0.1.evil.example", 403), ("", 403), ("[", 403), ("[localhost]", 403),
        ("evil.example@localhost", 403), ("localhost#.evil.example", 403), ("localhost/evil", 403),
        ("localhost:8888:1", 403), ("127.1", 403), ("2130706433", 403), ("[::ffff:127.0.0.1]", 200),
    ],
)  # fmt: skip
async def test_the_host_has_to_be_this_machine(client, host, status):
    """Guarantees: a name of another site that is made to lead here gets nothing."""
    response = await client("/costs", headers={"Host": host})
    assert response.status == status


async def test_further_hosts_can_be_allowed(client):
    allowed = {"allowed_hosts": ("costs.example.com",)}
    headers = {"Host": "costs.example.com"}
    assert (await client("/costs", headers=headers, **allowed)).status == 200
    assert (await client("/costs", headers=headers)).status == 403


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:8888", 200), ("https://evil.example", 403), ("null", 403),
        ("http://localhost:3000", 403), ("http://[", 403),
    ],
)  # fmt: skip
async def test_a_page_of_another_site_gets_nothing(client, origin, status):
    response = await client("/costs", headers={"Host": "localhost:8888", "Origin": origin})
    assert response.status == status
    assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize("is_loopback", [True, False])
@pytest.mark.parametrize(
    "host", ["localhost:8888", "127.0.0.1", "prometheus.example.com", "evil.example", ""]
)
async def test_metrics_of_this_machine_are_shown_under_its_names_only(
    serve, session, host, is_loopback
):
    """Guarantees: a page whose name is made to lead here reads no sums; health has none."""
    server = await serve(is_loopback=is_loopback, allowed_hosts=("prometheus.example.com",))
    is_ours = not is_loopback or host not in {"evil.example", ""}
    for path, status in (("/metrics", 200 if is_ours else 403), ("/live", 200), ("/health", 503)):
        url = f"http://127.0.0.1:{server.port}{path}"
        async with session.get(url, headers={"Host": host}) as response:
            assert response.status == status
            if status == 403:
                assert "api.allowed_hosts" in await response.text()


async def test_answers_are_for_nobody_to_embed(client):
    response = await client("/costs")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert response.headers["Cache-Control"] == "private, no-cache"


async def test_metrics_and_health_need_no_token(serve, session, small):
    access, hosts = Access(ApiTokens(), is_loopback=False), Hosts(is_loopback=False)
    server = await serve(Api(Sources(small), access, hosts), is_loopback=False)
    for path, status in (("/metrics", 200), ("/live", 200), ("/health", 503)):
        async with session.get(f"http://127.0.0.1:{server.port}{path}") as response:
            assert response.status == status
