"""Delivery to a real OTLP/gRPC server on loopback, and reading its statuses."""

import asyncio
import subprocess
from contextlib import asynccontextmanager

import grpc
import pytest
from backends.recorder import Recorder
from google.rpc.error_details_pb2 import (  # type: ignore[import-untyped]  # no py.typed
    BadRequest,
    RetryInfo,
)
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # no py.typed

from processor import __version__
from processor.core.errors import BackendRefusedError, BackendUnavailableError, TooLargeError
from processor.core.model import Receipt
from processor.core.otlp.addresses import parse_backend
from processor.io.exporter import Backend, ClientTls, GrpcTransport, RetryPolicy
from processor.io.exporter.grpc_transport import code_of, message_of, retry_delay_s

WIRE = ("headers", "compression", "tls")
QUICK = RetryPolicy(initial_s=0.01, max_s=0.02)


@asynccontextmanager
async def destination(address, **settings):
    wire = {key: settings.pop(key) for key in WIRE if key in settings}
    opened = Backend(GrpcTransport(parse_backend(address), **wire), **{"retry": QUICK, **settings})
    await opened.start()
    try:
        yield opened
    finally:
        await opened.close()


@asynccontextmanager
async def connected(recorder, **settings):
    port = await recorder.start()
    async with destination(f"127.0.0.1:{port}", **settings) as opened:
        yield opened


async def test_every_signal_arrives_byte_for_byte_at_its_method(recorder, payload):
    async with connected(recorder) as out:
        for signal in ("traces", "metrics", "logs"):
            assert await out.deliver(signal, payload, 10.0) == Receipt()
    assert [record[:2] for record in recorder.records] == [
        ("t", payload),
        ("m", payload),
        ("l", payload),
    ]
    assert (out.counters.delivered, out.counters.delivered_bytes) == (3, 3 * len(payload))


@pytest.mark.parametrize("compression", ["none", "gzip"])
async def test_headers_and_name_are_sent_compressed_or_not(recorder, payload, compression):
    headers = {"X-Scope-OrgID": "tenant"}
    async with connected(recorder, headers=headers, compression=compression) as out:
        await out.deliver("traces", payload * 100, 10.0)
    (record,) = recorder.records
    assert record.payload == payload * 100
    assert record.metadata["x-scope-orgid"] == "tenant"
    assert record.metadata["user-agent"].startswith(f"llm-cost-processor/{__version__}")


@pytest.mark.parametrize(
    "code",
    ["CANCELLED", "DEADLINE_EXCEEDED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS"],
)
async def test_a_passing_trouble_is_retried_until_it_is_over(recorder, payload, code):
    recorder.behaviour.answer, recorder.behaviour.times = code, 3
    async with connected(recorder) as out:
        assert await out.deliver("traces", payload, 30.0) == Receipt()
    assert recorder.attempts == 4
    assert len(recorder.records) == 1
    assert (out.counters.retried, out.counters.delivered) == (3, 1)


