"""Receipts become the right response message."""

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from processor.core.model import Receipt
from processor.io.receiver.responses import response_to


def acknowledge(signal, receipt):
    return response_to(signal, receipt).SerializeToString()


CASES = [
    ("traces", ExportTraceServiceResponse, "rejected_spans"),
    ("metrics", ExportMetricsServiceResponse, "rejected_data_points"),
    ("logs", ExportLogsServiceResponse, "rejected_log_records"),
]


@pytest.mark.parametrize(("signal", "kind"), [case[:2] for case in CASES])
def test_full_success_leaves_partial_success_unset(signal, kind):
    response = kind.FromString(acknowledge(signal, Receipt()))
    assert not response.HasField("partial_success")


@pytest.mark.parametrize(("signal", "kind", "count"), CASES)
def test_a_rejection_says_how_many_and_why(signal, kind, count):
    response = kind.FromString(acknowledge(signal, Receipt(3, "zero ids")))
    assert getattr(response.partial_success, count) == 3
    assert response.partial_success.error_message == "zero ids"


def test_a_warning_rejects_nothing_but_has_a_message():
    response = ExportTraceServiceResponse.FromString(acknowledge("traces", Receipt(0, "late")))
    assert response.HasField("partial_success")
    assert response.partial_success.rejected_spans == 0
    assert response.partial_success.error_message == "late"


def test_a_message_of_any_length_keeps_the_response_small():
    assert len(acknowledge("traces", Receipt(1, "x" * 10_000_000))) < 5_000
