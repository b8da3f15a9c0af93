"""Requests cut into parts: nothing lost, nothing twice, nothing too large."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from processor.core.errors import UndecodableError
from processor.core.wire import split

UNKNOWN = b"\xfa\x3e\x03new"  # field 1007, which is unknown here
SIZES = st.lists(st.lists(st.lists(st.integers(0, 3000), max_size=6), max_size=4), max_size=4)


def traces(groups):
    """Resources of scopes of spans, which are numbered and have these sizes."""
    request = ExportTraceServiceRequest()
    number = 0
    for place, scopes in enumerate(groups):
        resource = request.resource_spans.add(schema_url=f"resource {place}")
        for inner, sizes in enumerate(scopes):
            scope = resource.scope_spans.add(schema_url=f"scope {place}.{inner}")
            for size in sizes:
                number += 1
                scope.spans.add(span_id=number.to_bytes(8, "big"), name="x" * size)
    return request.SerializeToString()


def spans(payload):
    """Every span with what surrounds it, in order."""
    return [
        (resource.schema_url, scope.schema_url, span.span_id, span.name)
        for resource in ExportTraceServiceRequest.FromString(payload).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


@given(SIZES, st.integers(1000, 6000))
def test_every_span_is_in_one_part_or_left_out_for_its_size(groups, max_bytes):
    """Guarantees: order, surroundings and counts, and no part above the limit."""
    payload = traces(groups)
    parts, left_out = split("traces", payload, max_bytes, max_bytes)
    assert all(0 < len(part.payload) <= max_bytes for part in parts)
    found = [spans(part.payload) for part in parts]
    assert [part.items for part in parts] == [len(each) for each in found]
    kept = [span for each in found for span in each]
    lost = [span for span in spans(payload) if span not in kept]
    assert kept == [span for span in spans(payload) if span in kept]
    assert len(lost) == left_out
    assert all(len(name) > max_bytes - 100 for *_, name in lost)


@given(SIZES)
def test_what_fits_is_one_part_and_unchanged(groups):
    payload = traces(groups)
    parts, left_out = split("traces", payload, len(payload), len(payload))
    assert b"".join(part.payload for part in parts) == payload
    assert left_out == 0


def test_unknown_fields_stay_with_every_part_of_what_has_them():
    """Guarantees: an unknown field is in each part, as the resource is."""
    span = record(2, record(5, b"x" * 300))
    scope = record(2, span * 3 + UNKNOWN)
    payload = record(1, scope + UNKNOWN) + UNKNOWN
    parts, left_out = split("traces", payload, 700, 700)
    assert [part.payload.count(UNKNOWN) for part in parts] == [3, 3]
    assert ([part.items for part in parts], left_out) == ([2, 1], 0)
    assert [[len(name) for *_, name in spans(part.payload)] for part in parts] == [[300] * 2, [300]]


def record(number, body):
    """A field with a length, as protobuf writes it."""
    return bytes([number << 3 | 2, len(body) & 0x7F | 0x80, len(body) >> 7]) + body


def test_metrics_are_counted_by_their_data_points():
    """Guarantees: a rejected metric counts as its data points, as in OTLP."""
    request = ExportMetricsServiceRequest()
    metrics = request.resource_metrics.add().scope_metrics.add().metrics
    small = metrics.add(name="small")
    small.gauge.data_points.add(as_int=1)
    large = metrics.add(name="large" * 1000)
    for _ in range(3):
        large.sum.data_points.add(as_int=1)
    for kind in ("histogram", "exponential_histogram", "summary"):
        getattr(metrics.add(name=kind), kind).data_points.add()
    parts, left_out = split("metrics", request.SerializeToString(), 1000, 1000)
    assert ([part.items for part in parts], left_out) == ([4], 3)


def test_logs_are_cut_like_spans():
    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add().scope_logs.add()
    for _ in range(10):
        scope.log_records.add(severity_text="x" * 300)
    parts, left_out = split("logs", request.SerializeToString(), 1000, 1000)
    assert ([part.items for part in parts], left_out) == ([3, 3, 3, 1], 0)


def test_a_large_resource_is_not_repeated_without_end():
    """Guarantees: a sender cannot make much of little by what would stand in every part."""
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add(schema_url="x" * 500)
    spans_of = group.scope_spans.add().spans
    for _ in range(1000):
        spans_of.add(name="y" * 90)
    payload = request.SerializeToString()
    parts, left_out = split("traces", payload, 1000, 1000)
    assert (list(parts), left_out) == ([], 1000)
    parts, left_out = split("traces", payload, 2500, 2500)
    assert left_out == 0
    assert sum(len(part.payload) for part in parts) < 3 * len(payload)


def test_an_item_beyond_the_aim_has_a_part_for_itself():
    """Guarantees: what is only aimed at costs no item that may still be sent."""
    payload = traces([[[10, 10, 1500, 10, 2500, 10]], [[10]]])
    parts, left_out = split("traces", payload, 1000, 2000)
    found = [[len(name) for *_, name in spans(part.payload)] for part in parts]
    assert (found, left_out) == ([[10, 10], [1500], [10, 10, 10]], 1)


def test_empty_groups_are_not_made():
    """Guarantees: where all items of a group are too large, the group is not sent empty."""
    parts, left_out = split("traces", traces([[[5000, 5000]], [[10]]]), 2000, 2000)
    assert ([len(spans(part.payload)) for part in parts], left_out) == ([1], 2)
    assert len(ExportTraceServiceRequest.FromString(parts[0].payload).resource_spans) == 1


@pytest.mark.parametrize("payload", [b"\x0a\xff\x01x", b"\x0f", b"\x0a\xff\xff\xff\xff\xff\xff"])
def test_what_is_no_request_is_said_to_be_none(payload):
    with pytest.raises(UndecodableError):
        split("traces", payload, 1, 1)
