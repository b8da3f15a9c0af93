"""Which reservations the charges of a batch are of."""

from __future__ import annotations

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from processor.core import pricing, semconv, wire
from processor.core.model import Intake
from processor.core.posting.reserved import reservations_of
from processor.core.pricing import compile_catalog, parse_prices
from processor.core.semconv import ReadOptions

CALL = {
    "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 5,
}  # fmt: skip
RESERVATION = "llm.budget.reservation"


def intake(*spans):
    request = ExportTraceServiceRequest()
    into = request.resource_spans.add().scope_spans.add().spans
    for number, attributes in enumerate(spans, start=1):
        span = into.add(trace_id=b"t" * 16, span_id=bytes([number]) * 8, name="chat")
        for key, value in attributes.items():
            found = span.attributes.add(key=key).value
            if isinstance(value, str):
                found.string_value = value
            else:
                found.int_value = value
    read = wire.scan(request.SerializeToString(), semconv.WANTED)
    reading = semconv.read(read, 0, ReadOptions())
    prices = parse_prices("models: [{model: gpt-4o, prices: {input: 1, output: 1}}]", "p.yaml")
    charges = pricing.price(reading.calls, compile_catalog(prices, {}))
    return Intake(read, charges, reading.marks, 0)


def test_those_of_calls_are_found():
    """Guarantees: of calls of unknown cost as well; not of spans that are no calls."""
    unknown = {**CALL, "gen_ai.request.model": "who"}
    found = intake(
        CALL, {**CALL, RESERVATION: "a"}, {RESERVATION: "b"}, {**unknown, RESERVATION: "c"},
        {**CALL, RESERVATION: 7},
    )  # fmt: skip
    assert len(found.charges) == 4
    assert reservations_of(found) == ["a", "c"]


def test_a_span_that_has_nothing_else_is_not_looked_at():
    """Guarantees: the attribute is no reason to read a span."""
    found = intake({RESERVATION: "a", "http.method": "GET"})
    assert found.spans.shapes == [0]
    assert reservations_of(found) == []
