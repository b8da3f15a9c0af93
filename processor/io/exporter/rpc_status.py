"""Reading a backend's gRPC status: its code, its message, and the RetryInfo in it."""

from __future__ import annotations

import re
from typing import Any, Final

import grpc
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]  # no py.typed
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # no py.typed

from processor.core.otlp.codes import Code
from processor.core.otlp.responses import one_line

_CUT_OFF: Final = re.compile(
    r"Stream removed \((Delayed close due to in-progress write \()?"
    r"(RST_STREAM|Failed parsing HTTP/2)"
)
"""How gRPC's own message begins when a stream or a connection broke. After the same first words it
also tells of answers beyond our limits, and those answers were there."""


def code_of(error: grpc.aio.AioRpcError) -> Code:
    """The status code."""
    return Code(error.code().value[0])


def message_of(error: grpc.aio.AioRpcError) -> str:
    """The status message, in one line."""
    return one_line(error.details() or error.code().name)


def is_cut_off(error: grpc.aio.AioRpcError) -> bool:
    """Whether this is no answer at all, but what gRPC makes of a connection or stream that broke.

    By what it broke with gRPC chooses a code for that, UNKNOWN and INTERNAL among them, which are
    final where a backend has said them. Only its own words tell the two apart.
    """
    return _CUT_OFF.match(error.details() or "") is not None


def retry_delay_s(error: grpc.aio.AioRpcError) -> float | None:
    """The delay in the status' google.rpc.RetryInfo; None when it has none, or rubbish."""
    trailers: Any = error.trailing_metadata() or ()
    for key, value in trailers:
        if key == "grpc-status-details-bin":
            return _delay_in(value)
    return None


def _delay_in(value: bytes) -> float | None:
    info = RetryInfo()
    try:
        for detail in Status.FromString(value).details:
            if detail.Unpack(info):
                return float(info.retry_delay.seconds + info.retry_delay.nanos / 1e9)
    except DecodeError:
        return None
    return None
