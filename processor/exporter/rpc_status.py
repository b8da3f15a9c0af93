"""Reading a backend's answer: RetryInfo out of a status, a receipt out of a response."""

from __future__ import annotations

from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]  # no py.typed
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # no py.typed
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from processor.model import Receipt, Signal

_MESSAGE_LIMIT_CHARS = 1024


def code_of(error: grpc.aio.AioRpcError) -> int:
    """The status code as its number."""
    return int(error.code().value[0])


def message_of(error: grpc.aio.AioRpcError) -> str:
    """The status message, shortened: the backend decides its length, not we."""
    return (error.details() or error.code().name)[:_MESSAGE_LIMIT_CHARS]


def retry_delay_s(error: grpc.aio.AioRpcError) -> float | None:
    """The delay in the status' google.rpc.RetryInfo; None when it has none, or rubbish."""
    trailers: Any = error.trailing_metadata() or ()
    for key, value in trailers:
        if key == "grpc-status-details-bin":
            return _delay_in(value)
    return None


def receipt_in(signal: Signal, response: bytes) -> Receipt:
    """The partial success in an Export…ServiceResponse.

    A response that cannot be read still came with the status OK: the payload was taken, and
    sending it again would only make duplicates.
    """
    if not response:
        return Receipt()
    try:
        if signal == "traces":
            traces = ExportTraceServiceResponse.FromString(response).partial_success
            return Receipt(traces.rejected_spans, _shorten(traces.error_message))
        if signal == "metrics":
            metrics = ExportMetricsServiceResponse.FromString(response).partial_success
            return Receipt(metrics.rejected_data_points, _shorten(metrics.error_message))
        logs = ExportLogsServiceResponse.FromString(response).partial_success
        return Receipt(logs.rejected_log_records, _shorten(logs.error_message))
    except DecodeError:
        return Receipt()


def _delay_in(value: bytes) -> float | None:
    info = RetryInfo()
    try:
        for detail in Status.FromString(value).details:
            if detail.Unpack(info):
                return float(info.retry_delay.seconds + info.retry_delay.nanos / 1e9)
    except DecodeError:
        return None
    return None


def _shorten(message: str) -> str:
    return message[:_MESSAGE_LIMIT_CHARS]
