"""Requests with a body: what is answered, and what is wrong with those that are not."""

from __future__ import annotations

import json

import pytest

from processor.core.access import Access, ApiTokens
from processor.core.budgets import Budget, Policy
from processor.core.semconv import ReadOptions
from processor.surfaces.api import BODY_MAX_BYTES, Sources
from processor.surfaces.http import Api, Hosts
from processor.surfaces.queries import BudgetChecks

USD = 10**9
CHECK, RESERVATION = "/budgets/check", "/budgets/reservations/"


def api_of(sources):
    access = Access(ApiTokens(), is_loopback=True)
    return Api(sources, access, Hosts(is_loopback=True, allowed=()))


@pytest.fixture
async def ask_to(serve, session, ask, given_calls, catalog):
    """Sends a request to an API over a ledger in which u1 has spent 4.90 of 5 dollars."""
    utc = Policy().calendar
    policy = Policy((
        Budget("daily", "user", "day", 5 * USD, "usd", utc),
        Budget("tokens", "total", "none", 1000, "tokens", utc),
    ))  # fmt: skip
    queries = ask(given_calls.charged(1, 10, 49 * USD // 10, user="u1"), policy=policy)
    checks = BudgetChecks(
        lambda: policy, queries._reader, lambda: catalog, ReadOptions, lambda: "made",
        now_ns=lambda: given_calls.NOW_S * 10**9, clock_s=lambda: 0.0,
    )  # fmt: skip
    server = await serve(api_of(Sources(queries, checks=checks)))

    async def send(method, path, body=None, data=None, headers=None):
        url = f"http://127.0.0.1:{server.port}/api/v1{path}"
        async with session.request(method, url, json=body, data=data, headers=headers) as response:
            return response.status, await response.text(), response.headers

    return send


async def check(ask_to, **body):
    status, text, _ = await ask_to("POST", CHECK, body)
    assert status == 200, text
    return json.loads(text)


async def test_a_check_is_answered_with_the_figures_of_every_budget(ask_to):
    """Guarantees: amounts are exact decimal texts, and what does not apply is null."""
    found = await check(ask_to, scopes={"user": "u1"}, estimate_usd="0.2", tokens=10)
    daily, tokens = found["budgets"]
    assert found["deciding"] == daily
    assert (found["allowed"], daily["allowed"], tokens["allowed"]) == (False, False, True)
    assert found["message"].startswith("Budget would be exceeded: daily of user u1: $4.90 + $0.20")
    assert {key: daily[key] for key in daily if key.endswith("_usd")} == {
        "limit_usd": "5.000000000", "spent_usd": "4.900000000", "reserved_usd": "0.000000000",
        "remaining_usd": "0.100000000", "estimate_usd": "0.200000000",
    }  # fmt: skip
    assert (daily["limit_tokens"], daily["window"]) == (None, "day")
    assert daily["resets_at"] == "2027-01-16T00:00:00+00:00"
    assert (tokens["remaining_tokens"], tokens["estimate_tokens"]) == (1000, 10)
    assert (tokens["resets_at"], tokens["scope_id"], tokens["limit_usd"]) == (None, None, None)
    assert found["reservation"] is None


async def test_a_model_is_priced_and_an_unknown_one_says_so(ask_to):
    found = await check(ask_to, model="gpt-4o", input_tokens=1000, output_tokens=100)
    assert found["estimate"]["cost_usd"] == "0.003500000"
    assert found["not_checked"] == [{"budget": "daily", "missing": ["user"]}]
    found = await check(ask_to, model="who", input_tokens=1000)
    assert (found["estimate"]["cost_usd"], found["estimate"]["tokens"]) == (None, 1000)
    assert found["estimate"]["price_status"] == "unpriced"
    assert found["estimate"]["price_reason"]


async def test_a_reservation_is_held_and_let_go(ask_to):
    asked = {"scopes": {"user": "u1"}, "estimate_usd": 0.1, "reserve": True, "ttl_s": 60}
    held = await check(ask_to, **asked)
    assert held["reservation"] == {"id": "made", "expires_at": "2027-01-15T08:01:00.000000+00:00"}
    refused = await check(ask_to, scopes={"user": "u1"}, estimate_usd=0.1)
    assert (refused["allowed"], refused["deciding"]["reserved_usd"]) == (False, "0.100000000")
    status, text, _ = await ask_to("DELETE", RESERVATION + "made")
    assert (status, json.loads(text)) == (200, {"reservation_id": "made", "released": True})
    assert (await ask_to("DELETE", RESERVATION + "made"))[0] == 404
    assert (await check(ask_to, scopes={"user": "u1"}, estimate_usd=0.1))["allowed"]


@pytest.mark.parametrize(
    ("body", "parameter", "detail"),
    [
        ({"scope": {}}, "scope", "unknown parameter"),
        ({"scopes": {"usr": "x"}}, "scopes", "unknown value 'usr'"),
        ({"scopes": {"user": ""}}, "scopes", "at least 1 character"),
        ({"scopes": ["user"]}, "scopes", "cannot be used"),
        ({"estimate_usd": -1}, "estimate_usd", "must be at least 0"),
        ({"estimate_usd": "1e5"}, "estimate_usd", "cannot be used"),
        ({"tokens": "5"}, "tokens", "must be a whole number"),
        ({"tokens": 1.5}, "tokens", "must be a whole number"),
        ({"reserve": 1}, "reserve", "must be true or false"),
        ({"reserve": True, "ttl_s": 0}, "ttl_s", "must be at least 1"),
        ({"reservation_id": "x"}, "reservation_id", "reserve is not true"),
        ({"model": "m", "cached_tokens": 1}, "cached_tokens", "is a part of input_tokens"),
        ([], "body", "cannot be used"),
    ],
)
async def test_what_is_wrong_is_named(ask_to, body, parameter, detail):
    status, text, headers = await ask_to("POST", CHECK, body)
    problem = json.loads(text)
    assert (status, headers["Content-Type"]) == (400, "application/problem+json")
    assert [each["parameter"] for each in problem["errors"]] == [parameter]
    assert detail in problem["errors"][0]["detail"]


@pytest.mark.parametrize(
    ("method", "path", "data", "kind", "status"),
    [
        ("POST", CHECK, b"{", "application/json", 400),
        ("POST", CHECK, b"\xff", "application/json", 400),
        ("POST", CHECK, b"", "application/json", 400),
        ("POST", CHECK, b"{}", "text/plain", 415),
        ("POST", CHECK, b"x" * (BODY_MAX_BYTES + 1), "application/json", 413),
        ("POST", CHECK + "?reserve=true", b"{}", "application/json", 400),
        ("GET", CHECK, None, None, 405),
        ("PUT", CHECK, b"{}", "application/json", 405),
        ("POST", RESERVATION + "x", b"{}", "application/json", 405),
        ("DELETE", RESERVATION + "x", b"{}", "application/json", 413),
        ("DELETE", RESERVATION, None, None, 405),
        ("POST", "/budgets/check/", b"{}", "application/json", 405),
    ],
)
async def test_what_is_no_such_request_is_refused(ask_to, method, path, data, kind, status):
    headers = {"Content-Type": kind} if kind else None
    found, text, answered = await ask_to(method, path, data=data, headers=headers)
    assert (found, json.loads(text)["status"]) == (status, status)
    if path == CHECK and status == 405:
        assert answered["Allow"] == "POST"


async def test_a_body_in_chunks_is_measured_as_well(ask_to):
    async def chunks():
        for _ in range(BODY_MAX_BYTES // 1000 + 1):
            yield b" " * 1000

    headers = {"Content-Type": "application/json"}
    assert (await ask_to("POST", CHECK, data=chunks(), headers=headers))[0] == 413


async def test_a_body_that_is_not_packed_as_it_says_is_refused(ask_to, caplog):
    """Guarantees: it is the sender's mistake, of which the log has no traceback."""
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    status, text, _ = await ask_to("POST", CHECK, data=b"{}", headers=headers)
    assert (status, "Content-Encoding" in text) == (400, True)
    assert not caplog.records


async def test_a_page_of_another_site_cannot_ask(ask_to):
    status, text, _ = await ask_to("POST", CHECK, {}, headers={"Origin": "http://evil.example"})
    assert (status, "may not ask here" in text) == (403, True)


async def test_a_file_alone_cannot_be_asked(serve, session, small):
    server = await serve(api_of(Sources(small)))
    url = f"http://127.0.0.1:{server.port}/api/v1{CHECK}"
    async with session.post(url, json={}) as response:
        assert (response.status, "only a processor that runs" in await response.text()) == (
            404, True,
        )  # fmt: skip
