"""What is gRPC's own about the Export methods; see tests/contract for what both protocols share."""

import asyncio

import grpc
import pytest

Code = grpc.StatusCode


async def test_the_callers_deadline_travels_with_the_batch(gateway, payload):
    await gateway.open()
    await gateway.call(gateway.TRACES, payload)
    assert 0 < gateway.batches[0].timeout_s < 11  # gRPC rounds a timeout up on the wire
    async with gateway.channel() as channel:
        await gateway.unary(channel, gateway.TRACES)(payload)
    assert gateway.batches[1].timeout_s is None


async def test_unknown_methods_are_unimplemented(gateway, payload):
    await gateway.open()
    service = gateway.TRACES.removesuffix("Export")
    for method in (f"{service}Import", "/some.Service/Export"):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await gateway.call(method, payload)
        assert caught.value.code() is Code.UNIMPLEMENTED


async def test_a_call_without_a_message_is_undecodable(gateway):
    await gateway.open()
    async with gateway.channel() as channel:
        call = channel.stream_unary(gateway.TRACES)(timeout=10)
        await call.done_writing()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
    assert caught.value.code() is Code.INVALID_ARGUMENT


async def test_bytes_that_are_not_grpc_leave_the_server_unharmed(gateway, payload):
    await gateway.open()
    for rubbish in (b"GET / HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff"):
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(rubbish)
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        del reader
    assert await gateway.call(gateway.TRACES, payload) == b""


async def test_many_callers_on_one_connection_are_all_answered(gateway, payload):
    await gateway.open(max_concurrent_requests=500)
    async with gateway.channel() as channel:
        export = gateway.unary(channel, gateway.TRACES)
        answers = await asyncio.gather(*[export(payload, timeout=30) for _ in range(300)])
    assert answers == [b""] * 300
    assert gateway.receiver.answers["OK"] == 300


async def test_a_body_that_is_too_large_is_refused_by_grpc_or_once_unpacked_here(
    gateway, payload, caplog
):
    """Guarantees: the count of answers includes those that gRPC gives before a body is read."""
    await gateway.open(max_message_bytes=10_000)
    for compression in (grpc.Compression.NoCompression, grpc.Compression.Gzip):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await gateway.call(gateway.TRACES, b"\0" * 20_000, compression=compression)
        assert caught.value.code() is Code.RESOURCE_EXHAUSTED
    assert await gateway.call(gateway.TRACES, payload) == b""
    assert gateway.receiver.answers == {"CANCELLED": 1, "RESOURCE_EXHAUSTED": 1, "OK": 1}
    counts = gateway.receiver._admission.flow.requests["traces", "grpc"]
    assert (counts.refused, counts.rejected) == ({"cut_off": 1}, {"too_large": 1})
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert "max_recv_msg_size_mib" in caplog.text


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
async def test_packed_messages_are_unpacked(gateway, payload, compression):
    await gateway.open()
    body = payload * 20
    assert await gateway.call(gateway.TRACES, body, compression=compression) == b""
    assert gateway.batches[0].payload == body


@pytest.mark.parametrize("size", [9_000, 15_000])
async def test_headers_within_the_limit_are_never_refused(gateway, payload, size):
    """Guarantees: between gRPC's two limits it refuses at random, so they are the same here."""
    await gateway.open()
    for _ in range(10):
        await gateway.call(gateway.TRACES, payload, metadata=(("x", "a" * size),))


async def test_headers_that_are_too_large_are_refused_and_counted(gateway, payload, caplog):
    await gateway.open()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await gateway.call(gateway.TRACES, payload, metadata=(("x", "a" * 20_000),))
    assert caught.value.code() is Code.RESOURCE_EXHAUSTED
    assert "max_header_kib" in caught.value.details()
    flow = gateway.receiver._admission.flow
    assert flow.requests["traces", "grpc"].rejected == {"headers_too_large": 1}
    assert [record.levelname for record in caplog.records] == ["WARNING"]


async def test_headers_beyond_what_grpc_reads_are_counted_as_cut_off_and_logged(
    gateway, payload, caplog
):
    """Guarantees: no sender that "left", although gRPC gives the answer and no reason."""
    await gateway.open()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await gateway.call(gateway.TRACES, payload, metadata=(("x", "a" * 100_000),))
    assert caught.value.code() is Code.RESOURCE_EXHAUSTED
    flow = gateway.receiver._admission.flow
    assert flow.requests["traces", "grpc"].refused == {"cut_off": 1}
    assert "max_header_kib" in caplog.text
