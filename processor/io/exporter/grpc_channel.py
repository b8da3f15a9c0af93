"""The connection to an OTLP/gRPC backend: credentials, limits, reconnecting."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

import grpc

from processor.core.otlp.addresses import BackendAddress, is_loopback
from processor.io.exporter.transport import Compression

_RESPONSE_LIMIT_BYTES: Final = 4 * 1024 * 1024
_TRAILERS_LIMIT_BYTES: Final = 64 * 1024
_COMPRESSIONS: Final[dict[Compression, grpc.Compression]] = {
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
    # A backend that comes back is found within seconds, one that stays away is not hammered.
    ("grpc.initial_reconnect_backoff_ms", 500),
    ("grpc.min_reconnect_backoff_ms", 2_000),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    ("grpc.use_local_subchannel_pool", 1),
    # Notices a backend that vanished while requests wait for it; silent while idle, as servers
    # send away clients that ping them without need.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # All addresses behind a name get their share.
    ("grpc.service_config", _SERVICE_CONFIG),
    ("grpc.service_config_disable_resolution", 1),
)


@dataclass(frozen=True)
class ClientTls:
    """What to trust and what to show; each the content of a PEM file."""

    ca: bytes | None = None
    """The authority that signed the backend's certificate; None: those gRPC ships with."""
    certificate: bytes | None = None
    key: bytes | None = field(default=None, repr=False)


def open_channel(
    address: BackendAddress, compression: Compression, tls: ClientTls, user_agent: str
) -> grpc.aio.Channel:
    """A channel that connects on first use, and again whenever it has to."""
    options = (*_OPTIONS, ("grpc.primary_user_agent", user_agent))
    if is_loopback(address.host):
        # A proxy for the way out of the house has no business on the way to the next room.
        options = (*options, ("grpc.enable_http_proxy", 0))
    if not address.is_tls:
        return grpc.aio.insecure_channel(address.target, options, _COMPRESSIONS[compression])
    credentials = grpc.ssl_channel_credentials(tls.ca, tls.key, tls.certificate)
    return grpc.aio.secure_channel(address.target, credentials, options, _COMPRESSIONS[compression])
