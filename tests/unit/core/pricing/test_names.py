"""How a model name is rewritten until a price list knows it."""

from __future__ import annotations

import pytest

from processor.core.pricing.names import TAIL, candidates, is_fine_tune, is_free_variant, is_opaque


def names(host: str, model: str) -> list[str]:
    return [candidate.name for candidate in candidates(host, model, {})]


@pytest.mark.parametrize(
    ("host", "model", "expected"),
    [
        ("openai", "openai/gpt-4o", "gpt-4o"),
        ("azure", "azure/eu/gpt-4o", "gpt-4o"),
        ("aws", "bedrock/converse/us.amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0"),
        ("google", "models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("google", "projects/p/locations/l/publishers/google/models/g-1", "g-1"),
        ("aws", "arn:aws:bedrock:r:1:foundation-model/anthropic.claude-v2", "anthropic.claude-v2"),
        ("google", "claude-opus-4@20250514", "claude-opus-4-20250514"),
        ("openrouter", "openai/gpt-4o:online", "openai/gpt-4o"),
        ("openai", "gpt-5.2-20251211", "gpt-5.2-2025-12-11"),
        ("openai", "gpt-5.2-2025-12-11", "gpt-5.2"),
        ("openai", "gpt-4-1106", "gpt-4"),
        ("google", "gemini-1.5-pro-002", "gemini-1.5-pro"),
        ("anthropic", "claude-3.5-sonnet", "claude-3-5-sonnet"),
        ("anthropic", "claude-sonnet-4-5", "claude-sonnet-4.5"),
        ("openrouter", "anthropic/claude-4.5-sonnet", "anthropic/claude-sonnet-4.5"),
        ("openai", "ft:gpt-4o-2024-08-06:acme::x1", "ft:gpt-4o-2024-08-06"),
    ],
)
def test_a_form_of_a_name_leads_to_the_plain_one(host, model, expected):
    assert names(host, model)[0] == model
    assert expected in names(host, model)


@pytest.mark.parametrize(
    ("host", "model", "trap"),
    [
        ("openai", "ada-002", "ada"),
        ("openai", "text-embedding-ada-002", "text-embedding-ada"),
        ("mistral", "mistral-small-2503", "mistral-small"),
        ("mistral", "mistral-small-2025-03-01", "mistral-small"),
        ("openai", "anthropic/claude-3-opus", "claude-3-opus"),
        ("together", "meta-llama/llama-3-8b", "llama-3-8b"),
        ("groq", "llama-3-8b", "llama-3.8b"),
        ("openai", "ft:gpt-4o-2024-08-06:acme::x1", "gpt-4o-2024-08-06"),
        ("openai", "llama3.1:8b", "llama3.1"),
    ],
)
def test_a_name_is_never_turned_into_another_model(host, model, trap):
    assert trap not in names(host, model)


def test_a_weakened_name_is_marked_and_comes_after_the_spellings():
    found = candidates("openai", "openai/gpt-4o-2024-08-06", {})
    same = [candidate.same for candidate in found]
    assert same == sorted(same, reverse=True)
    assert found[-1].name.endswith("gpt-4o")
    assert "date stripped" in found[-1].how


def test_the_number_of_candidates_is_bounded():
    hostile = "us." * 50 + "anthropic.claude-4.5-sonnet-1-2-20250101" + ":0" * 50
    assert len(names("aws", hostile)) <= 32


def test_a_hostile_name_is_answered_at_once():
    # Such a tail can be divided in more ways than there are atoms, if a pattern lets it.
    assert TAIL.fullmatch("-2025-01-01" * 200 + "x") is None
    assert TAIL.fullmatch("-2025-01-01-v1:0") is not None


def test_resource_ids_fine_tunes_and_gifts_are_recognised():
    assert is_opaque("arn:aws:bedrock:us-east-1:1:application-inference-profile/x")
    assert not is_opaque("arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-v2")
    assert is_fine_tune("ft:gpt-4o:acme::x")
    assert is_free_variant("openrouter", "a/b:free")
    assert not is_free_variant("together", "a/b:free")
