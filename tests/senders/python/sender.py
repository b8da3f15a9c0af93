# mypy: ignore-errors
# (What this program imports is installed in an environment of its own.)
"""Sends one trace of an agent, a metric and a log record, as OTEL_* in the environment says.

Prints the ids of its spans as JSON, and fails when the SDK could not export everything.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import sys

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanContext, SpanKind

EXPORTERS = {
    "grpc": "opentelemetry.exporter.otlp.proto.grpc",
    "http/protobuf": "opentelemetry.exporter.otlp.proto.http",
    "http/json": "opentelemetry.exporter.otlp.json.http",
}
PACKAGE = EXPORTERS[os.environ["OTEL_EXPORTER_OTLP_PROTOCOL"]]
EARLIER = SpanContext(0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331, is_remote=True)


class Failures(logging.Handler):
    """Counts what the SDK complains about: it tells of lost data in its log only."""

    seen = 0

    def emit(self, record):
        """Count errors."""
        self.seen += record.levelno >= logging.ERROR


def exporter(module, name):
    """The exporter of one signal, which configures itself from the environment."""
    return getattr(importlib.import_module(f"{PACKAGE}.{module}"), name)()


def converse(tracer):
    """An agent that calls two models; returns the spans by name."""
    found = {}

    def span(name, attributes, **more):
        return tracer.start_as_current_span(name, attributes=attributes, **more)

    asked = {"http.request.method": "POST", "note": "Grüße, 世界 🌧"}
    link = Link(EARLIER, {"why": "retry"})
    with span("POST /ask", asked, kind=SpanKind.SERVER, links=[link]) as root:
        found["POST /ask"] = root
        planner = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "planner"}
        with span("invoke_agent planner", planner) as agent:
            found["invoke_agent planner"] = agent
            first = {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "openai",
                "gen_ai.request.model": "gpt-4o-mini",
                "gen_ai.request.temperature": 0.5,
                "gen_ai.response.finish_reasons": ["stop", "length"],
                "gen_ai.usage.input_tokens": 1000,
                "gen_ai.usage.output_tokens": 200,
                "gen_ai.usage.cache_read.input_tokens": 400,
            }
            with span("chat gpt-4o-mini", first, kind=SpanKind.CLIENT) as chat:
                found["chat gpt-4o-mini"] = chat
                chat.add_event("first token", {"index": 1})
            second = {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "anthropic",
                "gen_ai.request.model": "claude-sonnet-4-5",
                "gen_ai.request.stream": True,
                "gen_ai.usage.input_tokens": 2000,
                "gen_ai.usage.output_tokens": 300,
            }
            with span("chat claude-sonnet-4-5", second, kind=SpanKind.CLIENT) as chat:
                found["chat claude-sonnet-4-5"] = chat
    return found


def main():
    """Send all three signals, and say whether they left."""
    failures = Failures()
    logging.basicConfig(handlers=[failures, logging.StreamHandler()])

    tracers = TracerProvider()
    tracers.add_span_processor(BatchSpanProcessor(exporter("trace_exporter", "OTLPSpanExporter")))
    reader = PeriodicExportingMetricReader(exporter("metric_exporter", "OTLPMetricExporter"))
    meters = MeterProvider(metric_readers=[reader])
    loggers = LoggerProvider()
    log_exporter = exporter("_log_exporter", "OTLPLogExporter")
    loggers.add_log_record_processor(BatchLogRecordProcessor(log_exporter))

    spans = converse(tracers.get_tracer("sender", "1.0"))
    meters.get_meter("sender").create_counter("questions").add(1, {"kind": "weather"})
    record = LogRecord(severity_number=SeverityNumber.INFO, body="asked")
    loggers.get_logger("sender").emit(record)

    for provider in (tracers, meters, loggers):
        provider.force_flush()  # A shutdown alone would not wait for retries.
        provider.shutdown()
    contexts = {name: span.get_span_context() for name, span in spans.items()}
    ids = {name: f"{context.span_id:016x}" for name, context in contexts.items()}
    trace_id = contexts["POST /ask"].trace_id
    print(json.dumps({"trace_id": f"{trace_id:032x}", "spans": ids}))  # noqa: T201 - for the test
    sys.exit(1 if failures.seen else 0)


if __name__ == "__main__":
    main()
