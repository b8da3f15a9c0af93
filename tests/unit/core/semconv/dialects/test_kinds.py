"""What frameworks call their spans, and which of these make a call."""

from __future__ import annotations

import pytest

from processor.core.semconv import ReadOptions, read
from processor.core.semconv.dialects.kinds import KINDS

MODEL = {"gen_ai.request.model": "a-model"}


@pytest.fixture
def read_one(build_spans):
    def read_one(attributes, **span):
        reading = read(build_spans({"attributes": attributes, **span}), 10_000, ReadOptions())
        return (reading.calls or [None])[0], (reading.marks or [None])[0]

    return read_one


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ({"gen_ai.operation.name": "images_generate"}, "image"),
        ({"gen_ai.operation.name": "image", "gen_ai.request.model": "none"}, "image"),
        ({"gen_ai.operation.name": "tts"}, "audio"),
        ({"gen_ai.operation.name": "stt"}, "audio"),
        ({"gen_ai.operation.name": "text_to_speech"}, "audio"),
        ({"gen_ai.operation.name": "rerank"}, "rerank"),
        ({"gen_ai.operation.name": "generate_videos"}, "video"),
        ({"gen_ai.operation.name": "messages"}, "llm"),
        ({"litellm.call_type": "aimage_edit"}, "image"),
        ({"gen_ai.output.type": "speech"}, "audio"),
        ({"genkit:metadata:subtype": "embedder", "genkit:name": "openai/a-model"}, "embedding"),
        ({"haystack.component.type": "OpenAIChatGenerator"}, "llm"),
        ({"haystack.component.type": "CohereTextEmbedder"}, "embedding"),
        ({"haystack.component.type": "CohereRanker"}, "rerank"),
        ({"haystack.component.type": "DALLEImageGenerator"}, "image"),
        ({"haystack.component.type": "RemoteWhisperTranscriber"}, "audio"),
    ],
)
def test_a_span_that_made_a_call_is_one_without_usage_too(read_one, attributes, kind) -> None:
    """Guarantees: whatever a span that made a call lacks, it has a status."""
    call, _ = read_one({**MODEL, **attributes})
    assert (call.kind, call.usage) == (kind, None)


@pytest.mark.parametrize(
    "attributes",
    [
        {"genkit:type": "flow", "genkit:metadata:subtype": "flow", "genkit:name": "chat"},
        {"genkit:type": "flowStep", "genkit:name": "step"},
        {"genkit:type": "util", "genkit:name": "generate", "genkit:output": "{}"},
        {"genkit:metadata:subtype": "retriever", "genkit:name": "docs"},
        {"haystack.component.type": "ToolInvoker", "haystack.component.output": "{}"},
        {"haystack.component.type": "PromptBuilder", "haystack.component.output": "{}"},
        {"haystack.component.type": "InMemoryEmbeddingRetriever"},
        {"haystack.component.type": "SentenceTransformersTextEmbedder"},
        {"haystack.component.type": "HuggingFaceLocalGenerator"},
        {"openinference.span.kind": "RETRIEVER", **MODEL},
        {"openinference.span.kind": "PROMPT", **MODEL},
        {"gen_ai.operation.name": "vectordb", **MODEL},
        {"gen_ai.operation.name": "framework", "gen_ai.system": "spring_ai"},
        {"langfuse.observation.type": "event", **MODEL},
    ],
)
def test_a_helper_that_makes_no_request_is_no_call(read_one, attributes) -> None:
    """Guarantees: no call is counted where none was made."""
    assert read_one(attributes)[0] is None


def test_an_agent_of_haystack_is_named_after_its_component(read_one) -> None:
    """Guarantees: what it costs is found under its name."""
    attributes = {"haystack.component.type": "Agent", "haystack.component.name": "planner"}
    call, mark = read_one(attributes, name="haystack.component.run")
    assert call is None
    assert (mark.is_agent, mark.own.agent) == (True, "planner")


def test_meanings_are_found_whatever_the_case() -> None:
    """Values are compared in lower case, so no table may have another."""
    assert all(value == value.lower() for _, meanings in KINDS for value in meanings)
