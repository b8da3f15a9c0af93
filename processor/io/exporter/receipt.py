"""A receipt out of the body of an Export…ServiceResponse, in protobuf or in JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from processor.core.model import Receipt, Signal

_MESSAGE_LIMIT_CHARS: Final = 1024
_BREAKS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
"""What ends a line, or steers a terminal."""
_REJECTED_MAX: Final = 2**63 - 1
_JSON_NAMES: Final[Mapping[Signal, str]] = {
    "traces": "rejectedSpans",
    "metrics": "rejectedDataPoints",
    "logs": "rejectedLogRecords",
}


def receipt_in(signal: Signal, response: bytes) -> Receipt | None:
    """The partial success in a response; None for one that cannot be read.

    Such a response still came with the status OK: the payload was taken, and sending it again
    would only make duplicates.
    """
    if not response:
        return Receipt()
    try:
        if signal == "traces":
            traces = ExportTraceServiceResponse.FromString(response).partial_success
            return _receipt(traces.rejected_spans, traces.error_message)
        if signal == "metrics":
            metrics = ExportMetricsServiceResponse.FromString(response).partial_success
            return _receipt(metrics.rejected_data_points, metrics.error_message)
        logs = ExportLogsServiceResponse.FromString(response).partial_success
        return _receipt(logs.rejected_log_records, logs.error_message)
    except DecodeError:
        return None


def receipt_in_json(signal: Signal, response: bytes) -> Receipt | None:
    """The same from JSON, which some backends answer whatever they are sent."""
    try:
        answer: Any = json.loads(response)
        partial = answer.get("partialSuccess") or {}
        # 64-bit numbers are texts in OTLP's JSON, and numbers from those who do not know.
        return _receipt(
            int(partial.get(_JSON_NAMES[signal], 0)), str(partial.get("errorMessage") or "")
        )
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return None


def flatten(message: str) -> str:
    """Make a line of bounded length of what a backend says, for logs and for senders.

    It is without halves of surrogate pairs, which JSON can hold but no message of ours.
    """
    line = _BREAKS.sub(" ", message[:_MESSAGE_LIMIT_CHARS])
    return line.encode("utf-8", "replace").decode("utf-8")


def _receipt(rejected: int, message: str) -> Receipt:
    """A negative count can only be a mistake of the backend."""
    return Receipt(min(max(rejected, 0), _REJECTED_MAX), flatten(message))
