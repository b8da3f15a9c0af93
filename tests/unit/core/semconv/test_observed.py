"""Rules that real instrumentations made necessary; their whole spans are golden data."""

from __future__ import annotations

import pytest

from processor.core.model import Owner, Usage
from processor.core.semconv import ReadOptions, read

CALL = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "anthropic",
    "gen_ai.request.model": "claude-sonnet-4-5",
}


@pytest.fixture
def reading_of(build_spans):
    return lambda **span: read(build_spans(span), 10_000, ReadOptions())


@pytest.mark.parametrize("scope", ["logfire.openai", "logfire.anthropic"])
def test_a_logfire_stream_is_one_call(reading_of, scope) -> None:
    """The span that ends when the stream begins is none; the log at its end is, usage or not."""
    name = "Chat Completion with {request_data[model]!r}"
    opened = CALL | {"logfire.span_type": "span"}
    ended = CALL | {"logfire.span_type": "log"}
    assert reading_of(scope=scope, name=name, attributes=opened).calls == []
    (unknown,) = reading_of(scope=scope, name=name, attributes=ended).calls
    assert unknown.usage is None
    counts = {"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5}
    (whole,) = reading_of(scope=scope, name=name, attributes=opened | counts).calls
    assert whole.usage == Usage(input=10, output=5)


def test_a_logfire_call_that_does_not_stream_has_a_status(reading_of) -> None:
    """A response whose usage nobody reported is a call of unknown cost, and a request for
    something else is none."""
    name = "Chat Completion with {request_data[model]!r}"
    answered = CALL | {"logfire.span_type": "span", "gen_ai.response.id": "chatcmpl-1"}
    (call,) = reading_of(scope="logfire.openai", name=name, attributes=answered).calls
    assert call.usage is None
    spoken = CALL | {"gen_ai.operation.name": "transcription"}
    assert reading_of(scope="logfire.openai", name="x", attributes=spoken).calls
    counted = {key: CALL[key] for key in CALL if key != "gen_ai.operation.name"}
    name = "Anthropic API call to {url!r}"
    assert not reading_of(scope="logfire.anthropic", name=name, attributes=counted).calls


def test_logfire_keeps_details_in_the_raw_usage_alone(reading_of) -> None:
    """Cached tokens and reasoning are read from it, and are inside input and output."""
    attributes = {
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5-mini",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 50,
        "gen_ai.usage.raw": '{"input_tokens_details": {"cached_tokens": 64},'
        ' "output_tokens_details": {"reasoning_tokens": 30}}',
    }
    (call,) = reading_of(scope="logfire.openai", attributes=attributes).calls
    assert call.usage == Usage(input=36, cache_read=64, output=20, reasoning=30)


@pytest.mark.parametrize("name", ["messages.count_tokens", "beta.messages.count_tokens"])
def test_counting_tokens_is_no_call(reading_of, name) -> None:
    """OpenInference says LLM, but the question how long a prompt is costs nothing."""
    attributes = {"openinference.span.kind": "LLM", "llm.model_name": "claude-sonnet-4-5"}
    scope = "openinference.instrumentation.anthropic"
    assert reading_of(name=name, scope=scope, attributes=attributes).calls == []
    assert len(reading_of(name="messages.create", scope=scope, attributes=attributes).calls) == 1


@pytest.mark.parametrize("blotted", ["[Scrubbed due to 'session']", "__REDACTED__"])
def test_what_was_blotted_out_names_nobody(reading_of, blotted) -> None:
    """Else all sessions of a fleet would be one; the next name on the span is used."""
    attributes = {"session.id": blotted, "user.id": blotted}
    assert reading_of(attributes=attributes).marks == []
    second = attributes | {"gen_ai.conversation.id": "c-1"}
    (mark,) = reading_of(attributes=second).marks
    assert mark.own == Owner(session="c-1")
