"""Requests that are too large for a backend leave in parts, whether its limit is known or not."""

from __future__ import annotations

import grpc
import pytest
from conformance.incoming import METHODS, REQUESTS, Gateway, Refusal, a_call, a_span, traces
from conformance.outgoing import (
    HASTY,
    KIB,
    MIB,
    SMALL,
    counters_of,
    partial_of,
    spans_in,
    texts,
    until,
)
from conformance.scripted_backend import (
    Exchange,
    GrpcScript,
    HttpScript,
    grpc_status,
    http_answer,
    say_nothing,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)


async def test_rule_07_what_our_own_attributes_make_too_large_is_split(open_gateway):
    """Below the limit as it comes, above it with costs written: all spans arrive, in two parts."""
    gateway: Gateway = await open_gateway(**SMALL)
    payload = texts(20, 52_000, a_call)
    assert len(payload) < MIB
    assert await gateway.call(payload) == b""
    assert [len(part) <= MIB for part in gateway.delivered()] == [True, True]
    arrived = gateway.spans()
    assert [span.name for span in arrived] == [span.name for span in spans_in(payload)]
    assert all("llm.cost_usd" in {pair.key for pair in span.attributes} for span in arrived)


@pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
async def test_rule_07_larger_requests_of_every_signal_leave_in_parts(open_gateway, signal):
    """What the backend takes is its limit, and not one for our senders."""
    gateway: Gateway = await open_gateway(**SMALL)
    text = "x" * (MIB // 3)
    request = REQUESTS[signal]()
    if signal == "traces":
        request = ExportTraceServiceRequest.FromString(texts(7, len(text)))
    elif signal == "metrics":
        metrics = request.resource_metrics.add().scope_metrics.add().metrics
        for _ in range(7):
            metrics.add(description=text).gauge.data_points.add(as_int=1)
    else:
        records = request.resource_logs.add().scope_logs.add().log_records
        for _ in range(7):
            records.add(severity_text=text)
    assert await gateway.call(request.SerializeToString(), signal) == b""
    parts = gateway.delivered(signal)
    assert max(map(len, parts)) <= MIB
    assert [part.count(text.encode()) for part in parts] == [2, 2, 2, 1]


async def test_rule_07_a_span_that_is_too_large_alone_is_told_and_counted(open_gateway):
    """Its neighbours arrive; the sender hears of one rejected span, and does not retry."""
    gateway: Gateway = await open_gateway(**SMALL)
    large = a_span("large", span_id=b"large...", trace_state="x" * MIB)
    answer = await gateway.call(traces(a_span("before"), large, a_span("after")))
    assert partial_of(answer)[0] == 1
    assert "larger than" in partial_of(answer)[1]
    assert [span.name for span in gateway.spans()] == ["before", "after"]
    assert counters_of(gateway)[0].rejected_items == 1


async def test_rule_07_a_request_that_cannot_be_parted_is_refused_for_good(open_gateway):
    """Nothing is sent, the refusal is counted, and the sender gets a final code."""
    gateway: Gateway = await open_gateway(**SMALL)
    answer = await gateway.call(traces(a_span(trace_state="x" * MIB)))
    assert isinstance(answer, Refusal)
    assert (answer.code, answer.status) == (grpc.StatusCode.RESOURCE_EXHAUSTED, None)
    assert gateway.backend.attempts == 0
    assert counters_of(gateway)[0].refused == 1


async def test_rule_07_a_part_that_is_refused_fails_alone(open_gateway):
    """One part is refused for good: the spans of the others arrive, and the sender hears of it."""
    gateway: Gateway = await open_gateway(**SMALL)
    gateway.backend.behaviour.poison = "span 2"
    rejected, message = partial_of(await gateway.call(texts(3, MIB * 2 // 3)))
    assert rejected == 1
    assert "poisoned" in message
    assert [span.name for span in gateway.spans()] == ["span 1", "span 3"]


async def test_rule_07_a_part_that_cannot_be_sent_now_brings_all_of_them_again(open_gateway):
    """The sender retries the whole, so that nothing is acknowledged that has not arrived."""
    gateway: Gateway = await open_gateway(**SMALL, **HASTY)
    gateway.backend.behaviour.answer = "UNAVAILABLE"
    payload = texts(3, MIB * 2 // 3)
    refusal = await gateway.call(payload)
    assert isinstance(refusal, Refusal)
    assert refusal.code is grpc.StatusCode.UNAVAILABLE
    gateway.backend.behaviour.answer = "OK"
    assert await gateway.call(payload) == b""
    assert [span.name for span in gateway.spans()] == ["span 1", "span 2", "span 3"]


async def test_rule_07_a_grpc_backend_teaches_its_limit(open_gateway):
    """A server that takes 256 KiB, as its library has it: everything arrives, in parts."""
    taken: list[bytes] = []

    async def export(payload: bytes, _context: object) -> bytes:
        taken.append(payload)
        return b""

    server = grpc.aio.server(options=[("grpc.max_receive_message_length", 256 * KIB)])
    method = grpc.unary_unary_rpc_method_handler(export)
    service = METHODS["traces"].split("/")[1]
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(service, {"Export": method}),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    gateway: Gateway = await open_gateway(**{"exporters.otlp.endpoint": f"127.0.0.1:{port}"})
    for _ in range(2):
        assert await gateway.call(texts(10, 100_000)) == b""
    await server.stop(None)
    assert [len(spans_in(part)) for part in taken] == [2] * 10
    counters = counters_of(gateway)[0]
    assert (counters.given, counters.delivered, counters.refused) == (2, 2, 0)


@pytest.mark.parametrize("size", [100_000, 240_000])
async def test_rule_07_an_http_backend_teaches_its_limit(open_gateway, size):
    """413 does not say how much is taken, so it is found by halves; single items still try."""
    backend = HttpScript(say_nothing)

    async def take_what_fits(exchange: Exchange) -> None:
        fits = len(exchange.body) <= 256 * KIB
        await http_answer("200 OK" if fits else "413 Content Too Large")(exchange)

    backend.scripts = [take_what_fits]
    async with backend.listening() as port:
        url = {"exporters.otlphttp.endpoint": f"http://127.0.0.1:{port}"}
        gateway: Gateway = await open_gateway(**{"exporters.otlp.endpoint": ""}, **url)
        payload = traces(*spans_in(texts(10, size)), a_span("huge", trace_state="x" * 300_000))
        assert partial_of(await gateway.call(payload))[0] == 1
    fitting = [body for body in backend.bodies if len(body) <= 256 * KIB]
    assert [span.name for span in spans_in(*fitting)] == [f"span {n}" for n in range(1, 11)]


async def test_rule_07_what_waited_on_the_disk_leaves_in_parts_too(open_gateway):
    """It was acknowledged while the backend was away, and its limit unknown: nothing is dropped."""
    backend = HttpScript(http_answer("503 Service Unavailable"))
    async with backend.listening() as port:
        gateway: Gateway = await open_gateway(
            **{
                "exporters.otlp.endpoint": "",
                "exporters.otlphttp.endpoint": f"http://127.0.0.1:{port}",
                "exporters.otlphttp.sending_queue.enabled": "true",
                "exporters.otlphttp.sending_queue.spill_after": "20ms",
                "exporters.otlphttp.retry_on_failure.initial_interval": "10ms",
                "exporters.otlphttp.retry_on_failure.max_interval": "20ms",
            }
        )
        assert await gateway.call(texts(10, 100_000)) == b""
        backend.bodies.clear()
        taken: list[bytes] = []

        async def take_what_fits(exchange: Exchange) -> None:
            if fits := len(exchange.body) <= 256 * KIB:
                taken.append(exchange.body)
            await http_answer("200 OK" if fits else "413 Content Too Large")(exchange)

        backend.scripts = [take_what_fits]
        await until(lambda: len(spans_in(*taken)) >= 10)
        backlog = counters_of(gateway)[0].backlog
        await until(lambda: not backlog().waiting)
        assert (backlog().delivered, backlog().dropped) == (1, {})
    assert [span.name for span in spans_in(*taken)] == [f"span {n}" for n in range(1, 11)]


@pytest.mark.parametrize("message", ["RATE_LIMITED: too many spans", "quota exceeded"])
async def test_rule_07_a_refusal_over_a_quota_is_not_taken_for_one_of_size(open_gateway, message):
    """A backend that wants less of everything is not sent the same in many parts."""
    backend = GrpcScript(grpc_status(8, message=message))
    async with backend.listening() as port:
        gateway: Gateway = await open_gateway(**{"exporters.otlp.endpoint": f"127.0.0.1:{port}"})
        refusal = await gateway.call(texts(10, 100_000))
    assert isinstance(refusal, Refusal)
    assert len(backend.bodies) == 1
