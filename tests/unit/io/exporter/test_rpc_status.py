"""Reading answers that the backend decides, well-formed or not."""

import grpc
import pytest
from google.rpc.error_details_pb2 import (  # type: ignore[import-untyped]  # no py.typed
    BadRequest,
    RetryInfo,
)
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # no py.typed

from processor.io.exporter.rpc_status import code_of, message_of, retry_delay_s


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
