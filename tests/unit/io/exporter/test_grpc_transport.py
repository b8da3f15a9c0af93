"""What is gRPC's own about delivery; see tests/contract for what both transports share."""

import grpc
import pytest
from conformance.certificates import make_self_signed
from conformance.sending import Pauses, sending
from google.rpc.error_details_pb2 import (  # type: ignore[import-untyped]  # no py.typed
    BadRequest,
    RetryInfo,
)
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # no py.typed

from processor.core.errors import BackendRefusedError, BackendUnavailableError
from processor.core.model import Receipt
from processor.io.exporter import ClientTls
from processor.io.exporter.grpc_transport import code_of, message_of, retry_delay_s


async def test_resource_exhausted_with_retry_info_is_retried_after_the_delay(recorder, payload):
    recorder.behaviour.answer, recorder.behaviour.times = "RESOURCE_EXHAUSTED", 1
    recorder.behaviour.retry_info_s = 7.0
    pauses = Pauses()
    port = await recorder.start()
    async with sending("grpc", port, sleep=pauses.sleep, chance=lambda: 0.5) as out:
        assert await out.deliver("traces", payload, 30.0) == Receipt()
    assert pauses == [7.0 + 0.5 * 0.01]


async def test_a_response_over_the_limit_is_not_retried(recorder, payload):
    # The payload was taken: trying again would only make duplicates.
    recorder.behaviour.message = "x" * (5 * 1024 * 1024)
    async with sending("grpc", await recorder.start()) as out:
        with pytest.raises(BackendRefusedError):
            await out.deliver("traces", payload, 10.0)
    assert recorder.attempts == 1


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
    async with sending("grpc", port) as out:
        with pytest.raises(BackendUnavailableError, match="UNAVAILABLE after"):
            await out.deliver("traces", payload, 1.2)
    await server.stop(None)


async def test_plaintext_to_a_tls_backend_names_the_fix(recorder, payload, tmp_path):
    chain, key = (file.read_bytes() for file in make_self_signed(tmp_path))
    port = await recorder.start(credentials=grpc.ssl_server_credentials([(key, chain)]))
    async with sending("grpc", port) as out:
        with pytest.raises(BackendUnavailableError, match=f"write https://127.0.0.1:{port}"):
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
def test_no_retry_info_or_an_invalid_one_is_none(trailers):
    assert retry_delay_s(failure(trailers=trailers)) is None
