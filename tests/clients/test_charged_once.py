"""Real SDKs under real instrumentations: each call is charged once, to the nano-dollar.

What is expected is worked out from what the stand-in providers served, by the tests' own
arithmetic; what is found is what the backend received and what the ledger answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from clients.answers import Tokens, cost_nano_usd
from clients.cases import CLIENTS, Client
from clients.providers import ServiceTier
from clients.runs import Found, Run

pytestmark = [pytest.mark.clients, pytest.mark.timeout(2700)]
RunOf = Callable[[Client], Run]


def _pairs(*, only: str = "") -> list[Any]:
    """Every client in every scenario, or in one of them."""
    return [
        pytest.param(client, scenario, id=f"{client.name}-{scenario}")
        for client in CLIENTS
        for scenario in client.scenarios
        if only in {"", scenario}
    ]


def _marked_pairs() -> list[Any]:
    """As `_pairs`; where a call is charged twice so far, that must fail until it is fixed."""
    return [
        pytest.param(
            *pair.values,
            id=pair.id,
            marks=pytest.mark.xfail(
                reason=pair.values[0].doubles[pair.values[1]], raises=AssertionError, strict=True
            )
            if pair.values[1] in pair.values[0].doubles
            else (),
        )
        for pair in _pairs()
    ]


def _by_name(client: Client) -> str:
    return client.name


def _reported(
    client: Client, scenario: str, billed: Iterable[ServiceTier]
) -> list[tuple[str, Tokens]]:
    """Model and tokens of each billed request, as far as the client's spans say them."""
    found = [
        (served.request["model"], client.reported(scenario, served.answer.tokens))
        for served in billed
        if _is_reported(served)
    ]
    if found and scenario in client.adds:
        model, tokens = found[0]
        found[0] = model, tokens._replace(output=tokens.output + client.adds[scenario])
    return found


def _is_reported(served: ServiceTier) -> bool:
    """Whether the answer said what it used: chat streams do so only when asked to."""
    is_chat = served.path == "v1/chat/completions"
    options = served.request.get("stream_options") or {}
    return not (is_chat and served.request.get("stream") and not options.get("include_usage"))


def _cost(reported: Iterable[tuple[str, Tokens]]) -> int:
    return sum(cost_nano_usd(model, tokens) for model, tokens in reported)


def _on_spans(spans: Iterable[Found]) -> int:
    """What somebody finds who adds up a trace in any backend."""
    written = ("llm.cost_usd", "llm.cost.correction_usd")
    return sum(round(found.attributes.get(key, 0.0) * 10**9) for found in spans for key in written)


@pytest.mark.parametrize(("client", "scenario"), _marked_pairs())
def test_each_call_is_charged_once(run_of: RunOf, client: Client, scenario: str) -> None:
    """Guarantees: as many charged spans as billed answers, and the same sum wherever one looks."""
    run = run_of(client)
    billed = run.billed(scenario)
    spans = run.spans(scenario)
    charged = [found for found in spans if found.cost_nano_usd is not None]
    if scenario in client.blind:
        assert billed
        assert charged == []
        return
    reported = _reported(client, scenario, billed)
    expected = _cost(reported)
    assert len(charged) == len(reported)
    assert _on_spans(spans) == expected
    root = run.root(scenario).attributes
    assert round(root.get("trace.total_cost_usd", 0.0) * 10**9) == expected
    unknown = len(billed) - len(reported)
    assert sum(found.status == "usage_missing" for found in spans) == unknown
    for scope, name in _owners(client, scenario):
        totals = run.totals[scope, name]
        assert totals.cost_nano_usd == expected, scope
        assert totals.at_least == (unknown > 0)
        assert totals.unpriced_calls == unknown
        assert totals.input_tokens == sum(tokens.whole_input for _, tokens in reported)
        assert totals.output_tokens == sum(tokens.output for _, tokens in reported)
        assert totals.cached_tokens == sum(tokens.cache_read for _, tokens in reported)
        failed = sum(found.status == "failed" for found in spans)
        assert totals.calls <= len(billed) + failed


