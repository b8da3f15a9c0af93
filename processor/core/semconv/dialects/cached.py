"""Where dialects write counts of cached tokens."""

from __future__ import annotations

from collections.abc import Mapping

from processor.core.semconv.dialects.maps import AI_SDK, in_maps
from processor.core.semconv.sources import Source, Sources, inside, keys, total_of

_RAW_USAGE: Mapping[str, tuple[str, ...]] = {
    "cache_read": (
        "prompt_tokens_details.cached_tokens",
        "input_tokens_details.cached_tokens",
        "cache_read_input_tokens",
        "cached_tokens",
        "prompt_cache_hit_tokens",
    ),
    "cache_write": (
        "prompt_tokens_details.cache_write_tokens",
        "input_tokens_details.cache_write_tokens",
        "prompt_tokens_details.cache_creation_tokens",
        "cache_creation_input_tokens",
        "cache_write_tokens",
        "cache_creation_tokens",
    ),
    "cache_write_5m": ("cache_creation.ephemeral_5m_input_tokens",),
    "cache_write_1h": ("cache_creation.ephemeral_1h_input_tokens",),
    "reasoning": (
        "completion_tokens_details.reasoning_tokens",
        "output_tokens_details.reasoning_tokens",
        "reasoning_tokens",
    ),
}
"""What the usage of OpenAI's, Anthropic's and other APIs calls its details."""
_RAW_PREFIXES = ("gen_ai.usage", "gen_ai.usage.details", "llm.usage", "usage")


def raw_usage(field: str) -> Sources:
    """Where a provider's own names stand as attributes, behind one of several prefixes."""
    return keys(*(f"{prefix}.{name}" for prefix in _RAW_PREFIXES for name in _RAW_USAGE[field]))


_TTL = "anthropic.usage.cache_creation.ephemeral_{}_input_tokens"
_MIXED_CACHE = Source(
    ("llm.token_count.prompt_details.cache_input",),
    unless=(
        "llm.token_count.prompt_details.cache_read",
        "llm.token_count.prompt_details.cache_write",
    ),
)
"""Reads and writes in one number; of use only where they are not reported apart."""

CACHE_READ: Sources = (
    *keys(
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "llm.token_count.prompt_details.cache_read",
        "gen_ai.usage.input_tokens.cached",
        "gen_ai.usage.cached_input_tokens",
        "gen_ai.usage.prompt_tokens_details.cache_read",
        "gen_ai.usage.input_cached_tokens",
        "gen_ai.usage.cache_read_tokens",
        "gen_ai.usage.details.cache_read_tokens",
        "gen_ai.usage.details.cached_content_tokens",
        "ai.usage.inputTokenDetails.cacheReadTokens",
        "ai.usage.cachedInputTokens",
    ),
    *inside(
        AI_SDK,
        "anthropic.usage.cache_read_input_tokens",
        "anthropic.cacheReadInputTokens",
        "bedrock.usage.cacheReadInputTokens",
        "openai.cachedPromptTokens",
        "google.usageMetadata.cachedContentTokenCount",
    ),
    *in_maps("cache_read"),
    *raw_usage("cache_read"),
    _MIXED_CACHE,
    *keys("codex.turn.token_usage.cached_input_tokens"),
    *keys("cache_read_tokens", when="bare"),
    *total_of(
        "gen_ai.usage.text.cache_read.input_tokens",
        "gen_ai.usage.audio.cache_read.input_tokens",
        "gen_ai.usage.image.cache_read.input_tokens",
    ),
)

CACHE_WRITE: Sources = (
    *keys(
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
        "gen_ai.usage.cache_write_input_tokens",
        "llm.token_count.prompt_details.cache_write",
        "llm.token_count.prompt_details.cache_creation",
        "gen_ai.usage.input_tokens.cache_creation",
        "gen_ai.usage.input_tokens.cache_write",
        "gen_ai.usage.prompt_tokens_details.cache_write",
        "gen_ai.usage.input_cache_creation",
        "gen_ai.usage.details.cache_write_tokens",
        "ai.usage.inputTokenDetails.cacheWriteTokens",
    ),
    *inside(
        AI_SDK,
        "anthropic.usage.cache_creation_input_tokens",
        "anthropic.cacheCreationInputTokens",
        "bedrock.usage.cacheWriteInputTokens",
        "openai.cacheWriteTokens",
        "openai.cacheWritePromptTokens",
        "openai.usage.prompt_tokens_details.cache_write_tokens",
        "openai.usage.input_tokens_details.cache_write_tokens",
        "openrouter.usage.promptTokensDetails.cacheWriteTokens",
    ),
    *in_maps("cache_write"),
    *raw_usage("cache_write"),
    *keys("codex.turn.token_usage.cache_write_input_tokens"),
    *keys("cache_creation_tokens", when="bare"),
)

CACHE_WRITE_5M: Sources = (
    *keys(_TTL.format("5m")),
    *inside(AI_SDK, _TTL.format("5m")),
    *in_maps("cache_write_5m"),
    *raw_usage("cache_write_5m"),
)

CACHE_WRITE_1H: Sources = (
    *keys(_TTL.format("1h")),
    *inside(AI_SDK, _TTL.format("1h")),
    *in_maps("cache_write_1h"),
    *raw_usage("cache_write_1h"),
)
"""A part of `CACHE_WRITE`; without a split all writes live five minutes."""
