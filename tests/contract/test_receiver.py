"""What a sender may rely on, whichever protocol it speaks: each test runs over gRPC and HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
import ssl
import subprocess
import sys
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]  # no py.typed
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # no py.typed
from unit.io.receiver.conftest import Gateway
from unit.io.receiver.conftest import (
    certificate_files as certificate_files,  # noqa: PLC0414 - fixtures are found by name
)
from unit.io.receiver.conftest import gateway as gateway  # noqa: PLC0414 - as above
from unit.io.receiver.conftest import payload as payload  # noqa: PLC0414 - as above

from processor.core.errors import (
    BackendRefusedError,
    BackendUnavailableError,
    ConfigError,
    LedgerUnavailableError,
    UndecodableError,
)
from processor.core.flow import FlowCounters
from processor.core.model import Receipt
from processor.core.otlp import codes
from processor.core.otlp.responses import read_response
from processor.core.otlp.signals import SIGNALS
from processor.io.receiver import Receiver, load_tls


@dataclass(frozen=True)
class Reply:
    """What a sender got, in the terms of gRPC."""

    code: str
    body: bytes = b""
    message: str = ""
    delay_s: float | None = None
    """How long it is asked to wait before it tries again."""


def refusal(status: Status) -> Reply:
    info, delay_s = RetryInfo(), None
    for detail in status.details:
        if detail.Unpack(info):
            delay_s = info.retry_delay.ToNanoseconds() / 1e9
    code = {code.value[0]: code.name for code in grpc.StatusCode}[status.code]
    return Reply(code, b"", status.message, delay_s)


class Sender:
    """Opens the gateway and sends to it over one protocol."""

    setting = ""
    """Where the address to listen on is set."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway

    async def open(self, listen: str = "127.0.0.1:0", **settings: Any) -> int:
        """Settings are those of the receiver, `max_bytes`, and `tls`: files and a client CA."""
        raise NotImplementedError

    async def send(
        self,
        payload: bytes,
        signal: str = "traces",
        *,
        zipped: bool = False,
        headers: Mapping[str, str] | None = None,
        tls: tuple[Path, ...] = (),
    ) -> Reply:
        """One export; `tls` is the authority, and the certificate to present with its key."""
        raise NotImplementedError

    async def stall(self) -> Reply:
        """An export whose body never arrives."""
        raise NotImplementedError


class GrpcSender(Sender):
    setting = "protocols.grpc.endpoint"

    async def open(self, listen: str = "127.0.0.1:0", **settings: Any) -> int:
        if "max_bytes" in settings:
            settings["max_message_bytes"] = settings.pop("max_bytes")
        if "tls" in settings:
            certificate, key, *ca = map(str, settings.pop("tls"))
            settings["tls"] = load_tls(certificate, key, "".join(ca), "tls")
        return await self.gateway.open(listen, **settings)

    async def send(self, payload, signal="traces", *, zipped=False, headers=None, tls=()):
        compression = grpc.Compression.Gzip if zipped else grpc.Compression.NoCompression
        async with self._channel(tls) as channel:
            export = channel.unary_unary(SIGNALS[signal].method, None, None)
            metadata = tuple((headers or {}).items())
            call = export(payload, timeout=20, metadata=metadata, compression=compression)
            return await self._answer(call)

    async def stall(self):
        async with self.gateway.channel() as channel:
            return await self._answer(channel.stream_unary(SIGNALS["traces"].method)(timeout=20))

    def _channel(self, tls):
        if not tls:
            return self.gateway.channel()
        authority, *own = (file.read_bytes() for file in tls)
        credentials = grpc.ssl_channel_credentials(authority, *reversed(own))
        return grpc.aio.secure_channel(f"localhost:{self.gateway.port}", credentials)

    async def _answer(self, call):
        try:
            return Reply("OK", await call)
        except grpc.aio.AioRpcError as error:
            trailers = dict(error.trailing_metadata() or ())
            details = trailers.get("grpc-status-details-bin")
            delay_s = refusal(Status.FromString(details)).delay_s if details else None
            return Reply(error.code().name, b"", error.details() or "", delay_s)


