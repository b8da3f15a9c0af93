"""The Export methods over real connections: handing over, refusing, surviving bad input."""

import asyncio

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]  # no py.typed
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # no py.typed
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from processor.core.errors import BackendRefusedError, BackendUnavailableError, UndecodableError
from processor.core.flow import FlowCounters
from processor.core.model import Receipt

Code = grpc.StatusCode


def retry_delay_ns(error):
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            info = RetryInfo()
            assert Status.FromString(value).details[0].Unpack(info)
            return info.retry_delay.ToNanoseconds()
    return None


async def test_every_signal_is_handed_on_byte_for_byte(gateway, payload):
    await gateway.open()
    for method, signal in (
        (gateway.TRACES, "traces"),
        (gateway.METRICS, "metrics"),
        (gateway.LOGS, "logs"),
    ):
        assert await gateway.call(method, payload) == b""
        assert gateway.batches[-1].signal == signal
        assert gateway.batches[-1].payload == payload


async def test_an_empty_request_is_a_success(gateway):
    await gateway.open()
    assert await gateway.call(gateway.TRACES, b"") == b""
    assert gateway.batches[0].payload == b""


async def test_a_gzipped_request_arrives_inflated(gateway, payload):
    await gateway.open()
    await gateway.call(gateway.TRACES, payload * 1000, compression=grpc.Compression.Gzip)
    assert gateway.batches[0].payload == payload * 1000


async def test_the_callers_deadline_travels_with_the_batch(gateway, payload):
    await gateway.open()
    await gateway.call(gateway.TRACES, payload)
    assert 0 < gateway.batches[0].timeout_s < 11  # gRPC rounds a timeout up on the wire
    async with gateway.channel() as channel:
        await gateway.unary(channel, gateway.TRACES)(payload)
    assert gateway.batches[1].timeout_s is None


async def test_a_rejection_comes_back_as_partial_success(gateway, payload):
    async def reject(_batch):
        return Receipt(2, "zero span id")

    gateway.work = reject
    await gateway.open()
    response = ExportTraceServiceResponse.FromString(await gateway.call(gateway.TRACES, payload))
    assert response.partial_success.rejected_spans == 2
    assert response.partial_success.error_message == "zero span id"


@pytest.mark.parametrize(
    ("error", "code", "delay_ns"),
    [
        (UndecodableError("not OTLP"), Code.INVALID_ARGUMENT, None),
        (BackendUnavailableError("down", 1.5), Code.UNAVAILABLE, 1_500_000_000),
        (BackendRefusedError(7, "no"), Code.PERMISSION_DENIED, None),
    ],
)
async def test_an_error_reaches_the_sender_as_its_status(gateway, payload, error, code, delay_ns):
    async def fail(_batch):
        raise error

    gateway.work = fail
    await gateway.open()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await gateway.call(gateway.TRACES, payload)
    assert caught.value.code() is code
    assert caught.value.details() == str(error)
    if delay_ns is not None:
        assert retry_delay_ns(caught.value) == delay_ns
    assert gateway.receiver.answers[code.name] == 1


async def test_a_bug_is_internal_and_logged_once_with_its_traceback(gateway, payload, caplog):
    async def fail(_batch):
        raise ZeroDivisionError("a bug")

    gateway.work = fail
    await gateway.open()
    for _ in range(3):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await gateway.call(gateway.TRACES, payload)
        assert caught.value.code() is Code.INTERNAL
    reports = [record for record in caplog.records if record.exc_info]
    assert len(reports) == 1
    assert "ZeroDivisionError" in caplog.text


async def test_a_request_over_the_limit_is_refused_without_retry_info(gateway, payload):
    await gateway.open(max_message_bytes=10_000)
    for compression in (grpc.Compression.NoCompression, grpc.Compression.Gzip):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await gateway.call(gateway.TRACES, b"\0" * 20_000, compression=compression)
        assert caught.value.code() is Code.RESOURCE_EXHAUSTED
        assert retry_delay_ns(caught.value) is None
    assert gateway.batches == []
    assert await gateway.call(gateway.TRACES, payload) == b""
    assert gateway.receiver.under_way == 0
    assert gateway.receiver.answers == {"CANCELLED": 2, "OK": 1}


