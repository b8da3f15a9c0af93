"""What tests of the exporters send and ask a whole processor."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import answers
from backends.recorder import Recorder
from conformance.incoming import Gateway, Refusal, a_span, traces
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

KIB = 1024
MIB = 1024 * KIB
HASTY = {
    "exporters.otlp.retry_on_failure.initial_interval": "10ms",
    "exporters.otlp.retry_on_failure.max_elapsed_time": "100ms",
}
SMALL = {"exporters.otlp.max_message_mib": "1"}
TENANTS = """
exporters:
  otlp: {forward_headers: [X-Scope-OrgID]}
"""
TRACE_ID = b"t" * 16


def span_id(number: int) -> bytes:
    return number.to_bytes(8, "big")


def spans_in(*payloads: bytes) -> list[Span]:
    return [
        span
        for payload in payloads
        for resource in ExportTraceServiceRequest.FromString(payload).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def texts(count: int, size: int, make: Any = a_span) -> bytes:
    """A request with so many spans, each with so much text."""
    spans = [make(f"span {number}", span_id=span_id(number)) for number in range(1, count + 1)]
    for span in spans:
        span.attributes.add(key="text").value.string_value = "x" * size
    return traces(*spans)


async def until(condition: Any) -> None:
    """Wait until something has come about."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)


def partial_of(answer: bytes | Refusal) -> tuple[int, str]:
    assert isinstance(answer, bytes), answer
    partial = ExportTraceServiceResponse.FromString(answer).partial_success
    return partial.rejected_spans, partial.error_message


async def send(gateway: Gateway, spans: Sequence[Span]) -> None:
    assert await gateway.call(traces(*spans)) == b""


async def total_of(gateway: Gateway, trace_id: bytes) -> tuple[int, int]:
    """What the ledger has on a trace: nano-USD, and calls."""
    ledger = gateway.app.running.ledger
    totals = await answers.total_of(ledger, "trace", trace_id.hex())
    return totals.cost_nano_usd, totals.calls


def books_of(gateway: Gateway) -> Any:
    """The ledger's counters."""
    ledger = gateway.app.running.ledger
    return ledger.counters


def counters_of(gateway: Gateway) -> list[Any]:
    """The counters of each destination."""
    exporter = gateway.app.running.exporter
    return [destination.counters for destination in exporter.destinations]


def seen(backend: Recorder, name: str) -> list[Any]:
    """A header of every request that a backend took."""
    return [record.metadata.get(name) for record in backend.records]
