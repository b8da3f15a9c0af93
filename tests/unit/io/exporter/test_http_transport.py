"""What is HTTP's own about delivery; see tests/contract for what both transports share."""

import asyncio
import gzip
import socket
import ssl
from contextlib import asynccontextmanager

import pytest
from conformance.certificates import make_self_signed

from processor.core.errors import (
    BackendUnavailableError,
    ConfigError,
)
from processor.core.model import Receipt
from processor.core.otlp.addresses import read_endpoints
from processor.io.exporter import Backend, HttpTransport, RetryPolicy, load_client_tls

WIRE = ("headers", "compression", "tls", "now")
QUICK = RetryPolicy(initial_s=0.01, max_s=0.02)


@asynccontextmanager
async def destination(base, own=None, **settings):
    wire = {key: settings.pop(key) for key in WIRE if key in settings}
    transport = HttpTransport(read_endpoints(base, own or {}), **wire)
    opened = Backend(transport, **{"retry": QUICK, **settings})
    await opened.start()
    try:
        yield opened
    finally:
        await opened.close()


@asynccontextmanager
async def connected(recorder, **settings):
    port = await recorder.start_http()
    async with destination(f"http://127.0.0.1:{port}", **settings) as opened:
        yield opened


class Scripted:
    """A server that answers every request on a connection with the next of its scripts."""

    def __init__(self, *scripts):
        self.scripts = list(scripts)
        self.requests = []
        self.connections = 0

    @asynccontextmanager
    async def listening(self):
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()

    async def _serve(self, reader, writer):
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                size = int(head.lower().split("content-length: ")[1].split("\r\n")[0])
                self.requests.append((head, await reader.readexactly(size)))
                script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
                if isinstance(script, bytes):
                    writer.write(script)
                    await writer.drain()
                else:
                    await script(writer)
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()


