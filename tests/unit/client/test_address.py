"""Which endpoints and tokens are taken, and where they lead."""

from __future__ import annotations

import inspect
import ssl

import pytest

from processor.client import AsyncCostClient, CostClient
from processor.client.address import parse_address
from processor.client.questions import Get, query_of, run_now


@pytest.mark.parametrize(
    ("endpoint", "address", "path"),
    [
        ("http://127.0.0.1:8888", "http://127.0.0.1:8888", "/api/v1/costs"),
        ("costs.example", "http://costs.example:8888", "/api/v1/costs"),
        ("[::1]:9", "http://[::1]:9", "/api/v1/costs"),
        ("https://costs.example/llm/", "https://costs.example:443", "/llm/api/v1/costs"),
        ("http://h:1/api/v1", "http://h:1", "/api/v1/costs"),
    ],
)
def test_an_endpoint_may_be_written_in_any_usual_way(endpoint, address, path):
    found = parse_address(endpoint, "", None)
    assert (str(found), found.path(Get("/costs"))) == (address, path)
    assert bool(found.tls) == endpoint.startswith("https")


@pytest.mark.parametrize(
    "endpoint", ["", "ftp://h", "http://h:x", "http://u:secret@h", "http://h?x=1", "http://:8888"]
)
def test_what_is_no_address_is_refused_at_once(endpoint):
    with pytest.raises(ValueError, match="write http://host:8888"):
        CostClient(endpoint)


def test_plain_text_is_no_mistake_that_hides():
    with pytest.raises(ValueError, match="plain text"):
        CostClient("http://h", tls=ssl.create_default_context())


def test_a_token_that_no_header_can_carry_is_refused():
    with pytest.raises(ValueError, match="token has characters"):
        CostClient(token="ä\n")


def test_a_client_shows_no_token():
    client = CostClient(token="secret-token")
    assert repr(client) == "CostClient('http://127.0.0.1:8888')"
    assert "secret" not in repr(client._address)


def test_filters_and_periods_are_written_as_the_api_reads_them():
    query = query_of({"team": ["a,b", ""], "agent": "x"}, window="7d", limit=None, cursor="")
    assert query == (
        ("window", "7d"), ("filter[team]", r"a\,b"), ("filter[team]", ""), ("filter[agent]", "x"),
    )  # fmt: skip


def test_both_clients_have_the_same_methods():
    """Guarantees: a question is written once, and shows its parameters and what it means."""
    clients = CostClient(), AsyncCostClient()
    for name in ("executions.get", "traces.list", "costs.get_report", "calls.list"):
        resource, method = name.split(".")
        now, later = (getattr(getattr(each, resource), method) for each in clients)
        assert inspect.signature(now) == inspect.signature(later)
        assert "self" not in inspect.signature(now).parameters
        assert now.__doc__ == later.__doc__ != ""


def test_a_question_that_would_wait_fails_loudly():
    async def waiting():
        await Pause()

    class Pause:
        def __await__(self):
            yield

    with pytest.raises(RuntimeError, match="has to wait"):
        run_now(waiting())
