"""Who serves a call."""

from __future__ import annotations

import pytest

from processor.core.semconv import infer_provider
from processor.core.semconv.provider import name_family, name_provider


@pytest.mark.parametrize(
    ("stated", "host", "models", "provider"),
    [
        (["openai"], "", ["gpt-4o"], "openai"),
        (["OpenAI"], "", [], "openai"),
        (["openai.responses"], "", [], "openai"),
        (["google.vertex.chat"], "", [], "gcp.vertex_ai"),
        (["google.generative-ai"], "", [], "google"),
        (["amazon-bedrock"], "", [], "aws.bedrock"),
        (["langgenius/openai/openai"], "", [], "openai"),
        (["aws.bedrock"], "", ["anthropic.claude-3-haiku-20240307-v1:0"], "aws.bedrock"),
        (["crewai"], "", ["gpt-4o-mini"], "openai"),
        (["gcp.vertex.agent", "google"], "", ["gemini-2.0-flash"], "google"),
        (["microsoft.agent_framework"], "", ["unheard-of"], ""),
        (["openrouter"], "", ["openai/gpt-4o"], "openrouter"),
        (["openrouter", "groq"], "", ["kimi-k2"], "groq"),
        (["openai"], "contoso.openai.azure.com", ["my-deployment"], "azure"),
        (["openai"], "api.deepseek.com", ["deepseek-chat"], "deepseek"),
        (["openai"], "localhost", ["llama"], "openai"),
        (["anthropic"], "api.openai.com", [], "anthropic"),
        ([], "bedrock-runtime.eu-west-1.amazonaws.com.", ["x"], "aws.bedrock"),
        ([], "", ["my-alias", "gpt-4o"], "openai"),
        ([], "", [], ""),
    ],
)
def test_the_provider_is_whoever_serves_the_call(stated, host, models, provider) -> None:
    """Statements first, hosts behind client libraries, and the model's name last."""
    assert name_provider(stated, host, models) == provider


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("gpt-4o-2024-08-06", "openai"),
        ("GPT-4o", "openai"),
        ("ft:gpt-4o-2024-08-06:org:name:id", "openai"),
        ("claude-sonnet-4-5@20250929", "anthropic"),
        ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", "aws.bedrock"),
        ("arn:aws:bedrock:us-east-1:1:application-inference-profile/abc", "aws.bedrock"),
        ("models/gemini-2.5-pro", "google"),
        ("projects/p/locations/l/publishers/anthropic/models/claude-opus-4", "gcp.vertex_ai"),
        ("azure/my-deployment", "azure"),
        ("openrouter/anthropic/claude-3", "openrouter"),
        ("accounts/fireworks/models/llama-v3", "fireworks"),
        ("llama3.1:8b", ""),
        ("deepseek-r1:8b", ""),
        ("gpt-oss-120b", ""),
        ("qwen2.5", ""),
        ("", ""),
    ],
)
def test_a_models_name_tells_its_likely_host(model, provider) -> None:
    """A path or a maker's name tells the host; open weights and local tags do not."""
    assert infer_provider(model) == provider


@pytest.mark.parametrize(
    ("provider", "models", "family"),
    [
        ("aws.bedrock", ["anthropic.claude"], "bedrock"),
        ("aws", [], "bedrock"),
        ("gcp.vertex_ai", ["claude-opus-4"], "anthropic"),
        ("gcp.vertex_ai", ["gemini-2.5-pro"], "google"),
        ("azure", ["gpt-4o"], "openai"),
        ("", [], "openai"),
    ],
)
def test_the_family_is_whose_way_of_counting_the_usage_follows(provider, models, family) -> None:
    """The host decides before the model, but Claude counts alike on every other host."""
    assert name_family(provider, models) == family
