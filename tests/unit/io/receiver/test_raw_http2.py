"""What no gRPC library would send: broken compression, wrong lengths. The server goes on."""

import asyncio
import gzip
import struct

import pytest

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS, GOAWAY = 0, 1, 4, 7
END_STREAM, END_HEADERS = 1, 4


def frame(kind: int, flags: int, stream: int, body: bytes) -> bytes:
    return (
        struct.pack(">I", len(body))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + body
    )


def literal(name: str, value: str) -> bytes:
    """One header without compression (HPACK, literal without indexing)."""
    return b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


async def call(
    port: int, method: str, data: bytes, encoding: str | None, more: bytes = b""
) -> None:
    """Send one request, and wait for the end of the answer or of the connection."""
    headers = {
        ":method": "POST",
        ":scheme": "http",
        ":path": method,
        ":authority": "localhost",
        "te": "trailers",
        "content-type": "application/grpc",
    }
    if encoding is not None:
        headers["grpc-encoding"] = encoding
    block = b"".join(literal(name, value) for name, value in headers.items()) + more
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(PREFACE + frame(SETTINGS, 0, 0, b"") + frame(HEADERS, END_HEADERS, 1, block))
    writer.write(frame(DATA, END_STREAM, 1, data))
    try:
        async with asyncio.timeout(10):
            while True:
                size, kind, flags = struct.unpack(">IBB", b"\0" + await reader.readexactly(5))
                await reader.readexactly(4 + size)
                if kind == GOAWAY or (kind == HEADERS and flags & END_STREAM):
                    break
    except asyncio.IncompleteReadError:
        pass  # closing the connection is an answer too
    finally:
        writer.close()
        await writer.wait_closed()


def message(body: bytes, *, is_compressed: bool, length: int | None = None) -> bytes:
    return struct.pack(">BI", is_compressed, len(body) if length is None else length) + body


ZIPPED = gzip.compress(b"hello" * 100, mtime=0)


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (message(b"not gzip", is_compressed=True), "gzip"),
        (message(ZIPPED[:-20], is_compressed=True), "gzip"),
        (message(ZIPPED, is_compressed=True), "zstd"),
        (message(ZIPPED, is_compressed=True), "gzip, gzip"),
        (message(ZIPPED, is_compressed=True), None),
        (message(b"x", is_compressed=False, length=2**32 - 1), None),
        (message(b"x", is_compressed=False, length=100), None),
        (b"\0\0", None),
        (b"", None),
        (b"\xff" * 100, None),
    ],
)
async def test_a_broken_body_is_dropped_and_the_next_request_is_served(
    gateway, payload, data, encoding
):
    await gateway.open()
    await call(gateway.port, gateway.TRACES, data, encoding)
    # gRPC may make an empty message of the last one, which is as good as none.
    assert not any(batch.payload for batch in gateway.batches)
    assert await gateway.call(gateway.TRACES, payload) == b""
    assert gateway.receiver.under_way == 0


async def test_a_header_that_is_no_text_leaves_nothing_in_the_log(gateway, caplog):
    """Guarantees: a stranger neither fills the log nor has a token written into it."""
    await gateway.open(bearer_tokens=("a-token-of-some-length",))
    value = b"Bearer a-token\xff"
    odd = b"\0" + bytes([13]) + b"authorization" + bytes([len(value)]) + value
    for method in (gateway.TRACES, "/llm_cost.v1.CostService/GetTotals"):
        await call(gateway.port, method, message(b"", is_compressed=False), None, odd)
    assert gateway.receiver.answers["UNAUTHENTICATED"] == 2
    assert not [record for record in caplog.records if record.exc_info or "a-token" in str(record)]


async def test_a_gzip_body_sent_by_hand_arrives_unpacked(gateway):
    # Shows that the requests above fail for what is broken in them and not for something else.
    await gateway.open()
    await call(gateway.port, gateway.TRACES, message(ZIPPED, is_compressed=True), "gzip")
    assert gateway.batches[0].payload == b"hello" * 100
