"""Connections that break, and that are kept; backends that misbehave below OTLP."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import Counter
from typing import Any

import grpc
import pytest
from backends.recorder import Recorder
from conformance.certificates import make_expired
from conformance.names import NamedAddress, NameServer
from conformance.scripted_backend import (
    CANCEL,
    ENHANCE_YOUR_CALM,
    INTERNAL_ERROR,
    REFUSED_STREAM,
    Exchange,
    GrpcScript,
    HttpScript,
    Silent,
    drip,
    frame,
    goaway,
    grpc_answer,
    grpc_drip,
    grpc_ok,
    grpc_reset,
    grpc_status,
    grpc_torn,
    hang_up,
    http_answer,
    say,
    say_nothing,
)
from conformance.sending import PROTOCOLS, QUICK, request, scripted, sending

from processor import __version__
from processor.core.errors import BackendRefusedError, BackendUnavailableError
from processor.core.model import Receipt
from processor.io.exporter import Backend, GrpcTransport, MergePolicy, load_client_tls

PAYLOAD = request("chat")
HTTP_HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"


async def restart(exchange: Exchange) -> None:
    """What a backend says that goes away in good order: the last answer is still given."""
    await exchange.send(goaway(exchange.stream), grpc_answer(exchange.stream))


async def turn_away(exchange: Exchange) -> None:
    """What a backend says that has not looked at this request and will take no more."""
    await exchange.send(goaway(0))
    exchange.writer.close()


@pytest.mark.parametrize(
    ("protocol", "fault"),
    [
        ("grpc", hang_up),
        ("grpc", grpc_torn(5)),
        ("grpc", grpc_torn(20)),
        ("grpc", grpc_torn(len(grpc_answer(1)) - 1)),
        ("grpc", grpc_reset(REFUSED_STREAM)),
        ("grpc", grpc_reset(CANCEL)),
        ("grpc", grpc_reset(INTERNAL_ERROR)),
        ("grpc", grpc_reset(ENHANCE_YOUR_CALM)),
        ("grpc", turn_away),
        ("http", hang_up),
        ("http", say(b"HTTP/1.1 200 O", then=hang_up)),
    ],
)
async def test_rule_24_a_connection_dropped_without_an_answer_is_tried_again(protocol, fault):
    """The same request goes out once more, byte for byte, and the sender notices nothing."""
    ok = grpc_ok() if protocol == "grpc" else http_answer()
    backend = scripted(protocol, fault, ok)
    async with backend.listening() as port, sending(protocol, port) as out:
        assert await asyncio.wait_for(out.deliver("traces", PAYLOAD, 30.0), 20) == Receipt()
    assert backend.bodies == [PAYLOAD] * 2
    assert (out.counters.delivered, out.counters.refused) == (1, 0)


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_rule_43_the_user_agent_names_product_exporter_and_language(protocol):
    """`llm-cost-processor/… OTel-OTLP-Exporter-Python…/…` on both protocols."""
    backend = Recorder()
    port = await (backend.start() if protocol == "grpc" else backend.start_http())
    async with sending(protocol, port) as out:
        await out.deliver("traces", PAYLOAD, 10.0)
    await backend.stop()
    product, exporter = str(backend.records[0].metadata["user-agent"]).split()[:2]
    assert product == f"llm-cost-processor/{__version__}"
    assert exporter.startswith("OTel-OTLP-Exporter-Python")
    assert exporter.endswith(f"/{__version__}")


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_rule_43_a_product_of_the_users_own_goes_before_ours(protocol):
    """`user-agent` in the headers adds an identifier, as the specification has it."""
    backend = Recorder()
    port = await (backend.start() if protocol == "grpc" else backend.start_http())
    async with sending(protocol, port, headers={"User-Agent": "Shop/2"}) as out:
        await out.deliver("traces", PAYLOAD, 10.0)
    await backend.stop()
    agent = str(backend.records[0].metadata["user-agent"])
    assert agent.startswith(f"Shop/2 llm-cost-processor/{__version__} OTel-OTLP-Exporter-Python")


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_rule_48_one_connection_carries_many_requests(protocol):
    """Connections are kept: requests one after another need no more than one."""
    backend = scripted(protocol, grpc_ok() if protocol == "grpc" else http_answer())
    async with backend.listening() as port, sending(protocol, port) as out:
        for _ in range(20):
            await out.deliver("traces", PAYLOAD, 10.0)
    assert (len(backend.bodies), backend.connections) == (20, 1)


async def test_rule_48_many_requests_are_under_way_on_one_grpc_connection():
    """Requests do not wait for the answers of others."""
    together = asyncio.Event()
    backend = GrpcScript(say_nothing)

    async def wait_for_all(exchange: Exchange) -> None:
        if len(backend.bodies) == 30:
            together.set()
        await together.wait()
        await exchange.send(grpc_answer(exchange.stream))

    backend.scripts = [wait_for_all]
    async with backend.listening() as port, sending("grpc", port) as out:
        await asyncio.wait_for(
            asyncio.gather(*(out.deliver("traces", PAYLOAD, 30.0) for _ in range(30))), 20
        )
    assert backend.connections == 1


async def test_rule_48_every_address_behind_a_name_gets_its_share():
    """round_robin: with two addresses both take requests, in turns."""
    first, second = Recorder(), Recorder()
    port = await first.start()
    await second.start(f"127.0.0.2:{port}")
    async with NameServer(["127.0.0.1", "127.0.0.2"]).listening() as names:
        out = Backend(GrpcTransport(NamedAddress.at(names, port)), retry=QUICK)
        await out.start()
        while not (first.records and second.records):
            await asyncio.wait_for(out.deliver("traces", PAYLOAD, 10.0), 10)
        before = len(first.records), len(second.records)
        for _ in range(10):
            await out.deliver("traces", PAYLOAD, 10.0)
        await out.close()
    assert (len(first.records) - before[0], len(second.records) - before[1]) == (5, 5)
    await first.stop()
    await second.stop()


async def test_rule_48_a_backend_that_sends_connections_away_loses_nothing():
    """After GOAWAY the request under way is answered and the next ones take a new connection."""
    backend = GrpcScript(restart)
    async with backend.listening() as port, sending("grpc", port) as out:
        for _ in range(5):
            assert await out.deliver("traces", PAYLOAD, 10.0) == Receipt()
    assert (len(backend.bodies), out.counters.retried) == (5, 0)
    assert backend.connections >= 5


async def test_rule_48_a_real_server_that_ends_connections_often_loses_nothing():
    """Behind `max_connection_age`, as load balancers want it, each request arrives once."""
    seen: Counter[bytes] = Counter()

    async def export(payload: bytes, _context: object) -> bytes:
        seen[payload] += 1
        return b""

    ages = (("grpc.max_connection_age_ms", 50), ("grpc.max_connection_age_grace_ms", 5000))
    server = grpc.aio.server(options=ages)
    service = "opentelemetry.proto.collector.trace.v1.TraceService"
    method = grpc.unary_unary_rpc_method_handler(export)
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(service, {"Export": method}),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with sending("grpc", port) as out:
        for number in range(60):
            assert await out.deliver("traces", request(f"span {number}"), 30.0) == Receipt()
            await asyncio.sleep(0.005)  # spreads the requests over several connections' ages
    await server.stop(None)
    assert sum(seen.values()) == len(seen) == 60


# What a backend does, and what the sender is to get: that all is well, to try again, or never.
TAKEN, LATER, NEVER = "taken", "later", "never"


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        pytest.param(say_nothing, LATER, id="silence"),
        pytest.param(hang_up, LATER, id="reset"),
        pytest.param(drip(HTTP_HEAD), LATER, id="a head byte by byte"),
        pytest.param(say(HTTP_HEAD[:30], then=hang_up), LATER, id="reset within the head"),
        pytest.param(say(b"SSH-2.0-x\r\n", then=hang_up), LATER, id="no HTTP"),
        pytest.param(say(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 10**5), LATER, id="huge head"),
        pytest.param(say(HTTP_HEAD + b"x", then=hang_up), TAKEN, id="reset within the body"),
        pytest.param(say(HTTP_HEAD, then=drip(b"x" * 999)), TAKEN, id="a body byte by byte"),
        pytest.param(http_answer(body=b"<html>ok</html>"), LATER, id="a page without a type"),
        pytest.param(http_answer("429 Slow down"), LATER, id="429"),
        pytest.param(http_answer("429 Slow", Retry_After="1000000000"), LATER, id="1e9 s"),
        pytest.param(http_answer("400 Bad", b"\xff" * 10**6), LATER, id="garbage in a refusal"),
        pytest.param(http_answer("413 Large", b"\xff" * 10**6), NEVER, id="too large for a proxy"),
        pytest.param(http_answer("302 Found", Location="http://10.0.0.1/"), LATER, id="redirect"),
    ],
)
async def test_rule_59_whatever_an_http_backend_does_is_answered_in_time(fault, outcome):
    """Bounded time and the right class of answer, for every way to misbehave over HTTP."""
    backend = HttpScript(fault)
    async with backend.listening() as port:
        await expect("http", port, outcome)


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        pytest.param(say_nothing, LATER, id="silence"),
        pytest.param(hang_up, LATER, id="reset"),
        pytest.param(grpc_drip, LATER, id="an answer byte by byte"),
        pytest.param(grpc_torn(30), LATER, id="reset within the answer"),
        pytest.param(say(b"HTTP/1.1 400 Bad Request\r\n\r\n"), LATER, id="no HTTP/2"),
        pytest.param(turn_away, LATER, id="goaway"),
        pytest.param(say(frame(0, 0, 0, b"x" * 100)), LATER, id="frames against the rules"),
        pytest.param(grpc_ok(b"\xff" * 50), TAKEN, id="garbage"),
        pytest.param(grpc_status(14), LATER, id="UNAVAILABLE"),
        pytest.param(grpc_status(8), NEVER, id="RESOURCE_EXHAUSTED"),
        pytest.param(grpc_status(14, after_s=1e9), LATER, id="1e9 s"),
        pytest.param(grpc_status(13, message="\u2603" * 10), NEVER, id="text that is no ASCII"),
        pytest.param(grpc_status(99), NEVER, id="no code that there is"),
    ],
)
async def test_rule_59_whatever_a_grpc_backend_does_is_answered_in_time(fault, outcome):
    """Bounded time and the right class of answer, for every way to misbehave over gRPC."""
    backend = GrpcScript(fault)
    async with backend.listening() as port:
        await expect("grpc", port, outcome)


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_rule_59_a_connection_that_nobody_looks_at_is_left_in_time(protocol):
    """Half-open TCP: the other side has gone without a word."""
    async with Silent().listening() as port:
        await expect(protocol, port, LATER)


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_rule_59_nobody_listens_there(protocol):
    """A refused connection."""
    async with HttpScript(hang_up).listening() as port:
        pass
    await expect(protocol, port, LATER)


async def test_rule_59_a_name_that_leads_nowhere_over_grpc():
    """DNS failure: the name server knows no such name."""
    async with NameServer([]).listening() as names:
        out = Backend(GrpcTransport(NamedAddress.at(names, 4317)), retry=QUICK)
        await out.start()
        with pytest.raises(BackendUnavailableError):
            await asyncio.wait_for(out.deliver("traces", PAYLOAD, 1.0), 10)
        await out.close()


async def test_rule_59_a_name_that_leads_nowhere_over_http(monkeypatch):
    """DNS failure: the system's resolver knows no such name."""

    async def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "name not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", fail)
    await expect("http", 4318, LATER, host="backend.invalid")


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_rule_59_a_certificate_whose_time_is_over(protocol, tmp_path):
    """TLS expiry: nothing is sent, and the sender keeps what it has until somebody fixes it."""
    chain, key = make_expired(tmp_path)
    backend = Recorder()
    if protocol == "grpc":
        pair = (key.read_bytes(), chain.read_bytes())
        port = await backend.start(credentials=grpc.ssl_server_credentials([pair]))
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, key)
        port = await backend.start_http(tls=context)
    trust = load_client_tls(str(chain), "", "", "tls")
    await expect(protocol, port, LATER, scheme="https", tls=trust)
    assert backend.attempts == 0
    await backend.stop()


