"""The next smaller model of a family, by its name and only where it has a price."""

from __future__ import annotations

import pytest

from processor.core.insight.advice import sibling_of
from processor.core.pricing import compile_catalog, parse_prices

CATALOG = compile_catalog(parse_prices("models: []", "p.yaml"))


@pytest.mark.parametrize(
    ("provider", "model", "smaller"),
    [
        ("anthropic", "claude-opus-4-5", "claude-sonnet-4-5"),
        ("anthropic", "claude-sonnet-4-5-20250929", "claude-haiku-4-5"),
        ("anthropic", "claude-haiku-4-5", None),
        ("openai", "gpt-4o", "gpt-4o-mini"),
        ("openai", "gpt-4.1-mini", "gpt-4.1-nano"),
        ("openai", "gpt-5", "gpt-5-mini"),
        ("openai", "gpt-5-nano", None),
        ("google", "gemini-2.5-pro", "gemini-2.5-flash"),
        ("google", "gemini-2.5-flash", "gemini-2.5-flash-lite"),
        ("google", "gemini-2.5-flash-lite", None),
        ("openai", "house-opus", None),
    ],
)
def test_families_are_known_by_words_in_names(provider, model, smaller):
    assert sibling_of(provider, model, CATALOG) == smaller
