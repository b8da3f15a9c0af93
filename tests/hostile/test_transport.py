"""Hostile inputs 1 to 10: sizes, compression, connections, headers, addresses.

Elsewhere: streams and bodies that never end (`e2e/test_overload.py`); gzip in gzip, members, broken
and endless gzip, connections beyond the limit (`unit/io/receiver/test_http_hostile.py`); a message
that is compressed and does not say so (`test_raw_http2.py` there); methods, codings and types that
are not served (`conformance/test_errors.py`); certificates (`unit/io/receiver/test_tls.py`).
"""

from __future__ import annotations

import gzip
import socket
import struct
import time
import zlib
from contextlib import ExitStack, suppress
from functools import partial

import pytest
from conformance.incoming import METHODS, a_span, traces
from e2e.processes import wait_until

from processor.core.otlp.zstd import zstd

MIB = 1024 * 1024
SPAN = traces(a_span())
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RESET, SETTINGS, PING, CONTINUATION = 0, 1, 3, 4, 6, 9
END_HEADERS = 4


def deflate_bomb(size_mib, wbits):
    """A block of a MiB of zeros, as often as asked for, in one stream."""
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    head = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    return head + block * (size_mib - 1)


def zstd_bomb(size_mib):
    return zstd(bytes(MIB)) * size_mib


BOMBS = {
    "gzip": partial(deflate_bomb, wbits=zlib.MAX_WBITS | 16),
    "deflate": partial(deflate_bomb, wbits=zlib.MAX_WBITS),
    "zstd": zstd_bomb,
}


@pytest.mark.parametrize("coding", BOMBS)
def test_01_03_a_bomb_over_http_is_too_large(attacked, coding):
    """Guarantees: 413 for 1 MiB that becomes a GiB, refused while it is unpacked, and counted."""
    bomb, before = BOMBS[coding](1024), attacked.refusals("too_large")
    peak_mib = attacked.peak_mib()
    assert len(bomb) < 2 * MIB
    assert attacked.post(bomb, Content_Encoding=coding).status == 413
    assert attacked.peak_mib() < peak_mib + 64
    assert attacked.refusals("too_large") == before + 1


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_01_a_bomb_over_grpc_is_too_large(attacked, coding):
    """Guarantees: RESOURCE_EXHAUSTED, never an inflated gigabyte.

    gRPC's own client unpacks nothing of what a test gives it, so the bytes go by hand.
    """
    before, peak_mib = attacked.refusals("too_large"), attacked.peak_mib()
    bomb = BOMBS[coding](1024)
    with http2(attacked) as stream:
        stream.sendall(head_frames(1, {"grpc-encoding": coding}))
        message = struct.pack(">BI", 1, len(bomb)) + bomb
        send_data(stream, 1, message)
        wait_until_counted(attacked, "too_large", before + 1)
    assert attacked.peak_mib() < peak_mib + 64


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(gzip.compress(SPAN) + b"garbage", id="followed by garbage"),
        pytest.param(gzip.compress(SPAN)[:-9], id="cut off"),
        pytest.param(gzip.compress(gzip.compress(SPAN)), id="twice"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_02_damaged_gzip_is_undecodable(attacked, body):
    before = attacked.refusals("undecodable")
    assert attacked.post(body, Content_Encoding="gzip").status == 400
    assert attacked.refusals("undecodable") == before + 1


@pytest.mark.parametrize("coding", ["br", "gzip, gzip", "gzip,zstd", "x" * 500, "compress"])
def test_03_codings_that_are_not_served_are_415(attacked, coding):
    before = attacked.refusals("unsupported")
    assert attacked.post(SPAN, Content_Encoding=coding).status == 415
    assert attacked.refusals("unsupported") == before + 1


def test_04_a_message_of_4_gib_that_never_comes_is_refused(attacked):
    """Guarantees: the length that a message states takes no memory."""
    peak_mib, before = attacked.peak_mib(), attacked.refusals("cut_off")
    with http2(attacked) as stream:
        stream.sendall(head_frames(1) + frame(DATA, 0, 1, struct.pack(">BI", 0, 2**32 - 1)))
        wait_until_counted(attacked, "cut_off", before + 1)
    assert attacked.peak_mib() < peak_mib + 8


def test_06_a_body_shorter_than_it_says_leaves_nothing(attacked):
    before = attacked.refusals("caller_left")
    head = b"POST /v1/traces HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-protobuf\r\n"
    with socket.create_connection(("127.0.0.1", attacked.http_port)) as stream:
        stream.sendall(head + b"Content-Length: 5000\r\n\r\n" + SPAN)
    wait_until_counted(attacked, "caller_left", before + 1)


def test_06_a_body_longer_than_it_says_is_no_second_request(attacked):
    """Guarantees: what follows is no request; one that comes with it may be refused as well."""
    head = b"POST /v1/traces HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-protobuf\r\n"
    with socket.create_connection(("127.0.0.1", attacked.http_port), 15) as stream:
        stream.sendall(
            head + b"Content-Length: %d\r\n\r\n" % len(SPAN) + SPAN + b"\0\1\2 smuggled\r\n\r\n"
        )
        answers = b""
        while part := stream.recv(4096):
            answers += part
    assert answers.count(b" 200 OK") <= 1
    assert b" 400 Bad Request" in answers


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(b"Content-Length: 5\r\nContent-Length: 6\r\n", id="two lengths"),
        pytest.param(
            b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", id="length and chunks"
        ),
        pytest.param(b"Content-Length: -1\r\n", id="negative"),
        pytest.param(b"Content-Length: 1_0\r\n", id="underscore"),
        pytest.param(b"Transfer-Encoding: xchunked\r\n", id="unknown transfer"),
        pytest.param(b"Content Length: 5\r\n", id="space in a name"),
    ],
)
def test_06_lengths_that_can_be_read_in_two_ways_are_refused(attacked, lines):
    """Guarantees: nothing that a proxy in front could understand otherwise (request smuggling)."""
    head = b"POST /v1/traces HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-protobuf\r\n"
    assert b" 400 " in attacked.raw(head + lines + b"\r\n0\r\n\r\n").partition(b"\r\n")[0]


