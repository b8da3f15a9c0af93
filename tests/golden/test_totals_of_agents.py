"""What stands on agents and roots as a total, where no call below them has a known cost."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from golden.processing import RECEIVED_NS, Processing, attributes_of
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_TOTALS = ("total_tokens", "total_cost_usd", "llm_calls", "cost_at_least")
_USAGE = {"gen_ai.usage.input_tokens": "1000", "gen_ai.usage.output_tokens": "200"}
_KNOWN = {"gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o"}
_UNKNOWN = {"gen_ai.provider.name": "acme", "gen_ai.request.model": "nobody-knows-this"}


def _payload(calls: list[dict[str, str]]) -> bytes:
    """An agent that is the root, after the calls below it."""
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "planner"}
    chats = [{"gen_ai.operation.name": "chat", **call} for call in calls]
    for number, attributes in enumerate([agent, *chats], start=1):
        parent = b"" if number == 1 else (1).to_bytes(8, "big")
        span = spans.add(
            trace_id=b"t" * 16,
            span_id=number.to_bytes(8, "big"),
            parent_span_id=parent,
            name=attributes["gen_ai.operation.name"],
            start_time_unix_nano=RECEIVED_NS - 10**9,
            end_time_unix_nano=RECEIVED_NS - 10**8,
        )
        for key, value in attributes.items():
            pair = span.attributes.add(key=key)
            if value.isdecimal():
                pair.value.int_value = int(value)
            else:
                pair.value.string_value = value
    return request.SerializeToString()


async def _agent(folder: Path, calls: list[dict[str, str]]) -> dict[str, Any]:
    async with Processing(folder) as processing:
        await processing.export(_payload(calls))
        (agent,) = [span for span in processing.spans() if span.name == "invoke_agent"]
        return attributes_of(agent)


@pytest.mark.parametrize(
    ("calls", "agent", "trace"),
    [
        # Without any call it is not known what the agent has used.
        ([], {"llm_calls": 0}, {}),
        (
            [_UNKNOWN | _USAGE],
            {"total_tokens": 1200, "llm_calls": 1, "cost_at_least": True},
            {"total_tokens": 1200, "llm_calls": 1, "cost_at_least": True},
        ),
        # A stream whose usage was not asked for.
        (
            [_KNOWN],
            {"llm_calls": 1, "cost_at_least": True},
            {"llm_calls": 1, "cost_at_least": True},
        ),
        (
            [_KNOWN | _USAGE, _UNKNOWN | _USAGE],
            {
                "total_tokens": 2400,
                "total_cost_usd": 0.0045,
                "llm_calls": 2,
                "cost_at_least": True,
            },
            {
                "total_tokens": 2400,
                "total_cost_usd": 0.0045,
                "llm_calls": 2,
                "cost_at_least": True,
            },
        ),
    ],
    ids=["no call", "no price", "no usage", "one priced"],
)
def test_agent_carries_no_total_of_what_is_unknown(
    tmp_path: Path, calls: list[dict[str, str]], agent: dict[str, Any], trace: dict[str, Any]
) -> None:
    """Guarantees: an agent or root without any call of known cost carries no total of 0."""
    written = asyncio.run(_agent(tmp_path, calls))
    found = {key: value for key, value in written.items() if key.rpartition(".")[2] in _TOTALS}
    assert found == {f"agent.{name}": value for name, value in agent.items()} | {
        f"trace.{name}": value for name, value in trace.items()
    }