class HttpSender(Sender):
    setting = "protocols.http.endpoint"

    async def open(self, listen: str = "127.0.0.1:0", **settings: Any) -> int:
        http = {"max_body_bytes": settings.pop("max_bytes")} if "max_bytes" in settings else {}
        if "tls" in settings:
            certificate, key, *ca = map(str, settings.pop("tls"))
            http["tls"] = load_tls(certificate, key, "".join(ca), "tls")
        return await self.gateway.open_http(listen, more=settings, **http)

    async def send(self, payload, signal="traces", *, zipped=False, headers=None, tls=()):
        headers = {"content-type": "application/x-protobuf", **(headers or {})}
        if zipped:
            headers["content-encoding"], payload = "gzip", gzip.compress(payload)
        context, scheme = None, "http"
        if tls:
            scheme, context = "https", ssl.create_default_context(cafile=str(tls[0]))
            if tls[1:]:
                context.load_cert_chain(*map(str, tls[1:]))
        url = f"{scheme}://localhost:{self.gateway.receiver.http_port}{SIGNALS[signal].path}"
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(20)) as session,
                session.post(url, data=payload, headers=headers, ssl=context or True) as response,
            ):
                body = await response.read()
        except (aiohttp.ClientError, OSError) as error:
            return Reply("UNAVAILABLE", b"", str(error))
        return Reply("OK", body) if response.status == 200 else refusal(Status.FromString(body))

    async def stall(self):
        head = f"POST {SIGNALS['traces'].path} HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n"
        head += "Content-Type: application/x-protobuf\r\nConnection: close\r\n\r\nabc"
        answer = await self.gateway.raw(head.encode(), then=20.0)
        return refusal(Status.FromString(answer.partition(b"\r\n\r\n")[2]))


@pytest.fixture(params=[GrpcSender, HttpSender], ids=["grpc", "http"])
def sender(request, gateway):
    return request.param(gateway)


class Work:
    """Handling that waits until the test lets it go on."""

    def __init__(self, gateway):
        self.may_end, self.has_ended = asyncio.Event(), asyncio.Event()
        gateway.work = self

    async def __call__(self, _batch):
        await self.may_end.wait()
        self.has_ended.set()
        return Receipt()


def is_retryable(reply):
    return codes.is_retryable(codes.Code[reply.code], reply.delay_s)


def failing(gateway, error):
    async def fail(_batch):
        raise error

    gateway.work = fail


@pytest.mark.parametrize("signal", SIGNALS)
async def test_every_signal_is_passed_on_byte_for_byte(sender, gateway, payload, signal):
    await sender.open()
    assert await sender.send(payload, signal) == Reply("OK", b"")
    (batch,) = gateway.batches
    assert (batch.signal, batch.payload) == (signal, payload)


async def test_an_empty_request_is_a_success(sender, gateway):
    await sender.open()
    assert await sender.send(b"") == Reply("OK", b"")
    assert gateway.batches[0].payload == b""


async def test_a_gzipped_request_arrives_unpacked(sender, gateway, payload):
    await sender.open()
    assert await sender.send(payload * 1000, zipped=True) == Reply("OK", b"")
    assert gateway.batches[0].payload == payload * 1000


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("receipt", [Receipt(2, "zero span id"), Receipt(0, "old names")])
async def test_a_rejection_or_warning_comes_back_as_partial_success(
    sender, gateway, signal, receipt
):
    async def reject(_batch):
        return receipt

    gateway.work = reject
    await sender.open()
    reply = await sender.send(b"", signal)
    assert read_response(signal, reply.body) == receipt


@pytest.mark.parametrize(
    ("error", "code", "delay_s"),
    [
        (UndecodableError("not OTLP"), "INVALID_ARGUMENT", None),
        (BackendUnavailableError("down", 2.25), "UNAVAILABLE", 2.25),
        (LedgerUnavailableError("disk full", 0.1), "UNAVAILABLE", 0.1),
        (BackendRefusedError(7, "no"), "PERMISSION_DENIED", None),
        (BackendRefusedError(8, "quota"), "RESOURCE_EXHAUSTED", None),
    ],
)
async def test_an_error_reaches_the_sender_as_its_status(
    sender, gateway, payload, error, code, delay_s
):
    """Guarantees: the reason in words, and a delay exactly where a retry can help."""
    failing(gateway, error)
    await sender.open()
    assert await sender.send(payload) == Reply(code, b"", str(error), delay_s)
    assert gateway.receiver.answers == {code: 1}


async def test_a_bug_is_internal_and_logged_once_with_its_traceback(
    sender, gateway, payload, caplog
):
    """Guarantees: a sender that repeats it cannot fill the log, and learns no details."""
    failing(gateway, ZeroDivisionError("a bug"))
    await sender.open()
    for _ in range(3):
        reply = await sender.send(payload)
        assert (reply.code, reply.delay_s) == ("INTERNAL", None)
        assert "a bug" not in reply.message
    assert len([record for record in caplog.records if record.exc_info]) == 1
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("zipped", [False, True])
async def test_a_request_over_the_limit_is_refused_for_good(sender, gateway, payload, zipped):
    """Guarantees: also one that is too large only once unpacked; the next one is served."""
    await sender.open(max_bytes=10_000)
    reply = await sender.send(bytes(20_000), zipped=zipped)
    assert (reply.code, reply.delay_s) == ("RESOURCE_EXHAUSTED", None)
    assert gateway.batches == []
    assert (await sender.send(bytes(10_000 - len(payload)) + payload)).code == "OK"
    assert gateway.receiver.under_way == 0


