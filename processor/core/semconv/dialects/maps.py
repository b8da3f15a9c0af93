"""Where dialects write whole usage objects, as providers answer them or frameworks rewrite them.

All places are declared here, and what stands in them in `words`: what is known of one usage object
is known of all. Whoever reads a field of them asks for it with `in_maps`.
"""

from __future__ import annotations

from processor.core.semconv.sources import Sources, UsageMapKind, counted

AI_SDK = "ai.response.providerMetadata"
LANGFUSE = "langfuse.observation.usage_details"
LITELLM = "metadata.usage_object"
LOGFIRE = "gen_ai.usage.raw"
PLAIN = ("gen_ai.usage", "llm.usage")
"""A provider's usage, written as it is under the name that its counts begin with elsewhere."""
MLFLOW = "mlflow.chat.tokenUsage"
ADK = "gcp.vertex.agent.llm_response"
GENKIT = "genkit:output"
HAYSTACK = "haystack.component.output"
LANGSMITH = "langsmith.metadata.usage_metadata"
LANGSMITH_IN = "gen_ai.usage.input_token_details"
LANGSMITH_OUT = "gen_ai.usage.output_token_details"
LIVEKIT = ("lk.llm_metrics", "lk.realtime_model_metrics")

_KIND = UsageMapKind()
_MAPS: tuple[tuple[str, UsageMapKind, tuple[str, ...]], ...] = (
    (LANGFUSE, UsageMapKind(may_be_exclusive=True), ()),
    (MLFLOW, _KIND, ()),
    (LITELLM, _KIND, ()),
    (LOGFIRE, _KIND, ()),
    *((key, _KIND, ()) for key in PLAIN),
    (LANGSMITH_IN, UsageMapKind("input"), ()),
    (LANGSMITH_OUT, UsageMapKind("output"), ()),
    (LANGSMITH, _KIND, ()),
    *((key, _KIND, ()) for key in LIVEKIT),
    (ADK, _KIND, ("usage_metadata", "usageMetadata")),
    (GENKIT, _KIND, ("usage",)),
    (
        HAYSTACK,
        _KIND,
        (
            *(f"replies.{at}.{meta}.usage" for at in range(4) for meta in ("meta", "_meta")),
            "meta.0.usage",
            "meta.usage",
        ),
    ),
    (
        AI_SDK,
        _KIND,
        (
            "google.usageMetadata",
            "vertex.usageMetadata",
            *(
                f"{provider}.usage"
                for provider in ("anthropic", "bedrock", "openai", "openrouter", "perplexity")
            ),
        ),
    ),
)
"""Attributes with open-ended usage maps, the most telling first, and where in them these stand."""


def in_map(key: str, field: str) -> Sources:
    """One source: a count or text in the usage map of one attribute."""
    return next(counted(kind, name, field, *roots) for name, kind, roots in _MAPS if name == key)


def in_maps(field: str, *without: str) -> Sources:
    """A source for each usage map, but for those of some attributes."""
    return tuple(
        source for key, _, _ in _MAPS if key not in without for source in in_map(key, field)
    )
