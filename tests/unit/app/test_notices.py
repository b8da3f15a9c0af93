"""What keeps costs from being known is said once for each service."""

from __future__ import annotations

import asyncio

import pytest

from processor.app.notices import Notices
from processor.core.model import (
    NOBODY,
    Entry,
    Intake,
    Plan,
    SpanRow,
    Spans,
    Stamp,
    Totals,
    TraceOwner,
    TraceSummary,
)

ONE, TWO = b"1" * 16, b"2" * 16
NOTHING = Intake(Spans(b""), [], [], 0)
WAIT_S = 0.02


def row(trace_id, service, *, is_agent=False, status=""):
    entry = None
    if status:
        entry = Entry(status, "", "openai", "gpt-4o", service, "1", None, None, None)
    return SpanRow(
        trace_id, b"span...1", b"", 1, is_agent, True, NOBODY, NOBODY, service, entry, Stamp(entry)
    )


def agent(trace_id=ONE, service="crew", calls=0):
    return Plan(
        rows=[row(trace_id, service, is_agent=True)],
        traces=[TraceSummary(trace_id, 1, 2, TraceOwner(), Totals(calls=calls))],
    )


def call(trace_id=ONE, service="gateway", status="exact"):
    totals = Totals(calls=1, agent_runs=1)
    return Plan(
        rows=[row(trace_id, service, status=status)],
        traces=[TraceSummary(trace_id, 1, 2, TraceOwner(), totals)],
    )


async def said_of(caplog, *plans):
    notices = Notices(WAIT_S)
    for plan in plans:
        notices.note(NOTHING, plan)
    await asyncio.sleep(3 * WAIT_S)
    for plan in plans:
        notices.note(NOTHING, plan)
    await asyncio.sleep(3 * WAIT_S)
    return caplog.messages


async def test_agents_without_a_call_are_said_once_with_their_service(caplog):
    (said,) = await said_of(caplog, agent(ONE), agent(TWO))
    assert "agents of service 'crew' came, and no LLM call with them (2 so far)" in said


@pytest.mark.parametrize("plans", [(agent(), call()), (call(), agent(calls=1))])
async def test_call_of_another_service_in_the_trace_is_enough(caplog, plans):
    """Guarantees: a gateway that makes the calls of an agent may send them before or after."""
    assert [each for each in await said_of(caplog, *plans) if "agents" in each] == []


async def test_call_in_another_trace_is_not(caplog):
    (said,) = await said_of(caplog, agent(ONE), call(TWO, "other"))
    assert "'crew'" in said


async def test_calls_without_usage_are_said_once_with_the_fix(caplog):
    missing = call(service="chatbot", status="usage_missing")
    (said,) = await said_of(caplog, missing, missing)
    assert "gpt-4o from service 'chatbot' has no usage" in said
    assert 'stream_options={"include_usage": true}' in said


async def test_services_are_bounded(caplog):
    """Guarantees: a sender that makes up names of services fills neither memory nor the log."""
    plans = [agent(number.to_bytes(16, "big"), f"s{number}") for number in range(1000)]
    assert len(await said_of(caplog, *plans)) <= 256
