"""Rules 1 to 10: ports and paths, sizes, compression, many at once."""

from __future__ import annotations

import asyncio
import gzip
import struct

import grpc
import pytest
from conformance.incoming import JSON, METHODS, PROTOBUF, a_span, record, traces
from conformance.scripted_backend import frame
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from processor.config import load_settings

ONE_MIB = """
receivers: {otlp: {protocols: {
  grpc: {max_recv_msg_size_mib: 1},
  http: {max_request_body_size_mib: 1, max_json_body_size_mib: 1}}}}
"""
PLAIN = traces(a_span())
EMPTY_SPANS = record(1, record(2, b"\x12\x00" * 2_000_000))
"""Two million spans in four megabytes, which would take two gigabytes of memory."""


@pytest.mark.parametrize("signal", METHODS)
async def test_rule_01_both_protocols_take_all_three_signals(gateway, signal):
    """Guarantees: gRPC and HTTP/1.1 side by side, and what comes in leaves as the same bytes."""
    assert await gateway.call(PLAIN, signal) == b""
    assert (await gateway.post(PLAIN, signal)).status == 200
    assert gateway.delivered(signal) == [PLAIN, PLAIN]


def test_rule_01_the_ports_are_the_registered_ones():
    """Guarantees: without settings, exporters find it where they look."""
    protocols = load_settings(None, {}, {}).receivers.otlp.protocols
    assert (protocols.grpc.endpoint, protocols.http.endpoint) == (
        "127.0.0.1:4317",
        "127.0.0.1:4318",
    )


async def test_rule_02_gzip_is_taken_over_both_protocols(gateway):
    """Guarantees: a compressed request arrives inflated."""
    assert await gateway.call(PLAIN, compression=grpc.Compression.Gzip) == b""
    reply = await gateway.post(gzip.compress(PLAIN), Content_Encoding="gzip")
    assert reply.status == 200
    assert gateway.delivered() == [PLAIN, PLAIN]


@pytest.mark.parametrize("body", [bytes(2**20 + 1), bytes(64 * 2**20)], ids=["over", "bomb"])
async def test_rule_03_the_limit_holds_after_decompression(open_gateway, body):
    """Guarantees: few bytes that become many are refused, and nobody is handed them."""
    gateway = await open_gateway(ONE_MIB)
    zipped = gzip.compress(body)
    assert len(zipped) < 100_000
    refusal = await gateway.call(body, compression=grpc.Compression.Gzip)
    assert refusal.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    for kind in (PROTOBUF, JSON):
        assert (await gateway.post(zipped, type=kind, Content_Encoding="gzip")).status == 413
    assert await gateway.call(PLAIN) == b""
    assert gateway.delivered() == [PLAIN]


async def test_rule_03_spans_are_counted_before_they_are_made(gateway):
    """Guarantees: a small body that stands for millions of spans is refused as too large."""
    refusal = await gateway.call(EMPTY_SPANS, compression=grpc.Compression.Gzip)
    assert refusal.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    zipped = gzip.compress(EMPTY_SPANS, 1)
    assert (await gateway.post(zipped, Content_Encoding="gzip")).status == 413
    shown = b'{"resourceSpans":[' + b",".join([b"{}"] * 2_000_000) + b"]}"
    assert (await gateway.post(shown, type=JSON)).status == 413


async def test_rule_04_too_large_is_not_to_be_retried_over_grpc(open_gateway):
    """Guarantees: no RetryInfo, whether gRPC refuses the message or we do."""
    gateway = await open_gateway(ONE_MIB)
    many_spans = record(1, record(2, b"\x12\x00" * 500_000))
    for body in (bytes(2**20 + 1), many_spans):
        refusal = await gateway.call(body)
        assert (refusal.code, refusal.status) == (grpc.StatusCode.RESOURCE_EXHAUSTED, None)