def answer(status="200 OK", body=b"", **headers):
    headers = {"Content-Length": len(body), **headers}
    lines = [f"HTTP/1.1 {status}", *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def hang_up(writer):
    writer.transport.abort()


async def test_a_signals_own_endpoint_is_used_as_it_is_and_others_are_not_taken(payload):
    backend = Scripted(answer())
    async with (
        backend.listening() as url,
        destination("", {"logs": f"{url}/in?key=a%20b"}) as out,
    ):
        assert [out.takes(signal) for signal in ("traces", "metrics", "logs")] == [0, 0, 1]
        await out.deliver("logs", payload, 10.0)
    assert backend.requests[0][0].startswith("POST /in?key=a%20b HTTP/1.1\r\n")


@pytest.mark.parametrize("compression", ["none", "gzip"])
async def test_a_request_says_how_it_is_encoded(recorder, payload, compression):
    """Guarantees: protobuf, gzip where asked for, and a length."""
    async with connected(recorder, compression=compression) as out:
        await out.deliver("traces", payload, 10.0)
    (record,) = recorder.records
    assert record.metadata["content-type"] == "application/x-protobuf"
    assert record.metadata.get("content-encoding", "none") == compression
    assert record.metadata["content-length"]


async def test_connections_are_kept_alive(payload):
    backend = Scripted(answer())
    async with backend.listening() as url, destination(url) as out:
        for _ in range(5):
            await out.deliver("traces", payload, 10.0)
    assert (len(backend.requests), backend.connections) == (5, 1)


@pytest.mark.parametrize(
    ("after", "pause_s"), [("7", 7.005), ("Thu, 01 Jan 1970 00:00:09 GMT", 9.005), ("soon", 0.005)]
)
async def test_retry_after_is_the_least_wait(payload, after, pause_s):
    """Guarantees: seconds and dates count, an invalid value does not, and jitter is added."""
    pauses = []

    async def sleep(pause):
        pauses.append(pause)

    backend = Scripted(answer("503 Busy", Retry_After=after), answer())
    settings = {"sleep": sleep, "chance": lambda: 0.5, "now": lambda: 0.0}
    async with backend.listening() as url, destination(url, **settings) as out:
        assert await out.deliver("traces", payload, 30.0) == Receipt()
    assert pauses == [pytest.approx(pause_s)]


@pytest.mark.parametrize("after", ["1000000000", "Fri, 31 Dec 9999 23:59:59 GMT"])
async def test_an_absurd_retry_after_is_bounded(payload, after):
    """Guarantees: the sender is asked to come back within a minute, after one attempt."""
    backend = Scripted(answer("429 Too Many Requests", Retry_After=after))
    async with backend.listening() as url, destination(url) as out:
        with pytest.raises(BackendUnavailableError, match="HTTP 429 after 1 attempts") as caught:
            await out.deliver("traces", payload, None)
    assert caught.value.delay_s == 60.0
    assert len(backend.requests) == 1


async def test_partial_success_in_json_is_understood(payload):
    body = b'{"partialSuccess": {"rejectedSpans": "2", "errorMessage": "too old"}}'
    backend = Scripted(answer(body=body, Content_Type="application/json"))
    async with backend.listening() as url, destination(url) as out:
        assert await out.deliver("traces", payload, 10.0) == Receipt(2, "too old")


async def endless(writer):
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + bytes(65536) + b"\r\n"
    for _ in range(1000):
        writer.write(chunk)
        await writer.drain()


async def broken_off(writer):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
    await writer.drain()


async def drop_by_drop(writer):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(1000):
        writer.write(b"x")
        await asyncio.sleep(0.05)


BOMB = gzip.compress(bytes(5 * 1024 * 1024))


@pytest.mark.parametrize(
    "script",
    [
        answer(body=b"<html>", Content_Type="application/x-protobuf"),
        answer(body=bytes(5 * 1024 * 1024)),
        answer(body=BOMB, Content_Encoding="gzip"),
        answer(body=gzip.compress(b"")[:-1], Content_Encoding="gzip"),
        answer(body=b"no gzip", Content_Encoding="gzip"),
        answer(body=b"?", Content_Encoding="br"),
        endless,
        broken_off,
        drop_by_drop,
    ],
    ids=["garbage", "huge", "bomb", "torn gzip", "no gzip", "br", "endless", "reset", "slow"],
)
async def test_a_success_with_an_answer_that_cannot_be_read_is_a_success(payload, script, caplog):
    """Guarantees: what a backend has taken is not sent again; memory and time stay bounded.

    An answer may be garbage, larger than 4 MiB (also only after decompression), cut off by a
    reset, or come a byte at a time.
    """
    backend = Scripted(script)
    async with backend.listening() as url, destination(url, attempt_timeout_s=0.5) as out:
        for _ in range(2):
            assert await asyncio.wait_for(out.deliver("traces", payload, 10.0), 10) == Receipt()
    assert len(backend.requests) == 2
    assert (out.counters.delivered, out.counters.unreadable) == (2, 2)
    assert caplog.text.count("its answer cannot be read") == 1


async def test_a_packed_answer_is_unpacked(payload):
    body = gzip.compress(b"\x0a\x02\x08\x03")
    backend = Scripted(answer(body=body, Content_Encoding="gzip"))
    async with backend.listening() as url, destination(url) as out:
        assert await out.deliver("traces", payload, 10.0) == Receipt(3, "")


async def torn_head(writer):
    writer.write(b"HTTP/1.1 200 O")
    await writer.drain()


async def slow_head(writer):
    writer.write(b"HTTP/1.1 200 OK\r\n")
    for _ in range(100):
        writer.write(b"X")
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("script", [hang_up, torn_head, slow_head])
async def test_a_connection_that_ends_without_an_answer_is_retried(payload, script):
    """Guarantees: nothing is lost to a reset, before or within an answer's head."""
    backend = Scripted(script, answer())
    async with backend.listening() as url, destination(url, attempt_timeout_s=0.3) as out:
        assert await out.deliver("traces", payload, 30.0) == Receipt()
    assert len(backend.requests) == 2
    assert out.counters.retried == 1


async def test_a_redirect_is_not_followed(payload):
    """Guarantees: data and credentials go where the operator has said, and nowhere else."""
    other = Scripted(answer())
    async with other.listening() as elsewhere:
        backend = Scripted(answer("307 Temporary Redirect", Location=f"{elsewhere}/v1/traces"))
        async with backend.listening() as url, destination(url) as out:
            with pytest.raises(BackendUnavailableError, match=f"redirects.*leads to {elsewhere}"):
                await out.deliver("traces", payload, 0.1)
    assert not other.requests


async def test_cookies_are_not_kept(payload):
    backend = Scripted(answer(Set_Cookie="a=b"))
    async with backend.listening() as url, destination(url) as out:
        await out.deliver("traces", payload, 10.0)
        await out.deliver("traces", payload, 10.0)
    assert "cookie" not in backend.requests[1][0].lower()


async def test_an_error_page_is_quoted_in_a_line_of_printable_text(payload):
    backend = Scripted(answer("500 Oh no", b"<h1>\x1b[31mno\n\nentry</h1>" + b"x" * 10**6))
    async with backend.listening() as url, destination(url) as out:
        with pytest.raises(BackendUnavailableError) as caught:
            await out.deliver("traces", payload, 0.1)
    assert "HTTP 500 Oh no: <h1> [31mno entry</h1>xxx" in str(caught.value)
    assert "add 500 to retry_on_failure.final_statuses" in str(caught.value)
    assert len(str(caught.value)) < 600


async def test_what_does_not_speak_http_names_the_fix(recorder, payload):
    """Guarantees: the port of OTLP/gRPC is distinguished from a backend that is down."""
    port = await recorder.start()
    async with destination(f"http://127.0.0.1:{port}") as out:
        with pytest.raises(BackendUnavailableError, match=r"exporters\.otlp\.endpoint"):
            await out.deliver("traces", payload, 1.0)


async def test_a_sender_whose_time_is_up_already_does_not_wait_forever(recorder, payload):
    async with connected(recorder) as out:
        with pytest.raises(BackendUnavailableError, match="no time was left"):
            await asyncio.wait_for(out.deliver("traces", payload, 0.0), 10)


@pytest.fixture
async def _without_names(monkeypatch):
    """No name is known, and no name server is asked."""

    async def fail(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "name not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", fail)


@pytest.mark.usefixtures("_without_names")
async def test_an_unknown_name_is_the_senders_to_retry(payload):
    async with destination("http://no-such-host.invalid:4318") as out:
        with pytest.raises(BackendUnavailableError, match=r"no-such-host\.invalid"):
            await out.deliver("traces", payload, 2.0)


@pytest.mark.usefixtures("_without_names")
async def test_a_proxy_is_used_for_other_machines_only(payload, monkeypatch):
    proxy, backend = Scripted(answer()), Scripted(answer())
    async with proxy.listening() as through, backend.listening() as url:
        monkeypatch.setenv("http_proxy", through)
        monkeypatch.setenv("no_proxy", "spared.invalid")
        async with destination("http://far.invalid/otlp") as out:
            await out.deliver("traces", payload, 10.0)
        async with destination(url) as out:
            await out.deliver("traces", payload, 10.0)
        async with destination("http://spared.invalid") as out:
            with pytest.raises(BackendUnavailableError):
                await out.deliver("traces", payload, 0.5)
    assert [head.split()[1] for head, _ in proxy.requests] == ["http://far.invalid/otlp/v1/traces"]
    assert len(backend.requests) == 1


def server_side(chain, key, client_ca=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    if client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_ca)
    return context


async def test_a_client_certificate_is_presented(recorder, payload, tmp_path):
    """Guarantees: mutual TLS; without the certificate the backend refuses us."""
    chain, key = map(str, make_self_signed(tmp_path))
    own, own_key = map(str, make_self_signed(tmp_path, "client"))
    port = await recorder.start_http(tls=server_side(chain, key, client_ca=own))
    url = f"https://127.0.0.1:{port}"
    async with destination(url, tls=load_client_tls(chain, own, own_key, "tls")) as out:
        assert await out.deliver("traces", payload, 10.0) == Receipt()
    async with destination(url, tls=load_client_tls(chain, "", "", "tls")) as out:
        with pytest.raises(BackendUnavailableError):
            await out.deliver("traces", payload, 1.0)


def test_files_that_are_no_certificates_are_refused(tmp_path):
    chain, _ = make_self_signed(tmp_path, "one")
    _, other_key = make_self_signed(tmp_path, "two")
    for files in (
        (str(tmp_path / "none"), "", ""),
        (__file__, "", ""),
        ("", str(chain), str(other_key)),
    ):
        with pytest.raises(ConfigError, match=r"exporters\.otlphttp\.tls"):
            load_client_tls(*files, "exporters.otlphttp.tls")
