"""Every error has one status, and OTLP's rules on retrying hold for each."""

import grpc
import pytest
from google.rpc.error_details_pb2 import (  # type: ignore[import-untyped]  # no py.typed
    BadRequest,
    RetryInfo,
)
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # no py.typed

from processor.core.errors import (
    BackendRefusedError,
    BackendUnavailableError,
    CallerLeftError,
    InvalidQuestionError,
    LedgerUnavailableError,
    OverloadedError,
    ProcessorError,
    TooLargeError,
    UndecodableError,
)
from processor.io.receiver.status import status_of

Code = grpc.StatusCode


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UndecodableError("x"), Code.INVALID_ARGUMENT),
        (InvalidQuestionError("scope", "x"), Code.INVALID_ARGUMENT),
        (TooLargeError("x"), Code.RESOURCE_EXHAUSTED),
        (OverloadedError("x"), Code.UNAVAILABLE),
        (BackendUnavailableError("x"), Code.UNAVAILABLE),
        (LedgerUnavailableError("x"), Code.UNAVAILABLE),
        (BackendRefusedError(7, "x"), Code.PERMISSION_DENIED),
        (BackendRefusedError(13, "x"), Code.INTERNAL),
        (BackendRefusedError(0, "x"), Code.UNKNOWN),
        (BackendRefusedError(99, "x"), Code.UNKNOWN),
        (ProcessorError("x"), Code.INTERNAL),
        (ZeroDivisionError("x"), Code.INTERNAL),
    ],
)
def test_each_error_has_its_code(error, code):
    assert status_of(error).code is code


@pytest.mark.parametrize("kind", [OverloadedError, BackendUnavailableError, LedgerUnavailableError])
def test_a_retryable_error_carries_its_delay_as_retry_info(kind):
    ((name, value),) = status_of(kind("busy", delay_s=2.5)).trailers
    status = Status.FromString(value)
    info = RetryInfo()
    assert name == "grpc-status-details-bin"
    assert status.code == Code.UNAVAILABLE.value[0]
    assert status.details[0].Unpack(info)
    assert info.retry_delay.ToNanoseconds() == 2_500_000_000


def test_a_too_large_request_has_no_retry_info_so_that_senders_drop_it():
    assert status_of(TooLargeError("big")).trailers == ()


def test_an_undecodable_body_is_described_as_a_bad_request():
    status = Status.FromString(status_of(UndecodableError("no message")).details)
    details = BadRequest()
    assert status.details[0].Unpack(details)
    assert details.field_violations[0].description == "no message"


def test_a_bug_reveals_nothing_of_the_inside():
    assert "secret" not in status_of(ValueError("secret")).message


@pytest.mark.parametrize("letter", ["x", "é", "一", "😀"])
def test_a_long_message_is_cut(letter):
    message = status_of(BackendRefusedError(3, letter * 100_000)).message
    assert 1020 < len(message.encode()) <= 1024
    assert message == letter * (len(message) - 1) + "…"


def test_unpaired_surrogates_do_not_keep_an_answer_from_being_written():
    answer = status_of(UndecodableError("a \udcff b"))
    assert answer.message == "a ? b"
    assert Status.FromString(answer.http_body.SerializeToString()).message == "a ? b"


def test_a_sender_that_has_left_is_no_failure_of_ours():
    answer = status_of(CallerLeftError("gone"))
    assert (answer.code, answer.http_status) == (Code.CANCELLED, 503)
