"""Rules 36 to 42: what is forwarded is what came, whatever it is."""

from __future__ import annotations

import json

import grpc
import pytest
from conformance.incoming import (
    JSON,
    NOW_NS,
    a_call,
    a_span,
    ask,
    record,
    shown,
    traces,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from processor.core.otlp.varint import encode_varint
from processor.surfaces.grpc.generated.cost_service_pb2 import GetTotalsRequest, GetTotalsResponse

UNKNOWN = encode_varint(1999 << 3 | 2) + b"\x06future" + encode_varint(2000 << 3) + b"\x2a"
"""Two fields that no version of OTLP has."""
ARRAYS_MAX, LISTS_MAX = 45, 30
"""Levels of arrays and of key-value lists on a span that every protobuf reader takes."""


def without_costs(span: Span) -> Span:
    """A span as it was before costs were written on it."""
    kept = [pair for pair in span.attributes if not pair.key.startswith(("llm.", "trace."))]
    events = [event for event in span.events if not event.name.startswith("llm.")]
    copy = Span()
    copy.CopyFrom(span)
    del copy.attributes[:], copy.events[:]
    copy.attributes.extend(kept)
    copy.events.extend(events)
    return copy


def arrays(levels: int) -> AnyValue:
    value = AnyValue(string_value="core")
    for _ in range(levels):
        outer = AnyValue()
        outer.array_value.values.append(value)
        value = outer
    return value


def lists(levels: int) -> AnyValue:
    value = AnyValue(string_value="core")
    for _ in range(levels):
        outer = AnyValue()
        outer.kvlist_value.values.add(key="k").value.CopyFrom(value)
        value = outer
    return value


def deep(levels: int) -> bytes:
    """A request with arrays nested so deep that no message of the library could hold them."""
    value = b""
    for _ in range(levels):
        value = record(5, record(1, value))
    pair = record(9, record(1, b"k") + record(2, value))
    span = a_span().SerializeToString() + pair
    return record(1, record(2, record(2, span)))


def everything() -> ExportTraceServiceRequest:
    """A request in which every field says something, about a call and about something else."""
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add(schema_url="https://schema/resource")
    group.resource.attributes.add(key="service.name").value.string_value = "shop"
    group.resource.dropped_attributes_count = 1
    group.resource.entity_refs.add(schema_url="s", type="host", id_keys=["a"])
    scope = group.scope_spans.add(schema_url="https://schema/scope")
    scope.scope.name, scope.scope.version = "library", "1.2"
    scope.scope.attributes.add(key="own").value.bool_value = True
    scope.scope.dropped_attributes_count = 2
    for span in (a_span(span_id=b"12345678"), a_call()):
        span.parent_span_id, span.trace_state, span.flags = b"parentid", "vendor=1", 0x301
        span.kind = Span.SPAN_KIND_CLIENT
        span.dropped_attributes_count = 3
        span.dropped_events_count, span.dropped_links_count = 4, 5
        span.status.code, span.status.message = Status.STATUS_CODE_ERROR, "failed"
        event = span.events.add(time_unix_nano=NOW_NS, name="e", dropped_attributes_count=6)
        event.attributes.add(key="k").value.double_value = 0.5
        link = span.links.add(trace_id=b"l" * 16, span_id=b"m" * 8, trace_state="x=y", flags=0x101)
        link.dropped_attributes_count = 7
        link.attributes.add(key="k").value.bytes_value = b"\0\xff"
        span.attributes.add(key="nothing").value.SetInParent()
        scope.spans.append(span)
    return request


@pytest.mark.parametrize("span", [a_span(), a_call()], ids=["untouched", "priced"])
async def test_rule_36_fields_of_the_future_are_forwarded(gateway, span):
    """Guarantees: in requests, groups, scopes and spans, also where costs are written."""
    body = record(2, span.SerializeToString() + UNKNOWN) + UNKNOWN
    payload = record(1, record(2, body) + UNKNOWN) + UNKNOWN
    assert await gateway.call(payload) == b""
    (sent,) = gateway.delivered()
    assert sent.count(UNKNOWN) == 4
    assert (sent == payload) == (span.name == "work")


async def test_rule_37_what_is_not_about_cost_is_the_same(gateway):
    """Guarantees: every field of OTLP survives beside a call that costs are written on."""
    request = everything()
    assert await gateway.call(request.SerializeToString()) == b""
    sent = gateway.last()
    spans = sent.resource_spans[0].scope_spans[0].spans
    assert any(pair.key == "llm.cost_usd" for pair in spans[1].attributes)
    for span in spans:
        span.CopyFrom(without_costs(span))
    assert sent == request


async def test_rule_37_what_has_no_costs_is_the_same_bytes(gateway):
    """Guarantees: fields in another order, split and padded, leave as they came."""
    span = a_span().SerializeToString()
    padded = b"\x92\x00" + bytes([0x80 | len(span)]) + b"\x80\x00" + span
    payload = record(1, record(2, padded + record(3, b"schema")) + record(1, b""))
    assert await gateway.call(payload) == b""
    assert gateway.delivered() == [payload]


async def test_rule_38_a_key_that_stands_twice_is_forwarded_twice(gateway):
    """Guarantees: stable and no crash: the first counts for the price, none is lost."""
    span = a_call()
    span.attributes.add(key="gen_ai.request.model").value.string_value = "another"
    span.attributes.add(key="note").value.string_value = "a"
    span.attributes.add(key="note").value.string_value = "b"
    assert await gateway.call(traces(span)) == b""
    (sent,) = gateway.spans()
    assert without_costs(sent) == span
    costs = {pair.key: pair.value for pair in sent.attributes if pair.key == "llm.cost_usd"}
    await gateway.call(traces(a_call(span_id=b"alonealo")))
    alone = {pair.key: pair.value for pair in gateway.spans()[-1].attributes}
    assert costs["llm.cost_usd"] == alone["llm.cost_usd"]


@pytest.mark.parametrize(
    "fields",
    [
        record(5, b"\xff\xfe"),
        record(9, record(1, b"\xc3")),
        record(9, record(2, record(1, b"\x80"))),
    ],
    ids=["name", "key", "value"],
)
async def test_rule_39_a_text_that_is_not_utf_8_costs_nothing(gateway, fields):
    """Guarantees: it is carried byte for byte, and the call beside it is charged."""
    odd = a_span(trace_id=b"o" * 16).SerializeToString() + fields
    payload = record(1, record(2, record(2, odd) + record(2, a_call().SerializeToString())))
    assert await gateway.call(payload) == b""
    assert (await gateway.post(payload)).status == 200
    for sent in gateway.backend.records:
        assert record(2, odd) in sent.payload
        assert b"llm.cost_usd" in sent.payload
    body = json.dumps(shown({"name": "x"})).encode().replace(b'"x"', b'"\xff"')
    assert (await gateway.post(body, type=JSON)).status == 200
    assert record(5, b"\xff") in gateway.backend.records[-1].payload


async def test_rule_39_what_no_reader_can_walk_is_refused_with_its_place(gateway):
    """Guarantees: INVALID_ARGUMENT or 400 that says where; the next request is served."""
    payload = record(1, record(2, record(2, record(9, b"\x0a\x7fk"))))
    refusal, reply = await gateway.call(payload), await gateway.post(payload)
    assert (refusal.code, reply.status) == (grpc.StatusCode.INVALID_ARGUMENT, 400)
    place = "resource_spans[0].scope_spans[0].spans[0].attributes[0], byte 8"
    assert place in refusal.message
    assert place in reply.error().message
    assert await gateway.call(traces(a_span())) == b""


@pytest.mark.parametrize("value", [arrays(ARRAYS_MAX), lists(LISTS_MAX)], ids=["arrays", "lists"])
async def test_rule_40_deep_values_are_forwarded(gateway, value):
    """Guarantees: what other programs can read is taken, and costs are written beside it."""
    span = a_call()
    span.attributes.add(key="deep").value.CopyFrom(value)
    assert await gateway.call(traces(span)) == b""
    assert without_costs(gateway.spans()[0]) == span


@pytest.mark.parametrize("levels", [60, 1000, 20_000])
async def test_rule_40_values_without_end_are_refused(gateway, levels):
    """Guarantees: INVALID_ARGUMENT or 400 in protobuf and JSON, and the processor stands."""
    payload = deep(levels)
    refusal, reply = await gateway.call(payload), await gateway.post(payload)
    assert (refusal.code, reply.status) == (grpc.StatusCode.INVALID_ARGUMENT, 400)
    inner = b'{"arrayValue":{"values":[' * levels + b"{}" + b"]}}" * levels
    span = b'{"attributes":[{"key":"k","value":' + inner + b"}]}"
    body = b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + span + b"]}]}]}"
    assert (await gateway.post(body, type=JSON)).status == 400
    assert await gateway.call(traces(a_span())) == b""


async def test_rule_41_one_bad_id_does_not_poison_a_request(gateway):
    """Guarantees: the bad span is left out and reported, as a call too; the others arrive."""
    lengths = {"trace_id": (0, 15, 24), "span_id": (0, 7, 16)}
    bad = [{field: b"x" * length} for field in lengths for length in lengths[field]]
    bad += [{"trace_id": bytes(16)}, {"span_id": bytes(8)}]
    good = a_span("good")
    for fields in bad:
        answer = await gateway.call(traces(a_span(**fields), good, a_call(**fields)))
        partial = ExportTraceServiceResponse.FromString(answer).partial_success
        assert partial.rejected_spans == 2, fields
        assert partial.error_message
    assert gateway.delivered() == [traces(good)] * len(bad)


async def test_rule_42_times_that_cannot_be_are_forwarded_and_charged_now(gateway):
    """Guarantees: nought, an end before the start and the year 2554 all count for today."""
    times = [(0, 0), (NOW_NS, NOW_NS - 1), (2**64 - 2, 2**64 - 1)]
    calls = [
        a_call(
            f"call {number}",
            span_id=b"span-%03d" % number,
            trace_id=b"trace-%010d" % number,
            start_time_unix_nano=start_ns,
            end_time_unix_nano=end_ns,
        )
        for number, (start_ns, end_ns) in enumerate(times)
    ]
    assert await gateway.call(traces(*calls)) == b""
    assert [without_costs(span) for span in gateway.spans()] == calls
    question = GetTotalsRequest(scope="total", window="day").SerializeToString()
    async with gateway.channel() as channel:
        answer = await ask(channel, "/llm_cost.v1.CostService/GetTotals", question, timeout=5)
    assert GetTotalsResponse.FromString(answer).calls == 3
