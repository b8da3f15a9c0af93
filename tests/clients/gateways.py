"""Scenarios of gateways and frameworks that have a telemetry of their own, and what to expect."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from cache import NoEnvironmentError
from clients.answers import Answer, Tokens, ToolUse
from clients.runs import Found, Run, bill_nano_usd

_WEATHER = ToolUse("weather", {"city": "Lisbon"})
_ANSWERS: dict[str, list[Answer]] = {
    "plain": [Answer(Tokens(1_009, 211))],
    "cached": [Answer(Tokens(223, 101, cache_read=1_801))],
    "cached-anthropic": [
        Answer(Tokens(227, 103, cache_read=1_811, cache_write_5m=307, cache_write_1h=109))
    ],
    "reasoning": [Answer(Tokens(509, 199, reasoning=139))],
    "tools": [
        Answer(Tokens(1_013, 31), tool=_WEATHER),
        Answer(Tokens(1_117, 37), tool=_WEATHER),
        Answer(Tokens(1_223, 229)),
    ],
    "retried": [Answer(status=500), Answer(Tokens(1_021, 233))],
    "refused": [Answer(status=400)],
    "silent": [Answer(Tokens(1_031, 239))],
    "embedded": [Answer(Tokens(19))],
    "embedded-many": [Answer(Tokens(14_341)), Answer(Tokens(17))],
}
"""By the beginning of a scenario's name; the rest says how the program goes about it."""


def answers(scenarios: Iterable[str]) -> dict[str, list[Answer]]:
    """What the providers answer in these scenarios; the longest name that fits counts."""
    return {name: _ANSWERS[max(filter(name.startswith, _ANSWERS), key=len)] for name in scenarios}


def run_or_skip(play: Callable[[Path], Run], folder: Path) -> Run:
    """Run a program, or skip the test and say loudly why nothing is proven."""
    try:
        return play(folder)
    except NoEnvironmentError as problem:
        pytest.skip(f"NO ENVIRONMENT FOR THIS CLIENT, SO NOTHING IS PROVEN WITH IT: {problem}")


def charged_nano_usd(spans: Iterable[Found]) -> int:
    """What distinct spans add up to in any backend: their costs, and what they correct."""
    total = 0
    for found in spans:
        correction = round(float(found.attributes.get("llm.cost.correction_usd", 0.0)) * 10**9)
        total += (found.cost_nano_usd or 0) + correction
    return total


def check_charge(
    run: Run, scenario: str, *, knows_1h: bool = True, amount_nano_usd: int | None = None
) -> None:
    """A scenario is charged what the provider bills, once for each request, to its owner.

    `knows_1h`: whether its spans tell how long cache writes live. `amount_nano_usd` is expected
    instead of the bill where a client reports something else than what it was answered.
    """
    billed = run.billed(scenario)
    bill = bill_nano_usd(billed, knows_1h=knows_1h)
    amount = bill if amount_nano_usd is None else amount_nano_usd
    spans = run.spans(scenario)
    assert charged_nano_usd(spans) == amount
    assert sum(1 for found in spans if found.cost_nano_usd) == len(billed)
    wrappers = [found for found in spans if found.status == "aggregate"]
    assert all(found.cost_nano_usd is None for found in wrappers)
    for scope, name in (("session", f"s-{scenario}"), ("user", f"u-{scenario}")):
        total = run.totals[scope, name]
        assert (scope, total.cost_nano_usd, total.at_least) == (scope, amount, False)
    # The root has the trace's total, and calls that come after it have it as amended.
    shown = [found.attributes.get("trace.total_cost_usd", 0.0) for found in spans]
    assert round(max(shown) * 10**9) == amount
    assert not any("trace.cost_at_least" in found.attributes for found in spans)


def check_unknown(run: Run, scenario: str) -> None:
    """A call that reports no usage is charged nothing, and no total that holds it is complete."""
    assert len(run.billed(scenario)) == 1
    spans = run.spans(scenario)
    assert charged_nano_usd(spans) == 0
    assert [found.status for found in spans if found.status] == ["usage_missing"]
    assert run.totals["session", f"s-{scenario}"].at_least
    assert run.root(scenario).attributes["trace.cost_at_least"] is True
