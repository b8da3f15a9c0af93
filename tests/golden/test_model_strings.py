"""Model names as instrumentations write them, and the models they mean."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from processor.core.pricing import compile_catalog, parse_prices

HERE = Path(__file__).parent
SHIPPED = HERE.parents[1] / "config" / "pricing.yaml"
ROWS = [
    json.loads(line)
    for name in ("model-strings.jsonl", "model-strings-more.jsonl")
    for line in (HERE / name).read_text().splitlines()
]
KNOWN = [row for row in ROWS if row["expect_any_of"]]
UNKNOWABLE = [row for row in ROWS if not row["expect_any_of"]]

# The catalogue prices these two names of one price together, under the other's id.
SAME_PRICE = {"claude-4-opus": "claude-opus-4"}


@pytest.fixture(scope="module")
def catalog():
    return compile_catalog(parse_prices(SHIPPED.read_text(), "pricing.yaml"))


def by_name(row):
    return f"{row['provider']}-{row['model']}"


def test_a_class_or_framework_never_makes_a_price_exact(catalog):
    """Guarantees: what only stands where a provider should is told apart from a stated one."""
    for word in ("ChatOpenAI", "langgraph", "openai_responses_llm", "ChatAnthropic", "litellm"):
        model = "claude-sonnet-4-5" if "Anthropic" in word else "gpt-4o"
        match = catalog.match(word.lower(), (model,), "")
        assert match.status == "alias"
        assert "inferred" in match.reason


def test_an_entry_for_a_gateway_holds_for_its_calls_only():
    """Guarantees: an operator may price what a gateway sells; other calls keep their price."""
    text = "models: [{provider: litellm, model: gpt-4o, prices: [{input: 1, output: 1}]}]"
    catalog = compile_catalog(parse_prices(text, "pricing.yaml"))
    assert catalog.match("litellm", ("gpt-4o",), "").rule == "litellm:gpt-4o"
    assert catalog.match("litellm", ("gpt-4o-mini",), "").rule == "openai:gpt-4o-mini"
    assert catalog.match("openai", ("gpt-4o",), "").rule == "openai:gpt-4o"


@pytest.mark.parametrize("row", KNOWN, ids=by_name)
def test_a_known_name_finds_its_model(row, catalog):
    match = catalog.match(row["provider"], (row["model"],), "")
    assert match.tariff, match.reason
    model = SAME_PRICE.get(match.model.lower(), match.model.lower())
    assert any(expected in model for expected in row["expect_any_of"]), match


@pytest.mark.parametrize("row", UNKNOWABLE, ids=by_name)
def test_a_name_without_a_price_is_not_given_one(row, catalog):
    match = catalog.match(row["provider"], (row["model"],), "")
    assert match.status in {"unpriced", "free"}
    assert match.flat is None or not any(match.flat)


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("azure", "my-prod-deployment"),
        ("azure", "gpt-4o-prod-eastus"),
        ("aws", "arn:aws:bedrock:us-east-1:1:application-inference-profile/a1b2c3"),
        ("aws", "arn:aws:bedrock:us-east-1:1:provisioned-model/claude-3-opus"),
        ("aws", "arn:aws:bedrock:us-east-1:1:imported-model/abc"),
        ("openai", "ft:gpt-5-2025-08-07:acme::x1"),
        ("openai", "anthropic/claude-99"),
        ("openai", "meta-llama/Llama-3.1-8B-Instruct"),
        ("groq", "anthropic/claude-sonnet-4-5"),
        ("groq", "gpt-4o"),
        ("acme-openai-proxy", "gpt-4o"),
        ("mistral", "mistral-small-2401"),
        ("", "meta-llama/Llama-3.1-8B-Instruct"),
        ("", "mistralai/Mistral-7B-Instruct-v0.2"),
        ("", "my-model"),
        ("litellm", "claude-router"),
        ("openai", "ada-003"),
    ],
)
def test_nothing_is_guessed(provider, model, catalog):
    match = catalog.match(provider, (model,), "")
    assert (match.status, match.tariff) == ("unpriced", ()), match


@pytest.mark.parametrize(
    ("provider", "model", "host", "expected"),
    [
        ("", "gpt-4o", "openai", "gpt-4o"),
        ("", "openai/gpt-4o", "openai", "gpt-4o"),
        ("litellm", "azure/eu/gpt-4o", "azure", "gpt-4o"),
        ("", "openrouter/anthropic/claude-3.7-sonnet", "openrouter", "anthropic/claude-3.7-sonnet"),
        ("openrouter", "anthropic/claude-4.5-sonnet-20250929", "openrouter", "claude-sonnet-4.5"),
        ("openrouter", "openai/gpt-4o:nitro", "openrouter", "openai/gpt-4o"),
        ("anthropic.messages", "claude-sonnet-4.5", "anthropic", "claude-sonnet-4-5"),
        ("google.vertex.chat", "claude-sonnet-4-5@default", "google", "claude-sonnet-4-5"),
        ("aws.bedrock", "claude-3-5-sonnet-20240620-v1:0", "aws", "claude-3-5-sonnet"),
        ("openai", "gpt-4-1-mini", "openai", "gpt-4.1-mini"),
        ("OpenAI", "GPT-4.1-2025-04-14", "openai", "gpt-4.1"),
        (
            "",
            "us.anthropic.claude-haiku-4-5-20251001-v1:0",
            "aws",
            "regional.anthropic.claude-haiku",
        ),
        ("openai", "ft:gpt-4o-mini-2024-07-18:acme::x1", "openai", "ft:gpt-4o-mini"),
    ],
)
def test_names_are_understood_in_every_form(provider, model, host, expected, catalog):
    match = catalog.match(provider, (model,), "")
    assert match.tariff, match.reason
    assert match.provider == host
    assert expected in match.model


def test_a_region_has_its_own_price(catalog):
    # Bedrock's cross-region profile within one geography costs a tenth more than the global one.
    name = "anthropic.claude-haiku-4-5-20251001-v1:0"
    world = catalog.match("aws", (f"global.{name}",), "").flat
    region = catalog.match("aws", (f"eu.{name}",), "").flat
    assert region[0] * 10 == world[0] * 11
