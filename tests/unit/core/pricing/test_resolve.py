"""Which price holds for a call: the levels of precedence."""

from __future__ import annotations

import pytest

from processor.core.pricing import compile_catalog, parse_prices
from processor.core.pricing.shapes import NO_TIER_PRICE

MILLION = 10**6


def catalog_of(text: str):
    return compile_catalog(parse_prices(text, "pricing.yaml"))


def usd_per_1m(match):
    return match.flat[0] / 10**9


EVERYTHING = """
models:
  - provider: openai
    model: gpt-4o
    aliases: ["azure:prod", nick]
    prices: [{input: 1, output: 1}]
  - {provider: openai, model: "gpt-4*", prices: [{input: 2, output: 2}]}
  - {provider: openai, model: "gpt-*", prices: [{input: 3, output: 3}]}
  - {provider: "*", model: "gpt-4o-mini*", prices: [{input: 4, output: 4}]}
  - {model: own-model, prices: [{input: 5, output: 5}]}
  - {provider: openai, model: "*", prices: [{input: 6, output: 6}]}
  - {model: "*", prices: [{input: 7, output: 7}]}
"""


@pytest.mark.parametrize(
    ("provider", "model", "price", "status"),
    [
        ("openai", "gpt-4o", 1, "exact"),
        ("openai", "GPT-4o", 1, "exact"),
        ("openai", "openai/gpt-4o", 1, "alias"),
        ("azure", "prod", 1, "alias"),
        ("openai", "nick", 1, "alias"),
        ("", "nick", 1, "alias"),
        ("openai", "gpt-4.1", 2, "pattern"),
        ("openai", "gpt-5", 3, "pattern"),
        ("openai", "gpt-4o-mini", 2, "pattern"),  # of this provider beats a longer text
        ("groq", "gpt-4o-mini-x", 4, "pattern"),
        ("groq", "own-model", 5, "exact"),
        ("", "own-model", 5, "exact"),
        ("openai", "o1", 15, "exact"),  # the catalogue's price comes before "*"
        ("openai", "unheard-of", 6, "pattern"),
        ("acme", "unheard-of", 7, "pattern"),
        ("azure", "nick", 7, "pattern"),  # a bare alias is of the entry's provider
    ],
)
def test_precedence(provider, model, price, status):
    match = catalog_of(EVERYTHING).match(provider, (model,), "")
    assert (usd_per_1m(match), match.status) == (price, status)


def test_the_response_model_is_tried_before_the_request_model():
    catalog = catalog_of("")
    match = catalog.match("azure", ("gpt-4o-2024-08-06", "my-deployment"), "")
    assert match.model == "gpt-4o"
    match = catalog.match("openai", ("mystery", "gpt-4o"), "")
    assert match.model == "gpt-4o"


def test_every_model_is_tried_before_the_last_resort():
    text = "fallback: {enabled: true, prices: {input: 9, output: 9}}"
    catalog = catalog_of(text)
    assert catalog.match("openai", ("mystery", "gpt-4o"), "").status == "exact"
    match = catalog.match("openai", ("mystery", "riddle"), "")
    assert (match.status, match.model, usd_per_1m(match)) == ("fallback", "mystery", 9)
    assert match.reason == "fallback price"


def test_placeholders_are_no_models():
    catalog = catalog_of("")
    assert catalog.match("openai", ("Unknown", ""), "").reason == "no model named"
    assert catalog.match("openai", (), "").reason == "no model named"
    assert catalog.match("openai", ("unknown", "gpt-4o"), "").model == "gpt-4o"


