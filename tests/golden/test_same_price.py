"""The same words cost the same on a span and in ``llm-cost price``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from processor.core.model import Charge, Usage
from processor.core.money import format_usd
from processor.core.pricing import Catalog, compile_catalog, explain, parse_prices, price
from processor.core.semconv import ReadOptions, read
from processor.core.semconv.dialects.calls import MODELS, PROVIDERS
from processor.core.semconv.values import unquote

_HERE = Path(__file__).parent
_SHIPPED = (_HERE.parents[1] / "config" / "pricing.yaml").read_text("utf-8")
_NOVEMBER_2026_NS = 1_795_176_000 * 10**9
_USAGE = Usage(input=1200, output=340)
_MODEL_KEYS = {key for source in MODELS for key in source.keys}
_PROVIDER_KEYS = {key for source in PROVIDERS for key in source.keys}
_FILES = (
    "model-strings",
    "model-strings-more",
    "pricing-cases",
    "dialect-fixtures",
    "dialect-fixtures-recorded",
    "dialect-fixtures-gateways",
    "logs-coding-agents",
)

Words = tuple[str, str, str]
"""Provider, model and service tier, as somebody writes them."""


def _words_in(value: Any) -> Iterator[Words]:
    """Every model named anywhere in a row, with the provider and the tier that stand beside it."""
    if isinstance(value, list):
        for item in value:
            yield from _words_in(item)
    elif isinstance(value, dict):
        models = [_plain(value[key]) for key in {"model", *_MODEL_KEYS} & value.keys()]
        keys = {"provider", "otel_provider_name", *_PROVIDER_KEYS} & value.keys()
        named = [name for name in (_plain(value[key]) for key in keys) if name]
        tier = value.get("service_tier") or value.get("processing") or ""
        for model in models:
            if model:
                yield from ((provider, model, tier) for provider in ("", *named))
        for item in value.values():
            yield from _words_in(item)


def _plain(text: object) -> str:
    """A name without the quotes in which some SDKs encode every attribute."""
    return unquote(text.strip()) if isinstance(text, str) else ""


def _golden_words() -> list[Words]:
    lines = [
        line
        for name in _FILES
        for line in (_HERE / f"{name}.jsonl").read_text("utf-8").splitlines()
    ]
    return sorted({words for line in lines for words in _words_in(json.loads(line))})


@cache
def _catalog(text: str) -> Catalog:
    return compile_catalog(parse_prices(text, "pricing.yaml"))


def _on_a_span(words: Words, catalog: Catalog, build_spans: Any) -> dict[str, object]:
    provider, model, tier = words
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": model,
        "gen_ai.usage.input_tokens": _USAGE.input,
        "gen_ai.usage.output_tokens": _USAGE.output,
        **({"gen_ai.provider.name": provider} if provider else {}),
        **({"gen_ai.response.service_tier": tier} if tier else {}),
    }
    spans = build_spans({"attributes": attributes, "end_ns": _NOVEMBER_2026_NS})
    [call] = read(spans, _NOVEMBER_2026_NS, ReadOptions()).calls
    assert call.usage == _USAGE
    [answer] = price([call], catalog)
    return {
        "status": answer.status,
        "reason": answer.reason,
        "provider": answer.provider,
        "model": answer.model,
        "total_usd": format_usd(answer.amount.total) if isinstance(answer, Charge) else None,
    }


def _by_command(words: Words, catalog: Catalog) -> dict[str, object]:
    provider, model, tier = words
    found = explain(
        model, _USAGE, catalog, time_ns=_NOVEMBER_2026_NS, provider=provider, tier=tier
    ).as_dict()
    return {name: found[name] for name in ("status", "reason", "provider", "model", "total_usd")}


@pytest.mark.parametrize("words", _golden_words(), ids=lambda words: ":".join(words)[:80])
def test_a_span_costs_what_the_command_says(words, build_spans) -> None:
    """Price, status, reason and the names it is charged under, with and without its provider."""
    for text in (_SHIPPED, ""):
        catalog = _catalog(text)
        assert _on_a_span(words, catalog, build_spans) == _by_command(words, catalog)


@pytest.mark.parametrize(
    "tier", ["normal", "on_demand", "auto", "Default", "standard_only", "flex", "priority", "fast"]
)
@pytest.mark.parametrize("provider", ["openai", ""])
def test_a_tier_means_the_same_on_a_span_and_in_the_command(tier, provider, build_spans) -> None:
    """Names of the standard tier among them."""
    words = (provider, "gpt-5", tier)
    catalog = _catalog(_SHIPPED)
    assert _on_a_span(words, catalog, build_spans) == _by_command(words, catalog)


_FILE = """
providers: {aliases: {google-vertex: azure, litellm: groq, acme/eu: openai}, free: [ollama, groq]}
models:
  - {provider: deepseek, model: deepseek-r1, prices: [{input: 1, output: 2}]}
  - {provider: openai, model: gpt-4o, aliases: [nick], prices: [{input: 1, output: 2}]}
  - {provider: openai, model: "*", prices: [{input: 9, output: 9}]}
  - {model: any-host, prices: [{input: 1, output: 2}]}
"""


@pytest.mark.parametrize(
    ("words", "status", "reason"),
    [
        (("", "deepseek-r1", ""), "alias", "provider inferred from the price file"),
        (("", "gpt-4o", ""), "alias", "provider inferred from the model"),
        (("openai.responses", "gpt-4o", ""), "exact", ""),
        (("crewai", "gpt-4o", ""), "alias", "provider inferred from the model"),
        (("", "nick", ""), "alias", "provider inferred from the price file, operator alias"),
        (("", "any-host", ""), "exact", ""),
        (("", "gpt-99", ""), "pattern",
         "provider inferred from the model, operator pattern for all models"),
        (("google-vertex", "gpt-4o-mini", ""), "alias", "maker's price"),
        (("litellm", "x", ""), "free", "provider is free"),
        (("", "ollama/llama3:8b", ""), "free",
         "provider inferred from the model, provider is free"),
        (("acme/eu", "gpt-4o", ""), "exact", ""),
        (("openai", "test", ""), "unpriced", "no model named"),
    ],
)  # fmt: skip
def test_the_operators_words_mean_the_same_in_both(words, status, reason, build_spans) -> None:
    """Also aliases of names that would otherwise mean another provider, or none."""
    catalog = _catalog(_FILE)
    found = _on_a_span(words, catalog, build_spans)
    assert found == _by_command(words, catalog)
    if status != "unpriced":
        assert (found["status"], found["reason"]) == (status, reason)


@pytest.mark.parametrize(
    ("model", "status"),
    [
        ("deepseek-r1", "unpriced"),
        ("mistral-nemo", "unpriced"),
        ("kimi-k2-0905-preview", "unpriced"),
        ("claude-sonnet-4-5", "alias"),
        ("gpt-4o", "alias"),
        ("gemini-2.5-pro", "alias"),
        ("openai/gpt-4o", "alias"),
    ],
)
def test_an_inferred_provider_never_makes_an_exact_price(model, status, build_spans) -> None:
    """Open weights run anywhere and get no price; a brand implies its maker, and says so."""
    found = _on_a_span(("", model, ""), _catalog(_SHIPPED), build_spans)
    assert found["status"] == status
    assert "provider" in str(found["reason"])
