"""The whole processor before one backend or several: what they get, and what the sender gets."""

from __future__ import annotations

import asyncio
import os
import signal

import grpc
import pytest
from backends.recorder import Recorder
from conformance.incoming import METHODS, Gateway, Refusal, a_call, a_span, ask, traces
from conformance.outgoing import (
    HASTY,
    TRACE_ID,
    books_of,
    counters_of,
    partial_of,
    send,
    spans_in,
    texts,
    total_of,
    until,
)
from conformance.scripted_backend import (
    GrpcScript,
    HttpScript,
    grpc_ok,
    grpc_status,
    hang_up,
    say_nothing,
)
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]  # no py.typed

from processor.app.serving import serve
from processor.config import load_settings


async def test_rule_16_what_the_backend_rejects_is_passed_back(gateway):
    """Over gRPC and over HTTP the sender sees the backend's count and its words."""
    gateway.backend.behaviour.rejected, gateway.backend.behaviour.message = 2, "too old"
    payload = traces(a_span(), a_span(span_id=b"another."), a_call(span_id=b"a call.."))
    assert partial_of(await gateway.call(payload)) == (2, "too old")
    reply = await gateway.post(payload)
    assert (reply.status, partial_of(reply.body)) == (200, (2, "too old"))
    assert counters_of(gateway)[0].rejected_items == 4


async def test_rule_45_one_backend_that_hangs_does_not_keep_another_from_its_data(open_gateway):
    """The healthy one gets every request at once; the senders still hear that one is missing."""
    hanging = HttpScript(say_nothing)
    async with hanging.listening() as port:
        gateway: Gateway = await open_gateway(
            **{"exporters.otlphttp.endpoint": f"http://127.0.0.1:{port}"}
        )
        calls = [
            asyncio.ensure_future(gateway.call(texts(number, 10), timeout_s=1.0))
            for number in range(1, 6)
        ]
        await until(lambda: len(gateway.backend.records) >= 1 and len(gateway.spans()) == 15)
        assert not any(call.done() for call in calls)
        answers = await asyncio.gather(*calls)
    assert {answer.code for answer in answers if isinstance(answer, Refusal)} == {
        grpc.StatusCode.UNAVAILABLE
    }
    assert [counters.unavailable for counters in counters_of(gateway)] == [0, 5]


async def test_rule_45_every_backend_gets_the_same_bytes(open_gateway):
    """Each has its own connection, retries and counters; what they are sent is one and the same."""
    second = Recorder()
    second.behaviour.answer, second.behaviour.times = "503", 2
    port = await second.start_http()
    endpoint = {
        "exporters.otlphttp.endpoint": f"http://127.0.0.1:{port}",
        "exporters.otlphttp.retry_on_failure.initial_interval": "10ms",
    }
    gateway: Gateway = await open_gateway(**endpoint)
    assert await gateway.call(traces(a_call())) == b""
    await second.stop()
    assert [record.payload for record in second.records] == gateway.delivered()
    assert [counters.retried for counters in counters_of(gateway)] == [0, 2]


@pytest.mark.parametrize("signal", ["traces", "logs"])
async def test_rule_45_a_retry_goes_to_those_only_that_have_not_got_it(open_gateway, signal):
    """One backend is away and the sender tries again: the others do not get it once more."""
    away = Recorder()
    port = await away.start_http()
    settings = {
        "exporters.otlphttp.endpoint": f"http://127.0.0.1:{port}",
        "exporters.otlphttp.retry_on_failure.initial_interval": "10ms",
        "exporters.otlphttp.retry_on_failure.max_elapsed_time": "50ms",
    }
    gateway: Gateway = await open_gateway(**settings)
    gateway.backend.behaviour.rejected, gateway.backend.behaviour.message = 1, "too old"
    payload = traces(a_call()) if signal == "traces" else texts(1, 10)
    away.behaviour.answer = "503"
    for _ in range(3):
        answer = await gateway.call(payload, signal)
        assert isinstance(answer, Refusal)
        assert answer.code is grpc.StatusCode.UNAVAILABLE
    assert len(gateway.delivered(signal)) == 1
    away.behaviour.answer = "OK"
    assert partial_of(await gateway.call(payload, signal)) == (1, "too old")
    assert [record.payload for record in away.records] == gateway.delivered(signal)
    # It has arrived everywhere, so from now on it would be another request.
    await gateway.call(payload, signal)
    await away.stop()
    assert len(gateway.delivered(signal)) == len(away.records) == 2


async def test_rule_46_stopping_waits_for_the_answers_that_are_due(open_gateway):
    """A request that is with the backend is answered to its sender before the processor ends."""
    gateway: Gateway = await open_gateway()
    gateway.backend.behaviour.delay_s = 0.3
    call = asyncio.ensure_future(gateway.call(traces(a_span())))
    await until(lambda: gateway.backend.attempts)
    await gateway.app.stop(5.0)
    assert await call == b""
    assert len(gateway.spans()) == 1


async def test_rule_46_stopping_ends_in_time_and_loses_nothing_in_silence(open_gateway):
    """Beyond the grace the sender has to try again, and the request is counted."""
    gateway: Gateway = await open_gateway()
    gateway.backend.behaviour.delay_s = 60.0
    (counters,) = counters_of(gateway)
    call = asyncio.ensure_future(gateway.call(traces(a_span())))
    await until(lambda: gateway.backend.attempts)
    async with asyncio.timeout(5):
        await gateway.app.stop(0.1)
        answer = await call
    assert isinstance(answer, Refusal)
    assert answer.code is grpc.StatusCode.UNAVAILABLE
    assert (counters.delivered, counters.unavailable + counters.abandoned) == (0, 1)


