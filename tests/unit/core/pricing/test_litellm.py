"""LiteLLM's price file as a catalogue."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest

from processor.core.errors import ConfigError
from processor.core.model import Call, Charge, Mark, Usage
from processor.core.money import parse_usd
from processor.core.pricing import compile_catalog, parse_prices, price
from processor.core.pricing.litellm import LitellmPrices

NOVEMBER_2026_NS = 1_795_910_400 * 10**9  # a Sunday, noon
K = 1000
MODELS = {
    "sample_spec": {"litellm_provider": "one of the providers", "input_cost_per_token": 0.0},
    "gpt-x": {
        "litellm_provider": "openai", "mode": "chat",
        "input_cost_per_token": 2e-06, "output_cost_per_token": 8e-06,
        "cache_read_input_token_cost": 5e-07, "cache_creation_input_token_cost": 0.0,
        "input_cost_per_token_above_200k_tokens": 4e-06,
        "output_cost_per_token_above_200k_tokens": 1.2e-05,
        "input_cost_per_token_flex": 1e-06, "output_cost_per_token_flex": 4e-06,
        "input_cost_per_token_above_200k_tokens_flex": 2e-06,
        "input_cost_per_token_batches": 1e-06, "output_cost_per_token_batches": 4e-06,
        "search_context_cost_per_query": {
            "search_context_size_low": 0.01, "search_context_size_medium": 0.02,
            "search_context_size_high": 0.03,
        },
        "provider_specific_entry": {"us": 1.1, "fast": 2},
        "regional_processing_uplift_multiplier_eu": 1.2,
    },
    "openai/speech-x": {
        "litellm_provider": "openai", "mode": "audio_speech", "input_cost_per_character": 1.5e-05,
    },
    "listen-x": {
        "litellm_provider": "openai", "mode": "audio_transcription",
        "input_cost_per_second": 0.0001, "output_cost_per_second": 0.0001,
        "input_cost_per_token": 2.5e-06, "output_cost_per_token": 1e-05,
    },
    "draw-x": {
        "litellm_provider": "openai", "mode": "image_generation", "output_cost_per_image": 0.04,
    },
    "draw-y": {
        "litellm_provider": "openai", "mode": "image_generation",
        "input_cost_per_token": 5e-06, "output_cost_per_image_token": 4e-05,
    },
    "film-x": {
        "litellm_provider": "openai", "mode": "video_generation",
        "output_cost_per_video_per_second": 0.1,
    },
    "cohere/rerank-x": {
        "litellm_provider": "cohere", "mode": "rerank", "input_cost_per_query": 0.002,
        "input_cost_per_token": 0.0, "output_cost_per_token": 0.0,
    },
    "mistral/ocr-x": {"litellm_provider": "mistral", "mode": "ocr", "ocr_cost_per_page": 0.004},
    "perplexity/deep-x": {
        "litellm_provider": "perplexity", "mode": "chat", "input_cost_per_token": 2e-06,
        "output_cost_per_token": 8e-06, "output_cost_per_reasoning_token": 3e-06,
        "citation_cost_per_token": 2e-06, "input_cost_per_request": 0.005,
    },
    "embed-x": {
        "litellm_provider": "cohere", "mode": "embedding", "input_cost_per_token": 1e-07,
        "output_cost_per_token": 0.0, "input_cost_per_image": 0.0001,
    },
    "gemini/sight-x": {
        "litellm_provider": "gemini", "mode": "chat", "input_cost_per_token": 9e-06,
        "output_cost_per_token": 9e-06,
    },
    "vertex_ai/sight-x": {
        "litellm_provider": "vertex_ai-language-models", "mode": "chat",
        "input_cost_per_token": 1e-06, "output_cost_per_token": 4e-06,
        "input_cost_per_audio_token": 2e-06, "cache_read_input_audio_token_cost": 2e-07,
        "output_cost_per_image_token": 3e-05, "regional_endpoint_uplift_multiplier": 1.1,
    },
    "deepseek/night-x": {
        "litellm_provider": "deepseek", "mode": "chat", "input_cost_per_token": 4e-07,
        "output_cost_per_token": 1e-06,
        "off_peak_pricing": {
            "input_cost_per_token": 2e-07, "output_cost_per_token": 5e-07,
            "windows": [{"hours_utc": "00:00-00:00", "weekdays": [6, 7]}],
        },
    },
    "dashscope/steps-x": {
        "litellm_provider": "dashscope", "mode": "chat",
        "tiered_pricing": [
            {"range": [0, 128000.0], "input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6},
            {"range": [128000.0, 1e6], "input_cost_per_token": 3e-6, "output_cost_per_token": 4e-6},
        ],
    },
    "azure/eu/gpt-x": {
        "litellm_provider": "azure", "mode": "chat",
        "input_cost_per_token": 2.2e-06, "output_cost_per_token": 8.8e-06,
    },
    "ft:gpt-x": {
        "litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 3e-06,
        "output_cost_per_token": 1.2e-05, "cache_read_input_token_cost": 7.5e-07,
    },
    "gpt-latest": {"alias_of": "gpt-x"},
    "zero-x": {
        "litellm_provider": "openai", "mode": "chat",
        "input_cost_per_token": 0, "output_cost_per_token": 0.0,
    },
    "class-x": {
        "litellm_provider": "openai", "mode": "evaluation", "input_cost_per_token": 1e-06,
        "output_cost_per_token": 0.0,
    },
    "vector-x": {
        "litellm_provider": "openai", "mode": "embedding", "input_cost_per_token": 1e-06,
    },
    "hear-x": {
        "litellm_provider": "openai", "mode": "audio_transcription",
        "input_cost_per_audio_token": 2e-06, "output_cost_per_token": 1e-05,
    },
    **{
        f"half-{mode}": {
            "litellm_provider": "openai", "mode": mode, "input_cost_per_token": 1e-06,
        }
        for mode in ("audio_transcription", "audio_speech", "realtime", "image_edit", "agent")
    },
    "half-image_generation": {
        "litellm_provider": "openai", "mode": "image_generation", "input_cost_per_token": 1e-06,
        "output_cost_per_token": 0.0, "output_cost_per_image": 0.04,
    },
    "half-x": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1e-06},
    "text-x": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": "1e-06"},
    "minus-x": {
        "litellm_provider": "openai", "mode": "chat",
        "input_cost_per_token": -1e-06, "output_cost_per_token": 1e-06,
    },
    "nothing-x": {"litellm_provider": "openai", "mode": "chat"},
    "no-map": 3,
}  # fmt: skip
TEXT = json.dumps(MODELS)
FILE = "catalogues: [{litellm: prices.json}]\n"


def catalog_of(file: str = FILE, text: str = TEXT):
    return compile_catalog(parse_prices(file, "pricing.yaml"), {"prices.json": text})


def charge(model, usage, *, provider="openai", tier="", kind="llm", file=FILE):
    mark = Mark(row=0, time_ns=NOVEMBER_2026_NS)
    call = Call(mark, kind, provider, (model,), usage, tier=tier)
    (answer,) = price([call], catalog_of(file))
    return answer


@pytest.mark.parametrize(
    ("provider", "model", "usage", "usd"),
    [
        ("openai", "gpt-x", Usage(input=K, output=K), "0.01"),
        ("openai", "gpt-x", Usage(cache_read=K), "0.0005"),
        ("openai", "gpt-x", Usage(cache_write=K), "0.002"),  # 0 says that nothing is known
        ("openai", "gpt-x", Usage(input=200 * K), "0.4"),
        ("openai", "gpt-x", Usage(input=200 * K + 1), "0.800004"),
        ("openai", "gpt-x", Usage(input=K, web_searches=2), "0.042"),
        ("openai", "gpt-latest", Usage(input=K), "0.002"),
        ("openai", "ft:gpt-x:acme::1", Usage(input=K, cache_read=K), "0.00375"),
        ("openai", "speech-x", Usage(characters=1200), "0.018"),
        ("openai", "listen-x", Usage(duration_ms=90_000), "0.009"),
        ("openai", "listen-x", Usage(input=K, duration_ms=90_000), "0.0025"),
        ("openai", "draw-x", Usage(images=2), "0.08"),
        ("openai", "draw-y", Usage(input=K, output=K), "0.045"),
        ("openai", "film-x", Usage(duration_ms=8000), "0.8"),
        ("cohere", "rerank-x", Usage(searches=2), "0.004"),
        ("cohere", "rerank-x", None, "0.002"),
        ("mistral", "ocr-x", Usage(pages=3), "0.012"),
        ("perplexity", "deep-x", Usage(input=K, reasoning=K, citations=K), "0.012"),
        ("cohere", "embed-x", Usage(input=K, images=1), "0.0002"),
        ("google", "sight-x", Usage(input=K, audio_input=K, audio_cache_read=K), "0.0032"),
        ("google", "sight-x", Usage(image_output=K), "0.03"),
        ("deepseek", "night-x", Usage(input=K, output=K), "0.0007"),
        ("alibaba", "steps-x", Usage(input=128 * K, output=K), "0.13"),
        ("alibaba", "steps-x", Usage(input=128 * K + 1), "0.384003"),
        ("azure", "eu/gpt-x", Usage(input=K), "0.0022"),
        ("openai", "class-x", Usage(input=K, output=K), "0.001"),  # it says that output is free
        ("openai", "vector-x", Usage(input=K, output=K), "0.001"),  # vectors are no output
        ("openai", "hear-x", Usage(input=K, audio_input=K, output=K), "0.014"),
    ],
)
def test_every_kind_of_price_is_charged(provider, model, usage, usd):
    """Guarantees: each field that prices a unit of ours gives the published cost."""
    answer = charge(model, usage, provider=provider)
    assert isinstance(answer, Charge), answer
    assert answer.amount.total == parse_usd(usd)
    assert answer.price_version == f"{catalog_of().version}+litellm"


@pytest.mark.parametrize(
    ("tier", "usage", "usd"),
    [
        ("flex", Usage(input=K, output=K), "0.005"),
        ("batch", Usage(input=K, output=K), "0.005"),
        ("fast", Usage(input=K, output=K), "0.02"),
        ("flex", Usage(input=300 * K), "0.6"),
        ("batch", Usage(input=300 * K), "1.2"),  # no price for large batches: the standard one
        ("geo:us", Usage(input=K), "0.0022"),
        ("geo:us-east1", Usage(input=K), "0.0022"),
        ("geo:eu", Usage(input=K), "0.0024"),
        ("geo:global", Usage(input=K), "0.002"),
        ("batch geo:us", Usage(input=K), "0.0011"),
    ],
)
def test_tiers_and_regions_have_prices_of_their_own(tier, usage, usd):
    answer = charge("gpt-x", usage, tier=tier)
    assert (answer.amount.total, answer.status) == (parse_usd(usd), "exact")


def test_a_region_in_the_path_of_a_model_counts():
    """Guarantees: Vertex AI's regional endpoints cost what the catalogue says more."""
    path = "projects/p/locations/{}/publishers/google/models/sight-x"
    costs = [
        charge(path.format(place), Usage(input=K), provider="gcp.vertex_ai").amount.total
        for place in ("global", "us-east5")
    ]
    assert costs == [parse_usd("0.001"), parse_usd("0.0011")]