def floods():
    """Frames that cost their sender nothing, a few thousand of each."""
    stream_heads = [head_frames(number) for number in range(1, 4001, 2)]
    resets = [frame(RESET, 0, number, struct.pack(">I", 8)) for number in range(1, 4001, 2)]
    yield "streams that are reset", b"".join(map(bytes.__add__, stream_heads, resets))
    yield "settings", frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 65535)) * 10_000
    yield "pings", frame(PING, 0, 0, bytes(8)) * 10_000
    open_head = frame(HEADERS, 0, 1, header_block({})[:-1])
    yield "continuations", open_head + frame(CONTINUATION, 0, 1, literal("a", "b" * 100)) * 20_000
    yield "empty continuations", open_head + frame(CONTINUATION, 0, 1, b"") * 50_000
    yield "empty data", head_frames(1) + frame(DATA, 0, 1, b"") * 50_000
    yield (
        "te and 9 KB of headers",
        head_frames(1, {"te": "x"} | {f"h{n}": "v" * 90 for n in range(100)}),
    )


@pytest.mark.parametrize("number", range(7))
def test_07_floods_of_frames_take_no_memory_and_keep_nobody_out(attacked, number):
    name, flood = list(floods())[number]
    peak_mib = attacked.peak_mib()
    with http2(attacked) as stream:
        with suppress(ConnectionError, TimeoutError):  # To close it is an answer.
            stream.sendall(flood)
        assert attacked.is_well(), name
    assert attacked.peak_mib() < peak_mib + 64, name


@pytest.mark.heavy
def test_07_thousands_of_idle_connections_keep_nobody_out(attacked):
    """Guarantees: both ports; what they take is given back."""
    before = attacked.descriptors()
    with ExitStack() as stack:
        for port in (attacked.http_port, attacked.process.port, attacked.metrics_port):
            for _ in range(400):
                stack.enter_context(socket.create_connection(("127.0.0.1", port), 10))
        assert attacked.is_well()
        assert attacked.get(f"http://127.0.0.1:{attacked.metrics_port}/live").status == 200
    end_s = time.monotonic() + 20
    while attacked.descriptors() > before + 50 and time.monotonic() < end_s:
        time.sleep(0.1)
    assert attacked.descriptors() <= before + 50


def test_08_a_head_that_never_ends_takes_no_memory(attacked):
    """Guarantees: a hundred headers within the limit of each are together too large."""
    before, peak_mib = attacked.refusals("headers_too_large"), attacked.peak_mib()
    line = b"X: " + b"v" * 60_000 + b"\r\n"
    with ExitStack() as stack:
        for _ in range(40):
            address = ("127.0.0.1", attacked.http_port)
            stream = stack.enter_context(socket.create_connection(address, 10))
            with suppress(ConnectionError):
                stream.sendall(b"POST /v1/traces HTTP/1.1\r\nHost: h\r\n" + line * 100)
        assert attacked.refusals("headers_too_large") == before + 40
    assert attacked.peak_mib() < peak_mib + 32


def test_08_many_heads_that_stop_give_way_to_those_that_go_on(attacked):
    """Guarantees: 16 MiB for all of them, of which each is within its limit."""
    peak_mib = attacked.peak_mib()
    with ExitStack() as stack:
        for _ in range(500):
            address = ("127.0.0.1", attacked.http_port)
            stream = stack.enter_context(socket.create_connection(address, 10))
            with suppress(ConnectionError):
                stream.sendall(b"POST /v1/traces HTTP/1.1\r\nX: " + b"v" * 60_000)
        assert attacked.is_well()
    assert attacked.peak_mib() < peak_mib + 48


