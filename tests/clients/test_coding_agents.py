"""Claude Code, Codex and Gemini CLI, each as its users run it: every answer is charged once.

Each asks for a tool first, so that it makes two calls in one session. It sends log records, and
with them, if it is asked to, spans that tell of the same calls.
"""

from __future__ import annotations

import pytest
from cache import NoEnvironmentError
from clients.answers import cost_nano_usd
from clients.coding_agents import AGENTS, Agent, Outcome, run_agent

pytestmark = [pytest.mark.clients, pytest.mark.timeout(2700)]


@pytest.fixture(scope="module", params=AGENTS, ids=lambda agent: agent.name)
def agent(request) -> Agent:
    """One of the tools."""
    tool: Agent = request.param
    return tool


@pytest.fixture(
    scope="module", params=["logs", "logs and traces", "logs and traces over gRPC"], ids=str
)
def outcome(request, agent, tmp_path_factory) -> Outcome:
    """A run of the tool, with or without spans."""
    has_traces, is_grpc = "traces" in request.param, "gRPC" in request.param
    folder = tmp_path_factory.mktemp(agent.name)
    try:
        return run_agent(agent, folder, has_traces=has_traces, is_grpc=is_grpc)
    except NoEnvironmentError as problem:
        pytest.skip(f"NO {agent.name}, SO NOTHING IS PROVEN WITH IT: {problem}")


def test_what_is_charged_is_what_was_billed(agent, outcome) -> None:
    """Guarantees: one charge for each answer, to its session, whoever tells of it."""
    assert len(outcome.billed) == 2
    bill = sum(cost_nano_usd(agent.model, answer.tokens) for answer in outcome.billed)
    for total in (outcome.total, outcome.session):
        assert (total.cost_nano_usd, total.calls, total.at_least) == (bill, 2, False)


def test_records_arrive_as_they_were_sent(outcome) -> None:
    """Guarantees: the backend gets the records, and nothing is written on them."""
    assert sum("token" in " ".join(record) for record in outcome.records) >= 2
    assert not any(key.startswith("llm.") for record in outcome.records for key in record)


def test_costs_on_spans_do_not_count_what_records_add(outcome) -> None:
    """Guarantees: a sum over the spans of a backend is what these spans tell of, no correction."""
    keys = {pair.key for span in outcome.spans for pair in span.attributes}
    assert "llm.cost.correction_usd" not in keys
    # Gemini CLI leaves tokens out unless it is asked for details.
    if any(key.endswith("input_tokens") for key in keys):
        assert "llm.cost_usd" in keys
