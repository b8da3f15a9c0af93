"""What LlamaIndex's own instrumentation writes: everything on span events, nothing on spans.

A call is one event when it begins and one when it ends, whose ``response.raw`` is what the
provider answered, flattened with dots. The span of a stream ends before its answer does, so all
that it has is the beginning.
"""

from __future__ import annotations

from collections.abc import Mapping

from processor.core.semconv.sources import Kind, Sources, keys

_STARTS: Mapping[str, Kind] = {
    "LLMChatStartEvent": "llm",
    "LLMCompletionStartEvent": "llm",
    "EmbeddingStartEvent": "embedding",
    "ReRankStartEvent": "rerank",
}
_ENDS: Mapping[str, Kind] = {
    "LLMChatEndEvent": "llm",
    "LLMCompletionEndEvent": "llm",
    "EmbeddingEndEvent": "embedding",
}
_ANSWERS = ("LLMChatEndEvent", "LLMCompletionEndEvent")

EVENT_KINDS: tuple[tuple[frozenset[str], Kind], ...] = tuple(
    (frozenset({f"event:{event}:class_name"}), kind) for event, kind in {**_STARTS, **_ENDS}.items()
)
"""Left out on purpose: events that frame the call of another span (``LLMPredict…``, agent steps,
retrievers, synthesizers), those of the parts of a stream, and those of what runs on the same
machine (``SparseEmbedding…``)."""


def _started(*names: str) -> Sources:
    return keys(*(f"event:{event}:{name}" for event in _STARTS for name in names))


def _raw(*names: str) -> Sources:
    return keys(*(f"event:{event}:response.raw.{name}" for event in _ANSWERS for name in names))


RESPONSE_MODEL: Sources = _raw("model", "model_version", "modelVersion")
REQUEST_MODEL: Sources = _started("model_dict.model_name", "model_dict.model", "model_name")
RESPONSE_ID: Sources = _raw("id", "response_id", "responseId")
TIER: Sources = _raw("service_tier", "usage.service_tier")
REGION: Sources = _raw("usage.inference_geo")

COUNTS: Mapping[str, Sources] = {
    "input": _raw(
        "usage.prompt_tokens",
        "usage.input_tokens",
        "usage.inputTokens",
        "usage_metadata.prompt_token_count",
    ),
    "output": _raw(
        "usage.completion_tokens",
        "usage.output_tokens",
        "usage.outputTokens",
        "usage_metadata.candidates_token_count",
    ),
    "total": _raw(
        "usage.total_tokens", "usage.totalTokens", "usage_metadata.total_token_count"
    ),
    "cache_read": _raw(
        "usage.prompt_tokens_details.cached_tokens",
        "usage.input_tokens_details.cached_tokens",
        "usage.cache_read_input_tokens",
        "usage.cacheReadInputTokens",
        "usage.prompt_cache_hit_tokens",
        "usage_metadata.cached_content_token_count",
    ),
    "cache_write": _raw(
        "usage.prompt_tokens_details.cache_write_tokens",
        "usage.input_tokens_details.cache_write_tokens",
        "usage.cache_creation_input_tokens",
        "usage.cacheWriteInputTokens",
    ),
    "cache_write_5m": _raw("usage.cache_creation.ephemeral_5m_input_tokens"),
    "cache_write_1h": _raw("usage.cache_creation.ephemeral_1h_input_tokens"),
    "reasoning": _raw(
        "usage.completion_tokens_details.reasoning_tokens",
        "usage.output_tokens_details.reasoning_tokens",
        "usage_metadata.thoughts_token_count",
    ),
    "audio_input": _raw("usage.prompt_tokens_details.audio_tokens"),
    "audio_output": _raw("usage.completion_tokens_details.audio_tokens"),
    "web_searches": _raw("usage.server_tool_use.web_search_requests"),
}  # fmt: skip
"""Counts of `counts.Counts`, as OpenAI, Anthropic, Bedrock and Google answer them."""
