"""Two processors in a row: whatever the first has written, the second comes to the same sums."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import AsyncExitStack
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from property.test_ledger_laws import UTC

from processor.core import pricing, semconv, wire
from processor.core.budgets import Budget, Policy
from processor.core.enrich.attributes import enrich
from processor.core.enrich.names import OWN_EVENTS
from processor.core.enrich.reported import keep_reported
from processor.core.model import Intake, Totals
from processor.io.ledger import Ledger, MemoryStore
from processor.io.ledger.working_set import Limits

NOW_NS = 1_790_000_000 * 10**9
PRICES = """
version: 1
models:
  - {provider: openai, model: gpt-4o, prices: [{input: 2.50, output: 10.00, cache_read: 1.25}]}
  - {provider: anthropic, model: claude-test, prices: [{input: 3.00, output: 15.00}]}
"""
CATALOG = pricing.compile_catalog(pricing.parse_prices(PRICES, "prices"))
POLICY = Policy(
    (
        Budget("session", "session", "none", 4_000_000, "usd", UTC),
        Budget("all", "total", "hour", 3_000_000, "usd", UTC),
        Budget("one", "call", "none", 1_000_000, "usd", UTC),
    ),
    "p1",
)
COUNTS = st.sampled_from([0, 1, 100, 250, 1000, 5000, 10**12])


def counted(input_name: str, output_name: str, tokens: tuple[int, int]) -> dict[str, Any]:
    return {input_name: tokens[0], output_name: tokens[1]}


@st.composite
def call_attributes(draw) -> dict[str, Any]:
    """What a call says, in one of several dialects, with details and a cost or without."""
    tokens = (draw(COUNTS), draw(COUNTS))
    dialect = draw(st.sampled_from(["gen_ai", "seed", "openinference", "traceloop", "bare"]))
    pairs: dict[str, Any] = {}
    if dialect == "gen_ai":
        pairs["gen_ai.operation.name"] = "chat"
        pairs["gen_ai.provider.name"] = draw(st.sampled_from(["openai", "anthropic"]))
        pairs |= dict(
            zip(("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"), tokens, strict=True)
        )
        if draw(st.booleans()):
            pairs["gen_ai.usage.cache_read.input_tokens"] = draw(COUNTS)
    elif dialect == "seed":
        pairs |= {"llm.tokens.input": tokens[0], "llm.tokens.output": tokens[1]}
        pairs |= {"llm.tokens.total": draw(st.sampled_from([sum(tokens), sum(tokens) + 7]))}
    elif dialect == "openinference":
        pairs["openinference.span.kind"] = "LLM"
        pairs |= dict(
            zip(("llm.token_count.prompt", "llm.token_count.completion"), tokens, strict=True)
        )
        if draw(st.booleans()):
            pairs["llm.token_count.prompt_details.cache_read"] = draw(COUNTS)
    elif dialect == "traceloop":
        pairs |= {"gen_ai.system": "anthropic", "llm.request.type": "chat"}
        pairs |= dict(
            zip(
                ("gen_ai.usage.prompt_tokens", "gen_ai.usage.completion_tokens"),
                tokens,
                strict=True,
            )
        )
        if draw(st.booleans()):
            pairs["gen_ai.usage.cache_read_input_tokens"] = draw(COUNTS)
    else:
        pairs |= {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai"}
    model = draw(st.sampled_from(["gpt-4o", "claude-test", "nobody-knows", ""]))
    if model:
        pairs["llm.model" if dialect == "seed" else "gen_ai.request.model"] = model
    if draw(st.integers(0, 3)) == 0:
        name = draw(st.sampled_from(["gen_ai.usage.cost", "llm.cost_usd", "llm.cost.total"]))
        pairs[name] = draw(st.sampled_from([0.0, 0.25, 1e-9, 12.5, 2e6]))
    return pairs


STRAY = {
    "llm.cost.correction_usd": -3.0, "llm.cost.status": "exact", "trace.total_cost_usd": 5.0,
    "agent.total_tokens": 77, "llm.cache.hit": True, "llm.budget.exceeded": "b",
}  # fmt: skip


@st.composite
def runs(draw):
    """Spans of a few traces, in batches, and how they are batched anew on the way further on."""
    spans = []
    for trace in range(draw(st.integers(1, 2))):
        for number in range(1, 1 + draw(st.integers(1, 8))):
            parent = draw(st.integers(0, number - 1))
            span = Span(
                trace_id=bytes([trace + 1] * 16),
                span_id=bytes([trace + 1, *(number.to_bytes(7, "big"))]),
                name=f"span {number}",
                start_time_unix_nano=NOW_NS - 10**9 + number,
                end_time_unix_nano=NOW_NS + number * 10**6,
            )
            if parent:
                span.parent_span_id = bytes([trace + 1, *(parent.to_bytes(7, "big"))])
            kind = draw(st.sampled_from(["call", "call", "agent", "plain"]))
            pairs: dict[str, Any] = {}
            if kind == "call":
                pairs = draw(call_attributes())
            elif kind == "agent":
                pairs = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "a"}
                if draw(st.booleans()):
                    pairs |= draw(call_attributes()) | pairs
            if draw(st.integers(0, 4)) == 0:
                pairs["session.id"] = draw(st.sampled_from(["s1", "s2"]))
            if draw(st.integers(0, 5)) == 0:
                name = draw(st.sampled_from(sorted(STRAY)))
                pairs[name] = STRAY[name]
            for key, value in pairs.items():
                pair = span.attributes.add(key=key)
                field = {str: "string_value", bool: "bool_value", int: "int_value"}
                setattr(pair.value, field.get(type(value), "double_value"), value)
            spans.append(span)
    order = draw(st.permutations(spans))
    cuts = sorted(draw(st.sets(st.integers(1, len(order)), max_size=3)))
    return [order[a:b] for a, b in itertools.pairwise([0, *cuts, len(order)]) if b > a]


def payload_of(spans: list[Span]) -> bytes:
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.extend(spans)
    return request.SerializeToString()


def spans_of(payload: bytes) -> list[Span]:
    request = ExportTraceServiceRequest.FromString(payload)
    return [
        span
        for resource_spans in request.resource_spans
        for scope_spans in resource_spans.scope_spans
        for span in scope_spans.spans
    ]


class Processor:
    """The steps of the pipeline, with a ledger in memory."""

    def __init__(self) -> None:
        self.ledger = Ledger(MemoryStore(), POLICY, Limits())

    async def take(self, payload: bytes) -> bytes:
        spans = wire.scan(payload, semconv.WANTED)
        reading = semconv.read(spans, NOW_NS, semconv.ReadOptions())
        charges = pricing.price(reading.calls, CATALOG)
        tools = frozenset(reading.tools)
        stamps = await self.ledger.post(Intake(spans, charges, reading.marks, NOW_NS, tools))
        events = wire.find_events(spans, OWN_EVENTS)
        names = {row: {name for name, _ in found} for row, found in events.items()}
        kept = keep_reported(spans, stamps, names)
        return wire.splice(spans, enrich(spans, stamps), reading.rejected, kept)


def shown_nano_usd(spans: list[Span]) -> int:
    """What a backend adds up: costs and corrections under our names."""
    found = 0
    for span in spans:
        for pair in span.attributes:
            if pair.key in {"llm.cost_usd", "llm.cost.correction_usd"}:
                assert pair.value.WhichOneof("value") == "double_value"
                found += round(pair.value.double_value * 10**9)
    return found


async def run_both(batches: list[list[Span]]) -> tuple[Totals, Totals, int, int]:
    async with AsyncExitStack() as stack:
        processors = []
        for _ in range(2):
            processor = Processor()
            await processor.ledger.start()
            stack.push_async_callback(processor.ledger.close)
            processors.append(processor)
        first, second = processors
        between, after = [], []
        for batch in batches:
            payload = await first.take(payload_of(batch))
            between += spans_of(payload)
            after += spans_of(await second.take(payload))
        totals = [await each.ledger.total("total", "") for each in processors]
    return totals[0], totals[1], shown_nano_usd(between), shown_nano_usd(after)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(runs())
def test_without_trust_the_second_comes_to_the_same_sums(batches: list[list[Span]]) -> None:
    """Guarantees: both ledgers, and what each has written on the spans, agree."""
    first, second, between, after = asyncio.run(run_both(batches))
    assert second == first
    assert between == first.cost_nano_usd
    assert after == second.cost_nano_usd
