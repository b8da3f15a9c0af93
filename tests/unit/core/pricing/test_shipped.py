"""What the price file that is shipped corrects and adds."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from processor.core.model import Call, Charge, Mark, Usage
from processor.core.money import parse_usd
from processor.core.pricing import compile_catalog, parse_prices, price

ROOT = Path(__file__).parents[4]
FILE = ROOT / "processor" / "config" / "defaults" / "pricing.yaml"
CATALOG = compile_catalog(parse_prices(FILE.read_text(), FILE.name))
MILLION = Usage(input=10**6, output=10**6)


def charge(provider: str, model: str, moment: str, usage: Usage = MILLION) -> Charge:
    time_ns = int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()) * 10**9
    (answer,) = price([Call(Mark(0, time_ns), "llm", provider, (model,), usage)], CATALOG)
    assert isinstance(answer, Charge), answer
    return answer


def test_the_example_to_edit_is_the_default():
    assert (ROOT / "config" / "pricing.yaml").read_bytes() == FILE.read_bytes()


@pytest.mark.parametrize(
    ("provider", "model", "moment", "usd"),
    [
        ("google", "gemini-pro", "2024-06-01", "2.00"),
        ("google", "gemini-1.0-pro-001", "2024-06-01", "2.00"),
        ("deepseek", "deepseek-chat", "2025-06-01T12:00", "1.37"),
        ("deepseek", "deepseek-chat", "2025-06-01T20:00", "0.685"),
        ("deepseek", "deepseek-chat", "2025-09-05T17:00", "2.24"),
        ("deepseek", "deepseek-chat", "2025-12-01T12:00", "0.70"),
        ("deepseek", "deepseek-chat", "2025-12-01T20:00", "0.70"),
        ("deepseek", "deepseek-coder", "2026-06-01", "0.42"),
        ("deepseek", "deepseek-reasoner", "2025-12-01", "0.70"),
        ("deepseek", "deepseek-v4-pro", "2026-11-20T02:00", "5.28"),  # a Friday
        ("deepseek", "deepseek-v4-pro", "2026-11-21T02:00", "2.64"),  # a Saturday
        ("deepseek", "deepseek-v4-pro", "2026-08-16T15:59", "1.305"),
        ("deepseek", "deepseek-v4-pro", "2026-08-16T16:00", "2.64"),
        ("mistral", "mistral-large-latest", "2025-12-01", "8"),
        ("mistral", "mistral-large-latest", "2025-12-02", "2"),
        ("openai", "ada-002", "2026-01-01", "0.10"),
        ("openai", "ft:gpt-4.1-mini-2025-04-14:acme::B1", "2026-01-01", "4"),
        ("anthropic", "claude-instant-1.2", "2024-01-01", "3.20"),
        ("aws", "cohere.command-r-plus-v1:0", "2026-01-01", "18"),
        ("watsonx", "ibm/granite-3-8b-instruct", "2026-01-01", "0.40"),
        ("x_ai", "grok-1", "2024-12-01", "20"),
    ],
)
def test_a_name_the_catalogue_has_wrong_or_not_at_all(provider, model, moment, usd):
    assert charge(provider, model, moment).amount.total == parse_usd(usd)


def test_a_rerank_is_billed_by_the_search():
    amount = charge("cohere", "rerank-v3.5", "2026-01-01").amount
    assert (amount.total, amount.fees) == (2_000_000, 2_000_000)


@pytest.mark.parametrize(
    ("provider", "model", "usage", "usd"),
    [
        ("openai", "tts-1", Usage(characters=1200), "0.018"),
        ("openai", "tts-1-hd", Usage(characters=1200), "0.036"),
        ("openai", "whisper-1", Usage(duration_ms=90_000), "0.009"),
        ("openai", "gpt-4o-transcribe", Usage(duration_ms=60_000), "0.006"),
        ("openai", "gpt-4o-transcribe", Usage(input=1000, duration_ms=60_000), "0.0025"),
        ("openai", "gpt-4o-mini-transcribe", Usage(duration_ms=60_000), "0.003"),
        ("openai", "dall-e-3", Usage(images=2), "0.08"),
        ("openai", "dall-e-2", Usage(images=1), "0.02"),
        ("azure", "dall-e-3", Usage(images=1), "0.04"),
        ("azure", "whisper", Usage(duration_ms=60_000), "0.006"),
        ("openai", "sora-2", Usage(duration_ms=8000), "0.80"),
        ("mistral", "mistral-ocr-2503", Usage(pages=10), "0.01"),
        ("aws", "cohere.rerank-v3-5:0", Usage(searches=1), "0.002"),
        ("aws", "amazon.rerank-v1:0", Usage(), "0.001"),
        ("cohere", "rerank-v4.0-pro", Usage(searches=2), "0.004"),
        ("aws", "amazon.nova-canvas-v1:0", Usage(images=1), "0.06"),
        ("google", "imagen-4.0-generate-001", Usage(images=1), "0.04"),
        ("anthropic", "claude-opus-5", Usage(web_searches=3), "0.03"),
        ("openai", "gpt-4.1", Usage(searches=4), "0.01"),
        ("perplexity", "sonar-deep-research", Usage(web_searches=2), "0.01"),
        ("perplexity", "sonar-deep-research", Usage(citations=1000), "0.002"),
    ],
)
def test_what_is_not_billed_by_tokens_has_a_price(provider, model, usage, usd):
    """Guarantees: speech, transcription, images, pages, searches and citations are priced."""
    assert charge(provider, model, "2026-11-29", usage).amount.total == parse_usd(usd)


def test_audio_is_billed_as_audio():
    usage = Usage(audio_input=10**6, audio_output=10**6)
    answer = charge("openai", "gpt-4o-audio-preview-2024-12-17", "2026-01-01", usage)
    assert answer.amount.total == parse_usd("120")


@pytest.mark.parametrize(("provider", "model"), [("google", "gemini-ultra"), ("x-ai", "grok-1")])
def test_a_stand_in_is_marked(provider, model):
    answer = charge(provider, model, "2026-01-01")
    assert (answer.status, answer.reason) == ("fallback", "estimate, no published price")


@pytest.mark.parametrize(
    ("provider", "model"),
    [("ollama", "llama3"), ("openai", "omni-moderation-latest"), ("google", "gemma-3-27b-it")],
)
def test_what_is_given_away_is_free(provider, model):
    assert charge(provider, model, "2026-01-01").status == "free"
