"""Where dialects write counts of tokens."""

from __future__ import annotations

from collections.abc import Mapping

from processor.core.semconv.dialects import llamaindex
from processor.core.semconv.dialects.cached import (
    CACHE_READ,
    CACHE_WRITE,
    CACHE_WRITE_1H,
    CACHE_WRITE_5M,
    raw_usage,
)
from processor.core.semconv.dialects.maps import (
    ADK,
    AI_SDK,
    LANGFUSE,
    LANGSMITH_IN,
    LANGSMITH_OUT,
    LOGFIRE,
    MLFLOW,
    PLAIN,
    in_map,
    in_maps,
)
from processor.core.semconv.dialects.units import UNITS
from processor.core.semconv.sources import Sources, inside, keys, total_inside, total_of

_DETAILS = "gen_ai.usage.details."
"""Pydantic AI's own details and the provider's, as many as there are."""
_FIRST = (LANGFUSE, MLFLOW)
_NO_SIDES = (LANGSMITH_IN, LANGSMITH_OUT, AI_SDK)
"""Maps that only add details to counts which stand beside them."""


def _modality(name: str, side: str, openai: str, gemini: str) -> Sources:
    """Where tokens of a modality are counted, by OpenAI's and Gemini's words for a side."""
    spec = "prompt" if side == "input" else "completion"
    return (
        *keys(
            f"gen_ai.usage.{name}.{side}_tokens",
            f"gen_ai.usage.{side}_{name}_tokens",
            f"{_DETAILS}{side}_{name}_tokens",
            f"{_DETAILS}{name}_{gemini}_tokens",
            f"llm.token_count.{spec}_details.{name}",
            f"gen_ai.usage.{openai}_tokens_details.{name}_tokens",
            f"gen_ai.usage.{side}_tokens_details.{name}_tokens",
            f"gen_ai.usage.{side}_tokens.{name}",
        ),
        *in_maps(f"{name}_{side}"),
    )


def _modality_input(name: str) -> Sources:
    return _modality(name, "input", "prompt", "prompt")


def _modality_output(name: str) -> Sources:
    # Pydantic AI keeps the details of a completion under their plain names.
    sources = _modality(name, "output", "completion", "candidates")
    return (*sources, *keys(f"{_DETAILS}{name}_tokens"))


def _modality_cached(name: str) -> Sources:
    return (
        *keys(
            f"gen_ai.usage.{name}.cache_read.input_tokens",
            f"{_DETAILS}cache_{name}_read_tokens",
            f"{_DETAILS}{name}_cache_tokens",
        ),
        *in_maps(f"{name}_cached"),
    )


_INPUT: Sources = (
    *keys("llm.tokens.input"),
    *in_map(LANGFUSE, "input"),
    *in_map(MLFLOW, "input"),
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
    *in_maps("input", *_FIRST, *_NO_SIDES),
)

_OUTPUT: Sources = (
    *keys("llm.tokens.output"),
    *in_map(LANGFUSE, "output"),
    *in_map(MLFLOW, "output"),
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
    *in_maps("output", *_FIRST, *_NO_SIDES),
)

_TOTAL: Sources = (
    *keys(
        "llm.tokens.total",
        "gen_ai.usage.total_tokens",
        "llm.usage.total_tokens",
        "llm.token_count.total",
        "ai.usage.totalTokens",
    ),
    *in_map(LANGFUSE, "total"),
    *in_map(MLFLOW, "total"),
    *keys(
        "usage.total_tokens",
        "gen_ai.token.usage.total",
        "codex.turn.token_usage.total_tokens",
    ),
    *in_maps("total", *_FIRST, *_NO_SIDES),
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
    *in_maps("reasoning"),
    *raw_usage("reasoning"),
    *keys("codex.turn.token_usage.reasoning_output_tokens"),
)

_TABLE: Mapping[str, Sources] = {
    "input": _INPUT,
    "output": _OUTPUT,
    "total": _TOTAL,
    "uncached": keys("ai.usage.inputTokenDetails.noCacheTokens"),
    "raw_input": (
        *inside(AI_SDK, "anthropic.usage.input_tokens", "bedrock.usage.inputTokens"),
        *(
            source
            for key in (LOGFIRE, *PLAIN)
            for source in inside(key, "input_tokens", when="anthropic")
        ),
    ),
    "raw_output": (
        *inside(
            AI_SDK,
            "google.usageMetadata.candidatesTokenCount",
            "vertex.usageMetadata.candidatesTokenCount",
        ),
        *inside(ADK, "usage_metadata.candidates_token_count", "usageMetadata.candidatesTokenCount"),
    ),
    "cache_read": CACHE_READ,
    "cache_write": CACHE_WRITE,
    "cache_write_5m": CACHE_WRITE_5M,
    "cache_write_1h": CACHE_WRITE_1H,
    "reasoning": _REASONING,
    "text_input": in_maps("text_input"),
    "audio_input": _modality_input("audio"),
    "audio_cached": _modality_cached("audio"),
    "image_input": _modality_input("image"),
    "image_cached": _modality_cached("image"),
    "video_input": _modality_input("video"),
    "text_output": in_maps("text_output"),
    "audio_output": _modality_output("audio"),
    "image_output": _modality_output("image"),
    "video_output": _modality_output("video"),
    "tool_use": (*keys(f"{_DETAILS}tool_use_prompt_tokens"), *in_maps("tool_use")),
    "other_input": in_maps("other_input"),
    "other_output": in_maps("other_output"),
    "other": in_maps("other"),
    "extra_input": keys("anthropic.usage.compaction.input_tokens"),
    "extra_output": keys("anthropic.usage.compaction.output_tokens"),
    "billed_input": (
        *keys("gen_ai.usage.billed_units.input_tokens"),
        *in_maps("billed_input"),
    ),
    "billed_output": (
        *keys("gen_ai.usage.billed_units.output_tokens"),
        *in_maps("billed_output"),
    ),
    **UNITS,
}
COUNTS: Mapping[str, Sources] = {
    name: (*sources, *llamaindex.COUNTS.get(name, ())) for name, sources in _TABLE.items()
}
"""The counts that `counts.Counts` holds, in its order.

``uncached`` and ``raw_*`` only show what ``input`` and ``output`` mean; ``extra_*``
are billed beside input and output and are in no total.
Limits, sums over traces, streaming chunks and counts of the free token counter look like usage
and are left out on purpose: ``gen_ai.aggregated_usage.*``, ``gen_ai.usage.experimental.*``,
``gen_ai.usage.streaming_tokens``, ``gen_ai.client.token.usage``, ``logfire.metrics``,
``mlflow.trace.tokenUsage``, ``crewai.crew.token_usage``,
``anthropic.message.count_tokens.input_tokens``.
"""

PARTIAL = ("gen_ai.usage.partial.input_tokens", "gen_ai.usage.partial.output_tokens")
"""A call that carries only these is counted at its parent, which has the true numbers."""
