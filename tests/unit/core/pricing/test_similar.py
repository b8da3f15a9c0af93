"""What was probably meant by a model or a service tier that nothing is known by."""

import pytest

from processor.core.pricing import parse_prices
from processor.core.pricing.similar import similar_models, similar_tier

OWN = """\
catalogue: {source: none}
models:
  - provider: acme
    model: house-7b
    aliases: ["azure:house-deployment"]
    prices: {input: 1, output: 1}
    service_tiers: {nightly: {multiplier: 0.5}}
  - {model: lab-model, prices: {input: 1, output: 1}}
  - {provider: acme, model: "house-*", prices: {input: 1, output: 1}}
"""


@pytest.fixture(scope="module")
def published():
    return parse_prices("", "p.yaml")


@pytest.fixture(scope="module")
def own():
    return parse_prices(OWN, "p.yaml")


@pytest.mark.parametrize(
    ("provider", "model", "meant"),
    [
        ("", "gpt-4oo", ("openai", "gpt-4o")),
        ("openai", "GPT-4o-mimi", ("openai", "gpt-4o-mini")),
        ("", "claude-sonet-4-5", ("anthropic", "claude-sonnet-4-5")),
        ("opnai", "gpt-4o", ("openai", "gpt-4o")),
    ],
)
def test_the_model_that_is_most_like_the_name_comes_first(published, provider, model, meant):
    assert similar_models(published, provider, model)[0] == meant


def test_there_are_at_most_three_and_each_model_once(published):
    found = similar_models(published, "", "gpt-4o-minii")
    assert 1 < len(found) <= 3
    assert len({each.model for each in found}) == len(found)


def test_of_a_provider_that_is_known_only_its_own_models_are_named(published):
    assert {each.provider for each in similar_models(published, "openai", "gpt-4o-minii")} == {
        "openai"
    }


@pytest.mark.parametrize("model", ["zzz", "o9", "", "x" * 5000])
def test_nothing_is_named_where_nothing_is_like_it(published, model):
    assert similar_models(published, "", model) == []


def test_a_fine_tune_is_not_taken_for_a_base_model(published):
    assert not any(
        each.model.startswith("ft:") for each in similar_models(published, "", "gpt-4oo")
    )


@pytest.mark.parametrize(
    ("provider", "model", "meant"),
    [
        ("acme", "hosue-7b", [("acme", "house-7b")]),
        ("azure", "house-deploymnt", [("azure", "house-deployment")]),
        ("acme", "lab-modle", [("", "lab-model")]),
        ("", "lab-modle", [("", "lab-model")]),
        ("", "house-*", [("acme", "house-7b")]),
        ("", "gpt-4oo", []),
    ],
)
def test_models_and_aliases_of_the_price_file_are_known_and_patterns_are_not(
    own, provider, model, meant
):
    assert similar_models(own, provider, model) == meant


@pytest.mark.parametrize(
    ("tier", "meant"),
    [
        ("bacth", "batch"),
        ("Flexx", "flex"),
        ("batch", ""),
        ("standrad", "standard"),
        ("default", ""),
        ("", ""),
        ("zzz", ""),
        ("nightly", ""),
    ],
)
def test_a_tier_that_no_price_has_is_compared_with_those_that_some_have(published, tier, meant):
    assert similar_tier(published, tier) == meant


def test_tiers_of_the_price_file_are_known(own):
    assert similar_tier(own, "nightyl") == "nightly"
    assert similar_tier(own, "nightly") == ""
    assert similar_tier(own, "bacth") == ""