async def test_rule_05_too_large_is_told_before_the_body_has_come(open_gateway):
    """Guarantees: 413 for a length that is only announced, and nobody waits for the rest."""
    gateway = await open_gateway(ONE_MIB)
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.app.http_port)
    head = f"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: {PROTOBUF}\r\n"
    writer.write(f"{head}Content-Length: {2**30}\r\n\r\nfirst bytes".encode())
    async with asyncio.timeout(5):
        assert (await reader.readline()).startswith(b"HTTP/1.1 413")
    writer.close()
    await writer.wait_closed()
    assert (await gateway.post(PLAIN)).status == 200


async def test_rule_05_too_large_reaches_a_sender_that_is_still_sending(open_gateway):
    """Guarantees: the answer is read although the body was refused in the middle."""
    gateway = await open_gateway(ONE_MIB)
    reply = await gateway.post(bytes(8 * 2**20))
    assert (reply.status, reply.error().code) == (413, grpc.StatusCode.RESOURCE_EXHAUSTED.value[0])


async def test_rule_06_a_long_message_of_the_backend_is_cut(gateway):
    """Guarantees: partial_success keeps its count, and only the beginning of its message."""
    gateway.backend.behaviour.rejected, gateway.backend.behaviour.message = 7, "x" * 1_000_000
    answers = [await gateway.call(PLAIN), (await gateway.post(PLAIN)).body]
    for answer in answers:
        partial = ExportTraceServiceResponse.FromString(answer).partial_success
        assert partial.rejected_spans == 7
        assert 100 < len(partial.error_message) <= 4096


async def test_rule_09_many_requests_at_once_are_each_answered(gateway):
    """Guarantees: forty on one gRPC connection, forty over HTTP; all arrive, none is mixed up."""
    bodies = [traces(a_span(f"span {number}")) for number in range(80)]
    async with gateway.channel() as channel:
        method = channel.unary_unary(METHODS["traces"], None, None)
        over_grpc = [method(body, timeout=20) for body in bodies[:40]]
        over_http = [gateway.post(body) for body in bodies[40:]]
        answers = await asyncio.gather(*over_grpc, *over_http)
    assert answers[:40] == [b""] * 40
    assert [reply.status for reply in answers[40:]] == [200] * 40
    assert sorted(span.name for span in gateway.spans()) == sorted(
        f"span {number}" for number in range(80)
    )


async def test_rule_10_a_coding_that_is_not_known_is_told_over_http(gateway):
    """Guarantees: 415 that says what would do, and nothing is forwarded."""
    for coding in ("br", "snappy", "gzip, gzip", "nonsense"):
        reply = await gateway.post(gzip.compress(PLAIN), Content_Encoding=coding)
        assert (reply.status, reply.headers["Accept-Encoding"]) == (415, "gzip, zstd"), coding
        assert "gzip, zstd or none" in reply.error().message
    assert not gateway.delivered()


async def test_rule_10_a_coding_that_is_not_known_is_told_over_grpc(gateway):
    """Guarantees: refused for good by gRPC's own code, before our handler; the server stands."""
    headers = {":method": "POST", ":scheme": "http", ":path": METHODS["traces"]}
    headers |= {":authority": "x", "te": "trailers", "content-type": "application/grpc"}
    headers["grpc-encoding"] = "zstd"
    block = b"".join(
        b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
        for name, value in headers.items()
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.app.port)
    writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b""))
    writer.write(frame(1, 4, 1, block) + frame(0, 1, 1, struct.pack(">BI", 1, 5) + b"hello"))
    seen = b""
    async with asyncio.timeout(5):
        while b"grpc-status" not in seen:
            chunk = await reader.read(65536)
            assert chunk, seen
            seen += chunk
    writer.close()
    await writer.wait_closed()
    assert b"grpc-status\x0212" in seen or b"grpc-status\x0213" in seen
    assert not gateway.delivered()
    assert await gateway.call(PLAIN) == b""
