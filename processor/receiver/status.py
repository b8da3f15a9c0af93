"""The one place where errors become gRPC answers.

| error                  | gRPC code          | the sender                                        |
|------------------------|--------------------|---------------------------------------------------|
| UndecodableError       | INVALID_ARGUMENT   | must not retry; BadRequest names the place        |
| TooLargeError          | RESOURCE_EXHAUSTED | must not retry, which is what no RetryInfo means  |
| BackendRefusedError    | the backend's own  | does what the backend's code says                 |
| RetryableError         | UNAVAILABLE        | retries after the delay in RetryInfo              |
| any other              | INTERNAL           | must not retry: a bug meets the same payload again |

RESOURCE_EXHAUSTED without RetryInfo is permanent for an OTLP client, so overload is never told
that way. Source: OTLP specification, "OTLP/gRPC Response".
"""

from __future__ import annotations

from typing import NamedTuple

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import (  # type: ignore[import-untyped]  # has no py.typed
    BadRequest,
    RetryInfo,
)
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # has no py.typed

from processor.errors import (
    BackendRefusedError,
    PermanentError,
    RetryableError,
    TooLargeError,
    UndecodableError,
)

_MESSAGE_LIMIT_CHARS = 1024
_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}


class InvalidQuestionError(PermanentError):
    """A question to the cost service that names something unknown; `field` says where."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


class Answer(NamedTuple):
    """A gRPC status: `details` is a serialized google.rpc.Status, empty when there is none."""

    code: grpc.StatusCode
    message: str
    details: bytes = b""

    @property
    def trailers(self) -> tuple[tuple[str, bytes], ...]:
        """The trailing metadata that carries `details`."""
        return (("grpc-status-details-bin", self.details),) if self.details else ()


def answer_to(error: Exception) -> Answer:
    """What the caller is told when its request fails with `error`."""
    message = _shorten(str(error))
    match error:
        case RetryableError():
            delay = RetryInfo(retry_delay=_duration(error.delay_s))
            return _with_details(grpc.StatusCode.UNAVAILABLE, message, delay)
        case InvalidQuestionError():
            return _bad_request(error.field, message)
        case UndecodableError():
            return _bad_request("body", message)
        case TooLargeError():
            return Answer(grpc.StatusCode.RESOURCE_EXHAUSTED, message)
        case BackendRefusedError():
            return Answer(_refusal_code(error.code), message)
        case _:
            return Answer(grpc.StatusCode.INTERNAL, "internal error; the processor's log has it")


def _refusal_code(code: int) -> grpc.StatusCode:
    known = _CODES.get(code, grpc.StatusCode.UNKNOWN)
    return grpc.StatusCode.UNKNOWN if known is grpc.StatusCode.OK else known


def _bad_request(field: str, message: str) -> Answer:
    violation = BadRequest.FieldViolation(field=field, description=message)
    details = BadRequest(field_violations=[violation])
    return _with_details(grpc.StatusCode.INVALID_ARGUMENT, message, details)


def _with_details(code: grpc.StatusCode, message: str, detail: Message) -> Answer:
    status = Status(code=code.value[0], message=message)
    status.details.add().Pack(detail)
    return Answer(code, message, status.SerializeToString())


def _duration(seconds: float) -> Duration:
    duration = Duration()
    duration.FromNanoseconds(int(max(seconds, 0.0) * 1e9))
    return duration


def _shorten(message: str) -> str:
    if len(message) <= _MESSAGE_LIMIT_CHARS:
        return message
    return message[: _MESSAGE_LIMIT_CHARS - 1] + "…"
