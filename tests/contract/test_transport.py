"""What a backend may rely on, and its senders: each test runs over OTLP/gRPC and OTLP/HTTP."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager

import grpc
import pytest
from backends.recorder import Recorder
from conformance.certificates import make_expired, make_self_signed
from conformance.scripted_backend import grpc_ok, grpc_page, http_answer
from conformance.sending import PROTOCOLS, Pauses, request, scripted, sending

from processor import __version__
from processor.core.errors import (
    BackendRefusedError,
    BackendUnavailableError,
    SignalNotTakenError,
    TooLargeError,
)
from processor.core.model import Receipt
from processor.core.otlp.signals import SIGNALS
from processor.io.exporter import load_client_tls

PAYLOAD = request("chat")
BUSY = {"grpc": "UNAVAILABLE", "http": "503"}
TRANSIENT = [
    ("grpc", "CANCELLED"),
    ("grpc", "DEADLINE_EXCEEDED"),
    ("grpc", "ABORTED"),
    ("grpc", "OUT_OF_RANGE"),
    ("grpc", "UNAVAILABLE"),
    ("grpc", "DATA_LOSS"),
    ("http", "429"),
    ("http", "502"),
    ("http", "503"),
    ("http", "504"),
]
FINAL = [
    ("grpc", "UNKNOWN", 2),
    ("grpc", "INVALID_ARGUMENT", 3),
    ("grpc", "PERMISSION_DENIED", 7),
    ("grpc", "RESOURCE_EXHAUSTED", 8),
    ("grpc", "INTERNAL", 13),
    ("http", "400", 3),
    ("http", "401", 16),
    ("http", "403", 7),
    ("http", "404", 12),
    ("http", "408", 2),
    ("http", "409", 2),
    ("http", "413", 8),
    ("http", "500", 2),
    ("http", "501", 12),
]


@pytest.fixture(params=PROTOCOLS)
def protocol(request) -> str:
    """The protocol that is spoken."""
    spoken: str = request.param
    return spoken


@pytest.fixture
async def recorder():
    recorder = Recorder()
    yield recorder
    await recorder.stop()


async def listen(recorder, protocol, address="127.0.0.1:0", certificate=None):
    """Start a backend; `certificate` are the files of one and of its key."""
    if protocol == "grpc":
        credentials = None
        if certificate:
            chain, key = (file.read_bytes() for file in certificate)
            credentials = grpc.ssl_server_credentials([(key, chain)])
        return await recorder.start(address, credentials)
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
    return await recorder.start_http(address, context)


def trusting(protocol, authority):
    """TLS settings that trust an authority, by its file."""
    assert protocol in PROTOCOLS
    return load_client_tls(str(authority), "", "", "tls")


@asynccontextmanager
async def connected(recorder, protocol, **settings):
    port = await listen(recorder, protocol)
    async with sending(protocol, port, **settings) as out:
        yield out


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what is looked at has no event
            await asyncio.sleep(0.005)


async def test_every_signal_arrives_byte_for_byte_where_it_belongs(recorder, protocol):
    """Guarantees: at the method of its signal, or its path below the base endpoint."""
    async with connected(recorder, protocol) as out:
        for signal in SIGNALS:
            assert await out.deliver(signal, PAYLOAD, 10.0) == Receipt()
    assert [record[:2] for record in recorder.records] == [
        ("t", PAYLOAD),
        ("m", PAYLOAD),
        ("l", PAYLOAD),
    ]
    assert (out.counters.delivered, out.counters.delivered_bytes) == (3, 3 * len(PAYLOAD))


@pytest.mark.parametrize(
    ("protocol", "compression"),
    [("grpc", "none"), ("grpc", "gzip"), ("http", "none"), ("http", "gzip"), ("http", "zstd")],
)
@pytest.mark.parametrize("times", [1, 20_000])
async def test_headers_and_product_are_sent_compressed_or_not(
    recorder, protocol, compression, times
):
    headers = {"X-Scope-OrgID": "tenant"}
    settings = {"headers": headers, "compression": compression}
    async with connected(recorder, protocol, **settings) as out:
        await out.deliver("traces", PAYLOAD * times, 10.0)
    (record,) = recorder.records
    assert record.payload == PAYLOAD * times
    assert record.metadata["x-scope-orgid"] == "tenant"
    assert record.metadata["user-agent"].startswith(f"llm-cost-processor/{__version__} ")


@pytest.mark.parametrize(("spoken", "status"), TRANSIENT)
async def test_a_transient_failure_is_retried_until_it_is_over(recorder, spoken, status):
    """Guarantees: also without a delay that the backend asks for."""
    recorder.behaviour.answer, recorder.behaviour.times = status, 3
    async with connected(recorder, spoken) as out:
        assert await out.deliver("traces", PAYLOAD, 30.0) == Receipt()
    assert recorder.attempts == 4
    assert len(recorder.records) == 1
    assert (out.counters.retried, out.counters.delivered) == (3, 1)


@pytest.mark.parametrize(("spoken", "status", "code"), FINAL)
async def test_every_other_failure_is_final_and_has_its_code(recorder, spoken, status, code):
    """Guarantees: one attempt, and the backend's own message goes back to the sender."""
    recorder.behaviour.answer, recorder.behaviour.message = status, "go away"
    message = "go away" if spoken == "grpc" else f"HTTP {status} .*: go away"
    async with connected(recorder, spoken) as out:
        with pytest.raises(BackendRefusedError, match=message) as caught:
            await out.deliver("traces", PAYLOAD, 30.0)
    assert caught.value.code == code
    assert recorder.attempts == 1
    assert out.counters.refused == 1


