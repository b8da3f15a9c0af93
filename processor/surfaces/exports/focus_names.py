"""How FOCUS names who serves a model, what service that is, and whose model it is."""

from __future__ import annotations

from typing import Final, NamedTuple

from processor.core.providers import infer_provider, provider_id

UNKNOWN: Final = "Unknown"
"""Where a column of the specification must say something, and nobody knows what."""


class Service(NamedTuple):
    """Who provides a service, and what it is called."""

    provider: str
    service: str


_SERVICES: Final = {
    "anthropic": Service("Anthropic", "Anthropic API"),
    "aws": Service("Amazon Web Services", "Amazon Bedrock"),
    "azure": Service("Microsoft", "Azure AI Foundry"),
    "cohere": Service("Cohere", "Cohere API"),
    "databricks": Service("Databricks", "Databricks Model Serving"),
    "deepseek": Service("DeepSeek", "DeepSeek API"),
    "fireworks": Service("Fireworks AI", "Fireworks AI API"),
    "github-copilot": Service("GitHub", "GitHub Copilot"),
    "google": Service("Google", "Google Vertex AI and Gemini API"),
    "groq": Service("Groq", "Groq API"),
    "mistral": Service("Mistral AI", "Mistral AI API"),
    "moonshotai": Service("Moonshot AI", "Moonshot AI API"),
    "openai": Service("OpenAI", "OpenAI API"),
    "openrouter": Service("OpenRouter", "OpenRouter API"),
    "perplexity": Service("Perplexity", "Perplexity API"),
    "together": Service("Together AI", "Together AI API"),
    "x-ai": Service("xAI", "xAI API"),
}
"""Those whose names differ from their ids by more than the first letter."""
_MAKERS: Final = {
    "amazon": "Amazon",
    "meta": "Meta",
    "qwen": "Alibaba",
    "nvidia": "NVIDIA",
}
"""Who makes models that others serve, by the first part of a model's name."""


def service_of(provider: str) -> Service:
    """The names of a provider by its id."""
    if not provider:
        return Service(UNKNOWN, UNKNOWN)
    known = _SERVICES.get(provider)
    if known is not None:
        return known
    name = provider[0].upper() + provider[1:]
    return Service(name, f"{name} API")


def publisher_of(provider: str, model: str) -> str:
    """The name of who makes a model, who may be another one than serves it.

    Its own brand decides, or the first part of a name such as ``anthropic.claude-opus-4-5``; else
    it is who serves it.
    """
    name = model.lower()
    for separator in (".", "/"):
        maker, found, rest = name.partition(separator)
        if found and rest:
            known = _MAKERS.get(maker) or _named(provider_id(maker))
            if known:
                return known
    return _named(infer_provider(name)) or service_of(provider).provider


def _named(provider: str) -> str:
    return _SERVICES[provider].provider if provider in _SERVICES else ""
