"""What a span is."""

from __future__ import annotations

import pytest

from processor.core.semconv import ReadOptions, read
from processor.core.semconv.emitter import likely_provider, name_family

USAGE = {"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5}
MODEL = {"gen_ai.request.model": "gpt-4o"}


@pytest.fixture
def read_one(build_spans):
    def read_one(**span):
        reading = read(build_spans(span), 10_000, ReadOptions())
        assert len(reading.calls) + len(reading.marks) <= 1
        return (reading.calls or [None])[0], (reading.marks or [None])[0]

    return read_one


@pytest.mark.parametrize(
    ("kind_attributes", "kind"),
    [
        ({"gen_ai.operation.name": "chat"}, "llm"),
        ({"gen_ai.operation.name": "CHAT"}, "llm"),
        ({"gen_ai.operation.name": "embeddings"}, "embedding"),
        ({"gen_ai.operation.name": "image_generation"}, "image"),
        ({"openinference.span.kind": "RERANKER"}, "rerank"),
        ({"llm.request.type": "amoderation"}, "moderation"),
        ({"mlflow.spanType": '"EMBEDDING"'}, "embedding"),
        ({"ai.operationId": "ai.embedMany.doEmbed"}, "embedding"),
        ({"sentry.op": "gen_ai.chat"}, "llm"),
        ({"gen_ai.span.kind": "LLM"}, "llm"),
        ({"mastra.span.type": "model_generation"}, "llm"),
        ({"gen_ai.operation.name": "something_new"}, "llm"),
        ({"langfuse.observation.type": "span"}, "llm"),
        ({}, "llm"),
    ],
)
def test_calls_are_leaves_of_their_kind(read_one, kind_attributes, kind) -> None:
    """Kinds are read in every dialect; a model with tokens is evidence enough."""
    call, _ = read_one(attributes={**MODEL, **USAGE, **kind_attributes})
    assert (call.kind, call.aggregate, call.mark.is_agent) == (kind, None, False)


@pytest.mark.parametrize(
    ("span", "aggregate", "is_agent"),
    [
        ({"attributes": {"gen_ai.operation.name": "invoke_agent"}}, "sum", True),
        ({"attributes": {"openinference.span.kind": "AGENT"}}, "sum", True),
        ({"attributes": {"openinference.span.kind": "CHAIN"}}, "sum", False),
        ({"attributes": {"traceloop.span.kind": "workflow"}}, "sum", True),
        ({"attributes": {"agent_name": "a", "model_name": "gpt-4o"}}, "sum", True),
        ({"attributes": {"ai.operationId": "ai.streamText"}}, "sum", False),
        ({"attributes": {"ai.operationId": "ai.generateText"}}, "last_step", False),
        ({"attributes": {}, "name": "ai.generateText"}, "last_step", False),
        (
            {"attributes": {"gen_ai.operation.name": "invoke_agent"}, "scope": "strands-agents"},
            "lifetime",
            True,
        ),
        (
            {
                "attributes": {
                    "gen_ai.operation.name": "invoke_agent",
                    "gen_ai.system": "strands-agents",
                }
            },
            "lifetime",
            True,
        ),
        (
            {
                "attributes": {"openinference.span.kind": "AGENT"},
                "scope": "openinference.instrumentation.claude_agent_sdk",
            },
            "sole_carrier",
            True,
        ),
        (
            {
                "attributes": {"gen_ai.operation.name": "chat"},
                "scope": "opentelemetry.instrumentation.crewai",
            },
            "sum",
            False,
        ),
        ({"attributes": {}, "name": "call_llm", "scope": "gcp.vertex.agent"}, "sum", False),
    ],
)
def test_spans_that_repeat_usage_say_how(read_one, span, aggregate, is_agent) -> None:
    """Each dialect declares what its agents, chains and wrappers rule."""
    call, _ = read_one(**{**span, "attributes": {**MODEL, **USAGE, **span["attributes"]}})
    assert (call.aggregate, call.mark.is_agent) == (aggregate, is_agent)


def test_usage_without_a_model_is_a_sum_unless_it_is_our_own(read_one) -> None:
    """A wrapper that only carries numbers repeats others; ``llm.tokens.*`` stand on calls."""
    call, _ = read_one(attributes=USAGE)
    assert (call.aggregate, call.models) == ("sum", ())
    call, _ = read_one(attributes={"llm.tokens.input": 1, "llm.tokens.output": 2})
    assert (call.aggregate, call.models, call.dialect) == (None, (), "seed")


@pytest.mark.parametrize(
    "span",
    [
        {"attributes": {"gen_ai.operation.name": "execute_tool"}},
        {"attributes": {"openinference.span.kind": "TOKEN_COUNTER"}},
        {"attributes": {"lmnr.span.type": "CACHED", "gen_ai.operation.name": "chat"}},
        {"attributes": {"logfire.span_type": "pending_span", "gen_ai.operation.name": "chat"}},
        {"attributes": {"gen_ai.operation.name": "chat"}, "name": "raw_gen_ai_request"},
    ],
)
def test_some_spans_are_never_calls(read_one, span) -> None:
    """Tools, free token counts, replays, pending spans and raw copies are not billed."""
    assert read_one(**{**span, "attributes": {**MODEL, **USAGE, **span["attributes"]}}) == (
        None,
        None,
    )


@pytest.mark.parametrize(
    "attributes",
    [
        {"openinference.span.kind": "CHAIN", "llm.token_count.total": 354},
        {"openinference.span.kind": "GUARDRAIL", **USAGE},
        {"gen_ai.operation.name": "chat", "gen_ai.usage.partial.input_tokens": 5, **MODEL},
        {"gen_ai.operation.name": "something_new", **MODEL},
        MODEL,
        {"input_tokens": 10, "output_tokens": 5, "model": "gpt-4o"},
        {"server.address": "api.openai.com"},
    ],
)
def test_what_is_no_call_leaves_no_trace(read_one, attributes) -> None:
    """Totals of chains, partial counts, and names that anybody uses make no call."""
    assert read_one(attributes=attributes) == (None, None)


def test_a_call_without_tokens_is_a_call_of_unknown_usage(read_one) -> None:
    """An aborted stream reports nothing, which is not zero."""
    call, _ = read_one(attributes={"gen_ai.operation.name": "chat", **MODEL}, failed=True)
    assert (call.usage, call.rule, call.failed) == (None, "", True)


def test_emitters_that_open_several_spans_for_a_call_are_believed_only_with_usage(
    read_one,
) -> None:
    """A start or finish event of BeeAI is no call that lost its usage."""
    attributes = {"openinference.span.kind": "LLM", "llm.model_name": "gpt-4o"}
    scope = "openinference.instrumentation.beeai"
    assert read_one(attributes=attributes, scope=scope) == (None, None)
    with_usage = {**attributes, "llm.token_count.prompt": 5}
    assert read_one(attributes=with_usage, scope=scope)[0] is not None


def test_an_agent_without_usage_is_a_mark_with_its_name(read_one) -> None:
    """The name is what the span calls the agent, or else its own without the operation."""
    operation = {"gen_ai.operation.name": "invoke_agent"}
    _, mark = read_one(attributes={**operation, "gen_ai.agent.name": "Ada"}, name="x")
    assert (mark.is_agent, mark.own.agent) == (True, "Ada")
    _, mark = read_one(attributes=operation, name="invoke_agent researcher")
    assert (mark.is_agent, mark.own.agent) == (True, "researcher")


def test_placeholders_are_no_models(read_one) -> None:
    """The next source is asked where a framework writes a stand-in."""
    call, _ = read_one(
        attributes={
            **USAGE,
            "gen_ai.response.model": "unknown",
            "gen_ai.request.model": "function:f:",
            "llm.model_name": "gpt-4o",
        }
    )
    assert call.models == ("gpt-4o",)


def test_the_response_model_comes_before_the_request_model(read_one) -> None:
    """Both names are kept, the one that was served first."""
    call, _ = read_one(attributes={**USAGE, **MODEL, "gen_ai.response.model": "gpt-4o-2024-08-06"})
    assert call.models == ("gpt-4o-2024-08-06", "gpt-4o")


def test_a_model_inside_json_is_the_last_resort(read_one) -> None:
    """Invocation parameters name the model where nothing else does."""
    call, _ = read_one(
        attributes={
            "openinference.span.kind": "LLM",
            "llm.token_count.prompt": 5,
            "llm.invocation_parameters": '{"model": "gpt-4o", "temperature": 1}',
        }
    )
    assert (call.models, call.provider) == (("gpt-4o",), "")


def test_a_server_below_its_client_repeats_the_call(read_one) -> None:
    """The vendor's own span is the call only when no client reported it."""
    span = {
        "attributes": {"gen_ai.operation.name": "chat", **MODEL, **USAGE},
        "scope": "com.anthropic.claude-platform",
        "span_kind": "SERVER",
    }
    assert read_one(**span, parent="c") == (None, None)
    assert read_one(**span)[0] is not None


@pytest.mark.parametrize(
    ("stated", "models", "family"),
    [
        ("aws", ["anthropic.claude"], "bedrock"),
        ("anthropic.messages", ["claude-opus-4"], "anthropic"),
        ("AnthropicChatGenerator", [], "anthropic"),
        ("AmazonBedrockChatGenerator", [], "bedrock"),
        ("vertex.anthropic.messages", ["claude-opus-4"], "anthropic"),
        ("azure_ai", ["claude-opus-4"], "anthropic"),
        ("gateway", ["anthropic/claude-opus-4"], "anthropic"),
        ("openrouter.chat", ["anthropic/claude-opus-4"], "openai"),
        ("litellm", ["claude-opus-4"], "openai"),
        ("litellm.chat", ["claude-opus-4"], "openai"),
        ("my-endpoint.chat", ["claude-opus-4"], "openai"),
        ("openai", ["claude-opus-4"], "openai"),
        ("ChatOpenAI", ["claude-opus-4"], "openai"),
        ("", ["openrouter/anthropic/claude-opus-4"], "openai"),
        ("", ["databricks-claude-sonnet-4"], "openai"),
        ("crewai", ["my-claude"], "anthropic"),
        ("my-bedrock-proxy", [], "bedrock"),
        ("google", ["claude-opus-4"], "anthropic"),
        ("google", ["gemini-2.5-pro"], "google"),
        ("azure", ["gpt-4o"], "openai"),
        ("", [], "openai"),
    ],
)
def test_the_family_is_whose_way_of_counting_the_usage_follows(stated, models, family) -> None:
    """Who answers decides before the model: through others Claude counts as OpenAI does."""
    assert name_family(stated, models) == family


def test_a_likely_provider_tells_how_tokens_are_counted_and_is_not_reported(read_one) -> None:
    """The model's name is enough for its family; who is charged stays open."""
    assert likely_provider("crewai", ["unheard-of", "claude-opus-4"]) == "anthropic"
    assert likely_provider("gcp.vertex_ai", ["claude-opus-4"]) == "google"
    call, _ = read_one(attributes={"gen_ai.operation.name": "chat", **MODEL, **USAGE})
    assert call.provider == ""
