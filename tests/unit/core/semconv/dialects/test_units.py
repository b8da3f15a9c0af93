"""What is not counted in tokens, wherever it stands."""

from __future__ import annotations

import pytest

from processor.core.model import Usage
from processor.core.semconv import ReadOptions, read

MODEL = {"gen_ai.request.model": "a-model", "gen_ai.provider.name": "openai"}


@pytest.fixture
def read_call(build_spans):
    def read_call(attributes, **span):
        reading = read(build_spans({"attributes": attributes, **span}), 10_000, ReadOptions())
        (call,) = reading.calls
        return call

    return read_call


@pytest.mark.parametrize(
    ("attributes", "usage", "kind"),
    [
        ({"gen_ai.operation.name": "tts", "metrics.character_count": 12}, {"characters": 12},
         "audio"),
        ({"lk.tts_metrics": '{"characters_count": 12, "audio_duration": 1.5}'},
         {"characters": 12, "duration_ms": 1500}, "audio"),
        ({"gen_ai.usage.audio_duration_seconds": 36.0}, {"duration_ms": 36_000}, "audio"),
        ({"gen_ai.usage.seconds": "1.0004"}, {"duration_ms": 1001}, "audio"),
        ({"audio.duration_ms": 2500}, {"duration_ms": 2500}, "audio"),
        ({"llm.request.type": "atranscription", "metadata.usage_object": '{"seconds": 7}'},
         {"duration_ms": 7000}, "audio"),
        ({"gen_ai.response.image.count": 2, "gen_ai.request.image.count": 4}, {"images": 2},
         "image"),
        ({"gen_ai.operation.name": "image_generation",
          "llm.invocation_parameters": '{"n": 3, "size": "1024x1024"}'}, {"images": 3}, "image"),
        ({"gen_ai.operation.name": "images_generate", "gen_ai.request.choice.count": 3},
         {"images": 3}, "image"),
        ({"openinference.span.kind": "RERANKER", "gen_ai.usage.search_units": 2},
         {"searches": 2}, "rerank"),
        ({"gen_ai.operation.name": "ocr", "gen_ai.usage.pages_processed": 5}, {"pages": 5}, "llm"),
    ],
)  # fmt: skip
def test_a_call_may_be_counted_in_units_alone(read_call, attributes, usage, kind) -> None:
    """Guarantees: what is billed by other units needs no tokens."""
    call = read_call({**MODEL, **attributes})
    assert (call.usage, call.kind) == (Usage(**usage), kind)


@pytest.mark.parametrize(
    "attributes",
    [
        {"gen_ai.usage.details.web_search_requests": 3},
        {"anthropic.usage.server_tool_use.web_search_requests": "3"},
        {"gen_ai.usage.raw": '{"server_tool_use": {"web_search_requests": 3}}'},
        {"metadata.usage_object": "{'prompt_tokens_details': {'web_search_requests': 3}}"},
        {"ai.response.providerMetadata": '{"perplexity": {"usage": {"numSearchQueries": 3}}}'},
    ],
)
def test_searches_are_counted_beside_the_tokens(read_call, attributes) -> None:
    """Guarantees: a fee for a search is found in every dialect that counts searches."""
    tokens = {"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5}
    assert read_call({**MODEL, **tokens, **attributes}).usage == Usage(10, output=5, web_searches=3)


def test_searches_alone_do_not_make_tokens_known(read_call) -> None:
    """Guarantees: a chat without tokens has unknown usage, however many searches it counts."""
    attributes = {**MODEL, "gen_ai.operation.name": "chat", "gen_ai.usage.web_searches": 3}
    assert read_call(attributes).usage is None


@pytest.mark.parametrize(
    "attributes",
    [
        {"gen_ai.operation.name": "chat", "gen_ai.request.choice.count": 3},
        {"gen_ai.operation.name": "tts", "metrics.ttfb": 0.3},
        {"gen_ai.operation.name": "stt", "audio.duration": "NaN"},
        {"gen_ai.operation.name": "stt", "audio.duration": -1},
    ],
)
def test_what_is_no_count_of_units_is_not_read(read_call, attributes) -> None:
    """Guarantees: choices of a chat are no images, and a time that a service took is no audio."""
    assert read_call({**MODEL, **attributes}).usage is None


def test_a_call_with_a_model_and_a_provider_alone_has_unknown_usage(read_call) -> None:
    """Guarantees: a span that made a call is never silent."""
    call = read_call(MODEL)
    assert (call.kind, call.usage) == ("llm", None)
