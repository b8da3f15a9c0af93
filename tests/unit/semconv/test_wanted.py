"""What is asked of the scanner."""

from __future__ import annotations

from processor.semconv import WANTED
from processor.semconv.recognise import TELLING_KEYS


def test_every_field_that_is_read_is_asked_for() -> None:
    """Keys of all kinds of tables, of resources and of events are wanted."""
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
    } <= WANTED.keys
    assert {key for key in TELLING_KEYS if not key.startswith("event:")} <= WANTED.keys
    assert WANTED.events == {"LLMChatEndEvent"}


def test_no_content_is_asked_for() -> None:
    """Prompts and completions stay unread, and so do sums that are never usage."""
    assert not [key for key in WANTED.keys if "message" in key or key.endswith(".value")]
    assert not {"gen_ai.aggregated_usage.input_tokens", "mlflow.trace.tokenUsage"} & WANTED.keys
    assert "langsmith.trace.session_id" not in WANTED.keys
    assert WANTED.prefixes == ()
