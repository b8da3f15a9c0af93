"""The one place where errors become statuses, over gRPC and over HTTP.

| error                   | gRPC code          | HTTP    | the sender                             |
|-------------------------|--------------------|---------|----------------------------------------|
| UndecodableError        | INVALID_ARGUMENT   | 400     | must not retry; see BadRequest         |
| TooLargeError           | RESOURCE_EXHAUSTED | 413     | must not retry: there is no RetryInfo  |
| BackendRefusedError     | the backend's own  | its own | does what that code says               |
| HeadersTooLargeError    | RESOURCE_EXHAUSTED | 431     | must not retry: there is no RetryInfo  |
| UnauthenticatedError    | UNAUTHENTICATED    | 401     | must send a token that is known here   |
| ForbiddenError          | PERMISSION_DENIED  | 403     | must ask from this machine             |
| NotFoundError           | NOT_FOUND          | 404     | names an id that nothing has           |
| QuestionTooSlowError    | DEADLINE_EXCEEDED  | 503     | must ask for less                      |
| UnsupportedRequestError | UNIMPLEMENTED      | its own | must send another request              |
| CallerLeftError         | CANCELLED          | 503     | has disconnected, and sends it again   |
| other RetryableError    | UNAVAILABLE        | 503     | retries after RetryInfo or Retry-After |
| any other               | INTERNAL           | 500     | must not retry: a bug fails again      |

RESOURCE_EXHAUSTED without RetryInfo is permanent for an OTLP client, so it never means overload.
Over HTTP overload is 503 and not 429: it is the processor that has too much to do, not this sender
that asks too often, and Python's exporters long took 429 as permanent, against OTLP.
Source: OTLP specification, "OTLP/gRPC Response", "OTLP/HTTP Response".
"""

from __future__ import annotations

import asyncio
import math
from typing import Final, NamedTuple

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import (  # type: ignore[import-untyped]  # has no py.typed
    BadRequest,
    RetryInfo,
)
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # has no py.typed

from processor.core.errors import (
    BackendRefusedError,
    CallerLeftError,
    ForbiddenError,
    InvalidQuestionError,
    NotFoundError,
    PermanentError,
    QuestionTooSlowError,
    RetryableError,
    TooLargeError,
    UnauthenticatedError,
    UndecodableError,
)

_MESSAGE_BYTES_MAX: Final = 1024
"""Of a message in UTF-8. Over gRPC it travels in trailers, up to three times as long there, and
twice more in the details. gRPC's clients turn trailers beyond 8 KiB into RESOURCE_EXHAUSTED, which
is final, whatever the answer was."""
_CUT: Final = "…"
_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}
_HTTP_STATUS: Final[dict[grpc.StatusCode, int]] = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.UNIMPLEMENTED: 404,
    # For an OTLP client 429 would be a reason to retry, and here there is never RetryInfo.
    grpc.StatusCode.RESOURCE_EXHAUSTED: 413,
    grpc.StatusCode.CANCELLED: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 503,
    grpc.StatusCode.ABORTED: 503,
    grpc.StatusCode.OUT_OF_RANGE: 503,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DATA_LOSS: 503,
}
"""As in the OpenTelemetry Collector, except for RESOURCE_EXHAUSTED; every other code is 500."""
_FINAL: Final[dict[type[Exception], grpc.StatusCode]] = {
    CallerLeftError: grpc.StatusCode.CANCELLED,
    ForbiddenError: grpc.StatusCode.PERMISSION_DENIED,
    TooLargeError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    NotFoundError: grpc.StatusCode.NOT_FOUND,
    QuestionTooSlowError: grpc.StatusCode.DEADLINE_EXCEEDED,
    UnauthenticatedError: grpc.StatusCode.UNAUTHENTICATED,
}
"""Errors that a code says all of."""


class UnsupportedRequestError(PermanentError):
    """An HTTP request that is no OTLP export: its path, method or encoding is not one of ours."""

    code = grpc.StatusCode.UNIMPLEMENTED

    reason = "unsupported"

    def __init__(self, http_status: int, message: str, **headers: str) -> None:
        """`headers` of the answer, with underscores for hyphens."""
        super().__init__(message)
        self.http_status = http_status
        self.headers = tuple((name.replace("_", "-"), value) for name, value in headers.items())


class NotHttpError(UndecodableError):
    """Bytes that do not begin an HTTP request: another protocol, or noise."""

    reason = "not_http"


class HeadersTooLargeError(PermanentError):
    """A request whose headers are together larger than is read here."""

    reason = "headers_too_large"

    code = grpc.StatusCode.RESOURCE_EXHAUSTED
    http_status = 431
    headers = ()