@pytest.mark.parametrize(
    "model",
    [
        "zero-x",
        "half-x",
        "half-audio_transcription",
        "half-audio_speech",
        "half-realtime",
        "half-image_edit",
        "half-image_generation",
        "half-agent",
        "text-x",
        "minus-x",
        "nothing-x",
        "no-map",
        "gpt-x-mini",
        "my-gpt-x",
        "ft:gpt",
    ],
)
def test_what_has_no_price_is_unpriced(model):
    """Guarantees: no silent zero, and no price of a model that is merely called similarly."""
    assert charge(model, Usage(input=K, output=K)).status == "unpriced"


def test_catalogues_are_asked_in_the_order_of_the_file():
    own = {"gpt-4o": {**MODELS["gpt-x"], "input_cost_per_token": 1e-06}}
    answers = []
    for order in ("genai-prices, {litellm: prices.json}", "{litellm: prices.json}, genai-prices"):
        catalog = catalog_of(f"catalogues: [{order}]", json.dumps(own))
        match = catalog.match("openai", ("gpt-4o",), "")
        answers.append((match.rule, match.version.removeprefix(catalog.version)))
    assert answers == [("openai:gpt-4o", ""), ("litellm openai:gpt-4o", "+litellm")]
    assert catalog.match("openai", ("o1",), "").rule == "openai:o1"


