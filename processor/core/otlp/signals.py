"""The signals of OTLP, with what differs between them.

Source: OTLP specification, "OTLP/gRPC" and "OTLP/HTTP"; opentelemetry/proto/collector.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from processor.core.model import Signal
from processor.core.otlp.paths import PATHS


class SignalSpec(NamedTuple):
    """How one signal travels."""

    service: str
    """The gRPC service, by its full name."""
    path: str
    """Where it is posted to over HTTP, below the base endpoint."""
    request: type[Message]
    response: type[Message]
    rejected: str
    """The field of a partial success that counts rejected items."""

    @property
    def method(self) -> str:
        """The gRPC method that takes its requests."""
        return f"/{self.service}/Export"

    @property
    def rejected_json(self) -> str:
        """The name of `rejected` in JSON."""
        first, *others = self.rejected.split("_")
        return first + "".join(map(str.title, others))


SIGNALS: Final[Mapping[Signal, SignalSpec]] = {
    "traces": SignalSpec(
        "opentelemetry.proto.collector.trace.v1.TraceService",
        PATHS["traces"],
        ExportTraceServiceRequest,
        ExportTraceServiceResponse,
        "rejected_spans",
    ),
    "metrics": SignalSpec(
        "opentelemetry.proto.collector.metrics.v1.MetricsService",
        PATHS["metrics"],
        ExportMetricsServiceRequest,
        ExportMetricsServiceResponse,
        "rejected_data_points",
    ),
    "logs": SignalSpec(
        "opentelemetry.proto.collector.logs.v1.LogsService",
        PATHS["logs"],
        ExportLogsServiceRequest,
        ExportLogsServiceResponse,
        "rejected_log_records",
    ),
}
