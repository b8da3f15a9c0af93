"""Rules 11 to 14 and 27 to 29: success, partial success, and the encoding of answers."""

from __future__ import annotations

import json
from itertools import product

import pytest
from conformance.incoming import JSON, METHODS, PROTOBUF, a_span, record, shown, traces
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

SPAN = traces(a_span())
ENVELOPES = [b"", record(1, b""), record(1, record(2, b""))]
ANSWERS = {
    "traces": (ExportTraceServiceResponse, "rejected_spans", "rejectedSpans"),
    "metrics": (ExportMetricsServiceResponse, "rejected_data_points", "rejectedDataPoints"),
    "logs": (ExportLogsServiceResponse, "rejected_log_records", "rejectedLogRecords"),
}


@pytest.mark.parametrize("body", ENVELOPES, ids=["nothing", "no scopes", "no spans"])
async def test_rule_11_an_empty_request_succeeds(gateway, body):
    """Guarantees: nothing and empty groups are a success, over gRPC, protobuf and JSON."""
    assert await gateway.call(body) == b""
    assert (await gateway.post(body)).body == b""
    for empty in ({}, {"resourceSpans": []}, {"resourceSpans": [{"scopeSpans": [{}]}]}):
        assert (await gateway.post(empty)).body == b"{}"


async def test_rule_11_no_empty_group_is_made(gateway):
    """Guarantees: a group whose only span is left out for its ids goes with it."""
    await gateway.call(traces(a_span(trace_id=bytes(16))) + traces(a_span("good")))
    assert gateway.delivered() == [traces(a_span("good"))]


@pytest.mark.parametrize("signal", METHODS)
async def test_rule_12_full_success_has_no_partial_success(gateway, signal):
    """Guarantees: the empty message, not one with an empty partial_success in it."""
    assert await gateway.call(SPAN, signal) == b""
    assert (await gateway.post(SPAN, signal)).body == b""
    assert (await gateway.post({}, signal)).body == b"{}"


@pytest.mark.parametrize("signal", METHODS)
async def test_rule_13_what_the_backend_rejects_is_counted(gateway, signal):
    """Guarantees: OK or 200 with the exact count and the reason, in the field of the signal."""
    kind, field, name = ANSWERS[signal]
    gateway.backend.behaviour.rejected, gateway.backend.behaviour.message = 3, "too old"
    reply = await gateway.post(SPAN, signal)
    assert reply.status == 200
    for answer in (await gateway.call(SPAN, signal), reply.body):
        partial = kind.FromString(answer).partial_success
        assert (getattr(partial, field), partial.error_message) == (3, "too old")
    answer = json.loads((await gateway.post({}, signal)).body)
    assert answer == {"partialSuccess": {name: "3", "errorMessage": "too old"}}


async def test_rule_13_what_we_reject_is_added_to_it(gateway):
    """Guarantees: spans left out here and spans rejected behind us are one count."""
    gateway.backend.behaviour.rejected, gateway.backend.behaviour.message = 1, "too old"
    bad = a_span("bad", span_id=bytes(8))
    answer = await gateway.call(traces(a_span("good"), bad, bad))
    partial = ExportTraceServiceResponse.FromString(answer).partial_success
    assert partial.rejected_spans == 3
    assert "too old" in partial.error_message
    assert "valid trace id" in partial.error_message


@pytest.mark.parametrize("signal", METHODS)
async def test_rule_14_a_warning_rejects_nothing(gateway, signal):
    """Guarantees: a message without a count comes back as zero and the message."""
    kind, field, _ = ANSWERS[signal]
    gateway.backend.behaviour.message = "slow down a little"
    partial = kind.FromString(await gateway.call(SPAN, signal)).partial_success
    assert (getattr(partial, field), partial.error_message) == (0, "slow down a little")


@pytest.mark.parametrize("parameters", ["", "; charset=utf-8", ';charset="utf-8"; x=y'])
async def test_rule_27_an_answer_has_the_type_of_its_request(gateway, parameters):
    """Guarantees: successes and refusals alike, whatever parameters and case the type has."""
    for kind, body in ((PROTOBUF, SPAN), (PROTOBUF, b"\xff"), (JSON, b"{}"), (JSON, b"{")):
        reply = await gateway.post(body, type=kind.title() + parameters)
        assert reply.type == kind


async def test_rule_28_protobuf_and_json_share_port_and_path(gateway):
    """Guarantees: the content type decides, and both end as the same span."""
    sent = a_span(start_time_unix_nano=1, end_time_unix_nano=2)
    assert (await gateway.post(traces(sent))).status == 200
    times = {"startTimeUnixNano": "1", "endTimeUnixNano": "2"}
    assert (await gateway.post(shown({"name": "work", **times}))).status == 200
    assert gateway.spans() == [sent, sent]


async def test_rule_29_an_answer_is_not_compressed(gateway):
    """Guarantees: whoever does not ask for gzip never gets it; and it is never needed."""
    for asked, body in product(("gzip", "identity", "*"), (SPAN, b"\xff")):
        reply = await gateway.post(body, Accept_Encoding=asked)
        assert "Content-Encoding" not in reply.headers