def test_an_operators_discount_and_alias_hold_for_every_catalogue():
    file = FILE + (
        "models:\n"
        "  - {provider: openai, model: '*', adjust: {multiplier: 0.5}}\n"
        "  - {provider: azure, model: prod, aliases: ['openai:prod']}\n"
        "  - {provider: openai, model: gpt-x, aliases: [nick]}\n"
    )
    assert charge("gpt-x", Usage(input=K), file=file).amount.total == parse_usd("0.001")
    assert charge("nick", Usage(input=K), file=file).amount.total == parse_usd("0.002")


def test_the_version_names_the_content_of_the_file():
    first, second = catalog_of(), catalog_of(text=json.dumps({**MODELS, "more": {}}))
    assert first.version != second.version
    assert first.catalogue_names[0].startswith("litellm ")
    assert first.catalogue_names != second.catalogue_names


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"a": 1}', "[" * 100_000, "null"])
def test_another_file_is_refused(text):
    with pytest.raises(ConfigError, match=r"prices\.json"):
        LitellmPrices(text, "prices.json")


def test_a_number_that_is_none_is_no_price():
    for odd in (float("nan"), float("inf"), -1, 1e6, True, "1e-06", [1], {}, None):
        models = {"x": {**MODELS["gpt-x"], "input_cost_per_token": odd}}
        [model] = LitellmPrices(json.dumps(models), "x")
        assert model.entry is None, odd


