"""Where dialects write counts of tokens."""

from __future__ import annotations

from collections.abc import Mapping

from processor.core.semconv.dialects import llamaindex
from processor.core.semconv.dialects.cached import (
    ADK,
    AI_SDK,
    CACHE_READ,
    CACHE_WRITE,
    CACHE_WRITE_1H,
    CACHE_WRITE_5M,
    GENKIT,
    HAYSTACK,
    LANGFUSE,
    LANGSMITH_OUT,
    LITELLM,
    LOGFIRE,
    MLFLOW,
)
from processor.core.semconv.dialects.units import UNITS
from processor.core.semconv.sources import Sources, buckets, inside, keys, total_inside, total_of

_INPUT: Sources = (
    *keys("llm.tokens.input"),
    *buckets(LANGFUSE, "input"),
    *inside(LANGFUSE, "prompt_tokens", "input_tokens", "promptTokens"),
    *inside(MLFLOW, "input_tokens"),
    *keys(
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.prompt_tokens",
        "llm.token_count.prompt",
        "ai.usage.inputTokens",
        "ai.usage.promptTokens",
        "ai.usage.tokens",
        "llm.usage.prompt_tokens",
        "usage.prompt_tokens",
        "gen_ai.token.usage.input",
        "gen_ai.response.prompt_tokens",
        "codex.turn.token_usage.input_tokens",
        "decision.token_count.input",
    ),
    *keys("input_tokens", when="bare"),
    *total_of(
        "gen_ai.usage.text.input_tokens",
        "gen_ai.usage.audio.input_tokens",
        "gen_ai.usage.image.input_tokens",
    ),
    *total_inside(
        ADK, "usage_metadata.prompt_token_count", "usage_metadata.tool_use_prompt_token_count"
    ),
    *inside(GENKIT, "usage.inputTokens"),
    *inside(HAYSTACK, "replies.0.meta.usage.prompt_tokens", "replies.0._meta.usage.prompt_tokens"),
    *inside(LITELLM, "prompt_tokens"),
)

_OUTPUT: Sources = (
    *keys("llm.tokens.output"),
    *buckets(LANGFUSE, "output"),
    *inside(LANGFUSE, "completion_tokens", "output_tokens", "completionTokens"),
    *inside(MLFLOW, "output_tokens"),
    *keys(
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.completion_tokens",
        "llm.token_count.completion",
        "ai.usage.outputTokens",
        "ai.usage.completionTokens",
        "llm.usage.completion_tokens",
        "usage.completion_tokens",
        "gen_ai.token.usage.output",
        "gen_ai.response.completion_tokens",
        "codex.turn.token_usage.output_tokens",
        "decision.token_count.output",
    ),
    *keys("output_tokens", when="bare"),
    *total_of(
        "gen_ai.usage.text.output_tokens",
        "gen_ai.usage.audio.output_tokens",
        "gen_ai.usage.image.output_tokens",
    ),
    *inside(ADK, "usage_metadata.candidates_token_count"),
    *inside(GENKIT, "usage.outputTokens"),
    *inside(
        HAYSTACK,
        "replies.0.meta.usage.completion_tokens",
        "replies.0._meta.usage.completion_tokens",
    ),
    *inside(LITELLM, "completion_tokens"),
)

_TOTAL: Sources = (
    *keys(
        "llm.tokens.total",
        "gen_ai.usage.total_tokens",
        "llm.usage.total_tokens",
        "llm.token_count.total",
        "ai.usage.totalTokens",
    ),
    *inside(LANGFUSE, "total", "total_tokens", "totalTokens"),
    *inside(MLFLOW, "total_tokens"),
    *keys(
        "usage.total_tokens",
        "gen_ai.token.usage.total",
        "codex.turn.token_usage.total_tokens",
    ),
    *inside(ADK, "usage_metadata.total_token_count"),
    *inside(GENKIT, "usage.totalTokens"),
)

