"""gRPC's status codes, by which every answer is judged, and which answers may be retried.

Sources: gRPC, "Status codes and their use in gRPC"; OTLP specification, "OTLP/gRPC Response" and
"OTLP/HTTP Response".
"""

from __future__ import annotations

from collections.abc import Collection
from enum import IntEnum
from typing import Final


class Code(IntEnum):
    """How a request ended, by its number on the wire."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16

    @classmethod
    def _missing_(cls, _value: object) -> Code:
        """A number that is not known says nothing."""
        return cls.UNKNOWN


RETRYABLE: Final = frozenset(
    {
        Code.CANCELLED,
        Code.DEADLINE_EXCEEDED,
        Code.ABORTED,
        Code.OUT_OF_RANGE,
        Code.UNAVAILABLE,
        Code.DATA_LOSS,
    }
)
RETRYABLE_HTTP: Final = frozenset({429, 502, 503, 504})
FINAL_HTTP: Final = frozenset({413})
"""Statuses that mean the same whoever gives them: what is too large for a proxy never arrives."""
_CODE_OF_HTTP: Final = {
    400: Code.INVALID_ARGUMENT,
    401: Code.UNAUTHENTICATED,
    403: Code.PERMISSION_DENIED,
    404: Code.UNIMPLEMENTED,
    405: Code.UNIMPLEMENTED,
    413: Code.RESOURCE_EXHAUSTED,  # permanent, where it comes without a delay
    429: Code.UNAVAILABLE,
    501: Code.UNIMPLEMENTED,
    502: Code.UNAVAILABLE,
    503: Code.UNAVAILABLE,
    504: Code.UNAVAILABLE,
}


def is_retryable(code: int, asked_s: float | None, retryable: Collection[int] = RETRYABLE) -> bool:
    """Whether a gRPC status may be tried again; `asked_s` is its RetryInfo, None without one."""
    return code in retryable or (code == Code.RESOURCE_EXHAUSTED and asked_s is not None)


def is_retryable_http(
    status: int,
    *,
    is_otlp: bool,
    retryable: Collection[int] = RETRYABLE_HTTP,
    final: Collection[int] = FINAL_HTTP,
) -> bool:
    """Whether a request that got an HTTP status may be sent again.

    `is_otlp`: the answer has the form that OTLP demands, so the backend has given it. Any other may
    come from a proxy in between, and is no word on the payload, unless its status is in `final`.
    """
    if status in retryable or status in final:
        return status in retryable
    return not is_otlp


def code_of_http(status: int) -> Code:
    """The gRPC code that says most nearly the same as an HTTP status.

    It is a retryable one only where the status is one for everybody.
    """
    return _CODE_OF_HTTP.get(status, Code.UNKNOWN)
