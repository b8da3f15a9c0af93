"""A request that was refused, rejected or given back leaves nothing of its body in memory.

The cyclic garbage collector is switched off: its thresholds count objects and not bytes, so that a
cycle of a traceback and a task would keep bodies by the hundred.
"""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from contextlib import suppress

import grpc
import pytest
from conditions import until
from unit.io.receiver.conftest import (
    gateway as gateway,  # noqa: PLC0414 - fixtures are found by name
)

from processor.core import semconv, wire
from processor.core.errors import BackendUnavailableError, MemoryFullError
from processor.core.memory import MemoryLimit
from processor.core.model import Receipt

MIB = 1024 * 1024
BODY = b"\x0a\xff\xff\xff\x7f" + b"x" * (MIB - 5)  # Its only entry claims more than there is.
TIMES = 12


async def read(batch):
    """Fails, as the body is no OTLP."""
    wire.scan(batch.payload, semconv.WANTED)
    return Receipt()


async def wait_for_backend(batch):
    await asyncio.sleep(0)
    raise BackendUnavailableError(f"{len(batch.payload)} bytes were not taken")


async def find_no_memory(batch):
    raise MemoryFullError(f"{len(batch.payload)} bytes are too much")


async def fail(batch):
    raise RuntimeError(len(batch.payload))


async def send(gateway, protocol, body=BODY):
    if protocol == "http":
        return str((await gateway.post(body=body)).status)
    try:
        await gateway.call(gateway.METRICS, body)
    except grpc.aio.AioRpcError as error:
        return error.code().name
    return "OK"


@pytest.fixture(autouse=True)
def _collector_off():
    gc.collect()
    gc.disable()
    tracemalloc.start()
    yield
    tracemalloc.stop()
    gc.enable()


async def mib_left_by(gateway, protocol, expected, body=BODY):
    """How much memory is left in use by so many requests, each of which is answered alike."""
    assert await send(gateway, protocol, body) in expected
    gateway.batches.clear()
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(TIMES):
        assert await send(gateway, protocol, body) in expected
        gateway.batches.clear()  # The test's own memory of them.

    def added():
        return (tracemalloc.get_traced_memory()[0] - before) / MIB

    with suppress(TimeoutError):  # Callbacks that are due may hold what has just ended.
        await until(lambda: added() < 1, 5.0)
    return added()


@pytest.mark.parametrize("protocol", ["grpc", "http"])
@pytest.mark.parametrize(
    ("work", "expected"),
    [
        pytest.param(read, {"INVALID_ARGUMENT", "400"}, id="malformed"),
        pytest.param(wait_for_backend, {"UNAVAILABLE", "503"}, id="backend away"),
        pytest.param(find_no_memory, {"UNAVAILABLE", "503"}, id="no memory"),
        pytest.param(fail, {"INTERNAL", "500"}, id="a bug"),
    ],
)
async def test_whatever_becomes_of_a_request_nothing_of_its_body_is_left(
    gateway, protocol, work, expected
):
    gateway.work = work
    await gateway.open_http()
    assert await mib_left_by(gateway, protocol, expected) < 2


@pytest.mark.parametrize("protocol", ["grpc", "http"])
async def test_one_that_finds_no_place_leaves_nothing(gateway, protocol):
    done = asyncio.Event()

    async def wait(_batch):
        await done.wait()
        return Receipt()

    gateway.work = wait
    await gateway.open_http(more={"max_concurrent_requests": 1, "wait_s": 0.01})
    first = asyncio.ensure_future(send(gateway, protocol))
    await gateway.arrived.wait()
    assert await mib_left_by(gateway, protocol, {"UNAVAILABLE", "503"}) < 2
    done.set()
    await first


@pytest.mark.parametrize("protocol", ["grpc", "http"])
async def test_one_that_is_larger_than_the_memory_there_is_leaves_nothing(gateway, protocol):
    memory = MemoryLimit(8 * MIB)
    await gateway.open_http(more={"memory": memory, "max_message_bytes": 2 * MIB, "wait_s": 0.01})
    with memory.open(7 * MIB + MIB // 2):
        left = await mib_left_by(gateway, protocol, {"UNAVAILABLE", "503"})
    assert left < 2
    assert memory.used_bytes == 0
    assert await send(gateway, protocol) in {"OK", "200"}


async def test_senders_that_hang_up_leave_nothing(gateway):
    await gateway.open_http()
    head = b"POST /v1/traces HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-protobuf\r\n"

    async def hang_up():
        _, writer = await asyncio.open_connection("127.0.0.1", gateway.receiver.http_port)
        writer.write(head + b"Content-Length: %d\r\n\r\n" % (2 * MIB) + BODY)
        with suppress(ConnectionError):
            await writer.drain()
        writer.close()
        await until(lambda: not gateway.receiver.under_way)

    await hang_up()
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(TIMES):
        await hang_up()
    after, _ = tracemalloc.get_traced_memory()
    assert (after - before) / MIB < 2
