"""Costs that were computed elsewhere, from published rates, to the nano-dollar."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from processor.core.model import Call, Charge, Mark, Usage
from processor.core.money import parse_usd
from processor.core.pricing import Catalog, compile_catalog, parse_prices, price

HERE = Path(__file__).parent
SHIPPED = HERE.parents[1] / "config" / "pricing.yaml"
CASES = [json.loads(line) for line in (HERE / "pricing-cases.jsonl").read_text().splitlines()]
AGREED = [case for case in CASES if case["agreement"] == "agreed"]
NOVEMBER_2026 = "2026-11-20T12:00:00Z"

RATE_KEYS = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_1h",
    "input_audio_mtok": "audio_input",
    "web_searches_kcount": "web_search_per_1k",
}
NOT_ON_SPANS = {"storage_searches_kcount", "cache_audio_read_mtok"}


@cache
def catalog_of(text: str) -> Catalog:
    return compile_catalog(parse_prices(text, "pricing.yaml"))


def nanoseconds(timestamp: str) -> int:
    return int(datetime.fromisoformat(timestamp).timestamp()) * 10**9


def disjoint(usage):
    """The cases count cache inside input, one-hour writes inside writes, reasoning in output."""
    return Usage(
        input=usage["input"] - usage["cache_read"] - usage["cache_write"],
        cache_read=usage["cache_read"],
        cache_write=usage["cache_write"] - usage["cache_write_1h"],
        cache_write_1h=usage["cache_write_1h"],
        output=usage["output"] - usage["reasoning"],
        reasoning=usage["reasoning"],
        web_searches=usage["web_searches"],
    )


def call_of(case):
    tier = case["service_tier"] or case["processing"] or ""
    mark = Mark(row=0, time_ns=nanoseconds(case["timestamp"]))
    provider = case["otel_provider_name"]
    return Call(mark, "llm", provider, (case["model"],), disjoint(case["usage"]), tier=tier)


def charged(call: Call, catalog: Catalog) -> int:
    (answer,) = price([call], catalog)
    assert isinstance(answer, Charge), answer
    amount = answer.amount
    assert amount.total == sum(amount[1:])
    return amount.total


def by_name(case):
    return case["id"]


@pytest.mark.parametrize("case", CASES, ids=by_name)
def test_a_cost_by_an_operators_own_rates_is_exact(case):
    assert case["rates"].keys() <= RATE_KEYS.keys() | NOT_ON_SPANS
    rates = {RATE_KEYS[k]: v for k, v in case["rates"].items() if k in RATE_KEYS}
    rates.setdefault("output", "0")
    flow = ", ".join(f"{key}: {value}" for key, value in rates.items())
    file = (
        "catalogue: {source: none}\n"
        f"models: [{{provider: acme, model: m, prices: [{{{flow}}}], "
        f"service_tiers: {{flex: {{multiplier: 1}}, priority: {{multiplier: 1}}, "
        f"batch: {{multiplier: 1}}}}}}]\n"
    )
    call = replace(call_of(case), provider="acme", models=("m",))
    assert charged(call, catalog_of(file)) == parse_usd(case["expected_usd"])


@pytest.mark.parametrize("case", CASES, ids=by_name)
def test_a_cost_by_the_catalogue_is_exact(case):
    # The 35 cases that only one price list knows are computed from it, so they hold here as well.
    assert charged(call_of(case), catalog_of("")) == parse_usd(case["expected_usd"])


@pytest.mark.parametrize("case", AGREED, ids=by_name)
def test_the_shipped_file_changes_nothing_that_price_lists_agree_on(case):
    assert charged(call_of(case), catalog_of(SHIPPED.read_text())) == parse_usd(
        case["expected_usd"]
    )


@pytest.mark.parametrize(
    ("provider", "model", "input_usd", "output_usd"),
    [
        ("anthropic", "claude-3-opus", "15", "75"),
        ("anthropic", "claude-3-5-sonnet", "3", "15"),
        ("anthropic", "claude-3-5-haiku", "0.80", "4"),
        ("anthropic", "claude-3-haiku", "0.25", "1.25"),
        ("openai", "gpt-4-turbo", "10", "30"),
        ("openai", "gpt-4o", "2.50", "10"),
        ("openai", "gpt-4o-mini", "0.15", "0.60"),
        ("openai", "gpt-3.5-turbo", "0.50", "1.50"),
        ("openai", "text-embedding-3-large", "0.13", "0"),
        ("openai", "text-embedding-3-small", "0.02", "0"),
        ("openai", "ada-002", "0.10", "0"),
    ],
)
def test_the_price_table_people_expect_holds(provider, model, input_usd, output_usd):
    catalog = catalog_of(SHIPPED.read_text())
    mark = Mark(row=0, time_ns=nanoseconds(NOVEMBER_2026))
    for named in (provider, ""):  # with and without its provider
        call = Call(mark, "llm", named, (model,), Usage(input=10**6, output=10**6))
        assert charged(call, catalog) == parse_usd(Decimal(input_usd) + Decimal(output_usd))


def acme(prices: str, usage: Usage) -> int:
    file = f"models: [{{provider: acme, model: m, prices: [{{{prices}}}]}}]"
    call = Call(Mark(row=0, time_ns=0), "llm", "acme", ("m",), usage)
    return charged(call, catalog_of(file))


def test_cached_input_is_billed_once_at_its_own_rates():
    # 130,213 input tokens of which 128,955 were read from and 1,253 written to the cache.
    usage = Usage(input=5, cache_read=128_955, cache_write=1_253)
    cost = acme("input: 3, output: 15, cache_read: 0.30, cache_write: 3.75", usage)
    assert cost == parse_usd("0.04340025")


def test_cached_part_of_a_prompt_is_discounted():
    # 2,006 prompt tokens of which 1,920 were cached, and 300 output tokens.
    usage = Usage(input=86, cache_read=1920, output=300)
    assert acme("input: 2.5, cache_read: 1.25, output: 10", usage) == parse_usd("0.005615")


def test_thoughts_outside_the_candidates_are_billed_as_output():
    # 324 prompt tokens, 1,364 candidate tokens, and 495 thought tokens beside them.
    usage = Usage(input=324, output=1364, reasoning=495)
    assert acme("input: 2, output: 12", usage) == parse_usd("0.022956")


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (Usage(cache_write=37_175), "0.4646875"),
        (Usage(cache_write_1h=37_175), "0.7435"),
    ],
)
def test_a_cache_write_costs_by_how_long_it_lives(usage, expected):
    cost = acme("input: 10, output: 50, cache_write: 12.5, cache_write_1h: 20", usage)
    assert cost == parse_usd(expected)
