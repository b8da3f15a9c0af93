"""OTLP/HTTP as users run it: a real SDK exporter, and JSON by hand, into a real process."""

from __future__ import annotations

import gzip
import json
import signal
import socket
import threading
import time
import urllib.error
import urllib.request
from itertools import count

import pytest
from e2e.applications import PRICES, chat, run_agents
from e2e.processes import Process, attributes, export, is_serving, wait_until
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

JSON = {"Content-Type": "application/json"}
NUMBERS = count(1000)
"""Of calls whose ids do not matter."""


@pytest.fixture
def flags(tmp_path, backend):
    """Prices with known numbers, and the backend."""
    pricing = tmp_path / "pricing.yaml"
    pricing.write_text(PRICES)
    return ["--pricing", pricing, "--forward-to", f"127.0.0.1:{backend.port}"]


def http_port(processor):
    return int(processor.wait_for("OTLP/HTTP at").rpartition(":")[2])


def tracer(port, kind=SimpleSpanProcessor, **options):
    """A real SDK whose spans go to the processor over HTTP."""
    provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
    exporter = OTLPSpanExporter(f"http://127.0.0.1:{port}/v1/traces", timeout=20, **options)
    provider.add_span_processor(kind(exporter))
    return provider, provider.get_tracer("shop-agents")


def post(port, body, headers, path="/v1/traces"):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def json_call(number=None, **more):
    """One call of 1000 input tokens, which cost 0.0025, as JavaScript's exporter writes it."""
    number = number or next(NUMBERS)
    pairs = {
        "gen_ai.operation.name": {"stringValue": "chat"},
        "gen_ai.provider.name": {"stringValue": "openai"},
        "gen_ai.request.model": {"stringValue": "gpt-4o"},
        "gen_ai.usage.input_tokens": {"intValue": 1000},
        "gen_ai.usage.output_tokens": {"intValue": "0"},
    }
    span = {
        "traceId": f"{number + 0xABCDEF:032X}",
        "spanId": f"{number:016x}",
        "parentSpanId": "",
        "name": "chat",
        "kind": 3,
        "startTimeUnixNano": str(time.time_ns() - 10**9),
        "endTimeUnixNano": str(time.time_ns()),
        "attributes": [{"key": key, "value": value} for key, value in pairs.items()],
        "droppedAttributesCount": 0,
        "status": {"code": 0},
        **more,
    }
    scope_spans = [{"scope": {"name": "shop"}, "spans": [span]}]
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": scope_spans}]}


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
def test_the_sdks_http_exporter_gets_the_same_costs_as_over_grpc(shared, compression):
    """OTLP conformance: protobuf over HTTP, plain and gzip, from a real exporter."""
    processor, backend = shared
    provider, app = tracer(http_port(processor), BatchSpanProcessor, compression=compression)
    run_agents(app)
    provider.shutdown()
    spans = backend.by_name()
    plain, cached = attributes(spans["chat plain"]), attributes(spans["chat cached"])
    # 1000 x 2.50 + 200 x 10.00, and 1200 x 2.50 + 800 x 1.25 + 200 x 10.00 per million.
    assert (plain["llm.cost_usd"], plain["llm.cost.status"]) == (0.0045, "exact")
    assert (cached["llm.cost_usd"], cached["llm.cache.tokens_saved"]) == (0.006, 800)
    assert attributes(spans["chat unknown"])["llm.cost.status"] == "unpriced"
    assert attributes(spans["invoke_agent planner"])["agent.total_cost_usd"] == 0.0105
    assert attributes(spans["llm.call"])["llm.cost_usd"] == 0.00045
    assert attributes(spans["POST /ask"])["trace.total_cost_usd"] == 0.01095


def test_json_by_hand_is_priced_like_protobuf(shared):
    """OTLP conformance: JSON with hex ids in any case, integers as texts or numbers."""
    processor, backend = shared
    port = http_port(processor)
    body = json.dumps(json_call(1)).encode()
    assert post(port, body, JSON) == (200, b"{}")
    zipped = {**JSON, "Content-Encoding": "gzip"}
    assert post(port, gzip.compress(json.dumps(json_call(2)).encode()), zipped) == (200, b"{}")
    for number, (_, scope, span) in enumerate(backend.spans(), 1):
        assert attributes(span)["llm.cost_usd"] == 0.0025
        assert span.trace_id == (number + 0xABCDEF).to_bytes(16, "big")
        assert (span.span_id, scope.name) == (number.to_bytes(8, "big"), "shop")
    assert len(backend.spans()) == 2


def test_a_span_that_comes_over_both_protocols_is_charged_once(shared):
    """Guarantees: one ledger behind both receivers, and the same stamp on every copy."""
    processor, backend = shared
    body = json.dumps(json_call()).encode()
    assert post(http_port(processor), body, JSON)[0] == 200
    (first,) = backend.requests()
    sent = ExportTraceServiceRequest.FromString(first)
    pairs = sent.resource_spans[0].scope_spans[0].spans[0].attributes
    for pair in [pair for pair in pairs if pair.key.startswith("llm.")]:
        pairs.remove(pair)
    export(processor.port, sent.SerializeToString())
    _, second = [attributes(span) for _, _, span in backend.spans()]
    assert second["trace.total_cost_usd"] == second["llm.cost_usd"] == 0.0025


