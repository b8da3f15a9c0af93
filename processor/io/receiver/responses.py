"""A receipt as the response message of its signal."""

from __future__ import annotations

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from processor.core.model import Receipt, Signal

_MESSAGE_LIMIT_CHARS = 4096

_Response = ExportTraceServiceResponse | ExportMetricsServiceResponse | ExportLogsServiceResponse


def response_to(signal: Signal, receipt: Receipt) -> _Response:
    """The Export…ServiceResponse.

    Full success is the empty message: OTLP demands that ``partial_success`` is unset then, not
    present and empty.
    """
    message = receipt.message[:_MESSAGE_LIMIT_CHARS]
    has_partial = bool(receipt.rejected or message)
    if signal == "traces":
        traces = ExportTraceServiceResponse()
        if has_partial:
            traces.partial_success.rejected_spans = receipt.rejected
            traces.partial_success.error_message = message
        return traces
    if signal == "metrics":
        metrics = ExportMetricsServiceResponse()
        if has_partial:
            metrics.partial_success.rejected_data_points = receipt.rejected
            metrics.partial_success.error_message = message
        return metrics
    logs = ExportLogsServiceResponse()
    if has_partial:
        logs.partial_success.rejected_log_records = receipt.rejected
        logs.partial_success.error_message = message
    return logs
