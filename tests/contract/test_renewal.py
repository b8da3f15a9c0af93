"""Connections, certificates and tokens that change while the exporter runs, over both protocols."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from contextlib import asynccontextmanager

import grpc
import pytest
from backends.recorder import Recorder
from conditions import until
from conformance.certificates import make_self_signed
from conformance.names import NamedAddress, NameServer
from conformance.scripted_backend import grpc_ok, http_answer
from conformance.sending import PROTOCOLS, QUICK, request, scripted, sending

from processor.core.errors import BackendUnavailableError
from processor.core.model import Receipt
from processor.core.otlp.addresses import read_endpoints
from processor.io.exporter import (
    Backend,
    GrpcTransport,
    HttpTransport,
    load_client_tls,
)

PAYLOAD = request("chat")
pytestmark = pytest.mark.parametrize("protocol", PROTOCOLS)


async def listen(recorder, protocol, files, port=0, host="127.0.0.1", trusted=None):
    """Start a backend with a certificate; with `trusted` it asks for one of the client."""
    address = f"{host}:{port}"
    if protocol == "grpc":
        chain, key = (file.read_bytes() for file in files)
        root = trusted.read_bytes() if trusted else None
        secure = grpc.ssl_server_credentials([(key, chain)], root, trusted is not None)
        return await recorder.start(address, secure)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    if trusted:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(trusted)
    return await recorder.start_http(address, context)


def from_files(*paths):
    """TLS settings from files."""
    return load_client_tls(*map(str, paths), *[""] * (3 - len(paths)), "tls")


@asynccontextmanager
async def running():
    recorder = Recorder()
    try:
        yield recorder
    finally:
        await recorder.stop()


async def until_refused_for(reason, out):
    """Send until TLS is why it fails; before, nobody may have been listening for a moment."""
    async with asyncio.timeout(30):
        while True:
            with pytest.raises(BackendUnavailableError) as raised:
                await out.deliver("traces", PAYLOAD, 1.0)
            if re.search(reason, str(raised.value)):
                return


async def test_an_authority_that_changes_is_trusted_without_a_restart(protocol, tmp_path):
    old, new = (make_self_signed(tmp_path, name) for name in ("old", "new"))
    async with running() as first:
        port = await listen(first, protocol, old)
        settings = {"scheme": "https", "tls": from_files(old[0])}
        async with sending(protocol, port, **settings) as out:
            assert await out.deliver("traces", PAYLOAD, 10.0) == Receipt()
            await first.stop()
            async with running() as second:
                await listen(second, protocol, new, port)
                await until_refused_for("CERTIFICATE_VERIFY_FAILED", out)
                out._transport.tls = from_files(new[0])
                assert await out.deliver("traces", PAYLOAD, 20.0) == Receipt()


async def test_a_certificate_that_changes_is_presented_without_a_restart(protocol, tmp_path):
    """Guarantees: also where the connection holds."""
    server, mine, unknown = (make_self_signed(tmp_path, each) for each in ("server", "a", "b"))
    async with running() as recorder:
        port = await listen(recorder, protocol, server, trusted=mine[0])
        settings = {"scheme": "https", "tls": from_files(server[0], *unknown)}
        async with sending(protocol, port, **settings) as out:
            await until_refused_for(
                "Socket closed|reset by peer|CERTIFICATE_REQUIRED|unknown ca", out
            )
            out._transport.tls = from_files(server[0], *mine)
            assert await out.deliver("traces", PAYLOAD, 20.0) == Receipt()


async def test_a_token_that_changes_is_sent_without_a_restart(protocol):
    async with running() as recorder:
        port = await (recorder.start() if protocol == "grpc" else recorder.start_http())
        async with sending(protocol, port, token="Bearer first") as out:
            await out.deliver("traces", PAYLOAD, 10.0)
            out._transport.token = "Bearer second"
            await out.deliver("traces", PAYLOAD, 10.0)
            sender = (("authorization", "Bearer of the sender"),)
            out._forwards = frozenset({"authorization"})
            await out.deliver("traces", PAYLOAD, 10.0, sender)
    seen = [record.metadata["authorization"] for record in recorder.records]
    assert seen == ["Bearer first", "Bearer second", "Bearer of the sender"]


async def test_a_backend_may_have_a_certificate_for_another_name(protocol, tmp_path):
    files = make_self_signed(tmp_path)
    async with running() as recorder:
        port = await listen(recorder, protocol, files, host="127.0.0.2")
        settings = {"scheme": "https", "host": "127.0.0.2", "tls": from_files(files[0])}
        async with sending(protocol, port, **settings) as out:
            await until_refused_for("Hostname Verification|not valid for", out)
        async with sending(protocol, port, server_name="localhost", **settings) as out:
            assert await out.deliver("traces", PAYLOAD, 10.0) == Receipt()


async def test_a_connection_is_renewed_after_its_time_and_nothing_is_lost(protocol):
    """Guarantees: requests under way end on the connection on which they began."""
    ok = grpc_ok() if protocol == "grpc" else http_answer()
    release = asyncio.Event()

    async def slow(exchange):
        await release.wait()
        await ok(exchange)

    backend = scripted(protocol, slow, ok)
    async with (
        backend.listening() as port,
        sending(protocol, port, max_connection_age_s=0.0) as out,
    ):
        first = asyncio.ensure_future(out.deliver("traces", PAYLOAD, 30.0))
        await until(lambda: backend.bodies)
        for _ in range(5):
            await out.deliver("traces", PAYLOAD, 10.0)
        release.set()
        assert await first == Receipt()
    assert (len(backend.bodies), backend.connections, out.counters.retried) == (6, 6, 0)


class Names:
    """What the system's resolver says, for HTTP, and a name server, for gRPC."""

    def __init__(self, monkeypatch):
        self.server = NameServer([], ttl_s=0)
        self.monkeypatch = monkeypatch

    def point(self, *addresses):
        self.server.addresses = addresses

    @asynccontextmanager
    async def backend(self, protocol, port, **settings):
        async with self.server.listening() as names:
            if protocol == "grpc":
                transport = GrpcTransport(NamedAddress.at(names, port), **settings)
            else:
                self.monkeypatch.setattr(
                    asyncio.get_running_loop(), "getaddrinfo", self.getaddrinfo
                )
                endpoints = read_endpoints(f"http://backend.test:{port}", {})
                transport = HttpTransport(endpoints, **settings)
            out = Backend(transport, retry=QUICK)
            await out.start()
            try:
                yield out
            finally:
                await out.close()

    async def getaddrinfo(self, _host, port, **_):
        kind = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        return [(*kind, (each, port)) for each in self.server.addresses]


