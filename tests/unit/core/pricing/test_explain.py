"""An explanation shows what led to a price, and a suggestion makes one where there is none."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
import yaml

from processor.core.model import Call, Charge, Mark, Usage
from processor.core.pricing import compile_catalog, explain, parse_prices, price, suggest_entry

NOW_NS = int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()) * 10**9
CATALOG = compile_catalog(parse_prices("", "pricing.yaml"))


def test_a_price_is_explained_by_its_parts():
    found = explain("gpt-4o", Usage(input=600, cache_read=400, output=500), CATALOG, time_ns=NOW_NS)
    assert (found.status, found.provider, found.model) == ("alias", "openai", "gpt-4o")
    assert found.reason == "provider inferred from the model"
    assert found.rule == "openai:gpt-4o"
    assert found.total_usd == "0.007"
    assert found.saved_usd == "0.0005"
    assert found.tier_above_tokens is None
    assert [(c.name, c.quantity, c.rate_usd, c.amount_usd) for c in found.components] == [
        ("input", 600, "2.5", "0.0015"),
        ("cache_read", 400, "1.25", "0.0005"),
        ("output", 500, "10", "0.005"),
    ]
    assert found.price_version == CATALOG.version
    assert json.loads(json.dumps(found.as_dict()))["components"][0]["per"] == 10**6


def test_a_long_context_tier_is_shown():
    found = explain(
        "gemini-2.5-pro", Usage(input=200_001), CATALOG, time_ns=NOW_NS, provider="google"
    )
    assert found.tier_above_tokens == 200_000
    assert found.components[0].rate_usd == "2.5"


def test_fees_are_shown_for_one():
    usage = Usage(input=10, web_searches=2)
    found = explain("claude-sonnet-4-5", usage, CATALOG, time_ns=NOW_NS, provider="anthropic")
    assert [(c.name, c.rate_usd, c.per) for c in found.components][-1] == (
        "web_searches",
        "0.01",
        1,
    )


def test_a_search_that_nobody_counted_is_shown_where_it_is_charged():
    text = "version: 1\nmodels: [{provider: cohere, model: r, prices: [{search: 0.002}]}]\n"
    catalog = compile_catalog(parse_prices(text, "pricing.yaml"))
    explained = explain("r", Usage(), catalog, time_ns=NOW_NS, provider="cohere")
    assert [(part.name, part.quantity) for part in explained.components] == [("searches", 1)]
    assert explained.total_usd == "0.002"


def test_an_unknown_price_is_explained_too():
    found = explain("mystery", Usage(input=1), CATALOG, time_ns=NOW_NS, provider="openai")
    assert (found.status, found.total_usd, found.components) == ("unpriced", None, ())
    assert found.reason == "model unknown at this provider"


ARN = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123"


def file_of(*entries):
    return "\n".join(["models:", *(f"  {line}" for entry in entries for line in entry)])


def charge(text, provider, *models):
    catalog = compile_catalog(parse_prices(text, "p.yaml"))
    call = Call(Mark(0, 1_800_000_000 * 10**9), "llm", provider, models, Usage(input=1_000_000))
    return price([call], catalog)[0]


@pytest.mark.parametrize(
    ("provider", "models"),
    [
        ("openai", ("brand-new",)),
        ("OpenAI", ("Brand-New", "other")),
        ("", ("brand-new",)),
        ("my-gateway", ("org/brand-new:7b",)),
        ("openai", ("unknown", "brand-new")),
        ("openai", ('odd "name": {x}',)),
        ("openai", ("#1 - model", "x" * 600)),
        ("openai", ("x" * 600, "short")),
        ("my-gateway", ()),
    ],
)
def test_the_lines_give_the_very_call_a_price(provider, models):
    entry = suggest_entry(provider, models)
    assert charge("models: []", provider, *models).status == "unpriced"
    found = charge(file_of(entry), provider, *models)
    assert isinstance(found, Charge)
    assert found.amount.total == 10**9


@pytest.mark.parametrize(
    ("provider", "model", "seller"),
    [
        ("azure.ai.openai", "my-prod", "azure.ai.openai"),
        ("azure", "team:prod", "azure"),
        ("aws.bedrock", ARN, "aws.bedrock"),
        ("", ARN, "aws"),
    ],
)
def test_a_name_that_a_customer_gave_becomes_an_alias(provider, model, seller):
    entry = suggest_entry(provider, (model,))
    [item] = yaml.safe_load("\n".join(entry))
    assert item["aliases"] == [f"{seller}:{model}"]
    known = "gpt-4o" if "azure" in seller else "anthropic.claude-3-haiku-20240307-v1:0"
    text = file_of(entry).replace(f"put in the model behind {model}", known)
    found = charge(text, provider, model)
    assert isinstance(found, Charge)
    inferred = "" if provider else "provider inferred from the model, "
    assert found.reason == f"{inferred}operator alias"


def test_several_suggestions_make_one_file():
    entries = [
        suggest_entry("azure", ("one",)), suggest_entry("azure", ("two",)),
        suggest_entry("openai", ("new",)), suggest_entry("groq", ()),
    ]  # fmt: skip
    assert len(parse_prices(file_of(*entries), "p.yaml").entries) == 4


def test_where_nothing_is_named_nothing_is_suggested():
    assert suggest_entry("", ()) == ()
    assert suggest_entry("", ("unknown", " ")) == ()