def _owners(client: Client, scenario: str) -> list[tuple[str, str]]:
    """The scopes that a scenario is charged to."""
    is_named = not client.drops_session and scenario != "unnamed"
    session = [("session", f"s-{scenario}")] if is_named else []
    return [("user", f"u-{scenario}"), *session]


@pytest.mark.parametrize(("client", "scenario"), _pairs(only="refused"))
def test_a_refused_call_costs_nothing(run_of: RunOf, client: Client, scenario: str) -> None:
    """Guarantees: an error is no unknown cost; totals stay complete."""
    run = run_of(client)
    statuses = {found.status for found in run.spans(scenario)} - {"", "aggregate"}
    assert statuses <= {"failed"}
    totals = run.totals["user", f"u-{scenario}"]
    assert (totals.cost_nano_usd, totals.at_least) == (0, False)


@pytest.mark.parametrize(("client", "scenario"), _pairs(only="counting"))
def test_counting_tokens_is_free(run_of: RunOf, client: Client, scenario: str) -> None:
    """Guarantees: asking how long a prompt is makes no call."""
    run = run_of(client)
    assert [served for served in run.served if served.scenario == scenario]
    assert run.totals["user", f"u-{scenario}"].calls == 0


@pytest.mark.parametrize(("client", "scenario"), _pairs(only="tools"))
def test_agents_carry_totals_and_no_cost(run_of: RunOf, client: Client, scenario: str) -> None:
    """Guarantees: whoever adds up `llm.cost_usd` over spans meets no agent."""
    run = run_of(client)
    agents = [found for found in run.spans(scenario) if "agent.total_cost_usd" in found.attributes]
    if client.program == "chains" and "traceloop-langchain" not in client.instrumentations:
        assert agents == [], "OpenInference calls a LangChain agent a chain"
        return
    assert agents
    expected = _cost(_reported(client, scenario, run.billed(scenario)))
    for found in agents:
        assert found.cost_nano_usd is None
        assert round(found.attributes["agent.total_cost_usd"] * 10**9) == expected
        assert found.attributes["agent.llm_calls"] == 2


@pytest.mark.xfail(
    reason="a conversation id that the framework made up is nearer than the session at the root",
    raises=AssertionError,
    strict=True,
)
@pytest.mark.parametrize(
    "client",
    [client for client in CLIENTS if client.name == "pydantic_agent-pydantic"],
    ids=_by_name,
)
def test_a_session_named_at_the_root_holds(run_of: RunOf, client: Client) -> None:
    """Guarantees: what the application calls a session is one, whatever a framework makes up."""
    run = run_of(client)
    expected = _cost(_reported(client, "unnamed", run.billed("unnamed")))
    assert run.totals["session", "s-unnamed"].cost_nano_usd == expected


@pytest.mark.parametrize(
    "client", [client for client in CLIENTS if client.program == "pydantic_agent"], ids=_by_name
)
def test_each_call_belongs_to_its_nearest_agent(run_of: RunOf, client: Client) -> None:
    """Guarantees: an agent that another one calls has a total of its own."""
    run = run_of(client)
    chief, helper, last = run.billed("delegated")
    found = {name: run.totals["agent", name].cost_nano_usd for name in ("chief", "helper")}
    assert found == {
        "chief": _cost(_reported(client, "delegated", [chief, last])),
        "helper": _cost(_reported(client, "delegated", [helper])),
    }


@pytest.mark.parametrize(
    "client", [client for client in CLIENTS if not client.doubles], ids=_by_name
)
def test_the_whole_is_the_sum(run_of: RunOf, client: Client) -> None:
    """Guarantees: nothing is charged beyond what the scenarios used."""
    run = run_of(client)
    assert run.surprises == []
    expected = sum(
        _cost(_reported(client, scenario, run.billed(scenario)))
        for scenario in client.scenarios
        if scenario not in client.blind
    )
    assert run.totals["total", ""].cost_nano_usd == expected
    assert _on_spans(run.found) == expected