@pytest.mark.parametrize(
    ("metadata", "expected", "reason"),
    [
        ([("x", "v" * 64_000)], "RESOURCE_EXHAUSTED", "headers_too_large"),
        ([("x", "v" * 200_000)], "RESOURCE_EXHAUSTED", "cut_off"),
        ([(f"h{n}", "v" * 30) for n in range(1000)], "RESOURCE_EXHAUSTED", "headers_too_large"),
        ([("x-bin", bytes(range(256)))], "OK", ""),
    ],
    ids=["64 KB", "200 KB", "1000 of them", "binary"],
)  # fmt: skip
def test_08_headers_over_grpc_have_one_limit(attacked, metadata, expected, reason):
    before = attacked.refusals(reason)
    assert attacked.call(SPAN, metadata=metadata).status == expected
    assert attacked.refusals(reason) == before + (expected != "OK")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (b"X: " + b"v" * 64_000 + b"\r\n", b"431"),
        (b"X: " + b"v" * 200_000 + b"\r\n", b"431"),
        (b"".join(b"h%d: %s\r\n" % (number, b"v" * 30) for number in range(1000)), b"400"),
        (b"X: a\r\n folded\r\n", b"400"),
        (b"X: a\0b\r\n", b"400"),
        (b"X: a\rY: b\r\n", b"400"),
    ],
    ids=["64 KB", "200 KB", "1000 of them", "folded", "NUL", "CR alone"],
)
def test_08_headers_over_http_have_one_limit_and_no_second_meaning(attacked, lines, expected):
    head = b"POST /v1/traces HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-protobuf\r\n"
    answer = attacked.raw(head + lines + b"Content-Length: 0\r\n\r\n")
    assert answer.split(b" ")[1:2] == [expected]


URIS = [
    b"//v1/traces", b"/v1/..%2fv1/traces", b"/v1/traces/../metrics", b"/%00", b"/v1/traces%0d%0a", b"http://[::1",
    b"http://[", b"http://h:99999/", b"/\xff\xfe", b"*", b"?", b"/v1/traces#x", b"/" + b"a" * 9000,
]  # fmt: skip


@pytest.mark.parametrize("is_metrics", [False, True], ids=["OTLP", "metrics"])
@pytest.mark.parametrize("uri", URIS)
def test_10_addresses_that_are_none_are_answered(attacked, uri, is_metrics):
    """Guarantees: a malformed address at either port is a refusal, never the end of the process."""
    port = attacked.metrics_port if is_metrics else attacked.http_port
    answer = attacked.raw(b"GET " + uri + b" HTTP/1.1\r\nHost: h\r\n\r\n", port)
    assert answer.split(b" ")[1:2][0] in {b"400", b"404", b"405", b"414", b"431"}


@pytest.mark.parametrize(
    "method", ["HEAD", "OPTIONS", "TRACE", "CONNECT", "PRI", "G\x01T", "x" * 9000]
)
def test_10_methods_that_are_not_served_are_refused_at_the_metrics_port(attacked, method):
    line = f"{method} /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    expected = {b"200"} if method == "HEAD" else {b"400", b"404", b"405", b"431"}
    answer = attacked.raw(line, attacked.metrics_port)
    assert not answer or answer.split(b" ")[1] in expected


# --- HTTP/2 by hand -------------------------------------------------------------------------------


def frame(kind, flags, stream, body):
    return (
        struct.pack(">I", len(body))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + body
    )


def literal(name, value):
    """One header without compression (HPACK, literal without indexing), of any length up to 126."""
    return b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


def header_block(more):
    headers = {
        ":method": "POST",
        ":scheme": "http",
        ":path": METHODS["traces"],
        ":authority": "localhost",
        "te": "trailers",
        "content-type": "application/grpc",
        **more,
    }
    return b"".join(literal(name, value) for name, value in headers.items())


def head_frames(number, more=None):
    return frame(HEADERS, END_HEADERS, number, header_block(more or {}))


def http2(attacked):
    """A connection over which HTTP/2 has begun, with a window that never ends."""
    stream = socket.create_connection(("127.0.0.1", attacked.process.port), 10)
    stream.sendall(PREFACE + frame(SETTINGS, 0, 0, b""))
    return stream


def send_data(stream, number, data):
    """Send it as far as the other side reads; its window is updated as it reads."""
    window, position = 65_535, 0
    pending = b""
    stream.settimeout(10)
    while position < len(data):
        part = data[position : position + min(window, 16_384)]
        stream.sendall(frame(DATA, 0, number, part))
        position += len(part)
        window -= len(part)
        while window <= 0:
            pending += stream.recv(65_536)
            while len(pending) >= 9:
                size = int.from_bytes(pending[:3])
                if len(pending) < 9 + size:
                    break
                kind, which = pending[3], int.from_bytes(pending[5:9])
                if kind == 8 and which == number:
                    window += int.from_bytes(pending[9:13])
                if kind in {RESET, 7} or (kind == HEADERS):
                    return
                pending = pending[9 + size :]


def wait_until_counted(attacked, reason, expected):
    wait_until(lambda: attacked.refusals(reason) >= expected, 20, f"{reason} was not counted")
