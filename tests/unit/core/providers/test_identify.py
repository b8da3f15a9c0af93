"""Which provider is meant."""

from __future__ import annotations

import pytest

from processor.core.providers import (
    choose_statement,
    infer_provider,
    is_placeholder,
    normalise_tier,
    provider_id,
    provider_of_class,
    split_tier,
)


@pytest.mark.parametrize(
    ("stated", "host", "chosen"),
    [
        (["openai"], "", "openai"),
        (["OpenAI"], "", "openai"),
        (["openai.responses"], "", "openai.responses"),
        (["google.vertex.chat"], "", "google.vertex.chat"),
        (["langgenius/openai/openai"], "", "langgenius/openai/openai"),
        (["my-own-proxy"], "", "my-own-proxy"),
        (["crewai"], "", "crewai"),
        (["crewai"], "api.openai.com", "openai"),
        (["gcp.vertex.agent", "google"], "", "google"),
        (["unknown"], "", ""),
        (["_OTHER", "crewai"], "", "crewai"),
        (["openrouter"], "", "openrouter"),
        (["litellm", "openrouter"], "", "openrouter"),
        (["openrouter", "groq"], "", "groq"),
        (["openai"], "contoso.openai.azure.com", "azure"),
        (["openai.responses"], "contoso.openai.azure.com", "azure"),
        (["openai"], "api.deepseek.com", "deepseek"),
        (["openai"], "localhost", "openai"),
        (["anthropic"], "api.openai.com", "anthropic"),
        ([], "bedrock-runtime.eu-west-1.amazonaws.com.", "aws"),
        ([], "", ""),
    ],
)
def test_the_provider_is_whoever_the_span_says_charges(stated, host, chosen) -> None:
    """A provider before a reseller, a framework last; the host where only a client is named."""
    assert choose_statement(stated, host) == chosen


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [
        ("aws.bedrock", "aws"),
        ("azure.ai.openai", "azure"),
        ("Azure.AI.OpenAI", "azure"),
        ("azure_openai.chat", "azure"),
        ("gcp.vertex_ai", "google"),
        ("google-gla", "google"),
        ("google.generative-ai", "google"),
        ("googleai", "google"),
        ("x_ai", "x-ai"),
        ("openai.responses", "openai"),
        ("openai.embedding", "openai"),
        ("anthropic.messages", "anthropic"),
        ("langgenius/openai/openai", "openai"),
        ("mistral_ai", "mistral"),
        ("moonshot_ai", "moonshotai"),
        ("my-openai-proxy", "my-openai-proxy"),
        ("acme/proxy", "acme/proxy"),
        ("gateway", ""),
        ("az.ai.agents", ""),
        ("microsoft.agent_framework", ""),
        ("", ""),
    ],
)
def test_a_provider_is_known_by_its_spellings_only(spelling, expected) -> None:
    """A spelling of the table gives its id, a framework none, and all else stays what it is."""
    assert provider_id(spelling) == expected


def test_an_operators_alias_comes_before_the_table() -> None:
    """Also for a name that would otherwise mean another provider, or none."""
    aliases = {"google-vertex": "acme", "litellm": "azure"}
    assert provider_id("google-vertex", aliases) == "acme"
    assert provider_id("LiteLLM", aliases) == "azure"
    assert infer_provider("google-vertex/model", aliases) == "acme"


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("gpt-4o", "openai"),
        ("GPT-4o", "openai"),
        ("gpt-4o-2024-08-06", "openai"),
        ("o3-mini", "openai"),
        ("ft:gpt-4o-2024-08-06:org:name:id", "openai"),
        ("claude-3-opus", "anthropic"),
        ("claude-sonnet-4-5@20250929", "anthropic"),
        ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", "aws"),
        ("eu.anthropic.claude-3-opus-v1:0", "aws"),
        ("meta.llama3-8b-instruct-v1:0", "aws"),
        ("arn:aws:bedrock:us-east-1:1:application-inference-profile/abc", "aws"),
        ("models/gemini-2.5-pro", "google"),
        ("projects/p/locations/l/publishers/anthropic/models/claude-opus-4", "google"),
        ("googleai/gemini-2.5-flash", "google"),
        ("azure/my-deployment", "azure"),
        ("openrouter/anthropic/claude-3", "openrouter"),
        ("accounts/fireworks/models/llama-v3", "fireworks"),
        ("together_ai/meta-llama/llama-3", "together"),
        ("ollama/llama3.1:8b", "ollama"),
        ("openai/gpt-oss-120b", ""),
        ("gpt-oss-120b", ""),
        ("llama-3.1-8b", ""),
        ("llama3.1:8b", ""),
        ("deepseek-r1", ""),
        ("deepseek-r1:8b", ""),
        ("mistral-nemo", ""),
        ("kimi-k2-0905-preview", ""),
        ("command-r:35b", ""),
        ("mistralai/mistral-7b-instruct", ""),
        ("whisper-large-v3", ""),
        ("qwen2.5", ""),
        ("my-claude", ""),
        ("", ""),
    ],
)
def test_a_provider_is_inferred_only_where_one_sells_the_name(model, expected) -> None:
    """A path or a brand names the provider; open weights and tags of local copies do not."""
    assert infer_provider(model) == expected


@pytest.mark.parametrize("tier", ["", "auto", "Default", "normal", "on_demand", "standard_only"])
def test_the_standard_tier_has_many_names(tier) -> None:
    """All of them mean the list price."""
    assert normalise_tier(tier) == ""


def test_any_other_tier_keeps_its_name() -> None:
    """In lower case."""
    assert normalise_tier("Flex") == "flex"


@pytest.mark.parametrize("text", ["", " ", "Unknown", "test", "n/a", "function:answer:"])
def test_a_placeholder_names_no_model(text) -> None:
    """Whatever an instrumentation writes for want of a name."""
    assert is_placeholder(text)
    assert not is_placeholder("gpt-4o")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ChatAnthropic", "anthropic"),
        ("AzureChatOpenAI", "azure"),
        ("ChatGoogleGenerativeAI", "google"),
        ("ChatBedrockConverse", "aws"),
        ("ChatOllama", "ollama"),
        ("langchain_groq.ChatGroq", "groq"),
        ("ChatOpenAI", ""),
        ("openai_responses_llm", ""),
        ("LiteLLMModel", ""),
        ("llama_index", ""),
        ("LLM", ""),
        ("acme", None),
        ("my-openai-proxy", None),
        ("acme-chat-model", None),
        ("modal-labs", None),
    ],
)
def test_a_class_names_the_provider_that_it_is_for(name, expected) -> None:
    """A client that others' services are called with as well names none."""
    assert provider_of_class(name) == expected


def test_a_provider_comes_before_a_class_and_a_class_before_a_framework() -> None:
    """Of several statements, the one that says most."""
    assert choose_statement(["langgraph", "ChatGroq"], "") == "chatgroq"
    assert choose_statement(["ChatGroq", "openai"], "") == "openai"
    assert choose_statement(["ChatOpenAI"], "contoso.openai.azure.com") == "azure"


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("geo:us", "geo:us"),
        ("Batch geo:US", "batch geo:us"),
        ("standard geo:eu", "geo:eu"),
        ("geo:global", ""),
        ("priority geo:not_available", "priority"),
    ],
)
def test_a_tier_may_name_where_a_call_was_served(stated, expected) -> None:
    """Regions that cost the list price are left out."""
    assert normalise_tier(stated) == expected


def test_tier_and_region_can_be_told_apart() -> None:
    """In any order."""
    assert split_tier("geo:us batch") == ("batch", "us")
    assert split_tier("flex") == ("flex", "")