async def test_rule_46_how_long_stopping_may_take_is_a_setting(tmp_path):
    """SIGTERM ends the program after `shutdown_timeout`, whatever the backend does."""
    backend = GrpcScript(say_nothing)
    async with backend.listening() as port:
        given = {
            "receivers.otlp.protocols.grpc.endpoint": "127.0.0.1:0",
            "exporters.otlp.endpoint": f"127.0.0.1:{port}",
            "data_dir": str(tmp_path),
            "shutdown_timeout": "100ms",
        }
        lines: list[str] = []
        running = asyncio.ensure_future(serve(load_settings(None, given, {}), lines.append))
        await until(lambda: any("listens on" in line for line in lines))
        ours = next(line for line in lines if "OTLP/gRPC" in line).rpartition(" ")[2]
        async with grpc.aio.insecure_channel(ours) as channel:
            call = asyncio.ensure_future(
                ask(channel, METHODS["traces"], traces(a_span()), timeout=30)
            )
            await until(lambda: backend.bodies)
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(running, 5)
            answer = await call
    assert isinstance(answer, Refusal)
    assert answer.code is grpc.StatusCode.UNAVAILABLE


async def test_rule_50_a_request_that_comes_again_costs_nothing_more(open_gateway, tmp_path):
    """The answer is lost, the sender sends again: one charge, and the same event as before."""
    budgets = tmp_path / "budgets.yaml"
    budgets.write_text(
        "version: 1\nbudgets: [{name: call, scope: call, limit_usd: 0.000001},"
        " {name: trace, scope: trace, limit_usd: 0.000001}]\n"
    )
    backend = GrpcScript(hang_up)
    async with backend.listening() as port:
        gateway: Gateway = await open_gateway(
            **HASTY,
            **{"budgets.file": str(budgets), "exporters.otlp.endpoint": f"127.0.0.1:{port}"},
        )
        payload = traces(a_call())
        refusal = await gateway.call(payload)
        assert isinstance(refusal, Refusal)
        assert refusal.code is grpc.StatusCode.UNAVAILABLE
        once = await total_of(gateway, TRACE_ID)
        backend.scripts = [grpc_ok()]
        assert await gateway.call(payload) == b""
        assert await gateway.call(payload) == b""
        assert await total_of(gateway, TRACE_ID) == once
    # The backend has the same bytes each time, with one event for each budget.
    assert len(backend.bodies) > 2
    assert len(set(backend.bodies)) == 1
    (span,) = spans_in(backend.bodies[0])
    assert sorted(event.name for event in span.events) == ["llm.budget.exceeded"] * 2
    assert books_of(gateway).charged == 1
    assert books_of(gateway).repeats == 2


async def test_rule_61_spans_that_come_after_their_trace_was_forgotten_cost_once(open_gateway):
    """With one trace in memory, late calls are charged once, repeats never, and all are counted."""
    limits = ("traces_in_memory", "known_traces", "budget_states")
    # One trace may have half of the spans in memory, and this one has three.
    settings = {f"limits.{name}": "1" for name in limits} | {"limits.spans_in_memory": "6"}
    gateway: Gateway = await open_gateway(**settings)
    first, late = a_call(), a_call("late", span_id=b"late....")
    root = a_span("root", span_id=b"root....")
    for span in (first, late):
        span.parent_span_id = root.span_id
    await send(gateway, [first])
    once = await total_of(gateway, TRACE_ID)
    for number in range(1, 6):
        await send(gateway, [a_call(trace_id=bytes([number]) * 16)])
    await send(gateway, [late])
    await send(gateway, [root])
    await send(gateway, [first, late])
    cost, calls = await total_of(gateway, TRACE_ID)
    assert once[0] > 0
    assert (cost, calls) == (2 * once[0], 2)
    assert (books_of(gateway).charged, books_of(gateway).repeats) == (7, 2)


@pytest.mark.parametrize(
    ("fault", "code", "status"),
    [
        pytest.param(hang_up, grpc.StatusCode.UNAVAILABLE, 503, id="reset"),
        pytest.param(say_nothing, grpc.StatusCode.UNAVAILABLE, 503, id="silence"),
        pytest.param(grpc_status(14, after_s=1e9), grpc.StatusCode.UNAVAILABLE, 503, id="1e9 s"),
        pytest.param(grpc_status(7), grpc.StatusCode.PERMISSION_DENIED, 403, id="refusal"),
    ],
)
async def test_rule_59_a_backends_fault_is_told_in_the_senders_own_protocol(
    open_gateway, fault, code, status
):
    """Over gRPC and over HTTP: the code that says whether to retry, and a delay that is bounded."""
    backend = GrpcScript(fault)
    async with backend.listening() as port:
        endpoint = {"exporters.otlp.endpoint": f"127.0.0.1:{port}"}
        gateway: Gateway = await open_gateway(
            **{**HASTY, **endpoint, "exporters.otlp.timeout": "50ms"}
        )
        answer, reply = await gateway.call(traces(a_call())), await gateway.post(traces(a_call()))
    assert isinstance(answer, Refusal)
    assert (answer.code, reply.status) == (code, status)
    if code is grpc.StatusCode.UNAVAILABLE:
        assert answer.status is not None
        delay = RetryInfo()
        assert answer.status.details[0].Unpack(delay)
        assert 0 < delay.retry_delay.ToTimedelta().total_seconds() <= 60
        assert 1 <= int(reply.headers["Retry-After"]) <= 60
