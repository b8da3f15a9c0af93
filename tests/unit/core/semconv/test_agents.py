"""Spans of coding agents, as far as their tables are not enough."""

from __future__ import annotations

import pytest

from processor.core.model import Group, Logs
from processor.core.semconv import ReadOptions, read, read_logs
from processor.core.semconv.ids import log_trace

RECEIVED_NS = 10**18
TURN = {
    "thread.id": "01a2",
    "model": "gpt-5",
    "codex.turn.token_usage.input_tokens": 1000,
    "codex.turn.token_usage.cached_input_tokens": 600,
    "codex.turn.token_usage.cache_write_input_tokens": 100,
    "codex.turn.token_usage.output_tokens": 70,
}


def calls_of(spans):
    return read(spans, RECEIVED_NS, ReadOptions()).calls


def test_a_turn_of_codex_is_the_sum_of_its_completions(build_spans):
    """Guarantees: no tier for long prompts because many short ones were added up."""
    (call,) = calls_of(build_spans({"name": "session_task.turn", "attributes": TURN}))
    assert call.aggregate == "sum"
    assert call.usage is not None
    assert (call.usage.input, call.usage.cache_read, call.usage.cache_write) == (300, 600, 100)


def test_a_completion_within_a_turn_is_no_call(build_spans):
    """Guarantees: it names no model, and the turn has its tokens: nothing is left unpriced."""
    completion = {
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 70,
        "codex.usage.total_tokens": 1070,
    }
    assert calls_of(build_spans({"name": "handle_responses", "attributes": completion})) == []


@pytest.mark.parametrize(
    ("span", "tool", "session"),
    [
        ({"attributes": TURN, "name": "session_task.turn"}, "codex", "01a2"),
        (
            {
                "scope": "com.anthropic.claude_code.tracing",
                "attributes": {
                    "span.type": "llm_request", "model": "claude-sonnet-4-5", "session.id": "s",
                    "input_tokens": 1, "output_tokens": 1,
                },
            },
            "claude-code",
            "s",
        ),
        (
            {
                "scope": "gemini-cli",
                "attributes": {
                    "gen_ai.operation.name": "llm_call", "gen_ai.request.model": "gemini-2.5-pro",
                    "gen_ai.conversation.id": "g",
                },
            },
            "gemini-cli",
            "g",
        ),
    ],
)  # fmt: skip
def test_a_span_knows_where_its_records_are_charged(build_spans, span, tool, session):
    """Guarantees: spans and records of one session meet."""
    (call,) = calls_of(build_spans(span))
    assert call.log_trace == log_trace(tool, session)


def test_without_a_session_the_id_of_the_call_brings_both_together(build_spans):
    """Guarantees: a tool that hides its sessions is charged once all the same."""
    attributes = {"span.type": "llm_request", "model": "m", "request_id": "r", "input_tokens": 1}
    scope = "com.anthropic.claude_code.tracing"
    (call,) = calls_of(build_spans({"scope": scope, "attributes": attributes}))
    records = Logs(["claude_code.api_request"], [""], [5], [0], [0], [attributes])
    records.group.append(Group({}, scope, "", {}))
    assert read_logs(records, RECEIVED_NS, ReadOptions()).spans.trace_ids == [call.log_trace]


def test_other_spans_have_no_records(build_spans):
    """Guarantees: nobody else pays for what these tools need."""
    attributes = {
        "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "session.id": "s",
        "gen_ai.usage.input_tokens": 1, "gen_ai.usage.output_tokens": 1,
    }  # fmt: skip
    (call,) = calls_of(build_spans({"attributes": attributes}))
    assert call.log_trace == b""
