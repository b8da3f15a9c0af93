"""A short program with the real SDK: one call, and the end. ``sdk_script.py grpc|http PORT``.

Prints what the exporter said of each export, and ends as the SDK ends: after its last export.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (
    OTLPSpanExporter as GrpcExporter,
)
from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
    OTLPSpanExporter as HttpExporter,
)
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

protocol, port = sys.argv[1:]
logging.basicConfig(level=logging.WARNING)


class Watched(SpanExporter):
    """An exporter whose results are printed."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export, and print what came of it."""
        result = self._exporter.export(spans)
        sys.stdout.write(f"{result.name} {len(spans)}\n")
        return result

    def shutdown(self) -> None:
        """End the exporter."""
        self._exporter.shutdown()


exporter: SpanExporter = (
    GrpcExporter(endpoint=f"http://127.0.0.1:{port}", insecure=True)
    if protocol == "grpc"
    else HttpExporter(endpoint=f"http://127.0.0.1:{port}/v1/traces")
)
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(Watched(exporter)))
with provider.get_tracer("script").start_as_current_span("chat") as span:
    span.set_attribute("gen_ai.operation.name", "chat")
    span.set_attribute("gen_ai.request.model", "gpt-4o")
    span.set_attribute("gen_ai.usage.input_tokens", 1000)
    span.set_attribute("gen_ai.usage.output_tokens", 0)