async def test_the_delay_that_is_asked_for_is_the_least_wait(recorder, protocol):
    """Guarantees: jitter is added to it."""
    recorder.behaviour.answer, recorder.behaviour.times = BUSY[protocol], 1
    recorder.behaviour.retry_info_s = 7.0
    pauses = Pauses()
    settings = {"sleep": pauses.sleep, "chance": lambda: 0.5}
    async with connected(recorder, protocol, **settings) as out:
        assert await out.deliver("traces", PAYLOAD, 30.0) == Receipt()
    assert pauses == [7.0 + 0.5 * 0.01]


async def test_a_delay_longer_than_the_sender_waits_is_passed_to_the_sender(recorder, protocol):
    recorder.behaviour.answer, recorder.behaviour.retry_info_s = BUSY[protocol], 40.0
    async with connected(recorder, protocol) as out:
        with pytest.raises(BackendUnavailableError) as caught:
            await out.deliver("traces", PAYLOAD, 10.0)
    assert caught.value.delay_s == 40.0
    assert recorder.attempts == 1
    assert out.counters.unavailable == 1


async def test_an_absurd_delay_is_bounded(recorder, protocol):
    """Guarantees: the sender is asked to come back within a minute, after one attempt."""
    recorder.behaviour.answer, recorder.behaviour.retry_info_s = BUSY[protocol], 1e9
    async with connected(recorder, protocol) as out:
        with pytest.raises(BackendUnavailableError, match="after 1 attempts") as caught:
            await out.deliver("traces", PAYLOAD, None)
    assert caught.value.delay_s == 60.0
    assert recorder.attempts == 1


async def test_when_the_time_is_up_the_sender_is_asked_to_try_again(recorder, protocol):
    recorder.behaviour.answer = BUSY[protocol]
    async with connected(recorder, protocol) as out:
        with pytest.raises(BackendUnavailableError, match=rf"{BUSY[protocol]} after \d+ attempts"):
            await out.deliver("traces", PAYLOAD, 0.4)
    assert recorder.attempts > 1
    assert recorder.records == []


async def test_a_backend_that_hangs_is_left_in_time(recorder, protocol):
    recorder.behaviour.delay_s = 60.0
    reason = {"grpc": "DEADLINE_EXCEEDED", "http": "did not answer in time"}[protocol]
    async with connected(recorder, protocol, attempt_timeout_s=0.1) as out:
        with pytest.raises(BackendUnavailableError, match=reason):
            await asyncio.wait_for(out.deliver("traces", PAYLOAD, 0.6), 10)


async def test_partial_success_is_passed_back_and_never_retried(recorder, protocol, caplog):
    recorder.behaviour.rejected, recorder.behaviour.message = 2, "too old"
    async with connected(recorder, protocol) as out:
        for _ in range(2):
            assert await out.deliver("traces", PAYLOAD, 10.0) == Receipt(2, "too old")
    assert recorder.attempts == 2
    assert out.counters.rejected_items == 4
    assert caplog.text.count("rejected 2 items") == 1


async def test_a_payload_over_the_limit_is_not_sent(recorder, protocol):
    async with connected(recorder, protocol, max_message_bytes=len(PAYLOAD) - 1) as out:
        with pytest.raises(TooLargeError, match="the limit is"):
            await out.deliver("traces", PAYLOAD, 10.0)
    assert recorder.attempts == 0
    assert out.counters.refused == 1


async def test_a_backend_without_a_signal_is_asked_once_and_that_is_logged_once(
    recorder, protocol, caplog
):
    """Guarantees: a backend without logs or metrics is spared them from then on."""
    recorder.behaviour.answer = {"grpc": "UNIMPLEMENTED", "http": "404"}[protocol]
    async with connected(recorder, protocol) as out:
        for signal in ("logs", "logs", "metrics", "logs"):
            with pytest.raises(SignalNotTakenError) as caught:
                await out.deliver(signal, PAYLOAD, 10.0)
            assert caught.value.code == 12
        assert recorder.attempts == 2
        assert out.counters.refused_for == {"unimplemented": 4}
        recorder.behaviour.answer = "OK"
        await out.deliver("traces", PAYLOAD, 10.0)
    assert caplog.text.count("takes no logs") == 1
    assert caplog.text.count("takes no metrics") == 1


