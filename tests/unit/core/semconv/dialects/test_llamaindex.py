"""LlamaIndex's own instrumentation: calls that stand on span events only."""

from __future__ import annotations

import pytest

from processor.core.model import Usage
from processor.core.semconv import ReadOptions, read

START = {"class_name": "LLMChatStartEvent", "model_dict.model_name": "asked-for"}
RAW = "response.raw."


@pytest.fixture
def read_call(build_spans):
    def read_call(model, **events):
        written = [
            {"name": name, "attributes": {"class_name": name, **pairs}}
            for name, pairs in events.items()
        ]
        spans = build_spans({"events": written, "scope": "llamaindex.opentelemetry.tracer"})
        (call,) = read(spans, 10_000, ReadOptions()).calls
        assert call.models[0] == model
        return call

    return read_call


@pytest.mark.parametrize("event", ["LLMChatEndEvent", "LLMCompletionEndEvent"])
@pytest.mark.parametrize(
    ("raw", "usage"),
    [
        (
            {
                "model": "gpt-4o-mini",
                "usage.prompt_tokens": 100,
                "usage.completion_tokens": 10,
                "usage.total_tokens": 110,
                "usage.prompt_tokens_details.cached_tokens": 60,
                "usage.completion_tokens_details.reasoning_tokens": 4,
            },
            Usage(40, 60, output=6, reasoning=4),
        ),
        (
            {
                "model": "gpt-4o-mini",
                "usage.input_tokens": 100,
                "usage.output_tokens": 10,
                "usage.input_tokens_details.cached_tokens": 60,
                "usage.output_tokens_details.reasoning_tokens": 4,
            },
            Usage(40, 60, output=6, reasoning=4),
        ),
        (
            {
                "model": "claude-sonnet-4-5",
                "usage.input_tokens": 100,
                "usage.output_tokens": 10,
                "usage.cache_read_input_tokens": 60,
                "usage.cache_creation_input_tokens": 30,
                "usage.cache_creation.ephemeral_1h_input_tokens": 20,
            },
            Usage(100, 60, 10, 20, output=10),
        ),
        (
            {
                "model_version": "gemini-2.5-flash",
                "usage_metadata.prompt_token_count": 100,
                "usage_metadata.candidates_token_count": 10,
                "usage_metadata.cached_content_token_count": 60,
                "usage_metadata.thoughts_token_count": 4,
            },
            Usage(40, 60, output=10, reasoning=4),
        ),
    ],
)
def test_what_the_provider_answered_is_read_as_it_counts(read_call, event, raw, usage) -> None:
    """Guarantees: each provider's own counts come to the quantities it bills."""
    model = raw.get("model") or raw["model_version"]
    answer = {f"{RAW}{key}": value for key, value in raw.items()}
    assert read_call(model, LLMChatStartEvent=START, **{event: answer}).usage == usage


@pytest.mark.parametrize("event", ["LLMChatStartEvent", "LLMCompletionStartEvent"])
def test_a_stream_that_has_only_begun_has_unknown_usage(read_call, event) -> None:
    """Guarantees: a span that ends before its answer is a call all the same."""
    call = read_call("asked-for", **{event: {"model_dict.model_name": "asked-for"}})
    assert (call.kind, call.usage) == ("llm", None)


def test_an_answer_has_its_id_and_tier(read_call) -> None:
    """Guarantees: what tells two calls apart, and what was served, is read from the answer."""
    answer = {f"{RAW}id": "r-1", f"{RAW}service_tier": "flex", f"{RAW}model": "gpt-5-mini"}
    call = read_call("gpt-5-mini", LLMChatStartEvent=START, LLMChatEndEvent=answer)
    assert (call.response_id, call.tier) == ("r-1", "flex")
