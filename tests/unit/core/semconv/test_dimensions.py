"""The operator's own dimensions are read wherever owners are."""

from __future__ import annotations

import pytest

from processor.core.model import NOBODY, Group, Logs, Owner
from processor.core.semconv import LOGS_WANTED, WANTED, OwnDimensions, ReadOptions, read, read_logs

OPTIONS = ReadOptions(
    dimensions=OwnDimensions(
        {"team": ("team", "team.id"), "environment": ("deployment.environment",)}
    )
)
CALL = {
    "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 1,
}  # fmt: skip
CLAUDE = {"event.name": "api_request", "model": "claude-haiku-4-5", "input_tokens": 10}


@pytest.fixture
def read_all(build_spans):
    def read_all(*spans, options=OPTIONS):
        wanted = options.dimensions.wanted_beside(WANTED)
        return read(build_spans(*spans, wanted=wanted), 10_000, options)

    return read_all


def test_a_call_says_it_itself_the_first_attribute_first(read_all):
    (call,) = read_all({"attributes": CALL | {"team.id": "7", "team": "search"}}).calls
    assert call.mark.own == Owner(own_dimensions=(("team", "search"),))


def test_a_span_that_says_nothing_else_is_a_mark(read_all):
    (mark,) = read_all({"attributes": {"http.method": "GET", "team": "search"}}).marks
    assert mark.own == Owner(own_dimensions=(("team", "search"),))


@pytest.mark.parametrize("value", ["", " ", True, 1.5, "[Scrubbed due to 'team']"])
def test_what_is_no_name_is_not_read(read_all, value):
    assert read_all({"attributes": {"team": value}}).marks == []


def test_scope_and_resource_say_it_the_scope_first(read_all):
    span = {
        "attributes": CALL,
        "scope_attributes": {"team.id": "7"},
        "resource": {"team": "far", "deployment.environment": "test"},
    }
    (call,) = read_all(span).calls
    assert call.mark.own is NOBODY
    assert call.mark.inherited.own_dimensions == (("environment", "test"), ("team", "7"))


def test_without_such_a_setting_nothing_is_read(read_all):
    reading = read_all(
        {"attributes": {"team": "search"}}, {"attributes": CALL | {"team": "search"}},
        options=ReadOptions(),
    )  # fmt: skip
    assert reading.marks == []
    assert reading.calls[0].mark.own is NOBODY


def test_log_records_say_it():
    wanted = OPTIONS.dimensions.wanted_beside(LOGS_WANTED)
    assert {"team", "team.id", "deployment.environment"} <= wanted.keys
    logs = Logs()
    resource = {"deployment.environment": "test", "service.name": "claude-code"}
    logs.group.append(Group(resource, "", "", {}))
    logs.groups.append(0)
    logs.attributes.append(CLAUDE | {"team": "search"})
    logs.event_names.append("claude_code.api_request")
    logs.bodies.append("")
    logs.time_ns.append(5)
    logs.observed_ns.append(5)
    (call,) = read_logs(logs, 10_000, OPTIONS).calls
    assert call.mark.own.own_dimensions == (("team", "search"),)
    assert call.mark.inherited.own_dimensions == (("environment", "test"),)