@pytest.mark.parametrize(
    "code", ["UNKNOWN", "INTERNAL", "INVALID_ARGUMENT", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED"]
)
async def test_a_refusal_is_final_and_keeps_its_code(recorder, payload, code):
    recorder.behaviour.answer, recorder.behaviour.message = code, "go away"
    async with connected(recorder) as out:
        with pytest.raises(BackendRefusedError, match="go away") as caught:
            await out.deliver("traces", payload, 30.0)
    assert caught.value.code == grpc.StatusCode[code].value[0]
    assert recorder.attempts == 1
    assert out.counters.refused == 1


async def test_resource_exhausted_with_retry_info_is_retried_after_the_delay(recorder, payload):
    recorder.behaviour.answer, recorder.behaviour.times = "RESOURCE_EXHAUSTED", 1
    recorder.behaviour.retry_info_s = 7.0
    pauses = []

    async def sleep(pause_s):
        pauses.append(pause_s)

    async with connected(recorder, sleep=sleep, chance=lambda: 0.5) as out:
        assert await out.deliver("traces", payload, 30.0) == Receipt()
    assert pauses == [7.0 + 0.5 * 0.01]


async def test_a_delay_longer_than_the_sender_waits_is_handed_to_the_sender(recorder, payload):
    recorder.behaviour.answer, recorder.behaviour.retry_info_s = "UNAVAILABLE", 40.0
    async with connected(recorder) as out:
        with pytest.raises(BackendUnavailableError) as caught:
            await out.deliver("traces", payload, 10.0)
    assert caught.value.delay_s == 40.0
    assert recorder.attempts == 1
    assert out.counters.unavailable == 1


async def test_an_absurd_delay_is_bounded(recorder, payload):
    recorder.behaviour.answer, recorder.behaviour.retry_info_s = "UNAVAILABLE", 1e9
    async with connected(recorder) as out:
        with pytest.raises(BackendUnavailableError) as caught:
            await out.deliver("traces", payload, None)
    assert caught.value.delay_s == 60.0


async def test_when_the_time_is_up_the_sender_is_asked_to_try_again(recorder, payload):
    recorder.behaviour.answer = "UNAVAILABLE"
    async with connected(recorder) as out:
        with pytest.raises(BackendUnavailableError, match=r"UNAVAILABLE after \d+ attempts"):
            await out.deliver("traces", payload, 0.4)
    assert recorder.attempts > 1
    assert recorder.records == []


async def test_a_backend_that_hangs_is_left_in_time(recorder, payload):
    recorder.behaviour.delay_s = 60.0
    async with connected(recorder, attempt_timeout_s=0.1) as out:
        with pytest.raises(BackendUnavailableError, match="DEADLINE_EXCEEDED"):
            await asyncio.wait_for(out.deliver("traces", payload, 0.6), 10)


async def test_partial_success_is_handed_back_and_never_retried(recorder, payload, caplog):
    recorder.behaviour.rejected, recorder.behaviour.message = 2, "too old"
    async with connected(recorder) as out:
        for _ in range(2):
            assert await out.deliver("traces", payload, 10.0) == Receipt(2, "too old")
    assert recorder.attempts == 2
    assert out.counters.rejected_items == 4
    assert caplog.text.count("rejected 2 items") == 1


async def test_a_payload_over_the_limit_is_not_sent(recorder, payload):
    async with connected(recorder, max_message_bytes=len(payload) - 1) as out:
        with pytest.raises(TooLargeError, match="the limit is"):
            await out.deliver("traces", payload, 10.0)
    assert recorder.attempts == 0


async def test_a_response_over_the_limit_is_not_retried(recorder, payload):
    # The payload was taken: trying again would only make duplicates.
    recorder.behaviour.message = "x" * (5 * 1024 * 1024)
    async with connected(recorder) as out:
        with pytest.raises(BackendRefusedError):
            await out.deliver("traces", payload, 10.0)
    assert recorder.attempts == 1


async def test_a_backend_without_logs_is_handed_on_and_logged_once(recorder, payload, caplog):
    recorder.behaviour.answer = "UNIMPLEMENTED"
    async with connected(recorder) as out:
        for signal in ("logs", "logs", "metrics"):
            with pytest.raises(BackendRefusedError) as caught:
                await out.deliver(signal, payload, 10.0)
            assert caught.value.code == 12
    assert caplog.text.count("does not take the signal logs") == 1
    assert caplog.text.count("does not take the signal metrics") == 1


async def test_a_backend_that_restarts_is_found_again(payload):
    first = Recorder()
    port = await first.start()
    async with destination(f"127.0.0.1:{port}") as out:
        await out.deliver("traces", payload, 10.0)
        await first.stop()
        with pytest.raises(BackendUnavailableError):
            await out.deliver("traces", payload, 0.2)
        second = Recorder()
        await second.start(f"127.0.0.1:{port}")
        assert await out.deliver("traces", payload, 30.0) == Receipt()
        assert len(second.records) == 1
        await second.stop()


async def test_a_backend_that_is_not_there_yet_is_waited_for(payload):
    probe = Recorder()
    port = await probe.start()
    await probe.stop()
    async with destination(f"127.0.0.1:{port}") as out:
        delivery = asyncio.ensure_future(out.deliver("traces", payload, 30.0))
        await asyncio.sleep(0.2)
        late = Recorder()
        await late.start(f"127.0.0.1:{port}")
        assert await delivery == Receipt()
        await late.stop()


async def test_closing_ends_calls_as_unavailable_and_not_as_cancelled(recorder, payload):
    recorder.behaviour.delay_s = 60.0
    async with connected(recorder) as out:
        delivery = asyncio.ensure_future(out.deliver("traces", payload, 60.0))
        while not recorder.attempts:  # noqa: ASYNC110 - the recorder has no event to wait for
            await asyncio.sleep(0.01)
        await out.close()
        with pytest.raises(BackendUnavailableError, match="stopping"):
            await delivery
        with pytest.raises(BackendUnavailableError, match="stopping"):
            await out.deliver("traces", payload, 60.0)


async def test_a_cancelled_delivery_is_cancelled(recorder, payload):
    recorder.behaviour.delay_s = 60.0
    async with connected(recorder) as out:
        delivery = asyncio.ensure_future(out.deliver("traces", payload, 60.0))
        await asyncio.sleep(0.05)
        delivery.cancel()
        with pytest.raises(asyncio.CancelledError):
            await delivery


@pytest.fixture
def certificate(tmp_path):
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    command += " -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout key.pem -out cert.pem"
    subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    return (tmp_path / "cert.pem").read_bytes(), (tmp_path / "key.pem").read_bytes()


async def test_a_long_message_of_the_backend_does_not_hide_its_answer(payload):
    """Guarantees: UNAVAILABLE stays so, where by default gRPC would put RESOURCE_EXHAUSTED."""

    async def refuse(_request, context):
        await context.abort(grpc.StatusCode.UNAVAILABLE, "一" * 4000)

    server = grpc.aio.server()
    service = "opentelemetry.proto.collector.trace.v1.TraceService"
    handlers = {"Export": grpc.unary_unary_rpc_method_handler(refuse)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with destination(f"127.0.0.1:{port}") as out:
        with pytest.raises(BackendUnavailableError, match="UNAVAILABLE after"):
            await out.deliver("traces", payload, 1.2)
    await server.stop(None)


async def test_tls_with_the_right_authority_delivers(recorder, payload, certificate):
    chain, key = certificate
    port = await recorder.start(credentials=grpc.ssl_server_credentials([(key, chain)]))
    async with destination(f"https://127.0.0.1:{port}", tls=ClientTls(ca=chain)) as out:
        assert await out.deliver("traces", payload, 10.0) == Receipt()


async def test_tls_trouble_names_the_mend(recorder, payload, certificate):
    chain, key = certificate
    port = await recorder.start(credentials=grpc.ssl_server_credentials([(key, chain)]))
    async with destination(f"https://127.0.0.1:{port}") as out:
        with pytest.raises(BackendUnavailableError, match=r"tls\.ca_file"):
            await out.deliver("traces", payload, 2.0)
    async with destination(f"http://127.0.0.1:{port}") as out:
        with pytest.raises(BackendUnavailableError, match=f"write https://127.0.0.1:{port}"):
            await out.deliver("traces", payload, 2.0)


async def test_tls_to_a_plaintext_backend_names_the_mend(recorder, payload):
    port = await recorder.start()
    async with destination(f"https://127.0.0.1:{port}") as out:
        with pytest.raises(BackendUnavailableError, match=f"write http://127.0.0.1:{port}"):
            await out.deliver("traces", payload, 2.0)


def test_a_key_is_never_printed():
    assert "secret" not in repr(ClientTls(key=b"secret"))


def failure(details="busy", trailers=()):
    none = grpc.aio.Metadata()
    trailing = grpc.aio.Metadata(*trailers)
    return grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, none, trailing, details, None)


def packed(*details):
    status = Status(code=14)
    for detail in details:
        status.details.add().Pack(detail)
    return ("grpc-status-details-bin", status.SerializeToString())


def test_a_status_has_a_number_and_a_message_of_bounded_length():
    assert code_of(failure()) == 14
    assert message_of(failure()) == "busy"
    assert message_of(failure("")) == "UNAVAILABLE"
    assert len(message_of(failure("x" * 10**6))) == 1024


def test_retry_info_is_found_among_other_details():
    info = RetryInfo()
    info.retry_delay.FromMilliseconds(1500)
    assert retry_delay_s(failure(trailers=[packed(BadRequest(), info)])) == 1.5
    assert retry_delay_s(failure(trailers=[packed(RetryInfo())])) == 0.0


@pytest.mark.parametrize(
    "trailers",
    [
        [],
        [("other", "x")],
        [packed()],
        [packed(BadRequest())],
        [("grpc-status-details-bin", b"\xff\xff\xff")],
    ],
)
def test_no_retry_info_or_rubbish_is_none(trailers):
    assert retry_delay_s(failure(trailers=trailers)) is None
