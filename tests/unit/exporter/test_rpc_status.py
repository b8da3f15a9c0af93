"""Reading answers that the backend decides, well-formed or not."""

import grpc
import pytest
from google.rpc.error_details_pb2 import (  # type: ignore[import-untyped]  # no py.typed
    BadRequest,
    RetryInfo,
)
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # no py.typed
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from processor.exporter.rpc_status import code_of, message_of, receipt_in, retry_delay_s
from processor.model import Receipt


def failure(details="busy", trailers=()):
    none = grpc.aio.Metadata()
    trailing = grpc.aio.Metadata(*trailers)
    return grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, none, trailing, details, None)


def packed(*details):
    status = Status(code=14)
    for detail in details:
        status.details.add().Pack(detail)
    return ("grpc-status-details-bin", status.SerializeToString())


def test_a_status_has_a_number_and_a_message_of_bounded_length():
    assert code_of(failure()) == 14
    assert message_of(failure()) == "busy"
    assert message_of(failure("")) == "UNAVAILABLE"
    assert len(message_of(failure("x" * 10**6))) == 1024


def test_retry_info_is_found_among_other_details():
    info = RetryInfo()
    info.retry_delay.FromMilliseconds(1500)
    assert retry_delay_s(failure(trailers=[packed(BadRequest(), info)])) == 1.5
    assert retry_delay_s(failure(trailers=[packed(RetryInfo())])) == 0.0


@pytest.mark.parametrize(
    "trailers",
    [
        [],
        [("other", "x")],
        [packed()],
        [packed(BadRequest())],
        [("grpc-status-details-bin", b"\xff\xff\xff")],
    ],
)
def test_no_retry_info_or_rubbish_is_none(trailers):
    assert retry_delay_s(failure(trailers=trailers)) is None


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


def test_an_ok_with_rubbish_is_still_a_success():
    assert receipt_in("traces", b"\xff\xff\xff") == Receipt()
    assert receipt_in("traces", b"") == Receipt()
