"""The exporters as users run them: over HTTP, to several backends at once, and merged."""

from __future__ import annotations

import threading
import time
from urllib.request import urlopen

import grpc
import pytest
from e2e.applications import PRICES
from e2e.processes import Process, attributes, export
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from processor.surfaces.grpc.generated.cost_service_pb2 import GetTotalsRequest, GetTotalsResponse

BUDGETS = "version: 1\nbudgets: []\n"
NANO_USD_PER_CALL = 2_500_000
OFF = "sending_queue: {enabled: false}"


@pytest.fixture
def start(serve, tmp_path):
    """Start the processor with these exporters."""

    def start(exporters, *flags):
        files = {"pricing": PRICES, "budgets": BUDGETS, "config": f"exporters:\n{exporters}"}
        for name, text in files.items():
            (tmp_path / f"{name}.yaml").write_text(text)
            flags += (f"--{name}", tmp_path / f"{name}.yaml")
        return serve(*flags)

    return start


def a_call(number, name=None):
    """One call that costs 2,500,000 nano-USD."""
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(
        trace_id=number.to_bytes(16), span_id=number.to_bytes(8), name=name or f"call {number}",
        start_time_unix_nano=time.time_ns() - 10**9, end_time_unix_nano=time.time_ns(),
    )  # fmt: skip
    for key, value in (
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", "openai"),
        ("gen_ai.request.model", "gpt-4o"),
    ):
        span.attributes.add(key=key).value.string_value = value
    span.attributes.add(key="gen_ai.usage.input_tokens").value.int_value = 1000
    return request.SerializeToString()


def total_nano_usd(port):
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.unary_unary(
            "/llm_cost.v1.CostService/GetTotals",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=GetTotalsResponse.FromString,
        )
        return call(GetTotalsRequest(scope="total"), timeout=10).cost_nano_usd


def export_at_once(port, payloads, timeout_s=20.0):
    """Send all of them at the same time over one connection; what each was answered."""
    path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        method = channel.unary_unary(path)
        calls = [method.future(payload, timeout=timeout_s) for payload in payloads]
        return [call.exception() or call.result() for call in calls]


def test_forwarding_over_http(start, start_backend):
    """Guarantees: spans are priced and arrive, other signals byte for byte; TLS or not is a URL."""
    backend = start_backend(is_http=True)
    processor = start("  otlphttp: {compression: gzip}", "--forward-to",
                      f"http://127.0.0.1:{backend.port}/v1/traces")  # fmt: skip
    processor.wait_for(f"OTLP/HTTP at http://127.0.0.1:{backend.port}")
    assert export(processor.port, a_call(1)) == b""
    ((_, _, span),) = backend.spans()
    assert attributes(span)["llm.cost_usd"] == 0.0025
    other = b"\x0a\x04\x12\x02\x0a\x00"
    with grpc.insecure_channel(f"127.0.0.1:{processor.port}") as channel:
        service = "opentelemetry.proto.collector.logs.v1.LogsService"
        channel.unary_unary(f"/{service}/Export")(other, timeout=10)
    assert backend.requests("l") == [other]


def test_without_a_queue_an_http_backend_that_is_down_is_the_senders_to_retry(start, start_backend):
    """Guarantees: acknowledged only after delivery; the retry after a 503 is charged once."""
    backend = start_backend(is_http=True)
    processor = start(f"  otlphttp: {{endpoint: 'http://127.0.0.1:{backend.port}', {OFF}}}")
    backend.tell('{"answer": "503", "message": "closed for repairs"}')
    with pytest.raises(grpc.RpcError) as refused:
        export(processor.port, a_call(1), timeout_s=3.0)
    assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
    assert "closed for repairs" in refused.value.details()
    backend.tell("{}")
    export(processor.port, a_call(1))
    assert total_nano_usd(processor.port) == NANO_USD_PER_CALL
    assert len(backend.requests()) == 1


def test_an_http_backend_that_refuses_is_heard(start, start_backend):
    """Guarantees: a permanent answer and a partial success reach the sender as they are."""
    backend = start_backend(is_http=True)
    processor = start(f"  otlphttp: {{endpoint: 'http://127.0.0.1:{backend.port}'}}")
    backend.tell('{"answer": "400", "message": "not like this"}')
    with pytest.raises(grpc.RpcError) as refused:
        export(processor.port, a_call(1))
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    backend.tell('{"rejected": 1, "message": "too old"}')
    answer = ExportTraceServiceResponse.FromString(export(processor.port, a_call(2)))
    assert answer.partial_success.rejected_spans == 1
    assert answer.partial_success.error_message == "too old"


