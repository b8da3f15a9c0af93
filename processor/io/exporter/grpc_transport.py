"""Sending over OTLP/gRPC: the connection, payloads to the method of their signal, statuses."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Collection, Mapping
from typing import Any, Final

import grpc
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]  # no py.typed
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # no py.typed

from processor.core.errors import BackendUnavailableError
from processor.core.model import Metadata, Receipt, Signal
from processor.core.otlp.addresses import BackendAddress, is_loopback
from processor.core.otlp.codes import (
    RETRYABLE,
    Code,
    code_of_http,
    is_retryable,
    is_retryable_http,
)
from processor.core.otlp.responses import one_line, read_response
from processor.core.otlp.signals import SIGNALS
from processor.io.exporter.client_tls import ClientTls
from processor.io.exporter.connection import Renewed
from processor.io.exporter.transport import (
    AttemptError,
    GrpcCompression,
    GrpcHeaders,
    grpc_hint,
    read_headers,
    user_agent,
    with_metadata,
)

_RESPONSE_LIMIT_BYTES: Final = 4 * 1024 * 1024
_TRAILERS_LIMIT_BYTES: Final = 64 * 1024
_COMPRESSIONS: Final[dict[GrpcCompression, grpc.Compression]] = {
    "none": grpc.Compression.NoCompression,
    "gzip": grpc.Compression.Gzip,
}
_SERVICE_CONFIG: Final = json.dumps({"loadBalancingConfig": [{"round_robin": {}}]})
_OPTIONS: Final[tuple[tuple[str, Any], ...]] = (
    # The sizes of requests are checked here, with a better message.
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", _RESPONSE_LIMIT_BYTES),
    # A long message makes long trailers. Beyond a limit, which by default begins at 8 KiB, gRPC
    # puts RESOURCE_EXHAUSTED, which is final, in place of what the backend has answered.
    ("grpc.max_metadata_size", _TRAILERS_LIMIT_BYTES),
    ("grpc.absolute_max_metadata_size", _TRAILERS_LIMIT_BYTES),
    # A backend that comes back is found within seconds, one that stays away gets few attempts.
    ("grpc.initial_reconnect_backoff_ms", 500),
    ("grpc.min_reconnect_backoff_ms", 2_000),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    ("grpc.use_local_subchannel_pool", 1),
    # Notices a backend that vanished while requests wait for it; no pings while idle, as servers
    # disconnect clients that ping without need.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # Requests are distributed over all addresses behind a name. A name is looked up again when a
    # connection breaks, but by default not within half a minute of the last time: a backend that
    # moves twice would stay lost for so long.
    ("grpc.dns_min_time_between_resolutions_ms", 1_000),
    ("grpc.service_config", _SERVICE_CONFIG),
    ("grpc.service_config_disable_resolution", 1),
)


def open_channel(
    address: BackendAddress,
    compression: GrpcCompression,
    tls: ClientTls,
    user_agent: str,
    server_name: str = "",
) -> grpc.aio.Channel:
    """A channel that connects on first use, and again whenever it has to."""
    options = (*_OPTIONS, ("grpc.primary_user_agent", user_agent))
    if server_name:
        options = (*options, ("grpc.ssl_target_name_override", server_name))
    if is_loopback(address.host):
        # A proxy for connections to other machines is not used for this machine.
        options = (*options, ("grpc.enable_http_proxy", 0))
    if not address.is_tls:
        return grpc.aio.insecure_channel(address.target, options, _COMPRESSIONS[compression])
    credentials = grpc.ssl_channel_credentials(tls.ca, tls.key, tls.certificate)
    return grpc.aio.secure_channel(address.target, credentials, options, _COMPRESSIONS[compression])


class GrpcTransport:
    """A connection to an OTLP/gRPC backend, as a `Transport`."""

    def __init__(
        self,
        address: BackendAddress,
        *,
        headers: Mapping[str, str] | None = None,
        compression: GrpcCompression = "none",
        tls: ClientTls | None = None,
        server_name: str = "",
        token: str = "",
        max_connection_age_s: float = math.inf,
        retryable_codes: Collection[int] = RETRYABLE,
    ) -> None:
        """Raises ConfigError for bad headers. Of `retryable_codes` `is_retryable` tells.

        `server_name` is what the backend's certificate is for, where that is not the host; `token`
        is the value of the header ``authorization``. After `max_connection_age_s` the next request
        takes a new connection, for which names are looked up anew.
        """
        self.name = str(address)
        self._address = address
        self._headers = read_headers(headers or {})
        self._user_agent = user_agent(headers or {})
        self._compression: GrpcCompression = compression
        self.tls = tls or ClientTls()
        self._server_name = server_name
        self.token = token
        self._retryable_codes = frozenset(retryable_codes)
        self._channels = Renewed(
            self._open,
            lambda channel: channel.close(None),
            made_from=lambda: self.tls,
            max_age_s=max_connection_age_s,
        )

    async def start(self) -> None:
        """Prepare the connection; it is made with the first payload."""
        self._channels.open()

    def _open(self, tls: ClientTls) -> grpc.aio.Channel:
        return open_channel(
            self._address, self._compression, tls, self._user_agent, self._server_name
        )

    @property
    def is_tls(self) -> bool:
        """Whether it is spoken to over TLS."""
        return self._address.is_tls

    def takes(self, signal: Signal) -> bool:
        """Every signal has a method; whether the backend has it too, its answer shows."""
        return signal in SIGNALS

    async def close(self) -> None:
        """Close the connection; calls that are still under way end as unavailable."""
        await self._channels.close()

    async def attempt(
        self, signal: Signal, payload: bytes, timeout_s: float, metadata: Metadata = ()
    ) -> Receipt | None:
        """Send once; see `Transport`."""
        token = (("authorization", self.token),) if self.token else ()
        headers = with_metadata((*self._headers, *token), metadata)
        with self._channels.use() as channel:
            if channel is None:
                message = f"{self.name}: not connected, the processor is stopping"
                raise BackendUnavailableError(message)
            return await self._call(channel, signal, payload, timeout_s, headers)

    async def _call(
        self,
        channel: grpc.aio.Channel,
        signal: Signal,
        payload: bytes,
        timeout_s: float,
        headers: GrpcHeaders,
    ) -> Receipt | None:
        method = channel.unary_unary(
            SIGNALS[signal].method, request_serializer=None, response_deserializer=None
        )
        try:
            response = await method(payload, timeout=timeout_s, metadata=headers)
        except grpc.aio.AioRpcError as error:
            raise self._failure(error) from error
        except asyncio.CancelledError:
            if not self._was_closed():
                raise
            # Closing the channel has cancelled the call; this task was not cancelled.
            message = f"{self.name}: the connection was closed, the processor is stopping"
            raise BackendUnavailableError(message) from None
        return read_response(signal, response)

    def _was_closed(self) -> bool:
        task = asyncio.current_task()
        return not self._channels.is_open and not (task is not None and task.cancelling())

    def _failure(self, error: grpc.aio.AioRpcError) -> AttemptError:
        status = http_status_of(error)
        if status is not None:
            return AttemptError(
                f"HTTP {status}",
                f"HTTP {status} without a gRPC status, as from a proxy",
                code_of_http(status),
                is_retryable=is_retryable_http(status, is_otlp=False),
                may_be_absent=code_of_http(status) == Code.UNIMPLEMENTED,
            )
        code, message, asked_s = code_of(error), message_of(error), retry_delay_s(error)
        return AttemptError(
            error.code().name,
            message,
            code,
            is_retryable=is_retryable(code, asked_s, self._retryable_codes) or is_cut_off(error),
            asked_s=asked_s,
            hint=grpc_hint(self._address, message),
        )


_CUT_OFF: Final = re.compile(
    r"No status received"
    r"|Stream removed \((Delayed close due to in-progress write \()?"
    r"(RST_STREAM|Failed parsing HTTP/2|Data frame with END_STREAM flag received)"
)
"""How gRPC's own message begins when a stream or a connection broke, or ended without a gRPC
status, as a proxy's page does. With the same first words it also reports answers beyond our limits,
which the backend did send."""
_HTTP_STATUS: Final = re.compile(r"Received http2 header with status: ([0-9]{3})")
"""gRPC's own message for an answer that has an HTTP status other than 200, and no gRPC status."""


def code_of(error: grpc.aio.AioRpcError) -> Code:
    """The status code."""
    return Code(error.code().value[0])


def message_of(error: grpc.aio.AioRpcError) -> str:
    """The status message, in one line."""
    return one_line(error.details() or error.code().name)


def http_status_of(error: grpc.aio.AioRpcError) -> int | None:
    """The HTTP status of an answer without a gRPC status; None for one that has it.

    gRPC gives it a code of its own choice: UNIMPLEMENTED for 404, INTERNAL for 400.
    """
    found = _HTTP_STATUS.fullmatch(error.details() or "")
    return int(found[1]) if found else None


def is_cut_off(error: grpc.aio.AioRpcError) -> bool:
    """Whether this is no answer at all, but gRPC's status for a connection or stream that broke.

    gRPC chooses its code by how it broke, UNKNOWN and INTERNAL among them, which are
    final where a backend has sent them. Only gRPC's own words distinguish the two.
    """
    return _CUT_OFF.match(error.details() or "") is not None


def retry_delay_s(error: grpc.aio.AioRpcError) -> float | None:
    """The delay in the status' google.rpc.RetryInfo; None when it has none, or an invalid one."""
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
