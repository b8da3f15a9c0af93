"""The process as users run it, with the memory that a sidecar of 512 MiB gives it, under attack.

Memory stays within what the container has, whatever comes; a small sender is served beside a flood.
"""

from __future__ import annotations

import asyncio
import gzip
import signal
import subprocess
import sys
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from io import BytesIO
from itertools import chain
from pathlib import Path

import aiohttp
import grpc
import pytest
from conditions import until
from e2e.flooding import METHOD, make_payload, open_export, send_grpc
from e2e.processes import SIDECAR_MIB, SIDECAR_SETTINGS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

MIB = 1024 * 1024
PROTOBUF = {"content-type": "application/x-protobuf"}
HEAD = b"POST /v1/traces HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-protobuf\r\n"
SMALL = make_payload(3, 100)
LARGE = make_payload(500, 4000)


@pytest.fixture
def sidecar(serve, tmp_path):
    """Start the processor with the memory of a sidecar, in front of a port."""

    def start(backend_port=1, more=""):
        file = tmp_path / "processor.yaml"
        file.write_text(SIDECAR_SETTINGS + more)
        process = serve("--config", file, "--forward-to", f"127.0.0.1:{backend_port}")
        line = process.wait_for("OTLP/HTTP at")
        process.http_port = int(line.rsplit(":", 1)[1])
        return process

    return start


async def until_taken(send, attempts=5):
    """The answer at last; as good senders do, it is sent again where that was asked for."""
    for _ in range(attempts):
        answer = await send()
        if answer not in {"UNAVAILABLE", "503"}:
            break
        await asyncio.sleep(0.2)
    return answer


async def small_senders(process, times):
    """What a small sender over each protocol gets, one request after the other."""

    async def over_grpc():
        async with open_export(process.port) as export:
            send = partial(send_grpc, export, SMALL, 20.0)
            return [await until_taken(send) for _ in range(times)]

    async def over_http():
        url = f"http://127.0.0.1:{process.http_port}/v1/traces"
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(20)) as session:

            async def send():
                async with session.post(url, data=SMALL, headers=PROTOBUF) as response:
                    return "OK" if response.status == 200 else str(response.status)

            return [await until_taken(send) for _ in range(times)]

    return [*chain(*await asyncio.gather(over_grpc(), over_http()))]


@asynccontextmanager
async def connected(process):
    reader, writer = await asyncio.open_connection("127.0.0.1", process.http_port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def running(*senders):
    """Senders that go on until the end of the block."""
    tasks = [asyncio.ensure_future(sender) for sender in senders]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextmanager
def flooded(process):
    """Another process floods this one."""
    script = Path(__file__).with_name("flooding.py")
    with subprocess.Popen([sys.executable, script, str(process.port)]) as flood:
        try:
            yield
        finally:
            flood.kill()


@pytest.mark.parametrize("has_queue", [False, True], ids=["refused", "kept on disk"])
async def test_what_came_while_the_backend_is_away_is_gone(sidecar, has_queue):
    """Before there was a budget, this left 20 MiB with each round of twelve senders."""
    queue = f"exporters: {{otlp: {{sending_queue: {{enabled: {str(has_queue).lower()}}}}}}}\n"
    process = sidecar(more=queue)

    async def sender():
        async with open_export(process.port) as export:
            return [await send_grpc(export, LARGE, 0.5) for _ in range(5)]

    answers = await asyncio.gather(*(sender() for _ in range(12)))
    assert has_queue or "OK" not in chain(*answers)
    assert process.peak_mib() < SIDECAR_MIB // 2


async def test_bodies_that_inflate_and_withhold_their_end_stay_within_memory(sidecar, backend):
    """Before there was a budget, each of these was held whole."""
    process = sidecar(backend.port)
    body = gzip.compress(bytes(18 * MIB))[:-12]

    async def sender():
        chunk = b"%x\r\n" % len(body) + body + b"\r\n"
        head = HEAD + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
        async with connected(process) as (reader, writer):
            writer.write(head + chunk)
            return await reader.read(100)

    async with running(*(sender() for _ in range(40))):
        await asyncio.sleep(2.0)
        assert await small_senders(process, 3) == ["OK"] * 6
    assert process.peak_mib() < SIDECAR_MIB


async def test_whole_bodies_of_the_largest_size_stay_within_memory(sidecar):
    process = sidecar()
    body = make_payload(1000, 18_000)
    answers = []

    async def sender():
        url = f"http://127.0.0.1:{process.http_port}/v1/traces"
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(20)) as session:
            while True:
                try:
                    async with session.post(url, data=BytesIO(body), headers=PROTOBUF) as response:
                        answers.append(response.status)
                except (aiohttp.ClientError, TimeoutError) as error:  # Cut off while it sends.
                    answers.append(type(error))
                await asyncio.sleep(0.5)

    async with running(*(sender() for _ in range(20))):
        await asyncio.sleep(4.0)
        await until(lambda: 200 in answers)
        assert process.peak_mib() < SIDECAR_MIB
        process.stop(signal.SIGKILL)  # Bodies that are half sent would keep connections open.
        await asyncio.sleep(0.5)
    assert {each for each in answers if isinstance(each, int)} <= {200, 503}


async def test_streams_that_send_no_body_keep_nobody_out(sidecar, backend):
    process = sidecar(backend.port)

    async def stall(channel):
        while True:
            with suppress(grpc.aio.AioRpcError):
                await channel.stream_unary(METHOD)(timeout=30)
            await asyncio.sleep(0.05)

    own = (("grpc.use_local_subchannel_pool", 1),)
    async with (
        grpc.aio.insecure_channel(f"127.0.0.1:{process.port}", own) as channel,
        running(*(stall(channel) for _ in range(128))),
    ):
        await asyncio.sleep(0.5)
        assert await small_senders(process, 10) == ["OK"] * 20


async def test_bodies_at_a_byte_a_second_keep_nobody_out(sidecar, backend):
    process = sidecar(backend.port)

    async def drip():
        while True:
            async with connected(process) as (reader, writer):
                writer.write(HEAD + b"Content-Length: 100000\r\n\r\n")
                answer = b""
                while not answer and not reader.at_eof():
                    writer.write(b"\n")
                    with suppress(TimeoutError, ConnectionError):
                        answer = await asyncio.wait_for(reader.read(1), 1.0)

    async with running(*(drip() for _ in range(140))):
        await asyncio.sleep(1.5)
        assert await small_senders(process, 5) == ["OK"] * 10


async def test_a_small_sender_is_served_beside_a_flood_and_refusals_are_logged(sidecar, backend):
    process = sidecar(backend.port)
    backend.behave(delay_s=0.5)
    with flooded(process):
        await asyncio.sleep(3.0)
        assert await small_senders(process, 3) == ["OK"] * 6
    assert process.peak_mib() < SIDECAR_MIB
    process.wait_for("requests are asked to send again later (overloaded)")