async def test_unknown_methods_are_unimplemented(gateway, payload):
    await gateway.open()
    service = gateway.TRACES.removesuffix("Export")
    for method in (f"{service}Import", "/some.Service/Export"):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await gateway.call(method, payload)
        assert caught.value.code() is Code.UNIMPLEMENTED


async def test_over_the_limit_a_sender_is_told_to_come_back(gateway, payload):
    # UNAVAILABLE with RetryInfo and not RESOURCE_EXHAUSTED, which senders take as "drop it".
    gate = asyncio.Event()

    async def wait(_batch):
        await gate.wait()
        return Receipt()

    gateway.work = wait
    await gateway.open(max_concurrent_requests=1)
    first = asyncio.ensure_future(gateway.call(gateway.TRACES, payload))
    await gateway.arrived.wait()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await gateway.call(gateway.TRACES, payload)
    assert caught.value.code() is Code.UNAVAILABLE
    assert retry_delay_ns(caught.value) == 1_000_000_000
    gate.set()
    assert await first == b""
    assert len(gateway.batches) == 1
    assert await gateway.call(gateway.TRACES, payload) == b""


async def test_a_caller_that_hangs_up_does_not_stop_the_work(gateway, payload):
    gate, done = asyncio.Event(), asyncio.Event()

    async def wait(_batch):
        await gate.wait()
        done.set()
        return Receipt()

    gateway.work = wait
    await gateway.open()
    call = asyncio.ensure_future(gateway.call(gateway.TRACES, payload))
    await gateway.arrived.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert gateway.receiver.under_way == 1
    gate.set()
    await asyncio.wait_for(done.wait(), 5)


async def test_a_sender_that_stalls_is_let_go(gateway):
    await gateway.open(read_timeout_s=0.2)
    async with gateway.channel() as channel:
        call = channel.stream_unary(gateway.TRACES)(timeout=10)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
    assert caught.value.code() is Code.UNAVAILABLE
    assert gateway.receiver.under_way == 0


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


async def test_many_callers_at_once_are_all_answered(gateway, payload):
    await gateway.open(max_concurrent_requests=500)
    async with gateway.channel() as channel:
        export = gateway.unary(channel, gateway.TRACES)
        answers = await asyncio.gather(*[export(payload, timeout=30) for _ in range(300)])
    assert answers == [b""] * 300
    assert gateway.receiver.answers["OK"] == 300


@pytest.mark.parametrize("letter", ["x", "一", "😀"])
async def test_a_long_reason_does_not_turn_try_again_into_never(gateway, payload, letter):
    """Guarantees: the trailers fit, else gRPC's clients would make RESOURCE_EXHAUSTED of them."""

    async def fail(_batch):
        raise BackendUnavailableError(letter * 2000)

    gateway.work = fail
    await gateway.open()
    async with gateway.channel() as channel:
        export = gateway.unary(channel, gateway.TRACES)
        for _ in range(20):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await export(payload, timeout=10)
            assert caught.value.code() is Code.UNAVAILABLE


async def test_a_header_that_cannot_be_passed_on_is_counted_as_rejected(gateway, payload):
    """Guarantees: over both protocols such a request is received, and rejected."""
    flow = FlowCounters()
    await gateway.open_http(more={"flow": flow, "forward_headers": ["x-scope-orgid"]})
    tenant = "x" * 5000
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await gateway.call(gateway.TRACES, payload, metadata=(("x-scope-orgid", tenant),))
    assert caught.value.code() is Code.INVALID_ARGUMENT
    assert (await gateway.post(body=payload, X_Scope_OrgID=tenant)).status == 400
    for transport in ("grpc", "http"):
        tally = flow.requests["traces", transport]
        assert (tally.received, tally.arriving, tally.rejected) == (1, 0, {"undecodable": 1})