@pytest.mark.parametrize(
    ("provider", "model", "reason"),
    [
        ("openai", "mystery", "model unknown at this provider"),
        ("acme", "mystery", "provider not in the catalogue"),
        ("", "mystery", "provider not named and not clear from the model"),
        ("openai", "ft:o3:acme::1", "no price for this fine-tune"),
        (
            "aws",
            "arn:aws:bedrock:eu-west-1:1:application-inference-profile/x",
            "resource id that names no model, needs an alias",
        ),
        ("openai", "m" * 600, "model name is too long"),
    ],
)
def test_a_reason_names_neither_model_nor_number(provider, model, reason):
    match = catalog_of("").match(provider, (model,), "")
    assert (match.status, match.reason, match.tariff) == ("unpriced", reason, ())
    assert len(match.model) <= 512


def test_an_alias_without_prices_stands_for_the_catalogues_model():
    text = """
models:
  - {provider: openai, model: gpt-4o, aliases: ["azure:prod"]}
  - {provider: openai, model: no-such-model, aliases: ["azure:lost"]}
  - provider: aws
    model: global.anthropic.claude-haiku-4-5-20251001-v1:0
    aliases: ["aws:arn:aws:bedrock:us-east-1:1:application-inference-profile/x"]
"""
    catalog = catalog_of(text)
    match = catalog.match("azure.ai.openai", ("Prod",), "")
    assert (match.provider, match.model, match.status) == ("azure", "gpt-4o", "alias")
    assert usd_per_1m(match) == 2.5
    lost = catalog.match("azure", ("lost",), "")
    assert (lost.status, lost.reason) == ("unpriced", "alias of a model without a price")
    profile = "arn:aws:bedrock:us-east-1:1:application-inference-profile/x"
    assert usd_per_1m(catalog.match("aws.bedrock", (profile,), "")) == 1


def test_a_discount_changes_the_catalogues_price_and_nothing_else():
    text = """
models:
  - {provider: anthropic, model: "*", adjust: {multiplier: 0.85}}
  - {provider: anthropic, model: "claude-3-opus*", adjust: {multiplier: 0.5}}
  - {provider: anthropic, model: own, prices: [{input: 1, output: 1}]}
"""
    catalog = catalog_of(text)
    sonnet = catalog.match("anthropic", ("claude-3-5-sonnet",), "")
    assert usd_per_1m(sonnet) == pytest.approx(2.55)
    assert (sonnet.status, sonnet.reason) == ("exact", "operator discount")
    assert usd_per_1m(catalog.match("anthropic", ("claude-3-opus",), "")) == 7.5
    assert usd_per_1m(catalog.match("anthropic", ("own",), "")) == 1
    assert usd_per_1m(catalog.match("openai", ("gpt-4o",), "")) == 2.5


def test_a_multiplier_of_zero_charges_nothing():
    """Guarantees: it is a factor as every other one, not an entry without a factor."""
    catalog = catalog_of('models: [{provider: openai, model: "*", adjust: {multiplier: 0}}]')
    match = catalog.match("openai", ("gpt-4o",), "")
    assert usd_per_1m(match) == 0
    assert match.reason == "operator discount"


def test_an_entry_without_cache_rates_takes_the_catalogues_then_the_defaults():
    text = """
cache_defaults: {read_multiplier: 0.5, write_multiplier: 1.25, write_1h_multiplier: 2}
models:
  - {provider: openai, model: gpt-4o, prices: [{input: 5, output: 15}]}
  - {provider: openai, model: gpt-4, prices: [{input: 30, output: 60}]}
  - {provider: openai, model: gpt-4o-mini, prices: [{input: 0.01, output: 0.6}]}
  - {provider: openai, model: o3, prices: [{input: 2, output: 8, cache_read: 0.1, cache_write: 3}]}
"""
    catalog = catalog_of(text)

    def cache_rates(model):
        rates = catalog.match("openai", (model,), "").flat
        return tuple(rate / 10**9 for rate in rates[1:4])

    assert cache_rates("gpt-4o") == (1.25, 6.25, 10)  # read from the catalogue
    assert cache_rates("gpt-4") == (15, 37.5, 60)  # by the defaults
    assert cache_rates("gpt-4o-mini")[0] == 0.01  # never dearer than plain input
    assert cache_rates("o3") == (0.1, 3, 3)  # its own