async def test_over_the_limit_of_requests_a_sender_is_asked_to_come_back(sender, gateway, payload):
    """Guarantees: a retryable status with a delay, and not one that senders take as "drop it"."""
    work = Work(gateway)
    await sender.open(max_concurrent_requests=1)
    first = asyncio.ensure_future(sender.send(payload))
    await gateway.arrived.wait()
    reply = await sender.send(payload)
    assert (reply.code, reply.delay_s) == ("UNAVAILABLE", 1.0)
    work.may_end.set()
    assert (await first).code == "OK"
    assert len(gateway.batches) == 1
    assert (await sender.send(payload)).code == "OK"


async def test_a_caller_that_disconnects_does_not_stop_the_work(sender, gateway, payload):
    work = Work(gateway)
    await sender.open()
    call = asyncio.ensure_future(sender.send(payload))
    await gateway.arrived.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert gateway.receiver.under_way == 1
    work.may_end.set()
    await asyncio.wait_for(work.has_ended.wait(), 5)


async def test_a_sender_that_stalls_is_given_up(sender, gateway):
    await sender.open(read_timeout_s=0.2)
    reply = await sender.stall()
    assert (reply.code, reply.delay_s) == ("UNAVAILABLE", 1.0)
    assert gateway.receiver.under_way == 0


async def test_many_callers_at_once_are_all_answered(sender, gateway, payload):
    await sender.open(max_concurrent_requests=500)
    replies = await asyncio.gather(*[sender.send(payload) for _ in range(100)])
    assert replies == [Reply("OK", b"")] * 100
    assert gateway.receiver.answers == {"OK": 100}


@pytest.mark.parametrize("letter", ["x", "一", "😀"])
async def test_a_long_reason_does_not_turn_try_again_into_never(sender, gateway, payload, letter):
    """Guarantees: the answer fits into what clients accept, whatever its message."""
    failing(gateway, BackendUnavailableError(letter * 2000))
    await sender.open()
    for _ in range(5):
        reply = await sender.send(payload)
        assert (reply.code, reply.delay_s) == ("UNAVAILABLE", 1.0)
        assert len(reply.message.encode()) <= 1024


async def test_a_header_that_cannot_be_forwarded_is_counted_as_rejected(sender, payload):
    """Guarantees: over both protocols such a request is received, and rejected."""
    flow = FlowCounters()
    await sender.open(flow=flow, forward_headers=["x-scope-orgid"])
    reply = await sender.send(payload, headers={"x-scope-orgid": "x" * 5000})
    assert reply.code == "INVALID_ARGUMENT"
    (tally,) = [each for each in flow.requests.values() if each.received]
    assert (tally.received, tally.arriving, tally.rejected) == (1, 0, {"undecodable": 1})


async def test_a_stop_finishes_the_work_and_takes_nothing_new(sender, gateway, payload):
    work = Work(gateway)
    await sender.open()
    first = asyncio.ensure_future(sender.send(payload))
    await gateway.arrived.wait()
    stop = asyncio.ensure_future(gateway.receiver.stop(30))
    # A connection that gRPC accepts while it closes gets no answer: the sender's deadline ends it.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(5):
            assert is_retryable(await sender.send(payload))
    assert not stop.done()
    work.may_end.set()
    assert (await first).code == "OK"
    await asyncio.wait_for(stop, 10)
    assert len(gateway.batches) == 1


async def test_work_that_outlasts_the_grace_is_given_up(sender, gateway, payload, caplog):
    """Guarantees: its sender may send it again, and the operator sees how many there were."""
    Work(gateway)
    await sender.open()
    export = asyncio.ensure_future(sender.send(payload))
    await gateway.arrived.wait()
    await asyncio.wait_for(gateway.receiver.stop(0.1), 10)
    assert is_retryable(await export)
    assert gateway.receiver.under_way == 0
    assert "1 batches were not finished" in caplog.text


