"""Recorded and composed spans of every dialect read as their authors meant them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from processor.core.model import Call, Reading
from processor.core.providers import infer_provider, provider_id
from processor.core.semconv import ReadOptions, read

_FIXTURES = [
    json.loads(line)
    for name in (
        "dialect-fixtures.jsonl",
        "dialect-fixtures-recorded.jsonl",
        "dialect-fixtures-gateways.jsonl",
    )
    for line in Path(__file__).with_name(name).read_text("utf-8").splitlines()
]
"""Those of the later files are real spans of the clients in tests/clients, long texts shortened or
left out; what is expected of them is what the provider served, as far as the client reports it."""
_KNOWN_GAPS: dict[str, str] = {}
"""Rows that are not read as expected, and why; each must fail until it is taken off this list."""

_RECEIVED_NS = 10_000
_OWNERS = {
    "conversation_id": "session",
    "user_id": "user",
    "org_id": "org",
    "agent_name": "agent",
    "feature": "feature",
    "task": "task",
    "task_type": "task_type",
    "task_title": "task_title",
    "purpose": "purpose",
}
_STANDARD_TIERS = {"default", "standard"}


def _cases() -> list[Any]:
    return [
        pytest.param(
            row,
            id=row["id"],
            marks=[pytest.mark.xfail(reason=_KNOWN_GAPS[row["id"]], strict=True)]
            if row["id"] in _KNOWN_GAPS
            else [],
        )
        for row in _FIXTURES
    ]


@pytest.mark.parametrize("row", _cases())
def test_every_recorded_span_reads_as_expected(row, build_spans) -> None:
    """Kind, provider, model, quantities, owner, cost and tier, as far as the row names them."""
    reading = read(build_spans(row), _RECEIVED_NS, ReadOptions())
    expected = row["expected"]
    if expected["bill"] is False or expected["kind"] == "tool":
        _check_is_no_call(reading, expected)
        return
    assert len(reading.calls) == 1
    call = reading.calls[0]
    _check_call(call, expected)
    _check_usage(call, expected)
    _check_owner(call, expected)


def test_known_gaps_are_rows_that_exist() -> None:
    """The list of known gaps names only recorded rows."""
    assert set(_KNOWN_GAPS) <= {row["id"] for row in _FIXTURES}


def _check_is_no_call(reading: Reading, expected: dict[str, Any]) -> None:
    """Never billed, and a tool's usage is not either; an agent and its owner stay known."""
    assert reading.calls == []
    agents = [mark for mark in reading.marks if mark.is_agent]
    assert bool(agents) == (expected["kind"] == "agent")
    for name, field in _OWNERS.items():
        if name in expected:
            assert getattr(reading.marks[0].own, field) == expected[name]


def _check_call(call: Call, expected: dict[str, Any]) -> None:
    """A row that is billed is a leaf; one that is billed for want of a better is an aggregate."""
    assert (call.aggregate is None) == (expected["bill"] is True)
    if expected["kind"] in {"agent", "chain"}:
        assert call.kind == "llm"
        assert call.mark.is_agent == (expected["kind"] == "agent")
    else:
        assert call.kind == expected["kind"]
    if "provider" in expected:
        assert _provider_of(call) == provider_id(expected["provider"])
    if "model" in expected:
        assert call.models[0] == expected["model"]
    if "response_id" in expected:
        assert call.response_id == expected["response_id"]
    if "service_tier" in expected:
        tier = expected["service_tier"]
        assert call.tier == ("" if tier in _STANDARD_TIERS else tier)
    if "cost_existing" in expected:
        assert call.reported_nano_usd == round(expected["cost_existing"] * 10**9)


def _provider_of(call: Call) -> str:
    """The provider that the span states, or else the one that its model's name implies."""
    return provider_id(call.provider) or next(filter(None, map(infer_provider, call.models)), "")


def _check_usage(call: Call, expected: dict[str, Any]) -> None:
    """Disjoint quantities add up to what the row expects, extras outside its totals aside."""
    usage = call.usage
    if "usage" in expected:
        assert usage is expected["usage"] is None
        return
    assert usage is not None
    extra = expected.get("extra_billable", {"compaction_input": 0, "compaction_output": 0})
    uncached = usage.input + usage.audio_input + usage.image_input - extra["compaction_input"]
    written = usage.cache_write + usage.cache_write_1h
    made = usage.output + usage.reasoning + usage.audio_output + usage.image_output
    found = {
        "uncached_input": uncached,
        "input_tokens": uncached + usage.cache_read + written,
        "output_tokens": made - extra["compaction_output"],
        "cache_read": usage.cache_read,
        "cache_write": written,
        "cache_write_5m": usage.cache_write,
        "cache_write_1h": usage.cache_write_1h,
        "reasoning": usage.reasoning,
    }
    found["total_tokens"] = found["input_tokens"] + found["output_tokens"]
    assert found == {name: expected.get(name, value) for name, value in found.items()}


def _check_owner(call: Call, expected: dict[str, Any]) -> None:
    """The owner is what the span says, and tags are the feature where nothing better names it."""
    for name, field in _OWNERS.items():
        if name in expected:
            assert getattr(call.mark.own, field) == expected[name]
    if "tags" in expected and "feature" not in expected:
        assert call.mark.own.feature == ",".join(expected["tags"])
