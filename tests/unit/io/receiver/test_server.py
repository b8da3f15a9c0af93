"""Start, stop, health, TLS, and the ports of the receiver."""

import asyncio
import socket
import subprocess
import sys

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from processor.core.errors import ConfigError
from processor.core.model import Receipt
from processor.io.receiver import Receiver, ServerTls

CHECK = "/grpc.health.v1.Health/Check"
WATCH = "/grpc.health.v1.Health/Watch"


async def test_port_0_binds_a_free_port(gateway, payload):
    assert await gateway.open() > 0
    assert await gateway.call(gateway.TRACES, payload) == b""


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_port_in_use_is_a_config_error_that_says_what_to_do(gateway, host):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=r"the port is in use .*choose another port"):
            await gateway.open(f"{host}:{port}")


async def test_two_receivers_never_share_a_port(gateway):
    port = await gateway.open()
    second = Receiver(f"127.0.0.1:{port}", gateway.handle)
    with pytest.raises(ConfigError, match="in use"):
        await second.start()


async def test_the_port_is_free_again_after_a_stop(gateway, payload):
    port = await gateway.open()
    await gateway.receiver.stop(1)
    await gateway.open(f"127.0.0.1:{port}")
    assert await gateway.call(gateway.TRACES, payload) == b""


@pytest.mark.parametrize("listen", ["", "4317", "localhost", "localhost:x", "http://h:1", "h:1/p"])
def test_an_address_that_is_none_is_refused(gateway, listen):
    with pytest.raises(ConfigError, match="host:port"):
        Receiver(listen, gateway.handle)


async def test_an_address_of_another_host_is_refused(gateway):
    with pytest.raises(ConfigError, match="cannot listen on"):
        await gateway.open("nowhere.invalid:4317")


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


async def test_work_that_outlasts_the_grace_is_given_up(gateway, payload, caplog):
    async def hang(_batch):
        await asyncio.Event().wait()
        return Receipt()

    gateway.work = hang
    await gateway.open()
    export = asyncio.ensure_future(gateway.call(gateway.TRACES, payload))
    await gateway.arrived.wait()
    await asyncio.wait_for(gateway.receiver.stop(0.1), 10)
    with pytest.raises(grpc.aio.AioRpcError):
        await export
    assert gateway.receiver.under_way == 0
    assert "1 batches were not finished" in caplog.text


async def test_tls_serves_those_who_trust_the_certificate(gateway, payload, certificate_files):
    certificate, key = (file.read_bytes() for file in certificate_files)
    port = await gateway.open(tls=ServerTls(certificate, key))
    credentials = grpc.ssl_channel_credentials(certificate)
    async with grpc.aio.secure_channel(f"localhost:{port}", credentials) as channel:
        assert await gateway.unary(channel, gateway.TRACES)(payload, timeout=10) == b""
    with pytest.raises(grpc.aio.AioRpcError):
        await gateway.call(gateway.TRACES, payload)


async def test_with_a_client_authority_strangers_are_turned_away(
    gateway, payload, certificate_files
):
    certificate, key = (file.read_bytes() for file in certificate_files)
    port = await gateway.open(tls=ServerTls(certificate, key, client_ca=certificate))
    stranger = grpc.ssl_channel_credentials(certificate)
    async with grpc.aio.secure_channel(f"localhost:{port}", stranger) as channel:
        with pytest.raises(grpc.aio.AioRpcError):
            await gateway.unary(channel, gateway.TRACES)(payload, timeout=5)
    known = grpc.ssl_channel_credentials(certificate, key, certificate)
    async with grpc.aio.secure_channel(f"localhost:{port}", known) as channel:
        assert await gateway.unary(channel, gateway.TRACES)(payload, timeout=10) == b""


async def test_files_that_are_not_pem_are_a_config_error(gateway):
    with pytest.raises(ConfigError, match="not a PEM file"):
        await gateway.open(tls=ServerTls(b"nonsense", b"nonsense"))


def test_a_key_is_never_printed():
    assert "secret" not in repr(ServerTls(b"certificate", b"secret"))


BOMB = """
import asyncio, gzip, sys
import grpc
from processor.core.model import Receipt
from processor.io.receiver import Receiver

METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
reached = 0

async def handle(_batch):
    global reached
    reached += 1
    return Receipt()

async def main():
    receiver = Receiver("127.0.0.1:0", handle)
    print(await receiver.start(), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await receiver.stop(1)
    # Not ru_maxrss: that begins with what the process had that started this one.
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    print(int(status["VmHWM"].split()[0]) // 1024, reached, flush=True)

asyncio.run(main())
"""

SENDER = """
import asyncio, sys, grpc

METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

async def main():
    options = [("grpc.max_send_message_length", -1)]
    target = f"127.0.0.1:{sys.argv[1]}"
    async with grpc.aio.insecure_channel(target, options=options) as channel:
        try:
            gzip = grpc.Compression.Gzip
            await channel.unary_unary(METHOD)(bytes(512 << 20), timeout=60, compression=gzip)
        except grpc.aio.AioRpcError as error:
            print(error.code().name)
        print(await channel.unary_unary(METHOD)(b"", timeout=10))

asyncio.run(main())
"""


def test_a_gzip_bomb_is_refused_before_it_fills_memory():
    # 512 KiB on the wire, 512 MiB inflated: the limit is applied while inflating, so the process
    # never holds more than one message of the permitted size, and the next request is served.
    command = [sys.executable, "-c", BOMB]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        sender = [sys.executable, "-c", SENDER, port]
        told = subprocess.run(sender, capture_output=True, text=True, timeout=100, check=True)
        server.stdin.write("\n")
        server.stdin.flush()
        peak_mib, reached = map(int, server.stdout.readline().split())
    assert told.stdout.split() == ["RESOURCE_EXHAUSTED", "b''"]
    assert reached == 1
    assert peak_mib < 250
