"""Programs traced with Langfuse's SDK are charged what the providers bill."""

from __future__ import annotations

import pytest
from clients.gateways import answers, check_charge, check_unknown, run_or_skip
from clients.runs import Run, play

pytestmark = [pytest.mark.clients, pytest.mark.timeout(2700)]

BILLED = (
    "plain", "plain-streamed", "plain-responses", "plain-responses-streamed", "plain-by-hand",
    "plain-repeated",
    "cached", "cached-streamed", "cached-responses", "cached-anthropic-flat",
    "cached-anthropic-by-lifetime", "cached-anthropic-long-apart", "cached-anthropic-in-chain",
    "reasoning", "reasoning-responses", "reasoning-responses-streamed",
    "tools", "retried", "refused", "embedded",
)  # fmt: skip
FLAT = {("3", "cached-anthropic-in-chain"), ("3", "cached-anthropic-flat"),
        ("5", "cached-anthropic-flat")}  # fmt: skip
"""Where one number stands for cache writes of any lifetime."""


@pytest.fixture(scope="module", params=["3", "5"])
def version(request):
    """A major version of the SDK."""
    return request.param


@pytest.fixture(scope="module")
def run(version, tmp_path_factory) -> Run:
    """All scenarios, played once with each version."""
    scenarios = answers((*BILLED, "silent-streamed"))
    return run_or_skip(
        lambda folder: play(f"langfuse-{version}", "langfuse_sdk", version, scenarios, folder),
        tmp_path_factory.mktemp(f"langfuse-{version}"),
    )


@pytest.mark.parametrize("scenario", BILLED)
def test_what_is_charged_is_what_was_billed(run, version, scenario):
    """Guarantees: one charge for each request, none for what repeats it, to session and user."""
    check_charge(run, scenario, knows_1h=(version, scenario) not in FLAT)


def test_a_stream_without_usage_is_unknown(run):
    """Guarantees: not zero, not a guess."""
    check_unknown(run, "silent-streamed")


def test_an_agent_has_its_totals_and_tags_are_the_feature(run):
    """Guarantees: Langfuse's own words for agents and tags are understood."""
    (agent,) = (found for found in run.spans("tools") if found.span.name == "forecaster")
    assert agent.attributes["agent.llm_calls"] == 3
    session = run.totals["session", "s-tools"]
    assert round(agent.attributes["agent.total_cost_usd"] * 10**9) == session.cost_nano_usd
    assert session.agent_runs == 1


def test_every_request_was_expected_and_the_whole_is_the_sum(run):
    """Guarantees: nothing is charged beside the scenarios."""
    assert run.surprises == []
    sessions = [total for (scope, _), total in run.totals.items() if scope == "session"]
    assert run.totals["total", ""].cost_nano_usd == sum(total.cost_nano_usd for total in sessions)