def test_metrics_and_logs_reach_the_grpc_backend_from_either_encoding(shared):
    """Guarantees: protobuf bodies byte for byte, JSON ones as the protobuf that says the same."""
    processor, backend = shared
    port = http_port(processor)
    raw = b"\x0a\x04\x12\x02\x0a\x00"
    protobuf = {"Content-Type": "application/x-protobuf"}
    point = {"asInt": "-5", "timeUnixNano": "7"}
    metric = {"name": "m", "sum": {"dataPoints": [point], "aggregationTemporality": 2}}
    metrics = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]}
    record = {"body": {"stringValue": "hi"}, "traceId": "AB" * 16, "severityNumber": 9}
    logs = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}
    for path, letter, body in (("/v1/metrics", "m", metrics), ("/v1/logs", "l", logs)):
        assert post(port, raw, protobuf, path) == (200, b"")
        assert post(port, json.dumps(body).encode(), JSON, path) == (200, b"{}")
        assert backend.requests(letter)[0] == raw
    sent = ExportMetricsServiceRequest.FromString(backend.requests("m")[1])
    found = sent.resource_metrics[0].scope_metrics[0].metrics[0]
    assert (found.name, found.sum.data_points[0].as_int) == ("m", -5)
    sent = ExportLogsServiceRequest.FromString(backend.requests("l")[1])
    found = sent.resource_logs[0].scope_logs[0].log_records[0]
    assert (found.body.string_value, found.trace_id, found.severity_number) == (
        "hi", b"\xab" * 16, 9,
    )  # fmt: skip


def test_spans_without_valid_ids_are_left_out_and_reported(shared):
    """OTLP conformance: partial success with the exact count, and the rest arrives."""
    processor, backend = shared
    body = json_call()
    spans = body["resourceSpans"][0]["scopeSpans"][0]["spans"]
    spans.append({**spans[0], "spanId": "0" * 16})
    status, answer = post(http_port(processor), json.dumps(body).encode(), JSON)
    assert status == 200
    assert json.loads(answer)["partialSuccess"]["rejectedSpans"] == "1"
    assert len(backend.spans()) == 1


def test_a_backend_that_is_down_is_the_senders_to_retry(serve, flags, backend, tmp_path):
    """OTLP conformance: 503 with a delay, and never an acknowledgement before delivery."""
    config = tmp_path / "processor.yaml"
    config.write_text(
        "exporters: {otlp: {retry_on_failure: {max_elapsed_time: 1s}, "
        "sending_queue: {enabled: false}}}"
    )
    backend.tell('{"answer": "UNAVAILABLE"}')
    port = http_port(serve("--config", config, *flags))
    body = json.dumps(json_call()).encode()
    status, answer = post(port, body, JSON)
    assert (status, json.loads(answer)["code"]) == (503, 14)
    backend.tell("{}")
    assert post(port, body, JSON)[0] == 200
    assert len(backend.requests()) == 1


def test_bytes_that_are_no_otlp_are_refused_and_the_server_lives(shared):
    """OTLP conformance: 400, and the next request is served."""
    processor, backend = shared
    port = http_port(processor)
    assert post(port, b"\xff\xff no", {"Content-Type": "application/x-protobuf"})[0] == 400
    assert post(port, b'{"resourceSpans": 1}', JSON)[0] == 400
    assert post(port, json.dumps(json_call()).encode(), JSON)[0] == 200
    assert is_serving(processor.port)
    assert len(backend.requests()) == 1


def test_what_was_begun_is_finished_when_it_stops(serve, flags, backend):
    """Guarantees: SIGTERM while the backend is slow loses nothing that came over HTTP."""
    processor = serve(*flags)
    port = http_port(processor)
    backend.hold()
    answers = []
    body = json.dumps(json_call()).encode()
    sent = threading.Thread(target=lambda: answers.append(post(port, body, JSON)))
    sent.start()
    wait_until(lambda: backend.attempts)
    processor.popen.send_signal(signal.SIGTERM)
    wait_until(lambda: not is_serving(processor.port))
    backend.release()
    sent.join()
    assert processor.stop() == 0
    assert answers == [(200, b"{}")]
    assert len(backend.requests()) == 1


def test_http_can_be_switched_off(serve, flags):
    processor = serve("--listen-http", "", *flags)
    processor.wait_for("ledger")
    assert not any("OTLP/HTTP at" in line for line in processor.lines)


def test_a_port_in_use_is_one_clear_line(spawn, tmp_path):
    """Guarantees: it names the setting, the address and what to do, without a traceback."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        process = spawn(Process, "-m", "processor.cli", "serve", "--listen", "127.0.0.1:0",
                        "--listen-http", address, "--data-dir", tmp_path / "d")  # fmt: skip
        assert process.popen.wait(30) == 2
    message = process.wait_for("the port is in use")
    assert "receivers.otlp.protocols.http.endpoint" in message
    assert address in message
    assert len(process.lines) == 1


def test_a_single_call_is_flushed_at_once(shared):
    """Guarantees: an exporter that sends every span by itself is answered each time."""
    processor, backend = shared
    provider, app = tracer(http_port(processor))
    for number in range(5):
        chat(app, f"chat {number}")
    provider.shutdown()
    assert sorted(backend.by_name()) == [f"chat {number}" for number in range(5)]
