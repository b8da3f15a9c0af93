"""Which company a span means by the provider it names, and by a model name without provider.

Ids are those of the price catalogue. Only spellings listed here (or by the operator) are mapped:
a name that merely contains a known one is another host, with other prices.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_SPELLINGS: dict[str, str] = {
    "anthropic": "anthropic claude anthropic.messages",
    "aws": "aws aws.bedrock aws_bedrock aws-bedrock bedrock amazon amazon-bedrock amazon_bedrock "
    "amazon.bedrock bedrock_converse",
    "azure": "azure azure.ai.openai az.ai.openai azure.ai.inference az.ai.inference azure_openai "
    "azure-openai azure.openai azureopenai azure_ai azure-ai azure.ai.foundry azure_ai_foundry "
    "azure_ai_inference azure-cognitive-services microsoft.foundry",
    "baseten": "baseten",
    "cerebras": "cerebras",
    "cloudflare": "cloudflare cloudflare-workers-ai workers-ai",
    "cohere": "cohere cohere_chat cohere.chat",
    "databricks": "databricks",
    "deepseek": "deepseek deepseek_ai deep_seek",
    "fireworks": "fireworks fireworks_ai fireworks-ai fireworks.ai",
    "github-copilot": "github-copilot github_copilot",
    "google": "google gcp.gemini gcp.vertex_ai gcp.gen_ai gemini vertex_ai vertexai vertex-ai "
    "vertex vertex_ai_beta google_vertexai google-vertex google_vertex google.vertex google-gla "
    "google_genai google-genai google_ai_studio google.generative-ai google_ai google-ai "
    "google.gemini google_generative_ai",
    "groq": "groq",
    "minimax": "minimax",
    "mistral": "mistral mistral_ai mistralai mistral-ai mistral.ai",
    "modal": "modal",
    "moonshotai": "moonshotai moonshot moonshot_ai moonshot-ai",
    "novita": "novita novita_ai novita-ai",
    "openai": "openai open_ai openai.chat openai.responses openai-chat openai_chat "
    "text-completion-openai",
    "openrouter": "openrouter open_router openrouter.ai",
    "ovhcloud": "ovhcloud",
    "perplexity": "perplexity perplexity_ai perplexity-ai pplx",
    "together": "together together_ai togetherai together-ai together.ai",
    "voyageai": "voyageai voyage voyage_ai voyage-ai",
    "watsonx": "watsonx watsonx.ai ibm ibm.watsonx.ai ibm_watsonx ibm-watsonx",
    "x-ai": "x-ai xai x_ai x.ai grok",
    "zai": "zai z_ai z-ai z.ai",
    "zhipuai": "zhipuai zhipu",
}

ALIASES: dict[str, str] = {
    spelling: provider for provider, text in _SPELLINGS.items() for spelling in text.split()
}

_LONGEST = 128

_GATEWAYS = frozenset(
    {
        "litellm", "litellm_proxy", "gateway", "ai_gateway", "portkey", "helicone", "vercel",
        "vercel_ai_gateway", "unknown", "none", "null", "n/a",
    }
)  # fmt: skip
"""Names that say how a call travelled, not who charges for it."""

_OPEN_WEIGHTS = re.compile(
    r"gpt-oss|gemma|llama|qwen|phi-\d|mi[sx]tral-(?:\d|nemo)|deepseek-(?:r1|v[23])|kimi-k2|dbrx"
)
_PUBLISHERS = frozenset(
    {"cohere", "databricks", "deepseek", "google", "minimax", "mistral", "moonshotai", "openai"}
)
"""Makers whose name before a slash may mean "published by" rather than "served by"."""


def _patterns(*pairs: tuple[str, str]) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(pattern), provider) for pattern, provider in pairs)


_HOSTS = _patterns(
    (r"arn:aws", "aws"),
    (
        (
            r"(?:(?:us|eu|apac|au|jp|ca|sa|in|global|us-gov)\.)?"
            r"(?:anthropic|amazon|meta|mistral|cohere|ai21|deepseek|openai|qwen|writer)\.[a-z]"
        ),
        "aws",
    ),
    (r"(?:publishers|projects)/|models/gemini", "google"),
    (r"accounts/fireworks/", "fireworks"),
    (r"@cf/", "cloudflare"),
    (r"databricks-", "databricks"),
)
"""How a name begins that only one host gives to a model."""

_BRANDS = _patterns(
    (
        (
            r"(?:ft:)?(?:gpt-|chatgpt-|o[134](?:-|$)|text-embedding-(?:3|ada)|text-davinci)"
            r"|whisper-1|tts-1|dall-e-|omni-moderation|gpt-image"
        ),
        "openai",
    ),
    (r"claude-", "anthropic"),
    (r"gemini-", "google"),
    (r"grok-", "x-ai"),
    (r"deepseek-(?:chat|reasoner|coder|v4)", "deepseek"),
    (
        (
            r"mistral-(?:large|medium|small|tiny|saba|embed|ocr)|codestral-|ministral-|pixtral-"
            r"|magistral-|devstral-"
        ),
        "mistral",
    ),
    (r"command-|rerank-|embed-(?:english|multilingual|v)", "cohere"),
    (r"sonar(?:-|$)", "perplexity"),
    (r"voyage-", "voyageai"),
)
"""How a model name begins -> who sells a model of that name under its own brand."""


def canonical(provider: str, aliases: Mapping[str, str]) -> str:
    """The canonical id of a provider; ``""`` for none or a gateway, the name itself if unknown.

    `aliases` come before the built-in ones. A dotted name (``openai.chat``) that is not known
    as a whole is tried by its leading parts.
    """
    whole = name = provider.strip().lower()[:_LONGEST]
    while name:
        known = aliases.get(name) or ALIASES.get(name)
        if known is not None:
            return known
        if name in _GATEWAYS:
            return ""
        name = name.rpartition(".")[0]
    return whole


def infer(model: str, aliases: Mapping[str, str]) -> str:
    """Who sells a model named without its provider (lower case); ``""`` when that is not clear.

    A form of name that one host uses decides, then a leading segment that names a provider
    (``openai/gpt-4o``), then the brand. Open weights that many hosts serve decide nothing.
    """
    found = _first(_HOSTS, model)
    if found:
        return found
    is_open = _OPEN_WEIGHTS.search(model) is not None
    segment, slash, rest = model.partition("/")
    if slash and rest:
        host = aliases.get(segment) or ALIASES.get(segment)
        if host is not None and not (is_open and host in _PUBLISHERS):
            return host
    return "" if is_open else _first(_BRANDS, model)


def _first(patterns: tuple[tuple[re.Pattern[str], str], ...], model: str) -> str:
    return next((host for pattern, host in patterns if pattern.match(model)), "")
