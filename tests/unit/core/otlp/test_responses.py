"""Receipts as response messages, and read from what a backend answers, well-formed or not."""

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from processor.core.model import Receipt
from processor.core.otlp.responses import read_json_response, read_response, response_to


def test_partial_success_is_read_for_each_signal():
    traces = ExportTraceServiceResponse()
    traces.partial_success.rejected_spans = 1
    metrics = ExportMetricsServiceResponse()
    metrics.partial_success.rejected_data_points = 2
    logs = ExportLogsServiceResponse()
    logs.partial_success.rejected_log_records = 3
    logs.partial_success.error_message = "too old"
    assert read_response("traces", traces.SerializeToString()) == Receipt(1, "")
    assert read_response("metrics", metrics.SerializeToString()) == Receipt(2, "")
    assert read_response("logs", logs.SerializeToString()) == Receipt(3, "too old")


def test_an_empty_answer_is_a_full_success_and_rubbish_has_no_receipt():
    assert read_response("traces", b"") == Receipt()
    assert read_response("traces", b"\xff\xff\xff") is None


@pytest.mark.parametrize(
    ("text", "receipt"),
    [
        ("{}", Receipt()),
        ('{"partialSuccess": null}', Receipt()),
        ('{"partialSuccess": {"rejectedSpans": "3", "errorMessage": "old"}}', Receipt(3, "old")),
        ('{"partialSuccess": {"rejectedSpans": 3}}', Receipt(3, "")),
        (
            r'{"partialSuccess": {"errorMessage": "half \ud83d of one"}}',
            Receipt(0, "half ? of one"),
        ),
        (r'{"partialSuccess": {"errorMessage": "a\r\nlie\u001b[2J"}}', Receipt(0, "a lie [2J")),
        ('{"partialSuccess": {"rejectedSpans": -3}}', Receipt()),
        ('{"partialSuccess": {"rejectedSpans": 1e999}}', None),
        ('{"partialSuccess": {"rejectedSpans": "many"}}', None),
        ('{"partialSuccess": 7}', None),
        ("[]", None),
        ("<html>", None),
        ("[" * 100_000, None),
    ],
)
def test_partial_success_is_read_from_json_too(text, receipt):
    assert read_json_response("traces", text.encode()) == receipt


def encode(signal, receipt):
    return response_to(signal, receipt).SerializeToString()


CASES = [
    ("traces", ExportTraceServiceResponse, "rejected_spans"),
    ("metrics", ExportMetricsServiceResponse, "rejected_data_points"),
    ("logs", ExportLogsServiceResponse, "rejected_log_records"),
]


@pytest.mark.parametrize(("signal", "kind"), [case[:2] for case in CASES])
def test_full_success_leaves_partial_success_unset(signal, kind):
    response = kind.FromString(encode(signal, Receipt()))
    assert not response.HasField("partial_success")


@pytest.mark.parametrize(("signal", "kind", "count"), CASES)
def test_a_rejection_says_how_many_and_why(signal, kind, count):
    response = kind.FromString(encode(signal, Receipt(3, "zero ids")))
    assert getattr(response.partial_success, count) == 3
    assert response.partial_success.error_message == "zero ids"


def test_a_warning_rejects_nothing_but_has_a_message():
    response = ExportTraceServiceResponse.FromString(encode("traces", Receipt(0, "late")))
    assert response.HasField("partial_success")
    assert response.partial_success.rejected_spans == 0
    assert response.partial_success.error_message == "late"


def test_a_message_of_any_length_keeps_the_response_small():
    assert len(encode("traces", Receipt(1, "x" * 10_000_000))) < 5_000