async def test_a_backend_without_traces_refuses_each_of_them(recorder, protocol, caplog):
    """Guarantees: spans are never dropped because of what a backend has answered before."""
    recorder.behaviour.answer = {"grpc": "UNIMPLEMENTED", "http": "404"}[protocol]
    async with connected(recorder, protocol) as out:
        for _ in range(2):
            with pytest.raises(BackendRefusedError) as caught:
                await out.deliver("traces", PAYLOAD, 10.0)
            assert not isinstance(caught.value, SignalNotTakenError)
    assert recorder.attempts == 2
    assert caplog.text.count("does not take the signal traces") == 1


async def test_a_backend_that_restarts_is_found_again(recorder, protocol):
    first = Recorder()
    port = await listen(first, protocol)
    async with sending(protocol, port) as out:
        await out.deliver("traces", PAYLOAD, 10.0)
        await first.stop()
        with pytest.raises(BackendUnavailableError):
            await out.deliver("traces", PAYLOAD, 0.2)
        await listen(recorder, protocol, f"127.0.0.1:{port}")
        assert await out.deliver("traces", PAYLOAD, 30.0) == Receipt()
    assert len(recorder.records) == 1


async def test_a_backend_that_is_not_there_yet_is_waited_for(recorder, protocol):
    probe = Recorder()
    port = await listen(probe, protocol)
    await probe.stop()
    async with sending(protocol, port) as out:
        delivery = asyncio.ensure_future(out.deliver("traces", PAYLOAD, 30.0))
        await until(lambda: out.counters.retried)
        await listen(recorder, protocol, f"127.0.0.1:{port}")
        assert await delivery == Receipt()


async def test_closing_ends_requests_as_unavailable_and_not_as_cancelled(recorder, protocol):
    recorder.behaviour.delay_s = 60.0
    async with connected(recorder, protocol) as out:
        delivery = asyncio.ensure_future(out.deliver("traces", PAYLOAD, 60.0))
        await until(lambda: recorder.attempts)
        await out.close()
        with pytest.raises(BackendUnavailableError, match="stopping"):
            await delivery
        with pytest.raises(BackendUnavailableError, match="stopping"):
            await out.deliver("traces", PAYLOAD, 60.0)


async def test_a_cancelled_delivery_is_cancelled(recorder, protocol):
    recorder.behaviour.delay_s = 60.0
    async with connected(recorder, protocol) as out:
        delivery = asyncio.ensure_future(out.deliver("traces", PAYLOAD, 60.0))
        await until(lambda: recorder.attempts)
        delivery.cancel()
        with pytest.raises(asyncio.CancelledError):
            await delivery
    assert out.counters.abandoned == 1


async def test_tls_with_the_right_authority_delivers(recorder, protocol, tmp_path):
    files = make_self_signed(tmp_path)
    port = await listen(recorder, protocol, certificate=files)
    settings = {"scheme": "https", "tls": trusting(protocol, files[0])}
    async with sending(protocol, port, **settings) as out:
        assert await out.deliver("traces", PAYLOAD, 10.0) == Receipt()


@pytest.mark.parametrize("make", [make_self_signed, make_expired])
async def test_a_certificate_that_cannot_be_trusted_names_the_fix(
    recorder, protocol, tmp_path, make
):
    """Guarantees: nothing is sent to an unknown backend, or to one with an expired certificate."""
    files = make(tmp_path)
    port = await listen(recorder, protocol, certificate=files)
    settings = {"tls": trusting(protocol, files[0])} if make is make_expired else {}
    reason = "expired.*" if make is make_expired and protocol == "http" else ""
    async with sending(protocol, port, scheme="https", **settings) as out:
        with pytest.raises(BackendUnavailableError, match=rf"{reason}tls\.ca_file"):
            await out.deliver("traces", PAYLOAD, 2.0)
    assert recorder.attempts == 0


async def test_tls_to_a_plaintext_backend_names_the_fix(recorder, protocol):
    port = await listen(recorder, protocol)
    async with sending(protocol, port, scheme="https") as out:
        with pytest.raises(BackendUnavailableError, match=f"write http://127.0.0.1:{port}"):
            await out.deliver("traces", PAYLOAD, 2.0)


async def test_a_signal_that_a_backend_takes_none_of_is_refused_and_another_is_not(protocol):
    """Guarantees: 404 for metrics beside traces that are taken is no outage; for all of them it is.

    Neither protocol has to say it in OTLP's form: backends that are no Collector never do.
    """
    gone = {"grpc": grpc_page(404, b"<html>"), "http": http_answer("404 Not Found", b"<html>")}
    ok = {"grpc": grpc_ok(), "http": http_answer()}
    backend = scripted(protocol, gone[protocol], ok[protocol], gone[protocol])
    async with backend.listening() as port, sending(protocol, port) as out:
        assert await out.deliver("traces", PAYLOAD, 10.0) == Receipt()
        with pytest.raises(BackendRefusedError) as caught:
            await out.deliver("metrics", PAYLOAD, 10.0)
        assert caught.value.code == 12
        with pytest.raises(BackendUnavailableError):
            await out.deliver("traces", PAYLOAD, 0.3)