def test_free_providers_and_zero_prices_are_free():
    text = (
        "providers: {free: [ollama], local: {'*': {input: 0, output: 0}}}\n"
        "models: [{provider: openai, model: gift, prices: [{input: 0, output: 0}]}]"
    )
    catalog = catalog_of(text)
    for provider, model in (("ollama", "llama3"), ("local", "x"), ("openai", "gift")):
        match = catalog.match(provider, (model,), "")
        assert match.status == "free"
        assert not any(match.flat)
    gift = catalog.match("openrouter", ("deepseek/deepseek-r1:free",), "")
    assert (gift.status, gift.reason) == ("free", "free variant")


def test_a_model_the_catalogue_lists_without_a_price_is_not_free():
    match = catalog_of("").match("openrouter", ("google/lyria-3-pro-preview",), "")
    assert (match.status, match.tariff) == ("unpriced", ())


def test_an_estimate_is_marked_as_a_fallback():
    text = (
        "models: [{provider: x-ai, model: grok-1, prices: [{input: 5, output: 15}], "
        "estimated: true}]"
    )
    match = catalog_of(text).match("xai", ("grok-1",), "")
    assert (match.status, match.reason) == ("fallback", "estimate, no published price")


def test_without_the_catalogue_only_the_operator_sets_prices():
    catalog = catalog_of("catalogue: {source: none}")
    assert catalog.match("openai", ("gpt-4o",), "").status == "unpriced"
    assert catalog.catalogue_version == ""


def test_an_operators_provider_spelling_is_understood():
    catalog = catalog_of("providers: {aliases: {eu-gateway: azure}}")
    match = catalog.match("EU-Gateway", ("gpt-4o",), "")
    assert (match.provider, match.model, match.reason) == ("azure", "gpt-4o", "maker's price")


def test_service_tiers_of_the_maker_are_not_assumed_at_another_host():
    match = catalog_of("").match("azure", ("gpt-4o",), "priority")
    assert match.tariff == catalog_of("").match("azure", ("gpt-4o",), "").tariff
    assert (match.note, match.flat) == (NO_TIER_PRICE, None)


INFERRED = """
providers: {free: [groq]}
models:
  - {provider: openai, model: gpt-4o, prices: [{input: 1, output: 1}]}
  - {provider: openai, model: "gpt-6*", prices: [{input: 2, output: 2}]}
  - {provider: mistral, model: "*", prices: [{input: 3, output: 3}]}
  - {provider: fireworks, model: deepseek-r1, prices: [{input: 4, output: 4}]}
  - {provider: x-ai, model: grok-1, prices: [{input: 5, output: 5}], estimated: true}
  - {model: any-host, prices: [{input: 6, output: 6}]}
"""


@pytest.mark.parametrize(
    ("model", "status", "reason"),
    [
        ("gpt-4o", "alias", "provider inferred from the model"),
        ("gpt-4o-mini", "alias", "provider inferred from the model"),
        ("gpt-6-pro", "pattern", "provider inferred from the model, operator pattern"),
        (
            "mistral-large-99",
            "pattern",
            "provider inferred from the model, operator pattern for all models",
        ),
        ("deepseek-r1", "alias", "provider inferred from the price file"),
        ("grok-1", "fallback", "provider inferred from the model, estimate, no published price"),
        ("groq/llama", "free", "provider inferred from the model, provider is free"),
        (
            "openrouter/deepseek/deepseek-r1:free",
            "free",
            "provider inferred from the model, free variant",
        ),
        ("any-host", "exact", ""),  # this entry holds wherever the model runs
        ("mistral-nemo", "unpriced", "provider not named and not clear from the model"),
    ],
)
def test_a_price_at_an_inferred_provider_says_so_and_is_never_exact(model, status, reason):
    catalog = catalog_of(INFERRED)
    for provider in ("", "litellm", "crewai"):
        match = catalog.match(provider, (model,), "")
        assert (match.status, match.reason) == (status, reason)
