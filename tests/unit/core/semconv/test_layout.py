"""What is asked of the scanner."""

from __future__ import annotations

import pytest

from processor.core.model import Wanted
from processor.core.semconv import WANTED, ReadOptions, read
from processor.core.semconv.recognise import DECIDING_KEYS


def test_every_field_that_is_read_is_asked_for() -> None:
    """Keys of all kinds of tables, of resources and of events are wanted."""
    asked = WANTED.keys | WANTED.supporting
    assert {
        "llm.tokens.input",
        "gen_ai.usage.input_tokens",
        "session.id",
        "cost.org_id",
        "llm.cost_usd",
        "service.name",
        "telemetry.sdk.name",
        "team.id",
        "gen_ai.usage.partial.input_tokens",
        "agent_name",
        "server.address",
        "litellm.cache_hit",
    } <= asked
    assert {key for key in DECIDING_KEYS if not key.startswith("event:")} <= asked
    assert {"LLMChatStartEvent", "LLMChatEndEvent", "EmbeddingStartEvent"} <= WANTED.events
    assert not [event for event in WANTED.events if "Progress" in event or "Predict" in event]


def test_no_content_is_asked_for() -> None:
    """Prompts and completions stay unread, and so do sums that are never usage."""
    assert not [key for key in WANTED.keys if "message" in key or key.endswith(".value")]
    assert not {"gen_ai.aggregated_usage.input_tokens", "mlflow.trace.tokenUsage"} & WANTED.keys
    assert "langsmith.trace.session_id" not in WANTED.keys
    assert WANTED.prefixes == ()


def test_ordinary_spans_are_not_looked_at(build_spans) -> None:
    """Web, database and thread attributes are no reason to look, whoever's SDK wrote them."""
    ordinary = {
        "server.address": "db.example.com",
        "db.system.name": "postgresql",
        "thread.id": 7,
        "thread.name": "main",
        "span.type": "web",
        "sentry.op": "http.client",
        "logfire.span_type": "span",
        "request_id": "r-1",
        "team.id": "t",
    }
    assert build_spans({"attributes": ordinary}).shapes == [0]


def test_what_supports_is_read_beside_what_tells(build_spans) -> None:
    """A call's host, tier and kind are all there."""
    attributes = {"server.address": "api.openai.com", "gen_ai.request.model": "gpt-4o"}
    spans = build_spans({"attributes": attributes})
    assert spans.keys[spans.shapes[0]] == tuple(attributes)
    assert not WANTED.keys & WANTED.supporting


@pytest.mark.parametrize("key", sorted(WANTED.supporting))
@pytest.mark.parametrize(
    "scope", ["", "com.anthropic.claude_code", "opentelemetry.instrumentation"]
)
def test_what_supports_says_nothing_alone(build_spans, key, scope) -> None:
    """Read as if it were deciding, it makes no call and no mark: nothing is lost by not looking."""
    wanted = Wanted(WANTED.keys | WANTED.supporting)
    spans = build_spans({"attributes": {key: "main"}, "scope": scope}, wanted=wanted)
    assert spans.shapes == [1]
    reading = read(spans, 10_000, ReadOptions())
    assert (reading.calls, reading.marks) == ([], [])
