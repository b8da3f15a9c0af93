"""The index of the catalogue answers as the catalogue's own search does."""

from __future__ import annotations

import random

import pytest
from genai_prices.data_snapshot import get_snapshot

from processor.core.pricing.model_search import load_providers

HOSTS = load_providers()
PROVIDERS = get_snapshot().providers
NAMES = sorted({model.id.lower() for provider in PROVIDERS for model in provider.models})
ENDINGS = ("", "-2025-01-01", "-20250101", "-v1:0", "-latest", "x")


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.id)
def test_the_index_finds_what_the_catalogue_finds(provider):
    dice = random.Random(provider.id)
    own = [model.id.lower() for model in provider.models]
    names = dice.sample(own, min(40, len(own))) + dice.sample(NAMES, 40)
    for name in [name + dice.choice(ENDINGS) for name in names]:
        theirs = next((model for model in provider.models if model.is_match(name)), None)
        ours = HOSTS[provider.id].find(name)
        assert (ours.model if ours else None) is theirs, name


@pytest.mark.parametrize(
    ("provider", "name", "is_full_match"),
    [
        ("openai", "gpt-4o", True),
        ("anthropic", "claude-3-5-sonnet-20241022", True),
        ("anthropic", "claude-3-5-sonnet-of-acme", False),
        ("google", "publishers/google/models/gemini-1.5-pro-002", True),
        ("google", "acme-gemini-1.5-pro", False),
        ("google", "gemini-2.0-flash-001", True),
    ],
)
def test_a_similar_name_is_distinguished_from_a_models_own(provider, name, is_full_match):
    found = HOSTS[provider].find(name)
    assert found is not None
    assert found.is_full_match is is_full_match
