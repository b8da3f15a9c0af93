"""Two processors in a row: whatever the first has written, the second comes to the same sums."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

import pytest
from answers import total_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from property.engines import TemporaryStore
from property.test_ledger_laws import UTC

from processor.core import pricing, semconv, wire
from processor.core.budgets import Budget, Policy
from processor.core.enrich.attributes import enrich
from processor.core.enrich.names import OWN_EVENTS, OWN_NAMES
from processor.core.enrich.reported import keep_reported
from processor.core.model import Crossing, Intake, Totals
from processor.core.posting.crossed import read_crossings
from processor.io.ledger import Ledger
from processor.io.ledger.limits import Limits

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
        pairs |= counted("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", tokens)
        if draw(st.booleans()):
            pairs["gen_ai.usage.cache_read.input_tokens"] = draw(COUNTS)
    elif dialect == "seed":
        pairs |= {"llm.tokens.input": tokens[0], "llm.tokens.output": tokens[1]}
        pairs |= {"llm.tokens.total": draw(st.sampled_from([sum(tokens), sum(tokens) + 7]))}
    elif dialect == "openinference":
        pairs["openinference.span.kind"] = "LLM"
        pairs |= counted("llm.token_count.prompt", "llm.token_count.completion", tokens)
        if draw(st.booleans()):
            pairs["llm.token_count.prompt_details.cache_read"] = draw(COUNTS)
    elif dialect == "traceloop":
        pairs |= {"gen_ai.system": "anthropic", "llm.request.type": "chat"}
        pairs |= counted("gen_ai.usage.prompt_tokens", "gen_ai.usage.completion_tokens", tokens)
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
    """The steps of the pipeline, with a ledger of its own."""

    def __init__(
        self, catalog: pricing.Catalog = CATALOG, policy: Policy = POLICY, *, trusts: bool = False
    ) -> None:
        self.ledger = Ledger(TemporaryStore(), policy, Limits())
        self._catalog = catalog
        self._trusts = trusts

    async def take(self, payload: bytes, now_ns: int = NOW_NS) -> bytes:
        spans = wire.scan(payload, semconv.WANTED)
        reading = semconv.read(spans, now_ns, semconv.ReadOptions(), is_trusted=self._trusts)
        charges = pricing.price(reading.calls, self._catalog)
        crossed: Sequence[Crossing] = ()
        if self._trusts:
            reading, charges = pricing.adopt(spans, reading, charges)
            crossed = read_crossings(spans, wire.find_events(spans, OWN_EVENTS))
        tools = frozenset(reading.tools)
        intake = Intake(spans, charges, reading.marks, now_ns, tools, crossed)
        stamps = await self.ledger.post(intake)
        if self._trusts:
            return wire.splice(spans, enrich(spans, stamps), reading.rejected)
        kept = keep_reported(spans, stamps, wire.find_events(spans, OWN_EVENTS))
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


class Result(NamedTuple):
    first: Totals
    second: Totals
    between: list[Span]
    """What the first has sent to the second."""
    after: list[Span]


async def run_both(batches: list[list[Span]], second: Processor) -> Result:
    first = Processor()
    async with AsyncExitStack() as stack:
        for processor in (first, second):
            await processor.ledger.start()
            stack.push_async_callback(processor.ledger.close)
        between: list[Span] = []
        after: list[Span] = []
        for batch in batches:
            payload = await first.take(payload_of(batch))
            between += spans_of(payload)
            after += spans_of(await second.take(payload))
        first_total = await total_of(first.ledger)
        second_total = await total_of(second.ledger)
    return Result(first_total, second_total, between, after)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(runs())
def test_without_trust_the_second_comes_to_the_same_sums(batches: list[list[Span]]) -> None:
    """Guarantees: both ledgers, and what each has written on the spans, agree."""
    result = asyncio.run(run_both(batches, Processor()))
    assert result.second == result.first
    assert shown_nano_usd(result.between) == result.first.cost_nano_usd
    assert shown_nano_usd(result.after) == result.second.cost_nano_usd


def charged_names(span: Span) -> dict[str, bytes]:
    """What a span says of its own charge, and of corrections of others."""
    totals = ("agent.", "trace.", "session.", "llm.budget.")
    own = [pair for pair in span.attributes if pair.key in OWN_NAMES]
    return {pair.key: pair.SerializeToString() for pair in own if not pair.key.startswith(totals)}


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(runs())
def test_with_trust_what_the_first_has_charged_is_adopted(batches: list[list[Span]]) -> None:
    """Guarantees: other prices change no cost; no event is repeated, what was written stays.

    Tokens and calls are counted by what the spans themselves say.
    """
    dear = PRICES.replace("2.50", "25").replace("3.00", "30")
    catalog = pricing.compile_catalog(pricing.parse_prices(dear, "prices"))
    result = asyncio.run(run_both(batches, Processor(catalog, trusts=True)))
    assert result.second.cost_nano_usd == result.first.cost_nano_usd
    assert shown_nano_usd(result.after) == result.first.cost_nano_usd
    for before, after in zip(result.between, result.after, strict=True):
        assert charged_names(after) == charged_names(before)
        assert after.events == before.events


QUARTER_NS = 900 * 10**9
EDGE_NS = NOW_NS // QUARTER_NS * QUARTER_NS
DEAR_CALL = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 1000,
}


def dear_call(number: int, end_ns: int) -> Span:
    """A call that costs 2,500,000 nano-USD."""
    span = Span(
        trace_id=bytes([number] * 16), span_id=bytes([number] * 8), name="call",
        start_time_unix_nano=end_ns - 10**9, end_time_unix_nano=end_ns,
    )  # fmt: skip
    for key, value in DEAR_CALL.items():
        pair = span.attributes.add(key=key)
        setattr(pair.value, "int_value" if isinstance(value, int) else "string_value", value)
    return span


@pytest.mark.parametrize("behind_s", [20, 3600, -20])
async def test_a_rolling_budget_crossed_beside_the_edge_of_a_quarter_hour_is_not_repeated(behind_s):
    """Guarantees: what comes a quarter hour later, or by a clock that is behind, has one event."""
    policy = Policy((Budget("b", "total", "rolling 2h", 3_000_000, "usd", UTC),), "p1")
    first, second = Processor(policy=policy), Processor(policy=policy, trusts=True)
    at_ns = EDGE_NS - 10 * 10**9 if behind_s > 0 else EDGE_NS + 10 * 10**9
    events = []
    async with AsyncExitStack() as stack:
        for processor in (first, second):
            await processor.ledger.start()
            stack.push_async_callback(processor.ledger.close)
        for number in range(1, 5):
            now_ns = at_ns + number * 10**9
            between = await first.take(payload_of([dear_call(number, now_ns)]), now_ns)
            after = await second.take(between, now_ns + behind_s * 10**9)
            assert spans_of(after)[0].events == spans_of(between)[0].events
            events += [event.name for event in spans_of(after)[0].events]
    assert events == ["llm.budget.exceeded"]
