"""Receipts out of what a backend answers, well-formed or not."""

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from processor.core.model import Receipt
from processor.io.exporter.receipt import receipt_in, receipt_in_json


def test_partial_success_is_read_for_each_signal():
    traces = ExportTraceServiceResponse()
    traces.partial_success.rejected_spans = 1
    metrics = ExportMetricsServiceResponse()
    metrics.partial_success.rejected_data_points = 2
    logs = ExportLogsServiceResponse()
    logs.partial_success.rejected_log_records = 3
    logs.partial_success.error_message = "too old"
    assert receipt_in("traces", traces.SerializeToString()) == Receipt(1, "")
    assert receipt_in("metrics", metrics.SerializeToString()) == Receipt(2, "")
    assert receipt_in("logs", logs.SerializeToString()) == Receipt(3, "too old")


def test_an_empty_answer_is_a_full_success_and_rubbish_has_no_receipt():
    assert receipt_in("traces", b"") == Receipt()
    assert receipt_in("traces", b"\xff\xff\xff") is None


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
    assert receipt_in_json("traces", text.encode()) == receipt
