"""Calls through LiteLLM's SDK, traced by either version of its callback, cost what was billed."""

from __future__ import annotations

import pytest
from clients.answers import PRICES
from clients.gateways import answers, charged_nano_usd, check_charge, run_or_skip
from clients.runs import Run, play

pytestmark = [pytest.mark.clients, pytest.mark.timeout(2700)]

BILLED = (
    "plain", "plain-streamed", "plain-responses", "plain-anthropic", "plain-repeated",
    "cached", "cached-streamed", "cached-anthropic", "cached-anthropic-streamed",
    "reasoning", "reasoning-responses", "tools", "retried", "refused", "embedded",
)  # fmt: skip
ONLY_V1 = ("plain-blocking", "plain-bare")
"""The second version traces no synchronous calls, and does not say who the user is."""


@pytest.fixture(scope="module", params=["v1", "v2"])
def version(request):
    """A version of LiteLLM's OpenTelemetry callback."""
    return request.param


@pytest.fixture(scope="module")
def run(version, tmp_path_factory) -> Run:
    """All scenarios, played once with each version."""
    more = ONLY_V1 if version == "v1" else ()
    scenarios = answers((*BILLED, "silent-streamed", *more))
    return run_or_skip(
        lambda folder: play("litellm", "litellm_sdk", version, scenarios, folder),
        tmp_path_factory.mktemp(f"litellm-{version}"),
    )


@pytest.mark.parametrize("scenario", BILLED)
def test_what_is_charged_is_what_was_billed(run, version, scenario):
    """Guarantees: one charge for each request, by our prices rather than LiteLLM's own.

    The second version does not tell how long cache writes live. A question that LiteLLM answers
    from its own cache (``plain-repeated``) costs nothing.
    """
    check_charge(run, scenario, knows_1h=version == "v1")


@pytest.mark.parametrize("version", ["v1"], indirect=True)
def test_synchronous_calls_and_calls_outside_any_span(run):
    """Guarantees: the first version's other ways are read as well, the user included."""
    check_charge(run, "plain-blocking")
    bare = run.totals["user", "u-plain-bare"]
    assert bare.cost_nano_usd == run.totals["user", "u-plain"].cost_nano_usd > 0
    assert not bare.at_least


def test_what_litellm_makes_of_its_own_prices_is_kept_beside(run):
    """Guarantees: a cost that somebody else worked out is seen, and does not count."""
    (call,) = (found for found in run.spans("plain") if found.cost_nano_usd)
    reported = call.attributes["llm.cost.reported_usd"]
    assert 0 < reported != call.attributes["llm.cost_usd"]


def test_a_stream_without_usage_is_charged_as_litellm_counts_it(run):
    """Guarantees: LiteLLM counts the tokens itself then, and its count is taken as any other."""
    spans = run.spans("silent-streamed")
    (call,) = (found for found in spans if found.cost_nano_usd)
    prices = PRICES["gpt-4o-mini"]
    counted = (
        call.attributes["gen_ai.usage.input_tokens"] * prices.input
        + call.attributes["gen_ai.usage.output_tokens"] * prices.output
    )
    assert charged_nano_usd(spans) == counted


def test_every_request_was_expected(run):
    """Guarantees: the scenarios are all there is."""
    assert run.surprises == []