async def test_rule_59_a_fault_of_one_request_is_not_that_of_its_neighbours():
    """Requests that wait while one hangs leave with others, and are answered for themselves."""
    backend = GrpcScript(say_nothing, grpc_ok())
    settings = {"merge": MergePolicy(), "attempt_timeout_s": 0.5}
    async with backend.listening() as port, sending("grpc", port, **settings) as out:
        hanging = asyncio.ensure_future(out.deliver("traces", request("slow"), 0.4))
        while not backend.bodies:  # noqa: ASYNC110 - the script has no event to wait for
            await asyncio.sleep(0.01)
        others = [out.deliver("traces", request(f"{number}"), 5.0) for number in range(3)]
        assert await asyncio.wait_for(asyncio.gather(*others), 10) == [Receipt()] * 3
        with pytest.raises(BackendUnavailableError):
            await hanging


async def expect(protocol: str, port: int, outcome: str, **where: Any) -> None:
    """Deliver twice, and compare what the sender gets."""
    attempt_s, deadline_s = (0.06, 0.2) if outcome == LATER else (0.5, 10.0)
    async with sending(protocol, port, attempt_timeout_s=attempt_s, **where) as out:
        for _ in range(2):
            delivery = asyncio.wait_for(out.deliver("traces", PAYLOAD, deadline_s), 10)
            if outcome == TAKEN:
                assert await delivery == Receipt()
                continue
            with pytest.raises(
                BackendRefusedError if outcome == NEVER else BackendUnavailableError
            ):
                await delivery
        counters = out.counters
        by_outcome = {TAKEN: counters.delivered, LATER: counters.unavailable}
        assert by_outcome.get(outcome, counters.refused) == 2
