"""Names of providers, and what tells them when nobody names them."""

from __future__ import annotations

from collections.abc import Mapping

POSERS = frozenset({
    "_other",
    "agno",
    "az.ai.agents",
    "claude-agent-sdk",
    "crewai",
    "gateway",
    "gcp.vertex.agent",
    "haystack",
    "langchain",
    "litellm",
    "llamaindex",
    "microsoft.agent_framework",
    "openrouter",
    "strands-agents",
    "unknown",
})  # fmt: skip
"""Frameworks and gateways that stand where a provider should; the next source is asked."""

BROKERS = frozenset({"openrouter"})
"""Posers that bill in their own name: they are the provider when no other source knows one."""

ALIASES: Mapping[str, str] = {
    "amazon-bedrock": "aws.bedrock",
    "az.ai.inference": "azure.ai.inference",
    "az.ai.openai": "azure.ai.openai",
    "azure-openai": "azure",
    "google-gla": "google",
    "google-vertex": "gcp.vertex_ai",
    "google.vertex": "gcp.vertex_ai",
    "google.generative-ai": "google",
    "googleai": "google",
    "vertexai": "gcp.vertex_ai",
}
"""Spellings of single SDKs, after `INTERFACES` are taken off."""

INTERFACES = (
    ".chat",
    ".responses",
    ".completion",
    ".messages",
    ".embedding",
    ".image",
    ".speech",
    ".transcription",
)
"""Ends by which an SDK tells the interface of one provider apart (``openai.responses``)."""

HOSTS: tuple[tuple[str, str], ...] = (
    (".openai.azure.com", "azure"),
    (".cognitiveservices.azure.com", "azure"),
    (".services.ai.azure.com", "azure"),
    (".amazonaws.com", "aws.bedrock"),
    ("aiplatform.googleapis.com", "gcp.vertex_ai"),
    ("generativelanguage.googleapis.com", "google"),
    ("api.anthropic.com", "anthropic"),
    ("api.deepseek.com", "deepseek"),
    ("api.fireworks.ai", "fireworks"),
    ("api.groq.com", "groq"),
    ("api.mistral.ai", "mistral_ai"),
    ("api.moonshot.ai", "moonshot_ai"),
    ("api.openai.com", "openai"),
    ("api.perplexity.ai", "perplexity"),
    ("api.together.xyz", "together"),
    ("api.x.ai", "x_ai"),
    ("openrouter.ai", "openrouter"),
)
"""End of a host name, and the provider behind it."""

CLIENT_NAMES = frozenset({"", "openai"})
"""What the OpenAI client says whoever answers: the host knows better."""

MODEL_PATHS: tuple[tuple[str, str], ...] = (
    ("arn:aws:bedrock:", "aws.bedrock"),
    ("bedrock/", "aws.bedrock"),
    ("us.", "aws.bedrock"),
    ("eu.", "aws.bedrock"),
    ("apac.", "aws.bedrock"),
    ("au.", "aws.bedrock"),
    ("jp.", "aws.bedrock"),
    ("global.", "aws.bedrock"),
    ("us-gov.", "aws.bedrock"),
    ("anthropic.", "aws.bedrock"),
    ("amazon.", "aws.bedrock"),
    ("meta.", "aws.bedrock"),
    ("cohere.", "aws.bedrock"),
    ("projects/", "gcp.vertex_ai"),
    ("publishers/", "gcp.vertex_ai"),
    ("vertex_ai/", "gcp.vertex_ai"),
    ("models/gemini", "google"),
    ("gemini/", "google"),
    ("google/", "google"),
    ("googleai/", "google"),
    ("accounts/fireworks/", "fireworks"),
    ("fireworks_ai/", "fireworks"),
    ("@cf/", "cloudflare"),
    ("databricks-", "databricks"),
    ("databricks/", "databricks"),
    ("openrouter/", "openrouter"),
    ("azure/", "azure"),
    ("azure_ai/", "azure"),
    ("anthropic/", "anthropic"),
    ("openai/", "openai"),
    ("cohere/", "cohere"),
    ("deepseek/", "deepseek"),
    ("groq/", "groq"),
    ("mistral/", "mistral_ai"),
    ("mistralai/", "mistral_ai"),
    ("moonshot/", "moonshot_ai"),
    ("ollama/", "ollama"),
    ("perplexity/", "perplexity"),
    ("together_ai/", "together"),
    ("x-ai/", "x_ai"),
    ("xai/", "x_ai"),
)
"""How a model's name begins when it says where the model runs."""

MODEL_FAMILIES: tuple[tuple[str, str], ...] = (
    ("claude", "anthropic"),
    ("ada-002", "openai"),
    ("babbage-", "openai"),
    ("chatgpt-", "openai"),
    ("codex-", "openai"),
    ("dall-e", "openai"),
    ("davinci-", "openai"),
    ("ft:gpt-", "openai"),
    ("gpt-", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4", "openai"),
    ("omni-moderation", "openai"),
    ("text-davinci", "openai"),
    ("text-embedding-3", "openai"),
    ("text-embedding-ada", "openai"),
    ("text-moderation", "openai"),
    ("tts-", "openai"),
    ("whisper-", "openai"),
    ("gemini", "google"),
    ("imagen", "google"),
    ("text-embedding-00", "google"),
    ("veo-", "google"),
    ("codestral", "mistral_ai"),
    ("devstral", "mistral_ai"),
    ("magistral", "mistral_ai"),
    ("ministral", "mistral_ai"),
    ("mistral-", "mistral_ai"),
    ("pixtral", "mistral_ai"),
    ("command", "cohere"),
    ("embed-english", "cohere"),
    ("embed-multilingual", "cohere"),
    ("embed-v4", "cohere"),
    ("rerank-", "cohere"),
    ("deepseek-", "deepseek"),
    ("grok-", "x_ai"),
    ("kimi-", "moonshot_ai"),
    ("moonshot-", "moonshot_ai"),
    ("sonar", "perplexity"),
    ("voyage-", "voyage"),
)
"""How a model's name begins when its maker is the likely host; open weights are left out."""

OPEN_HOUSE_MODELS = ("gpt-oss",)
"""Names that begin like a maker's own models but run anywhere."""