class CutOffError(asyncio.CancelledError):
    """gRPC has ended a request before its body was there, and does not say why.

    Either the message or the headers are larger than the limit, which gRPC then has answered
    RESOURCE_EXHAUSTED, or its sender has disconnected.
    """

    reason = "cut_off"


class ErrorStatus(NamedTuple):
    """A status: `details` is a serialized google.rpc.Status, empty when there is none."""

    code: grpc.StatusCode
    message: str
    details: bytes = b""
    own_http_status: int = 0
    """Where the code does not decide it."""
    headers: tuple[tuple[str, str], ...] = ()
    """Of the HTTP answer."""

    @property
    def trailers(self) -> tuple[tuple[str, bytes], ...]:
        """The trailing metadata that carries `details` over gRPC."""
        return (("grpc-status-details-bin", self.details),) if self.details else ()

    @property
    def http_status(self) -> int:
        """The status of the HTTP answer."""
        return self.own_http_status or _HTTP_STATUS.get(self.code, 500)

    @property
    def http_body(self) -> Message:
        """The google.rpc.Status that an HTTP answer carries."""
        status: Message = Status(code=self.code.value[0], message=self.message)
        if self.details:
            status.MergeFromString(self.details)
        return status


def status_of(error: Exception) -> ErrorStatus:
    """The status of a request that fails with `error`."""
    message = _shorten(str(error))
    match error:
        case _ if code := _final_code(error):
            own_http_status = 404 if isinstance(error, NotFoundError) else 0
            headers: tuple[tuple[str, str], ...] = ()
            if isinstance(error, UnauthenticatedError):
                headers = (("WWW-Authenticate", error.challenge),)
            return ErrorStatus(code, message, b"", own_http_status, headers)
        case RetryableError():
            delay = RetryInfo(retry_delay=_duration(error.delay_s))
            status = _with_details(grpc.StatusCode.UNAVAILABLE, message, delay)
            # Whole seconds is all that the header can say; 0 would make the sender retry at once.
            after_s = max(1, math.ceil(error.delay_s))
            return status._replace(headers=(("Retry-After", str(after_s)),))
        case InvalidQuestionError():
            return _bad_request(error.field, message)
        case UndecodableError():
            return _bad_request("body", message)
        case UnsupportedRequestError() | HeadersTooLargeError():
            return ErrorStatus(error.code, message, b"", error.http_status, error.headers)
        case _:
            message = "internal error; the processor's log has it"
            return ErrorStatus(grpc.StatusCode.INTERNAL, message)


def forget_frames(error: BaseException) -> None:
    """Drop where an error came from, and those that led to it, once its answer is known.

    A traceback holds the frames that it went through, and these the payload and often the error
    itself: a cycle, which keeps megabytes until the garbage collector counts enough objects.
    """
    chain: list[BaseException | None] = [error]
    while chain:
        each = chain.pop()
        if each is None:
            continue
        chain += (each.__cause__, each.__context__)
        each.__cause__ = each.__context__ = None
        each.__traceback__ = None


def _final_code(error: Exception) -> grpc.StatusCode | None:
    """The code of an error that it says all of; None for other errors."""
    if not isinstance(error, BackendRefusedError):
        return _FINAL.get(type(error))
    known = _CODES.get(error.code, grpc.StatusCode.UNKNOWN)
    return grpc.StatusCode.UNKNOWN if known is grpc.StatusCode.OK else known


def _bad_request(field: str, message: str) -> ErrorStatus:
    violation = BadRequest.FieldViolation(field=field, description=message)
    details = BadRequest(field_violations=[violation])
    return _with_details(grpc.StatusCode.INVALID_ARGUMENT, message, details)


def _with_details(code: grpc.StatusCode, message: str, detail: Message) -> ErrorStatus:
    status = Status(code=code.value[0], message=message)
    status.details.add().Pack(detail)
    return ErrorStatus(code, message, status.SerializeToString())


def _duration(seconds: float) -> Duration:
    duration = Duration()
    duration.FromNanoseconds(int(max(seconds, 0.0) * 1e9))
    return duration


def _shorten(message: str) -> str:
    """A message within bounds, and without unpaired surrogates, which no answer can carry."""
    encoded = message.encode("utf-8", "replace")
    if len(encoded) <= _MESSAGE_BYTES_MAX:
        return encoded.decode("utf-8")
    room = _MESSAGE_BYTES_MAX - len(_CUT.encode())
    return encoded[:room].decode("utf-8", "ignore") + _CUT
