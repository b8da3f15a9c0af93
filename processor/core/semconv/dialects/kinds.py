"""What dialects call the kinds of spans."""

from __future__ import annotations

from collections.abc import Mapping

from processor.core.semconv.sources import Kind

_OPERATIONS: Mapping[str, Kind] = {
    "chat": "llm",
    "chat.completions": "llm",
    "text.completions": "llm",
    "generate_content": "llm",
    "text_completion": "llm",
    "completion": "llm",
    "responses": "llm",
    "realtime": "llm",
    "plan": "llm",
    "llm": "llm",
    "llm_call": "llm",
    "image_generation": "image",
    "generate_speech": "audio",
    "transcribe": "audio",
    "embeddings": "embedding",
    "embedding": "embedding",
    "rerank": "rerank",
    "retrieval": "other",
    "create_agent": "other",
    "execute_tool": "tool",
    "tool": "tool",
    "invoke_agent": "agent",
    "agent": "agent",
    "invoke_swarm": "workflow",
    "invoke_graph": "workflow",
    "invoke_workflow": "workflow",
    "workflow": "workflow",
    "agent_step": "chain",
    "orchestrate_tools": "chain",
    "execute_event_loop_cycle": "chain",
}

_AI_SDK: Mapping[str, Kind] = {
    "ai.generatetext": "chain",
    "ai.generatetext.dogenerate": "llm",
    "ai.streamtext": "chain",
    "ai.streamtext.dostream": "llm",
    "ai.generateobject": "chain",
    "ai.generateobject.dogenerate": "llm",
    "ai.streamobject": "chain",
    "ai.streamobject.dostream": "llm",
    "ai.embed": "chain",
    "ai.embed.doembed": "embedding",
    "ai.embedmany": "chain",
    "ai.embedmany.doembed": "embedding",
    "ai.rerank": "chain",
    "ai.rerank.dorerank": "rerank",
    "ai.toolcall": "tool",
}

_CALL_TYPES: Mapping[str, Kind] = {
    "chat": "llm",
    "completion": "llm",
    "acompletion": "llm",
    "text_completion": "llm",
    "atext_completion": "llm",
    "responses": "llm",
    "aresponses": "llm",
    "anthropic_messages": "llm",
    "embedding": "embedding",
    "aembedding": "embedding",
    "rerank": "rerank",
    "arerank": "rerank",
    "image_generation": "image",
    "aimage_generation": "image",
    "speech": "audio",
    "aspeech": "audio",
    "transcription": "audio",
    "atranscription": "audio",
    "moderation": "moderation",
    "amoderation": "moderation",
}

_COMMON: Mapping[str, Kind] = {
    "llm": "llm",
    "embedding": "embedding",
    "agent": "agent",
    "chain": "chain",
    "task": "chain",
    "tool": "tool",
    "retriever": "other",
    "evaluator": "other",
    "guardrail": "other",
    "prompt": "other",
    "parser": "other",
}
"""Spellings on which the observability platforms agree."""

KINDS: tuple[tuple[str, Mapping[str, Kind]], ...] = (
    ("logfire.span_type", {"pending_span": "never"}),
    ("langfuse.observation.type", {**_COMMON, "generation": "llm"}),
    (
        "openinference.span.kind",
        {**_COMMON, "reranker": "rerank", "decision": "llm", "token_counter": "never"},
    ),
    ("gen_ai.operation.name", _OPERATIONS),
    ("ai.operationId", _AI_SDK),
    (
        "mlflow.spanType",
        {**_COMMON, "chat_model": "llm", "reranker": "rerank", "workflow": "workflow"},
    ),
    ("traceloop.span.kind", {**_COMMON, "workflow": "workflow"}),
    ("llm.request.type", _CALL_TYPES),
    (
        "lmnr.span.type",
        {**_COMMON, "pipeline": "workflow", "executor": "chain", "cached": "never"},
    ),
    ("langsmith.span.kind", _COMMON),
    ("gen_ai.span.kind", {**_COMMON, "reranker": "rerank", "workflow": "workflow"}),
    (
        "mastra.span.type",
        {
            "agent_run": "agent",
            "model_generation": "llm",
            "model_step": "other",
            "model_chunk": "other",
            "tool_call": "tool",
            "mcp_tool_call": "tool",
            "workflow_run": "workflow",
            "workflow_step": "chain",
        },
    ),
    (
        "agentops.span.kind",
        {**_COMMON, "operation": "chain", "session": "workflow", "workflow": "workflow"},
    ),
    ("litellm.call_type", _CALL_TYPES),
    ("sentry.op", {f"gen_ai.{name}": kind for name, kind in _OPERATIONS.items()}),
    ("genkit:metadata:subtype", {"model": "llm", "tool": "tool", "embedder": "embedding"}),
    (
        "span.type",
        {
            "llm_request": "llm",
            "generation": "llm",
            "llm": "llm",
            "agent": "agent",
            "interaction": "chain",
            "tool": "tool",
        },
    ),
)
"""Attribute, and what its values mean in lower case. A value that is not listed says nothing, and
neither does a plain ``span``: old SDKs wrote their generations so. ``never`` counts wherever it
stands: spans that are opened twice, free token counters, replays from a cache.
"""

KINDS_BY_NAME: Mapping[str, Kind] = {
    "raw_gen_ai_request": "never",
    "messages.count_tokens": "never",
    "beta.messages.count_tokens": "never",
    "litellm_request": "llm",
    "call_llm": "llm",
    "claude_code.llm_request": "llm",
    "claude_code.interaction": "chain",
    "claude_code.tool": "tool",
    "session_task.turn": "llm",
    "orchestrate_tools": "chain",
    "ai.generateText": "chain",
    "ai.streamText": "chain",
    "ai.generateObject": "chain",
    "ai.streamObject": "chain",
}
"""Span names that state the kind where attributes do not; ``never`` is stronger than attributes."""

KINDS_BY_KEYS: tuple[tuple[frozenset[str], Kind], ...] = (
    # Early Pydantic AI agents.
    (frozenset({"agent_name", "model_name"}), "agent"),
    # One completion within a turn of Codex; it names no model, and the turn has the sum.
    (frozenset({"codex.usage.total_tokens"}), "other"),
)
"""Attributes that together state the kind where nothing else does."""

AGENT_NAME_PREFIXES = ("invoke_agent ", "invoke_workflow ")
"""Taken off the name of an agent's span where that name stands in for the agent's."""
