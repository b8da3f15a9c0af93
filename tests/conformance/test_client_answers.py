"""What is made of a backend's answer: its size, and what it says of items it did not want."""

from __future__ import annotations

import gzip
import struct
import tracemalloc

import pytest
from backends.recorder import Recorder
from conformance.scripted_backend import (
    Exchange,
    GrpcScript,
    HttpScript,
    grpc_answer,
    grpc_headers,
    grpc_message,
    grpc_ok,
    grpc_status,
    grpc_trailers,
    http_answer,
    say,
)
from conformance.sending import PROTOCOLS, request, scripted, sending
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from processor.core.errors import BackendRefusedError
from processor.core.model import Receipt

PAYLOAD = request("chat")
MIB = 1024 * 1024
PARTIAL = {
    "traces": (ExportTraceServiceResponse, "rejected_spans"),
    "metrics": (ExportMetricsServiceResponse, "rejected_data_points"),
    "logs": (ExportLogsServiceResponse, "rejected_log_records"),
}


def partial(signal: str, rejected: int, message: str) -> bytes:
    """A response with a partial success."""
    kind, field = PARTIAL[signal]
    response = kind()
    setattr(response.partial_success, field, rejected)
    response.partial_success.error_message = message
    encoded: bytes = response.SerializeToString()
    return encoded


def chunked(*chunks: bytes) -> bytes:
    """An HTTP success in chunks."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


async def grpc_bomb(exchange: Exchange) -> None:
    """A small message that inflates to 64 MiB."""
    packed = gzip.compress(bytes(64 * MIB), 1)
    await exchange.send(
        grpc_headers(exchange.stream, {"grpc-encoding": b"gzip"}),
        grpc_message(exchange.stream, packed, is_compressed=True),
        grpc_trailers(exchange.stream, {"grpc-status": b"0"}),
    )


async def grpc_large(exchange: Exchange) -> None:
    """A message of five MiB."""
    await exchange.send(grpc_answer(exchange.stream, bytes(5 * MIB)))


async def grpc_lie(exchange: Exchange) -> None:
    """A message that is said to have four gigabytes."""
    await exchange.send(
        grpc_headers(exchange.stream, {}),
        grpc_message(exchange.stream, b"x", size=2**32 - 1),
    )


async def grpc_details(exchange: Exchange) -> None:
    """A status with details of a megabyte, in a header."""
    trailers = {"grpc-status": b"3", "grpc-status-details-bin": b"A" * MIB}
    await exchange.send(grpc_headers(exchange.stream, trailers, is_last=True))


@pytest.mark.parametrize("answer", [grpc_bomb, grpc_large, grpc_lie, grpc_details])
async def test_rule_08_a_grpc_answer_over_the_limit_is_final_and_counted(answer):
    """Four MiB, also after decompression: not read further, not sent again, counted as refused."""
    backend = GrpcScript(answer)
    async with backend.listening() as port, sending("grpc", port) as out:
        with pytest.raises(BackendRefusedError):
            await out.deliver("traces", PAYLOAD, 5.0)
    assert (len(backend.bodies), out.counters.refused) == (1, 1)


@pytest.mark.parametrize(
    "answer",
    [
        http_answer(body=bytes(5 * MIB)),
        http_answer(body=gzip.compress(bytes(64 * MIB), 1), Content_Encoding="gzip"),
        say(chunked(*[bytes(MIB)] * 5)),
    ],
    ids=["large", "bomb", "chunked"],
)
async def test_rule_08_an_http_answer_over_the_limit_is_not_sent_again_and_counted(answer):
    """The status has said that the request was taken, so it stands; the answer is not read on."""
    backend = HttpScript(answer)
    async with backend.listening() as port, sending("http", port) as out:
        tracemalloc.start()
        assert await out.deliver("traces", PAYLOAD, 10.0) == Receipt()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 40 * MIB
    assert len(backend.bodies) == 1
    assert (out.counters.delivered, out.counters.unreadable) == (1, 1)


async def test_rule_08_a_large_refusal_over_http_is_still_a_refusal():
    """What cannot be read of an error's body does not hide the error, or make it retryable."""
    protobuf = "application/x-protobuf"
    backend = HttpScript(http_answer("400 Bad", bytes(5 * MIB), Content_Type=protobuf))
    async with backend.listening() as port, sending("http", port) as out:
        with pytest.raises(BackendRefusedError, match="HTTP 400"):
            await out.deliver("traces", PAYLOAD, 10.0)
    assert (len(backend.bodies), out.counters.refused) == (1, 1)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("signal", PARTIAL)
async def test_rule_15_partial_success_is_never_retried_and_its_items_are_counted(protocol, signal):
    """One request, delivered; the rejected items and the message go back; the log says it once."""
    body = partial(signal, 2, "too old")
    backend = scripted(protocol, grpc_ok(body) if protocol == "grpc" else http_answer(body=body))
    async with backend.listening() as port, sending(protocol, port) as out:
        assert await out.deliver(signal, PAYLOAD, 10.0) == Receipt(2, "too old")
    assert len(backend.bodies) == 1
    assert (out.counters.delivered, out.counters.rejected_items) == (1, 2)


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_rule_15_the_log_speaks_of_rejected_items_once(protocol, caplog):
    """A backend that rejects something of every request does not fill the disk."""
    backend = Recorder()
    backend.behaviour.rejected, backend.behaviour.message = 1, "too old"
    port = await (backend.start() if protocol == "grpc" else backend.start_http())
    async with sending(protocol, port) as out:
        for _ in range(20):
            await out.deliver("traces", PAYLOAD, 10.0)
    await backend.stop()
    assert (backend.attempts, out.counters.rejected_items) == (20, 20)
    assert caplog.text.count("too old") == 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_rule_15_a_warning_without_rejected_items_is_handed_on(protocol):
    """A count of zero with a message is a success with advice."""
    body = partial("traces", 0, "use fewer attributes")
    backend = scripted(protocol, grpc_ok(body) if protocol == "grpc" else http_answer(body=body))
    async with backend.listening() as port, sending(protocol, port) as out:
        assert await out.deliver("traces", PAYLOAD, 10.0) == Receipt(0, "use fewer attributes")
    assert out.counters.rejected_items == 0


async def test_rule_15_an_absurd_count_is_no_crash():
    """A negative count is a backend's mistake, and a huge one stays a number."""
    body = partial("traces", -5, "x" * 10**5)
    backend = GrpcScript(grpc_ok(body), grpc_ok(partial("traces", 2**63 - 1, "all")))
    async with backend.listening() as port, sending("grpc", port) as out:
        first = await out.deliver("traces", PAYLOAD, 10.0)
        assert (first.rejected, len(first.message)) == (0, 1024)
        assert await out.deliver("traces", PAYLOAD, 10.0) == Receipt(2**63 - 1, "all")


async def test_rule_17_details_that_are_no_status_do_not_hide_the_code():
    """Rubbish where RetryInfo could be is no RetryInfo."""
    backend = GrpcScript(grpc_status(8, details=struct.pack(">Q", 2**63)))
    async with backend.listening() as port, sending("grpc", port) as out:
        with pytest.raises(BackendRefusedError) as caught:
            await out.deliver("traces", PAYLOAD, 5.0)
    assert caught.value.code == 8