@pytest.mark.parametrize(
    "fields",
    [
        '"mode": ["chat"]',
        '"tiered_pricing": 3',
        '"tiered_pricing": [{"range": [1e999999999], "input_cost_per_token": 1}]',
        '"provider_specific_entry": {"us": 1e-999999999, "fast": "x"}',
        '"off_peak_pricing": {"input_cost_per_token": 1e-6, "windows": [{"hours_utc": ["x"]}, 3]}',
        '"off_peak_pricing": {"input_cost_per_token": 1e-6, "windows": {"weekdays": ["mon"]}}',
        '"input_cost_per_token_above_' + "9" * 5000 + 'k_tokens": 1',
        '"input_cost_per_audio_token": 1e999999999',
        '"search_context_cost_per_query": [1]',
    ],
)
def test_a_field_that_makes_no_sense_is_left_out(fields):
    """Guarantees: whatever stands in the file, its other prices can be used."""
    text = f"""{{"x": {{"litellm_provider": "openai", "input_cost_per_token": 2e-6,
        "output_cost_per_token": 2e-6, {fields}}}}}"""
    match = catalog_of(text=text).match("openai", ("x",), "")
    assert match.flat[0] == 2_000_000_000


def test_entries_keep_exact_rates():
    model = next(each for each in LitellmPrices(TEXT, "x") if each.name == "gpt-x")
    assert model.entry.steps[0].rates["cache_read"] == 500_000_000
    assert model.entry.regions == {"us": Fraction(11, 10), "eu": Fraction(12, 10)}
