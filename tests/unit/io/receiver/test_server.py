"""Start, stop, health, TLS, and the ports of the receiver."""

import asyncio

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from processor.core.model import Receipt

CHECK = "/grpc.health.v1.Health/Check"
WATCH = "/grpc.health.v1.Health/Watch"


async def test_port_0_binds_a_free_port(gateway, payload):
    assert await gateway.open() > 0
    assert await gateway.call(gateway.TRACES, payload) == b""


async def test_health_is_serving_once_started(gateway):
    await gateway.open()
    for service in ("", "opentelemetry.proto.collector.trace.v1.TraceService"):
        request = HealthCheckRequest(service=service).SerializeToString()
        answer = HealthCheckResponse.FromString(await gateway.call(CHECK, request))
        assert answer.status == HealthCheckResponse.SERVING


async def test_stop_says_not_serving_then_waits_for_the_work_then_ends(gateway, payload):
    gate = asyncio.Event()

    async def wait(_batch):
        await gate.wait()
        return Receipt()

    gateway.work = wait
    await gateway.open()
    async with gateway.channel() as channel:
        watch = channel.unary_stream(WATCH)(b"")
        first = HealthCheckResponse.FromString(await watch.read())
        assert first.status == HealthCheckResponse.SERVING
        export = asyncio.ensure_future(gateway.unary(channel, gateway.TRACES)(payload, timeout=30))
        await gateway.arrived.wait()
        stop = asyncio.ensure_future(gateway.receiver.stop(30))
        second = HealthCheckResponse.FromString(await watch.read())
        assert second.status == HealthCheckResponse.NOT_SERVING
        assert not stop.done()
        gate.set()
        assert await export == b""
        # A watcher that never leaves does not hold up the stop.
        await asyncio.wait_for(stop, 10)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await gateway.call(gateway.TRACES, payload)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
