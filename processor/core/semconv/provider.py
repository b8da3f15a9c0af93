"""Who serves a call, from what a span says, its host, or the name of its model."""

from __future__ import annotations

from collections.abc import Iterable

from processor.core.semconv.dialects.instrumentations import Family
from processor.core.semconv.dialects.providers import (
    ALIASES,
    BROKERS,
    CLIENT_NAMES,
    HOSTS,
    INTERFACES,
    MODEL_FAMILIES,
    MODEL_PATHS,
    OPEN_HOUSE_MODELS,
    POSERS,
)


def name_provider(stated: Iterable[str], host: str, models: Iterable[str]) -> str:
    """Name the provider in lower case, ``""`` when there is no telling.

    What the span states comes first, frameworks that pose as providers aside. The host decides
    where a client library states only itself; the model's name is the last resort.
    """
    names = [_plain(text) for text in stated]
    provider = next((name for name in names if name not in POSERS), "")
    if provider in CLIENT_NAMES:
        provider = _by_host(host) or provider
    if not provider:
        provider = next((name for name in names if name in BROKERS), "")
    return provider or next(filter(None, map(infer_provider, models)), "")


def infer_provider(model: str) -> str:
    """Guess who serves a model from its name alone; ``""`` when the name fits many hosts."""
    name = model.strip().lower()
    for prefix, provider in MODEL_PATHS:
        if name.startswith(prefix):
            return provider
    is_tagged = ":" in name and not name.startswith("ft:")
    if is_tagged or name.startswith(OPEN_HOUSE_MODELS):
        return ""
    for prefix, provider in MODEL_FAMILIES:
        if name.startswith(prefix):
            return provider
    return ""


def name_family(provider: str, models: Iterable[str]) -> Family:
    """Whose way of counting the raw usage follows."""
    if "bedrock" in provider or provider in {"aws", "amazon"}:
        return "bedrock"
    if provider == "anthropic" or any("claude" in model.lower() for model in models):
        return "anthropic"
    if provider.startswith(("google", "gcp", "gemini", "vertex")):
        return "google"
    return "openai"


def _plain(stated: str) -> str:
    """``openai.responses`` → ``openai``; ``langgenius/openai/openai`` → ``openai``."""
    name = stated.lower().rsplit("/", 1)[-1]
    for interface in INTERFACES:
        name = name.removesuffix(interface)
    return ALIASES.get(name, name)


def _by_host(host: str) -> str:
    name = host.lower().rstrip(".")
    return next((provider for end, provider in HOSTS if name.endswith(end)), "")
