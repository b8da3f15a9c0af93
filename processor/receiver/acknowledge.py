"""A receipt as the response message of its signal."""

from __future__ import annotations

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from processor.model import Receipt, Signal

_MESSAGE_LIMIT_CHARS = 4096


def acknowledge(signal: Signal, receipt: Receipt) -> bytes:
    """The serialized Export…ServiceResponse.

    Full success is the empty message: OTLP demands that ``partial_success`` is unset then, not
    present and empty.
    """
    if not receipt.rejected and not receipt.message:
        return b""
    message = receipt.message[:_MESSAGE_LIMIT_CHARS]
    if signal == "traces":
        traces = ExportTraceServiceResponse()
        traces.partial_success.rejected_spans = receipt.rejected
        traces.partial_success.error_message = message
        return traces.SerializeToString()
    if signal == "metrics":
        metrics = ExportMetricsServiceResponse()
        metrics.partial_success.rejected_data_points = receipt.rejected
        metrics.partial_success.error_message = message
        return metrics.SerializeToString()
    logs = ExportLogsServiceResponse()
    logs.partial_success.rejected_log_records = receipt.rejected
    logs.partial_success.error_message = message
    return logs.SerializeToString()
