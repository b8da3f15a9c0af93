"""What no exporter would send over HTTP: the answer is right, and the next request is served."""

import asyncio
import gzip
import io
import json
import os
import zlib
from collections import Counter

import pytest
from conditions import until

from processor.core.flow import FlowCounters
from processor.core.model import Receipt
from processor.io.receiver import http_connections

JSON = "application/json"
GZIP = {"Content_Encoding": "gzip"}
HEAD = b"POST /v1/traces HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-protobuf\r\n"


@pytest.fixture
async def served(gateway, payload):
    """The receiver; afterwards it has to serve a good request, and nothing is left under way."""
    await gateway.open_http(max_body_bytes=1_000_000, more={"read_timeout_s": 0.3})
    yield gateway
    assert (await gateway.post(body=payload)).status == 200
    assert gateway.batches[-1].payload == payload
    assert gateway.receiver.under_way == 0
    assert gateway.receiver.answers["INTERNAL"] == 0


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(b"hello" * 100, mtime=0)[:-9],
        gzip.compress(b"hello" * 100, mtime=0)[:-1],
        gzip.compress(b"hello", mtime=0)[:5],
        b"",
        gzip.compress(b"hello", mtime=0) + b"garbage",
        gzip.compress(b"hello", mtime=0) + gzip.compress(b"world", mtime=0)[:-3],
        b"not gzip at all",
        b"\x1f\x8b" + os.urandom(100),
        zlib.compress(b"hello"),
        gzip.compress(b"hello", mtime=0)[:-4] + b"\0\0\0\0",
        gzip.compress(b"", mtime=0) * 5000,
    ],
    ids=["cut off", "last byte missing", "half a header", "nothing", "garbage behind",
         "second member cut off", "plain", "random", "zlib", "wrong length", "5000 members"],
)  # fmt: skip
async def test_broken_gzip_is_400(served, body):
    reply = await served.post(body=body, **GZIP)
    assert reply.status == 400
    assert not served.batches


async def test_gzip_of_several_members_is_one_body(served):
    body = b"".join(gzip.compress(part) for part in (b"he", b"", b"llo"))
    assert (await served.post(body=body, **GZIP)).status == 200
    assert served.batches[0].payload == b"hello"


async def test_gzip_in_gzip_is_unpacked_once(served):
    inner = gzip.compress(b"x" * 100, mtime=0)
    await served.post(body=gzip.compress(inner), **GZIP)
    assert served.batches[0].payload == inner


async def test_gzip_that_goes_on_without_giving_anything_has_an_end(served):
    packer = zlib.compressobj(wbits=31)
    empty = packer.flush(zlib.Z_FULL_FLUSH) + b"\x00\x00\x00\xff\xff" * 300_000
    assert (await served.post(body=io.BytesIO(empty), **GZIP)).status == 413


async def test_json_that_takes_far_more_memory_than_its_size_is_413(served):
    for body in (b"[" + b"{}," * 330_000 + b"{}]", b"[" + b"0," * 490_000 + b"0]"):
        assert (await served.post(body=body, content_type=JSON)).status == 413


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":' * 60_000,
        b"[" * 60_000,
        b'{"resourceSpans":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
        b"null", b"[]", b'"x"', b"1", b"", b"{", b"{}{}", b"NaN", b"{'a':1}",
        "{}".encode("utf-16"), b'{"resourceSpans":"\xff"}', b'{"x":' + b"9" * 100_000 + b"}",
    ],
    ids=lambda body: body[:12],
)  # fmt: skip
async def test_bodies_that_are_no_otlp_json_are_400(served, body):
    reply = await served.post(body=body, content_type=JSON)
    assert reply.status == 400
    assert json.loads(reply.body)["code"] == 3
    assert len(reply.body) < 4_000