async def test_the_port_is_free_again_after_a_stop(sender, gateway, payload):
    port = await sender.open()
    await gateway.receiver.stop(1)
    assert await sender.open(f"127.0.0.1:{port}") == port
    assert (await sender.send(payload)).code == "OK"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_port_in_use_is_a_config_error_with_setting_and_fix(sender, host):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        message = rf"{sender.setting}: .*the port is in use .*choose another port"
        with pytest.raises(ConfigError, match=message):
            await sender.open(f"{host}:{port}")


async def test_two_receivers_never_share_a_port(sender, gateway):
    port = await sender.open()
    second = Gateway()
    with pytest.raises(ConfigError, match="in use"):
        await type(sender)(second).open(f"127.0.0.1:{port}")
    assert isinstance(gateway.receiver, Receiver)


async def test_an_address_of_another_host_is_refused(sender):
    with pytest.raises(ConfigError, match=rf"{sender.setting}: cannot listen on"):
        await sender.open("nowhere.invalid:4317")


@pytest.mark.parametrize("listen", ["", "4317", "localhost", "localhost:x", "http://h:1", "h:1/p"])
async def test_an_invalid_address_is_refused(sender, listen):
    with pytest.raises(ConfigError, match=rf"{sender.setting}: .*host:port"):
        await sender.open(listen)


async def test_tls_serves_those_who_trust_the_certificate(
    sender, gateway, payload, certificate_files
):
    await sender.open(tls=certificate_files)
    assert (await sender.send(payload, tls=certificate_files[:1])).code == "OK"
    assert (await sender.send(payload)).code == "UNAVAILABLE"
    assert len(gateway.batches) == 1


async def test_with_a_client_authority_a_certificate_is_required(
    sender, gateway, payload, certificate_files
):
    certificate, key = certificate_files
    await sender.open(tls=(certificate, key, certificate))
    assert (await sender.send(payload, tls=(certificate,))).code == "UNAVAILABLE"
    assert (await sender.send(payload, tls=(certificate, certificate, key))).code == "OK"
    assert len(gateway.batches) == 1


SERVER = """
import asyncio, sys
from processor.core.model import Receipt
from processor.io.receiver import HttpListener, Receiver

reached = 0

async def handle(_batch):
    global reached
    reached += 1
    return Receipt()

async def main():
    receiver = Receiver("127.0.0.1:0", handle, http=HttpListener("127.0.0.1:0"))
    print(await receiver.start(), receiver.http_port, flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await receiver.stop(1)
    # Not ru_maxrss: that begins with what the process had that started this one.
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    print(int(status["VmHWM"].split()[0]) // 1024, reached, flush=True)

asyncio.run(main())
"""

GRPC_BOMB = """
import asyncio, sys, grpc

METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

async def main():
    options = [("grpc.max_send_message_length", -1)]
    target = f"127.0.0.1:{sys.argv[1]}"
    async with grpc.aio.insecure_channel(target, options=options) as channel:
        try:
            zipped = grpc.Compression.Gzip
            await channel.unary_unary(METHOD)(bytes(512 << 20), timeout=60, compression=zipped)
        except grpc.aio.AioRpcError as error:
            print(error.code().name)
        print(await channel.unary_unary(METHOD)(b"", timeout=10))

asyncio.run(main())
"""


def send_over_grpc(grpc_port: str, _http_port: str) -> list[str]:
    """Send a bomb, then an empty request, from a process whose memory is not looked at."""
    command = [sys.executable, "-c", GRPC_BOMB, grpc_port]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=100, check=True
    ).stdout.split()


def send_over_http(_grpc_port: str, http_port: str) -> list[str]:
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(512)) + packer.flush()
    answers = []
    for body in (bomb, gzip.compress(b"", mtime=0)):
        with socket.create_connection(("127.0.0.1", int(http_port))) as connection:
            connection.sendall(
                b"POST /v1/traces HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-protobuf\r\n"
                b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            )
            answers.append(connection.makefile().readline().split()[1])
    return answers


@pytest.mark.parametrize(
    ("send", "answers"),
    [(send_over_grpc, ["RESOURCE_EXHAUSTED", "b''"]), (send_over_http, ["413", "200"])],
    ids=["grpc", "http"],
)
def test_a_gzip_bomb_is_refused_before_it_fills_memory(send, answers):
    """Guarantees: the limit is applied while unpacking, and the next request is served.

    512 KiB on the wire are 512 MiB unpacked; the process never holds more than one message of the
    permitted size.
    """
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", SERVER]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        assert send(*server.stdout.readline().split()) == answers
        server.stdin.write("\n")
        server.stdin.flush()
        peak_mib, reached = map(int, server.stdout.readline().split())
    assert reached == 1
    assert peak_mib < 250
