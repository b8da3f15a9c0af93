"""Whole traces of real and composed dialects: what is charged in the end, however they arrive.

Each span of the fixtures that is marked as billed is charged once, its parents and duplicates are
not, and a parent that is the only carrier is charged in full.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import defaultdict
from pathlib import Path

import pytest
from answers import total_of
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from processor.core import pricing, semconv, wire
from processor.core.budgets import Policy
from processor.core.model import Intake
from processor.core.semconv import ReadOptions
from processor.io.ledger import Ledger, Limits, SqliteStore

FLAT = """
version: 1
fallback: {enabled: true, prices: {input: 1.00, output: 1.00}}
catalogue: {source: none}
"""
END_NS = 1_790_000_000 * 10**9
KINDS = {"INTERNAL": 1, "SERVER": 2, "CLIENT": 3, "PRODUCER": 4, "CONSUMER": 5}


def traces():
    """Fixtures by trace, for those with more than one span."""
    found = defaultdict(list)
    for path in sorted(Path(__file__).parent.glob("dialect-fixtures*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            fixture = json.loads(line)
            if "trace" in fixture:
                found[fixture["trace"]].append(fixture)
    return {name: spans for name, spans in found.items() if len(spans) > 1}


TRACES = traces()


def set_value(target, value):
    """A Python value as an OTLP AnyValue."""
    if isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int):
        target.int_value = value
    elif isinstance(value, float):
        target.double_value = value
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, list):
        for item in value:
            set_value(target.array_value.values.add(), item)


def request_of(fixture, number):
    """The request that brings one span; children end before their parents."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    for key, value in fixture.get("resource", {}).items():
        set_value(resource.resource.attributes.add(key=key).value, value)
    scope = resource.scope_spans.add()
    scope.scope.name = fixture.get("scope") or ""
    scope.scope.version = fixture.get("scope_version", "")
    span = scope.spans.add(
        trace_id=b"t" * 16,
        span_id=fixture["span"].encode().rjust(8, b"."),
        parent_span_id=(fixture.get("parent") or "").encode().rjust(8, b".")
        if fixture.get("parent")
        else b"",
        name=fixture["name"],
        kind=KINDS[fixture["span_kind"]],
        start_time_unix_nano=END_NS - 10**9,
        end_time_unix_nano=END_NS - number,
    )
    for key, value in fixture["attributes"].items():
        set_value(span.attributes.add(key=key).value, value)
    return request.SerializeToString()


async def charged(spans, folder):
    """Tokens and cost in the ledger after the spans have come one by one."""
    ledger = Ledger(SqliteStore(folder / "ledger.db"), Policy(), Limits())
    await ledger.start()
    catalog = pricing.compile_catalog(pricing.parse_prices(FLAT, "flat.yaml"))
    for number, fixture in spans:
        columns = wire.scan(request_of(fixture, number), semconv.WANTED)
        reading = semconv.read(columns, END_NS, ReadOptions())
        charges = pricing.price(reading.calls, catalog)
        await ledger.post(Intake(columns, charges, reading.marks, END_NS))
    total = await total_of(ledger)
    await ledger.close()
    return total


def expected_tokens(spans):
    """Tokens of the spans that are billed; of the outermost carrier where none is."""
    billed = [span for span in spans if span["expected"]["bill"] is True]
    carriers = [span for span in spans if span["expected"]["bill"] == "fallback"]
    counted = billed or carriers[:1]
    # Compaction is billed on top of what the provider calls the usage of the call.
    extra = ("anthropic.usage.compaction.input_tokens", "anthropic.usage.compaction.output_tokens")
    return sum(
        span["expected"].get("total_tokens", 0)
        + sum(span["attributes"].get(key, 0) for key in extra)
        for span in counted
    )


@pytest.mark.parametrize("name", sorted(TRACES))
def test_a_trace_is_charged_once_in_any_order(name, tmp_path):
    """Guarantees: no order of arrival doubles or loses a token of a real trace."""
    numbered = list(enumerate(TRACES[name]))
    expected = expected_tokens(TRACES[name])
    for number, order in enumerate(itertools.islice(itertools.permutations(numbered), 12)):
        folder = tmp_path / str(number)
        folder.mkdir()
        total = asyncio.run(charged(order, folder))
        assert total.tokens == expected, [span["span"] for _, span in order]