@pytest.mark.parametrize(
    "rest",
    [
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello0\r\n\r\n",
        b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"Content-Length: -1\r\n\r\n",
        b"Content-Length: 1_0\r\n\r\n{}",
        b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        b"".join(b"X-%d: a\r\n" % i for i in range(1000)) + b"\r\n",
        b"X: a\0b\r\n\r\n",
    ],
    ids=["no chunk size", "chunk too long", "two lengths", "negative length", "odd length",
         "length and chunks", "1000 headers", "NUL"],
)  # fmt: skip
async def test_malformed_requests_are_400_and_the_connection_is_closed(served, rest, caplog):
    answer = await served.raw(HEAD + rest)
    assert b" 400 Bad Request" in answer.splitlines()[0]
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("start", [b"garbage\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                                   b"\x16\x03\x01\x02\x00" * 20, b"GET\r\n\r\n"])  # fmt: skip
async def test_a_connection_that_speaks_no_http_is_closed(served, start):
    assert b"200" not in (await served.raw(start)).partition(b"\r\n")[0]


@pytest.mark.parametrize(
    "rest",
    [b"Content-Type: \xff\r\n", b"Content-Type: application/json\r\nContent-Encoding: \xff\r\n"],
)
async def test_headers_that_are_no_text_still_get_an_answer(served, rest, caplog):
    """Guarantees: the answer about such a header can be written; no traceback fills the log."""
    head = b"POST /v1/traces HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nConnection: close\r\n"
    answer = await served.raw(head + rest + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 415")
    status = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert status["code"] == 12
    assert not [record for record in caplog.records if record.exc_info]
    assert all("\\udcff" in line for line in caplog.messages)


async def test_an_absolute_address_is_served_like_a_path(served):
    request = HEAD.replace(b"/v1/traces", b"http://elsewhere.example/v1/traces?x=1")
    answer = await served.raw(request + b"Connection: close\r\nContent-Length: 0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")


async def leave_in_the_middle(gateway, rest):
    """Send a part of a request, and disconnect once it is being read."""
    _, writer = await asyncio.open_connection("127.0.0.1", gateway.receiver.http_port)
    writer.write(HEAD + rest)
    await until(lambda: gateway.receiver.under_way)
    writer.close()
    await until(lambda: not gateway.receiver.under_way)


async def test_a_sender_that_leaves_in_the_middle_is_forgotten(served):
    for rest in (b"Content-Length: 100\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"):
        await leave_in_the_middle(served, rest)
    assert not served.batches


async def test_a_sender_that_leaves_in_the_middle_is_counted_as_such(gateway):
    """Guarantees: as over gRPC it has left, and has not sent something wrong."""
    flow = FlowCounters()
    await gateway.open_http(more={"flow": flow})
    await leave_in_the_middle(gateway, b"Content-Length: 100\r\n\r\nabc")
    tally = flow.requests["traces", "http"]
    await gateway.receiver.stop(5.0)
    assert (tally.refused, tally.rejected) == (Counter(caller_left=1), Counter())
    assert gateway.receiver.answers == {"CANCELLED": 1}


async def test_a_connection_that_never_asks_is_closed(gateway, monkeypatch):
    monkeypatch.setattr(http_connections, "IDLE_TIMEOUT_S", 0.2)
    await gateway.open_http()
    for start in (b"", b"POST /v1/traces HT", HEAD):
        await gateway.raw(start, then=30.0)  # The server closes it, before that time has passed.
    reply = HEAD + b"Content-Length: 0\r\n\r\n"
    assert (await gateway.raw(reply + HEAD[:20], then=30.0)).startswith(b"HTTP/1.1 200 ")


async def test_a_connection_beyond_the_limit_takes_the_place_of_the_longest_idle_one(
    gateway, payload
):
    """Guarantees: connections that send nothing never keep a real sender out."""
    port = await gateway.open_http(max_connections=3)
    held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
    assert (await gateway.post(body=payload)).status == 200
    assert await asyncio.wait_for(held[0][0].read(), 5) == b""
    for _, writer in held:
        writer.close()


async def test_where_no_connection_is_idle_one_beyond_the_limit_is_closed(gateway, payload):
    done = asyncio.Event()

    async def work(_batch):
        await done.wait()
        return Receipt()

    gateway.work = work
    await gateway.open_http(max_connections=1)
    first = asyncio.ensure_future(gateway.post(body=payload))
    await gateway.arrived.wait()
    assert await gateway.raw(HEAD + b"Content-Length: 0\r\n\r\n") == b""
    done.set()
    assert (await first).status == 200


@pytest.mark.parametrize("size", [20_000, 70_000])
async def test_headers_that_are_too_large_are_431_whoever_finds_it(gateway, size, caplog):
    """Guarantees: beyond our limit and beyond that of the library, an answer in OTLP's form."""
    await gateway.open_http()
    answer = await gateway.raw(HEAD + b"X: " + b"a" * size + b"\r\n\r\n")
    assert b" 431 " in answer.partition(b"\r\n")[0]
    assert b"max_header_kib" in answer
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    flow = gateway.receiver._admission.flow
    rejected = flow.requests["traces", "http"].rejected["headers_too_large"]
    assert rejected + flow.unreadable["http", "headers_too_large"] == 1


def chunked(size, count):
    """So many chunks of a size."""
    return (b"%x\r\n" % size + b"x" * size + b"\r\n") * count


async def test_a_body_of_tiny_chunks_is_cut_off_and_the_connection_closed(served, caplog):
    """Guarantees: not after all of it, but after some KiB; no traceback fills the log."""
    body = chunked(1, 8000)
    answer = await served.raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + body)
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"send larger ones" in answer
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize(("size", "count"), [(64, 4000), (4096, 20), (2, 500)])
async def test_chunks_of_usual_sizes_are_read(served, size, count):
    """Guarantees: also of 64 bytes, of which each has six more around it; few may be smaller."""
    request = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(size, count) + b"0\r\n\r\n"
    last = request.replace(b"Host: h", b"Host: h\r\nConnection: close", 1)
    answer = await served.raw(request + last)
    assert answer.count(b"HTTP/1.1 200") == 2
