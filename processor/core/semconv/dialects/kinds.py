"""What dialects call the kinds of spans."""

from __future__ import annotations

from collections.abc import Mapping

from processor.core.semconv.dialects.llamaindex import EVENT_KINDS
from processor.core.semconv.sources import Kind

_OPERATIONS: Mapping[str, Kind] = {
    **dict.fromkeys(
        ("chat", "chat.completions", "chat_completion", "chat_completions", "stream_chat",
         "completion", "completions", "text.completions", "text_completion", "text_generation",
         "generate", "generate_content", "generate_text", "stream_text", "generate_object",
         "messages", "message", "responses", "response", "realtime", "speech_to_speech",
         "plan", "llm", "llm_call", "llm_request", "llm_response", "inference", "ocr"),
        "llm",
    ),
    **dict.fromkeys(
        ("image", "images", "image_generation", "image_edit", "image_variation", "images_generate",
         "images_edit", "images_create_variation", "images.generate", "images.edit",
         "generate_image", "generate_images", "create_image", "edit_image", "text_to_image",
         "sample_image"),
        "image",
    ),
    **dict.fromkeys(
        ("video", "generate_video", "generate_videos", "video_generation", "text_to_video"), "video"
    ),
    **dict.fromkeys(
        ("audio", "tts", "stt", "speech", "generate_speech", "speech_generation", "audio_speech",
         "audio.speech", "audio_generation", "generate_audio", "text_to_speech", "speech_to_text",
         "transcribe", "transcription", "transcriptions", "audio_transcription",
         "audio.transcription", "audio.transcriptions", "audio_translation", "audio.translation"),
        "audio",
    ),
    **dict.fromkeys(
        ("embeddings", "embedding", "embed", "embed_content", "text_embedding", "create_embedding",
         "generate_embeddings"),
        "embedding",
    ),
    **dict.fromkeys(("rerank", "reranking", "reranker"), "rerank"),
    **dict.fromkeys(("moderation", "moderations"), "moderation"),
    **dict.fromkeys(
        ("retrieval", "retrieve", "search", "vectordb", "framework", "create_agent", "prompt",
         "llm_setup", "guardrail", "evaluate", "evaluation", "memory", "fine_tuning"),
        "other",
    ),
    **dict.fromkeys(("execute_tool", "tool", "tool_call", "llm_tool_call", "llm_tool_result"),
                    "tool"),
    **dict.fromkeys(("invoke_agent", "agent", "agent_run"), "agent"),
    **dict.fromkeys(("invoke_swarm", "invoke_graph", "invoke_workflow", "workflow"), "workflow"),
    **dict.fromkeys(("agent_step", "orchestrate_tools", "execute_event_loop_cycle"), "chain"),
    "count_tokens": "never",
}  # fmt: skip

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
    "ai.generateimage": "chain",
    "ai.generateimage.dogenerate": "image",
    "ai.generatespeech": "chain",
    "ai.generatespeech.dogenerate": "audio",
    "ai.transcribe": "chain",
    "ai.transcribe.dogenerate": "audio",
    "ai.toolcall": "tool",
}

_REQUESTS: Mapping[str, Kind] = {
    **dict.fromkeys(
        ("chat", "completion", "text_completion", "responses", "anthropic_messages",
         "generate_content", "generate_content_stream", "realtime", "ocr"),
        "llm",
    ),
    **dict.fromkeys(("embedding", "embeddings"), "embedding"),
    "rerank": "rerank",
    **dict.fromkeys(("image_generation", "image_edit", "image_variation"), "image"),
    **dict.fromkeys(("speech", "transcription"), "audio"),
    **dict.fromkeys(("video_generation", "create_video"), "video"),
    "moderation": "moderation",
    **dict.fromkeys(("vector_store_search", "list_models"), "other"),
    "call_mcp_tool": "tool",
    "count_tokens": "never",
}  # fmt: skip
_CALL_TYPES = {**_REQUESTS, **{f"a{name}": kind for name, kind in _REQUESTS.items()}}
"""As LiteLLM calls them, awaited or not."""

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
    "event": "other",
}
"""Spellings on which the observability platforms agree."""

OUTPUT_TYPE = "gen_ai.output.type"
"""What a request asks for: text, json, speech, images."""

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
    (
        "genkit:metadata:subtype",
        {
            **dict.fromkeys(("model", "background-model"), "llm"),
            "embedder": "embedding",
            "reranker": "rerank",
            "tool": "tool",
            **dict.fromkeys(
                ("flow", "prompt", "executable-prompt", "retriever", "indexer", "evaluator"),
                "other",
            ),
        },
    ),
    # A helper, a flow or a step of one; what calls a model is an action with a subtype.
    ("genkit:type", dict.fromkeys(("util", "flow", "flowstep", "helper"), "other")),
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
    (OUTPUT_TYPE, {"speech": "audio", "image": "image", "video": "video"}),
)
"""Attribute, and what its values mean in lower case. A value that is not listed says nothing, and
neither does a plain ``span``: old SDKs wrote their generations so. ``never`` counts wherever it
stands: spans that are opened twice, free token counters, replays from a cache.
"""

CLASSES = "haystack.component.type"
KINDS_BY_CLASS: tuple[tuple[str, Kind], ...] = (
    (
        r"(?:huggingfacelocal|sentencetransformers|transformers|fastembed|optimum|llamacpp|mock)",
        "other",
    ),
    (r"dalle|.*imagegenerator$", "image"),
    (r".*whispertranscriber$|.*(?:speech|audio)generator$", "audio"),
    (r".*generator$|llm|.*llmevaluator$|(?:faithfulness|contextrelevance)evaluator$", "llm"),
    (r".*embedder$", "embedding"),
    (r"(?:cohere|jina|voyage|nvidia|amazonbedrock|together|isaacus|mixedbread).*ranker$", "rerank"),
    (r"agent$", "agent"),
    (r"", "other"),
)
"""Regular expressions for the beginning of what `CLASSES` says in lower case: the class of a
component, whose name distinguishes those that ask a model from those that do not, or only one on
the same machine. The first that matches decides."""

KINDS_BY_NAME: Mapping[str, Kind] = {
    "raw_gen_ai_request": "never",
    "messages.count_tokens": "never",
    "beta.messages.count_tokens": "never",
    "anthropic.messages.count_tokens": "never",
    "anthropic.beta.messages.count_tokens": "never",
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
    *EVENT_KINDS,
)
"""Attributes that together state the kind where nothing else does."""

AGENT_NAME_PREFIXES = ("invoke_agent ", "invoke_workflow ", "agent run: ", "agent.")
"""Taken off the name of an agent's span where that name stands in for the agent's."""

IMAGE_MODELS = r"\b(?:gemini|gpt)-[\w.-]*image|\bchatgpt-image|\bnano-banana"
"""Regular expression, anywhere in a model's name: models that answer a chat with images."""

ONE_IMAGE_MODELS = r"\bdall-?e\b"
"""Regular expression: models that make one image unless a request says how many, and are charged by
the image."""

INPUT_ONLY_MODELS = (
    r"embed|rerank|moderation|\bvoyage-|\b(?:bge|gte|e5|stella|minilm)-|-minilm-|guard\b"
)
"""Regular expression, anywhere in a model's name: models whose calls are all input, also where a
span calls them a chat."""
