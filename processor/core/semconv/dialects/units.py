"""Where dialects write what is not counted in tokens: searches, characters, seconds, images, pages.

Some emitters add such counts to the tokens of a chat, others write them alone (speech,
transcription, image generation, rerankers, text recognition).
"""

from __future__ import annotations

from collections.abc import Mapping

from processor.core.semconv.dialects.maps import AI_SDK, GENKIT, in_maps
from processor.core.semconv.sources import (
    Sources,
    inside,
    items_inside,
    keys,
    seconds,
    seconds_inside,
)

_LIVEKIT = ("lk.tts_metrics", "lk.stt_metrics")
_PARAMETERS = ("langfuse.observation.model.parameters", "llm.invocation_parameters")

_WEB_SEARCHES: Sources = (
    *keys(
        "gen_ai.usage.details.web_search_requests",
        "gen_ai.usage.web_search_requests",
        "gen_ai.usage.web_searches",
        "gen_ai.usage.server_tool_use.web_search_requests",
        "gen_ai.usage.details.server_tool_use.web_search_requests",
        "anthropic.usage.server_tool_use.web_search_requests",
        "gen_ai.usage.server_side_tool_usage_details.web_search_calls",
        "gen_ai.usage.details.server_side_tools_web_search",
        "gen_ai.usage.details.web_search_calls",
        "gen_ai.usage.details.web_searches",
        "gen_ai.usage.details.num_search_queries",
        "gen_ai.usage.num_search_queries",
        "llm.token_count.prompt_details.web_search_requests",
    ),
    *inside("gen_ai.usage.server_tool_use", "web_search_requests"),
    *in_maps("web_searches"),
)

_CITATIONS: Sources = (
    *keys("gen_ai.usage.details.citation_tokens", "gen_ai.usage.citation_tokens"),
    *in_maps("citations"),
)

_SEARCHES: Sources = (
    *keys(
        "gen_ai.usage.search_units",
        "gen_ai.usage.details.search_units",
        "gen_ai.usage.billed_units.search_units",
        "gen_ai.usage.details.file_search_calls",
        "gen_ai.usage.details.storage_searches",
        "gen_ai.usage.file_search_calls",
        "cohere.billed_units.search_units",
    ),
    *in_maps("searches"),
)

_CHARACTERS: Sources = (
    *keys(
        "gen_ai.usage.characters",
        "gen_ai.usage.input_characters",
        "gen_ai.usage.character_count",
        "gen_ai.usage.details.characters",
        "gen_ai.request.characters",
        "gen_ai.request.text_length",
        "gen_ai.request.input_length",
        "metrics.character_count",
        "metrics.tts.character_count",
        "tts.character_count",
        "tts.characters",
        "tts.characters_count",
        "tts.text_length",
        "tts.input.length",
        "elevenlabs.character_count",
    ),
    *inside("lk.tts_metrics", "characters_count", "charactersCount"),
    *in_maps("characters", GENKIT),
)

_DURATION: Sources = (
    *keys(
        "gen_ai.usage.audio_duration_ms",
        "gen_ai.usage.duration_ms",
        "gen_ai.audio.duration_ms",
        "audio.duration_ms",
        "audio_duration_ms",
        "stt.audio_duration_ms",
    ),
    *seconds(
        "gen_ai.usage.audio_duration_seconds",
        "gen_ai.usage.audio_seconds",
        "gen_ai.usage.seconds",
        "gen_ai.usage.duration_seconds",
        "gen_ai.usage.audio_duration",
        "gen_ai.usage.audio.duration",
        "gen_ai.usage.duration",
        "gen_ai.usage.details.seconds",
        "gen_ai.usage.details.audio_seconds",
        "gen_ai.response.duration_sec",
        "gen_ai.response.audio_duration",
        "gen_ai.request.audio_duration",
        "gen_ai.audio.duration",
        "gen_ai.audio.duration_seconds",
        "gen_ai.audio.duration_s",
        "audio.duration_seconds",
        "audio.duration_s",
        "audio.duration",
        "audio_duration_seconds",
        "audio_duration",
        "metrics.audio_duration",
        "stt.audio_duration",
        "stt.audio.duration",
        "stt.duration",
        "transcription.duration",
        "transcription.duration_seconds",
        "transcription.audio_duration",
    ),
    *(
        source
        for key in _LIVEKIT
        for source in (
            *inside(key, "audioDurationMs"),
            *seconds_inside(key, "audio_duration", "audioDuration"),
        )
    ),
    *in_maps("duration_ms"),
)

_IMAGES: Sources = (
    *keys(
        "gen_ai.usage.image_count",
        "gen_ai.usage.images",
        "gen_ai.usage.output_images",
        "gen_ai.usage.details.images",
        "gen_ai.response.image.count",
        "gen_ai.response.image_count",
        "gen_ai.request.image.count",
        "gen_ai.request.image_count",
    ),
    *in_maps("images"),
    *items_inside(AI_SDK, "vertex.images", "google.images", "openai.images"),
    *keys("gen_ai.request.choice.count", "gen_ai.request.n", "llm.request.n", "n", when="image"),
    *(source for key in _PARAMETERS for source in inside(key, "n", when="image")),
)
"""What was made comes before what was asked for."""

_PAGES: Sources = (
    *keys(
        "gen_ai.usage.pages",
        "gen_ai.usage.pages_processed",
        "gen_ai.usage.page_count",
        "gen_ai.usage.details.pages_processed",
        "gen_ai.usage.usage_info.pages_processed",
        "gen_ai.response.pages_processed",
    ),
    *in_maps("pages"),
)

UNITS: Mapping[str, Sources] = {
    "web_searches": _WEB_SEARCHES,
    "citations": _CITATIONS,
    "searches": _SEARCHES,
    "characters": _CHARACTERS,
    "duration_ms": _DURATION,
    "images": _IMAGES,
    "pages": _PAGES,
}
"""The last fields of `counts.Counts`, in its order. Each is billed beside the tokens.

Left out on purpose: times that a service took (``metrics.ttfb``, ``duration``, ``llm.latency``),
and characters and images of a chat's prompt (Genkit's ``inputCharacters``), which its tokens count.
"""

UNIT_SUPPORT = frozenset({
    "audio.duration", "audio.duration_ms", "audio.duration_s", "audio.duration_seconds",
    "audio_duration", "audio_duration_ms", "audio_duration_seconds", "metrics.audio_duration", "n",
})  # fmt: skip
"""Names among these that spans of media players and web servers carry as well."""
