"""The Vercel AI SDK, in every version in use, is charged what the providers bill.

In front of each version stands its own way to trace: spans named ``ai.…`` up to version 6, the
GenAI convention from version 7 on, with spans of agents and steps around the calls.
"""

from __future__ import annotations

from functools import partial

import pytest
from clients.answers import PRICES
from clients.environments import node_program
from clients.gateways import answers, check_charge, check_unknown, run_or_skip
from clients.runs import Run, play_command

pytestmark = [pytest.mark.clients, pytest.mark.timeout(2700)]

BILLED = (
    "plain", "plain-streamed", "plain-responses", "plain-responses-streamed", "plain-anthropic",
    "cached", "cached-streamed", "cached-responses", "cached-anthropic",
    "cached-anthropic-streamed",
    "reasoning", "reasoning-streamed", "reasoning-responses",
    "tools", "tools-streamed", "tools-responses", "tools-anthropic", "tools-anthropic-streamed",
    "retried", "refused", "embedded", "embedded-many",
)  # fmt: skip
SCENARIOS = (*BILLED, "silent-streamed", "plain-bare")
WITH_METADATA = "cached-anthropic-metadata"

SHORT_LIVED = {"4", "7"}
"""Versions whose spans do not tell how long a cache write lives, unless they are asked to."""
UNTOLD = {("5", "cached"), ("5", "cached-responses")}
"""Where the SDK leaves out of its spans that a part of the input came from the cache."""


@pytest.fixture(scope="module", params=["4", "5", "6", "7"])
def version(request):
    """A major version of the SDK."""
    return request.param


@pytest.fixture(scope="module")
def run(version, tmp_path_factory) -> Run:
    """All scenarios, played once with each version."""
    scenarios = (*SCENARIOS, WITH_METADATA) if version == "7" else SCENARIOS

    def play(folder):
        return play_command(node_program("app.mjs"), version, answers(scenarios), folder)

    return run_or_skip(play, tmp_path_factory.mktemp(f"ai-{version}"))


@pytest.mark.parametrize("scenario", BILLED)
def test_what_is_charged_is_what_was_billed(run, version, scenario):
    """Guarantees: one charge for each request, none for wrappers, to session and user."""
    check = partial(check_charge, run, scenario, knows_1h=version not in SHORT_LIVED)
    if (version, scenario) not in UNTOLD:
        check()
        return
    # The span cannot be read better than this: everything at the price of plain input.
    (served,) = run.billed(scenario)
    tokens, prices = served.answer.tokens, PRICES["gpt-4o-mini"]
    check(amount_nano_usd=tokens.whole_input * prices.input + tokens.output * prices.output)


@pytest.mark.parametrize("version", ["7"], indirect=True)
def test_provider_metadata_tells_how_long_cache_writes_live(run):
    """Guarantees: what users of version 7 can switch on, and older versions write, is read."""
    check_charge(run, WITH_METADATA, knows_1h=True)


def test_a_stream_without_usage_is_unknown(run):
    """Guarantees: not zero, not a guess."""
    check_unknown(run, "silent-streamed")


def test_without_a_span_of_the_application_the_outermost_has_the_totals(run):
    """Guarantees: a trace that begins with the SDK's own wrapper is charged once all the same."""
    (served,) = run.billed("plain-bare")
    total = run.totals["session", "s-plain-bare"]
    (top,) = (found for found in run.found if _opens(found, "s-plain-bare"))
    assert top.cost_nano_usd is None
    assert round(top.attributes["trace.total_cost_usd"] * 10**9) == total.cost_nano_usd
    assert total.input_tokens == served.answer.tokens.input
    assert total.calls == 1


def _opens(found, session):
    """Whether a trace of this session begins with the span."""
    keys = ("ai.telemetry.metadata.sessionId", "ai.settings.context.sessionId")
    is_theirs = any(found.attributes.get(key) == session for key in keys)
    return is_theirs and not found.span.parent_span_id


def test_every_request_was_expected_and_the_whole_is_the_sum(run):
    """Guarantees: nothing is charged beside the scenarios."""
    assert run.surprises == []
    sessions = [total for (scope, _), total in run.totals.items() if scope == "session"]
    assert run.totals["total", ""].cost_nano_usd == sum(total.cost_nano_usd for total in sessions)