async def start_at(protocol, host, port=0):
    recorder = Recorder()
    begin = recorder.start if protocol == "grpc" else recorder.start_http
    return recorder, await begin(f"{host}:{port}")


async def test_a_backend_that_moves_twice_is_found_within_seconds(protocol, monkeypatch):
    """Guarantees: no cache of names keeps it away for longer than that."""
    names = Names(monkeypatch)
    recorder, port = await start_at(protocol, "127.0.0.1")
    names.point("127.0.0.1")
    async with names.backend(protocol, port) as out:
        await out.deliver("traces", PAYLOAD, 10.0)
        for host in ("127.0.0.2", "127.0.0.3"):
            await recorder.stop()
            recorder, _ = await start_at(protocol, host, port)
            names.point(host)
            assert await out.deliver("traces", PAYLOAD, 16.0) == Receipt()
            assert len(recorder.records) == 1
    await recorder.stop()


async def test_a_backend_that_moves_while_its_old_place_still_answers_is_found(
    protocol, monkeypatch
):
    """Guarantees: after the age of a connection, although nothing has failed."""
    names = Names(monkeypatch)
    old, port = await start_at(protocol, "127.0.0.1")
    new, _ = await start_at(protocol, "127.0.0.2", port)
    names.point("127.0.0.1")
    async with names.backend(protocol, port, max_connection_age_s=0.5) as out:
        await out.deliver("traces", PAYLOAD, 10.0)
        names.point("127.0.0.2")
        async with asyncio.timeout(20):
            while not new.records:
                await out.deliver("traces", PAYLOAD, 10.0)
                await asyncio.sleep(0.05)  # as a sender that goes on
    assert old.records
    await old.stop()
    await new.stop()


async def test_the_addresses_of_a_name_are_used_in_turn(protocol, monkeypatch):
    names = Names(monkeypatch)
    hosts = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
    first, port = await start_at(protocol, hosts[0])
    others = [(await start_at(protocol, host, port))[0] for host in hosts[1:]]
    names.point(*hosts)
    age_s = float("inf") if protocol == "grpc" else 0.0
    async with names.backend(protocol, port, max_connection_age_s=age_s) as out:
        async with asyncio.timeout(20):
            while not all(each.records for each in (first, *others)):
                await out.deliver("traces", PAYLOAD, 10.0)
        before = [len(each.records) for each in (first, *others)]
        for _ in range(9):
            await out.deliver("traces", PAYLOAD, 10.0)
    after = [len(each.records) for each in (first, *others)]
    assert [now - then for now, then in zip(after, before, strict=True)] == [3, 3, 3]
    for each in (first, *others):
        await each.stop()
