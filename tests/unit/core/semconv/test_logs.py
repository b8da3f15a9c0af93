"""Log records of coding agents as calls; what whole records look like is in tests/golden."""

from __future__ import annotations

from typing import Any

import pytest

from processor.core.model import LOG_TRACE, Group, Logs
from processor.core.semconv import LOGS_WANTED, ReadOptions, read_logs
from processor.core.semconv.ids import log_trace

NOW_NS = 1_800_000_000 * 10**9
CLAUDE = {
    "event.name": "api_request",
    "session.id": "s1",
    "model": "claude-sonnet-4-5",
    "input_tokens": 10,
    "output_tokens": 20,
    "duration_ms": 1500,
    "event.sequence": 3,
}


def logs_of(*records: dict[str, Any], name="claude_code.api_request", time_ns=NOW_NS - 5):
    found = Logs()
    found.group.append(Group({"service.name": "claude-code"}, "scope", "1", {}))
    for attributes in records:
        found.event_names.append("")
        found.bodies.append(name)
        found.time_ns.append(time_ns)
        found.observed_ns.append(NOW_NS - 7)
        found.groups.append(0)
        found.attributes.append(attributes)
    return found


def ids_of(logs, options=ReadOptions()):  # noqa: B008 - immutable
    spans = read_logs(logs, NOW_NS, options).spans
    return list(zip(spans.trace_ids, spans.span_ids, strict=True))


def test_records_of_a_session_share_a_trace_and_hang_from_it():
    """Guarantees: one trace for a session, no roots in it, and ids of the right size."""
    spans = read_logs(logs_of(CLAUDE, CLAUDE | {"event.sequence": 4}), NOW_NS, ReadOptions()).spans
    assert set(spans.trace_ids) == {log_trace("claude-code", "s1")}
    assert spans.trace_ids[0].startswith(LOG_TRACE)
    assert {len(span_id) for span_id in spans.span_ids} == {8}
    assert len(set(spans.span_ids)) == 2
    assert all(spans.parent_ids)


def test_a_record_written_anew_has_the_same_id():
    """Guarantees: neither the order of attributes nor one that nobody knows makes it another."""
    anew = dict(reversed(CLAUDE.items())) | {"collector": "c1"}
    assert ids_of(logs_of(CLAUDE)) == ids_of(logs_of(anew))


@pytest.mark.parametrize(
    "other", [{"event.sequence": 4}, {"output_tokens": 21}, {"session.id": "s2"}, {"model": "m"}]
)
def test_a_record_that_says_something_else_has_another_id(other):
    """Guarantees: two calls are not taken for one."""
    assert ids_of(logs_of(CLAUDE)) != ids_of(logs_of(CLAUDE | other))


def test_two_moments_are_two_calls():
    """Guarantees: the time of the record is part of what it is known by."""
    assert ids_of(logs_of(CLAUDE)) != ids_of(logs_of(CLAUDE, time_ns=NOW_NS - 6))


def test_without_a_session_each_record_stands_alone():
    """Guarantees: records that say nothing of a session are not thrown together."""
    nobody = {key: value for key, value in CLAUDE.items() if key != "session.id"}
    first, second = ids_of(logs_of(nobody, nobody | {"event.sequence": 4}))
    assert first[0] != second[0]


def test_a_time_that_cannot_be_is_not_believed():
    """Guarantees: a clock an hour ahead does not put a call into another window."""
    late = NOW_NS + 2 * 3600 * 10**9
    (call,) = read_logs(logs_of(CLAUDE, time_ns=late), NOW_NS, ReadOptions()).calls
    assert (call.mark.time_ns, call.mark.start_ns, call.mark.time_assumed) == (NOW_NS, 0, True)


def test_the_time_of_observation_stands_in():
    """Guarantees: Codex, which gives no other time, is charged when it was observed."""
    (call,) = read_logs(logs_of(CLAUDE, time_ns=0), NOW_NS, ReadOptions()).calls
    assert call.mark.time_ns == NOW_NS - 7
    assert call.mark.time_ns - call.mark.start_ns == 1500 * 10**6


@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        ("claude_code.api_request", {"session.id": "s1", "model": "m"}),
        ("claude_code.user_prompt", CLAUDE),
        ("codex.sse_event", {"event.kind": "response.created", "input_token_count": "5"}),
    ],
)
def test_what_is_no_call_is_left_alone(name, attributes):
    """Guarantees: without usage, the name or the kind of event there is nothing to charge."""
    assert read_logs(logs_of(attributes, name=name), NOW_NS, ReadOptions()).calls == []


def test_users_are_hashed_as_on_spans():
    """Guarantees: a salt holds for log records as well."""
    options = ReadOptions(user_hash_salt="0123456789abcdef")
    (call,) = read_logs(logs_of(CLAUDE | {"user.id": "u1"}), NOW_NS, options).calls
    assert call.mark.own.user not in {None, "u1"}


def test_an_operator_can_say_what_input_means():
    """Guarantees: the same setting as for spans."""
    options = ReadOptions(cache_semantics={"anthropic": "inclusive"})
    attributes = CLAUDE | {"input_tokens": 100, "cache_read_tokens": 40}
    (call,) = read_logs(logs_of(attributes), NOW_NS, options).calls
    assert call.usage is not None
    assert (call.usage.input, call.usage.cache_read) == (60, 40)


def test_an_agent_that_names_itself_is_that_agent():
    """Guarantees: the tool is the agent only where nobody says otherwise."""
    calls = read_logs(
        logs_of(CLAUDE, CLAUDE | {"agent.name": "reviewer"}), NOW_NS, ReadOptions()
    ).calls
    assert [call.mark.own.agent for call in calls] == ["claude-code", "reviewer"]


def test_every_name_is_searched_for():
    """Guarantees: what is read is also what is looked for."""
    assert LOGS_WANTED.events == {
        "claude_code.api_request", "codex.sse_event", "gemini_cli.api_response",
        "qwen-code.api_response",
    }  # fmt: skip


def test_a_time_in_milliseconds_is_rescaled():
    """Guarantees: records are read by the same rule as spans, and say so."""
    (call,) = read_logs(logs_of(CLAUDE, time_ns=NOW_NS // 10**6), NOW_NS, ReadOptions()).calls
    assert (call.mark.time_ns, call.mark.time_assumed, call.mark.time_rescaled) == (
        NOW_NS,
        False,
        True,
    )


def test_a_count_that_cannot_be_read_is_doubt():
    """Guarantees: it is neither zero nor silently left out."""
    (call,) = read_logs(logs_of(CLAUDE | {"cache_read_tokens": "5k"}), NOW_NS, ReadOptions()).calls
    assert call.doubt == "unreadable_count"