_REASONING: Sources = (
    *keys(
        "gen_ai.usage.reasoning.output_tokens",
        "gen_ai.usage.reasoning_tokens",
        "llm.usage.reasoning_tokens",
        "llm.token_count.completion_details.reasoning",
        "gen_ai.usage.output_tokens.reasoning",
        "gen_ai.usage.completion_tokens_details.reasoning_tokens",
        "gen_ai.usage.reasoning_output_tokens",
        "gen_ai.usage.details.reasoning_tokens",
        "gen_ai.usage.details.thoughts_tokens",
        "ai.usage.outputTokenDetails.reasoningTokens",
        "ai.usage.reasoningTokens",
    ),
    *inside(AI_SDK, "openai.reasoningTokens"),
    *inside(
        LANGFUSE,
        "output_reasoning_tokens",
        "output_reasoning",
        "reasoning_tokens",
        "completion_tokens_details.reasoning_tokens",
        "output_tokens_details.reasoning_tokens",
    ),
    *inside(
        LOGFIRE,
        "completion_tokens_details.reasoning_tokens",
        "output_tokens_details.reasoning_tokens",
    ),
    *inside(LITELLM, "completion_tokens_details.reasoning_tokens"),
    *inside(LANGSMITH_OUT, "reasoning"),
    *keys("codex.turn.token_usage.reasoning_output_tokens"),
    *inside(ADK, "usage_metadata.thoughts_token_count"),
    *inside(GENKIT, "usage.thoughtsTokens"),
)

_TABLE: Mapping[str, Sources] = {
    "input": _INPUT,
    "output": _OUTPUT,
    "total": _TOTAL,
    "uncached": keys("ai.usage.inputTokenDetails.noCacheTokens"),
    "raw_input": (
        *inside(AI_SDK, "anthropic.usage.input_tokens", "bedrock.usage.inputTokens"),
        *inside(LOGFIRE, "input_tokens", when="anthropic"),
    ),
    "cache_read": CACHE_READ,
    "cache_write": CACHE_WRITE,
    "cache_write_5m": CACHE_WRITE_5M,
    "cache_write_1h": CACHE_WRITE_1H,
    "reasoning": _REASONING,
    "audio_input": (
        *keys(
            "gen_ai.usage.audio.input_tokens",
            "gen_ai.usage.input_audio_tokens",
            "gen_ai.usage.details.input_audio_tokens",
            "llm.token_count.prompt_details.audio",
            "gen_ai.usage.prompt_tokens_details.audio_tokens",
        ),
        *inside(
            LANGFUSE, "input_audio", "input_audio_tokens", "prompt_tokens_details.audio_tokens"
        ),
        *inside(LITELLM, "prompt_tokens_details.audio_tokens"),
    ),
    "audio_cached": keys(
        "gen_ai.usage.audio.cache_read.input_tokens", "gen_ai.usage.details.cache_audio_read_tokens"
    ),
    "image_input": keys("gen_ai.usage.image.input_tokens"),
    "image_cached": keys("gen_ai.usage.image.cache_read.input_tokens"),
    "audio_output": (
        *keys(
            "gen_ai.usage.audio.output_tokens",
            "gen_ai.usage.output_audio_tokens",
            "gen_ai.usage.details.output_audio_tokens",
            "llm.token_count.completion_details.audio",
            "gen_ai.usage.completion_tokens_details.audio_tokens",
        ),
        *inside(
            LANGFUSE,
            "output_audio",
            "output_audio_tokens",
            "completion_tokens_details.audio_tokens",
        ),
        *inside(LITELLM, "completion_tokens_details.audio_tokens"),
    ),
    "image_output": keys("gen_ai.usage.image.output_tokens", "gen_ai.usage.output_image_tokens"),
    "extra_input": keys("anthropic.usage.compaction.input_tokens"),
    "extra_output": keys("anthropic.usage.compaction.output_tokens"),
    **UNITS,
}
COUNTS: Mapping[str, Sources] = {
    name: (*sources, *llamaindex.COUNTS.get(name, ())) for name, sources in _TABLE.items()
}
"""The counts that `usage.Counts` holds, in its order.

``uncached`` and ``raw_input`` only bear witness to what ``input`` means; ``extra_*`` are billed
beside input and output and are in no total.
Limits, sums over traces, streaming chunks and counts of the free token counter look like usage
and are left out on purpose: ``gen_ai.aggregated_usage.*``, ``gen_ai.usage.experimental.*``,
``gen_ai.usage.streaming_tokens``, ``gen_ai.client.token.usage``, ``logfire.metrics``,
``mlflow.trace.tokenUsage``, ``crewai.crew.token_usage``,
``anthropic.message.count_tokens.input_tokens``.
"""

PARTIAL = ("gen_ai.usage.partial.input_tokens", "gen_ai.usage.partial.output_tokens")
"""A call that carries only these is counted at its parent, which has the true numbers."""
