"""Where dialects write counts of cached tokens."""

from __future__ import annotations

from processor.core.semconv.sources import Source, Sources, inside, keys, total_inside, total_of

AI_SDK = "ai.response.providerMetadata"
LANGFUSE = "langfuse.observation.usage_details"
LITELLM = "metadata.usage_object"
LOGFIRE = "gen_ai.usage.raw"
MLFLOW = "mlflow.chat.tokenUsage"
ADK = "gcp.vertex.agent.llm_response"
GENKIT = "genkit:output"
HAYSTACK = "haystack.component.output"
LANGSMITH_IN = "gen_ai.usage.input_token_details"
LANGSMITH_OUT = "gen_ai.usage.output_token_details"


_TTL = "anthropic.usage.cache_creation.ephemeral_{}_input_tokens"
_LITELLM_TTL = "prompt_tokens_details.cache_creation_token_details.ephemeral_{}_input_tokens"
_CHAIN_TTL = ("cache_creation_ephemeral_{}_input_tokens", "input_ephemeral_{}_input_tokens")
"""What Langfuse's callback makes of LangChain's names."""
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
        "gen_ai.usage.prompt_tokens_details.cached_tokens",
        "gen_ai.usage.prompt_tokens_details.cache_read",
        "gen_ai.usage.input_cached_tokens",
        "gen_ai.usage.cache_read_tokens",
        "gen_ai.usage.details.cache_read_tokens",
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
    *inside(
        LANGFUSE,
        "input_cached_tokens",
        "cache_read_input_tokens",
        "input_cache_read",
        "input_cached",
        "prompt_tokens_details.cached_tokens",
        "input_tokens_details.cached_tokens",
    ),
    *inside(MLFLOW, "cache_read_input_tokens"),
    *inside(LITELLM, "cache_read_input_tokens", "prompt_tokens_details.cached_tokens"),
    *inside(
        LOGFIRE,
        "cache_read_input_tokens",
        "prompt_tokens_details.cached_tokens",
        "input_tokens_details.cached_tokens",
    ),
    *inside(LANGSMITH_IN, "cache_read"),
    _MIXED_CACHE,
    *keys("codex.turn.token_usage.cached_input_tokens"),
    *keys("cache_read_tokens", when="bare"),
    *total_of(
        "gen_ai.usage.text.cache_read.input_tokens",
        "gen_ai.usage.audio.cache_read.input_tokens",
        "gen_ai.usage.image.cache_read.input_tokens",
    ),
    *inside(ADK, "usage_metadata.cached_content_token_count"),
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
        "gen_ai.usage.prompt_tokens_details.cache_creation_tokens",
        "gen_ai.usage.input_cache_creation",
        "gen_ai.usage.details.cache_write_tokens",
        "ai.usage.inputTokenDetails.cacheWriteTokens",
    ),
    *inside(
        AI_SDK,
        "anthropic.usage.cache_creation_input_tokens",
        "anthropic.cacheCreationInputTokens",
        "bedrock.usage.cacheWriteInputTokens",
    ),
    *total_inside(
        LANGFUSE,
        "cache_creation_input_tokens",
        "input_cache_creation_5m",
        "input_cache_creation_1h",
    ),
    *inside(LANGFUSE, "input_cache_creation", "input_cache_write"),
    *inside(MLFLOW, "cache_creation_input_tokens"),
    *inside(LITELLM, "cache_creation_input_tokens", "prompt_tokens_details.cache_creation_tokens"),
    *inside(LOGFIRE, "cache_creation_input_tokens"),
    *inside(LANGSMITH_IN, "cache_creation"),
    *keys("codex.turn.token_usage.cache_write_input_tokens"),
    *keys("cache_creation_tokens", when="bare"),
)

CACHE_WRITE_5M: Sources = (
    *keys(_TTL.format("5m")),
    *inside(AI_SDK, _TTL.format("5m")),
    *inside(LANGFUSE, "input_cache_creation_5m", *(name.format("5m") for name in _CHAIN_TTL)),
    *inside(LITELLM, _LITELLM_TTL.format("5m")),
    *inside(LOGFIRE, "cache_creation.ephemeral_5m_input_tokens"),
    *inside(LANGSMITH_IN, "ephemeral_5m_input_tokens"),
)

CACHE_WRITE_1H: Sources = (
    *keys(_TTL.format("1h")),
    *inside(MLFLOW, "cache_creation_input_tokens_above_1hr"),
    *inside(AI_SDK, _TTL.format("1h")),
    *inside(LANGFUSE, "input_cache_creation_1h", *(name.format("1h") for name in _CHAIN_TTL)),
    *inside(LITELLM, _LITELLM_TTL.format("1h")),
    *inside(LOGFIRE, "cache_creation.ephemeral_1h_input_tokens"),
    *inside(LANGSMITH_IN, "ephemeral_1h_input_tokens"),
)
"""A part of `CACHE_WRITE`; without a split all writes live five minutes."""