def test_several_ways_out_at_once(start, start_backend, tmp_path):
    """Guarantees: each gets all of it, an acknowledgement means all, and the worst answer wins."""
    first, second = start_backend(), start_backend(is_http=True)
    processor = start(f"""
  otlp: {{endpoint: "127.0.0.1:{first.port}", {OFF}}}
  otlphttp: {{endpoint: "http://127.0.0.1:{second.port}", {OFF}}}
  file: {{path: "{tmp_path / "spans"}"}}
  debug: {{verbosity: detailed}}
""")
    export(processor.port, a_call(1))
    assert first.requests() == second.requests()
    assert len(first.requests()) == 1
    assert '"llm.cost_usd"' in (tmp_path / "spans" / "traces.jsonl").read_text()
    processor.wait_for("1 spans, 1 with a cost, together 0.002500000 USD")
    processor.wait_for("llm.cost_usd=0.0025")
    second.tell('{"answer": "502"}')
    with pytest.raises(grpc.RpcError) as refused:
        export(processor.port, a_call(2), timeout_s=3.0)
    assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
    second.tell("{}")
    export(processor.port, a_call(2))
    assert total_nano_usd(processor.port) == 2 * NANO_USD_PER_CALL
    assert {span.name for _, _, span in second.spans()} == {"call 1", "call 2"}


def test_a_backend_for_traces_alone(start, start_backend):
    """Guarantees: a signal that no backend takes is refused, and not taken and lost."""
    backend = start_backend(is_http=True)
    url = f"http://127.0.0.1:{backend.port}/v1/traces"
    processor = start(f"  otlphttp: {{traces_endpoint: '{url}'}}")
    export(processor.port, a_call(1))
    assert len(backend.requests()) == 1
    service = "opentelemetry.proto.collector.logs.v1.LogsService"
    with grpc.insecure_channel(f"127.0.0.1:{processor.port}") as channel:
        with pytest.raises(grpc.RpcError) as refused:
            channel.unary_unary(f"/{service}/Export")(b"\x0a\x00", timeout=10)
        assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_a_backend_without_metrics_bothers_nobody(start_backend, serve):
    """Guarantees: it is asked once, and the application's exporter sees no error."""
    backend = start_backend()
    backend.tell('{"answer": "UNIMPLEMENTED", "times": 1}')
    processor = serve("--forward-to", f"127.0.0.1:{backend.port}")
    service = "opentelemetry.proto.collector.metrics.v1.MetricsService"
    with grpc.insecure_channel(f"127.0.0.1:{processor.port}") as channel:
        send = channel.unary_unary(f"/{service}/Export")
        assert [send(b"\x0a\x00", timeout=10) for _ in range(3)] == [b""] * 3
    export(processor.port, a_call(1))
    assert backend.attempts == 2
    assert backend.requests("m") == []
    processor.wait_for("takes no metrics")
    port = int(processor.wait_for("/metrics").split(":")[2].split("/")[0])
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        shown = answer.read().decode()
    reason = 'reason="signal_not_taken",signal="metrics",transport="grpc"'
    assert f"pipeline_dropped_requests_total{{{reason}}} 3.0" in shown
    assert len([line for line in processor.lines if "takes no metrics" in line]) == 1


MERGED = f"{OFF}, merge: {{max_delay: 200ms, max_bytes: 1048576}}"


@pytest.fixture(params=["grpc", "http"])
def merged(request, start, start_backend):
    """The processor in front of one backend, merging as much as it can."""
    if request.param == "grpc":
        backend = start_backend()
        exporter = f'  otlp: {{endpoint: "127.0.0.1:{backend.port}", {MERGED}}}'
    else:
        backend = start_backend(is_http=True)
        exporter = f'  otlphttp: {{endpoint: "http://127.0.0.1:{backend.port}", {MERGED}}}'
    return start(exporter), backend


def test_requests_that_come_together_leave_together(merged):
    """Guarantees: fewer requests than came in, and each span in them exactly once."""
    processor, backend = merged
    backend.tell('{"delay_s": 0.1}')
    answers = export_at_once(processor.port, [a_call(number) for number in range(1, 41)])
    assert answers == [b""] * 40
    names = sorted(span.name for _, _, span in backend.spans())
    assert names == sorted(f"call {number}" for number in range(1, 41))
    assert len(backend.requests()) < 20
    assert total_nano_usd(processor.port) == 40 * NANO_USD_PER_CALL


def test_a_poisoned_request_among_good_ones_fails_alone(merged):
    """Guarantees: a merged request that is refused costs the good ones in it nothing."""
    processor, backend = merged
    backend.tell('{"poison": "bad apple", "delay_s": 0.05}')
    bad = {7, 23}
    payloads = [a_call(n, "bad apple" if n in bad else None) for n in range(1, 41)]
    answers = export_at_once(processor.port, payloads)
    for number, answer in enumerate(answers, 1):
        if number in bad:
            assert answer.code() == grpc.StatusCode.INVALID_ARGUMENT
            assert "poisoned" in answer.details()
        else:
            assert answer == b""
    names = sorted(span.name for _, _, span in backend.spans())
    assert names == sorted(f"call {number}" for number in range(1, 41) if number not in bad)
    assert total_nano_usd(processor.port) == 40 * NANO_USD_PER_CALL, (
        "refused is charged all the same"
    )


def test_merging_survives_a_backend_that_fails_now_and_then(merged):
    """Guarantees: what is acknowledged has arrived, what is sent again is charged once."""
    processor, backend = merged
    is_http = "OTLP/HTTP" in processor.wait_for("forwards to")
    last_failure = "503" if is_http else "UNAVAILABLE"
    done = threading.Event()

    def disturb():
        is_over = False
        while not is_over:
            backend.tell(f'{{"answer": "{last_failure}", "times": 2, "delay_s": 0.01}}')
            is_over = done.wait(1.0)

    disturber = threading.Thread(target=disturb)
    disturber.start()
    try:
        waiting = {number: a_call(number) for number in range(1, 61)}
        end_s = time.monotonic() + 60
        while waiting and time.monotonic() < end_s:
            answers = export_at_once(processor.port, waiting.values(), timeout_s=5.0)
            failed = [number for number, answer in zip(waiting, answers, strict=True) if answer]
            waiting = {number: waiting[number] for number in failed}
    finally:
        done.set()
        disturber.join()
    assert not waiting
    spans = [span for _, _, span in backend.spans()]
    assert {span.name for span in spans} == {f"call {number}" for number in range(1, 61)}
    assert {attributes(span)["llm.cost_usd"] for span in spans} == {0.0025}
    assert total_nano_usd(processor.port) == 60 * NANO_USD_PER_CALL


def test_a_hasty_sender_among_patient_ones(merged):
    """Guarantees: whose time is up gets UNAVAILABLE; the others are delivered all the same."""
    processor, backend = merged
    is_http = "OTLP/HTTP" in processor.wait_for("forwards to")
    backend.tell(f'{{"answer": "{"503" if is_http else "UNAVAILABLE"}"}}')
    answers = {}

    def send(number, timeout_s):
        (answers[number],) = export_at_once(processor.port, [a_call(number)], timeout_s)

    senders = [threading.Thread(target=send, args=(n, 20.0)) for n in range(1, 5)]
    senders.append(threading.Thread(target=send, args=(5, 2.0)))
    for sender in senders:
        sender.start()
    senders[-1].join()
    assert answers[5].code() == grpc.StatusCode.UNAVAILABLE
    backend.tell("{}")
    for sender in senders:
        sender.join()
    assert [answers[number] for number in range(1, 5)] == [b""] * 4
    assert {span.name for _, _, span in backend.spans()} >= {f"call {n}" for n in range(1, 5)}


def test_a_backend_over_http_that_is_ourselves_is_refused(spawn, tmp_path, start_backend):
    """Guarantees: spans never go round, over HTTP either."""
    port = start_backend().port  # A port that is taken by somebody else for certain.
    process = spawn(Process, "-m", "processor.cli", "serve", "--listen", f"127.0.0.1:{port}",
                    "--data-dir", tmp_path / "d",
                    "--forward-to", f"http://localhost:{port}/v1/traces")  # fmt: skip
    assert process.popen.wait(30) == 2
    process.wait_for("itself")
