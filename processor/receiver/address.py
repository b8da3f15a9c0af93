"""Where to listen: reading the address, and making sure that nobody else listens there."""

from __future__ import annotations

import errno
import socket
from typing import NamedTuple
from urllib.parse import urlsplit

from processor.errors import ConfigError, Problem

_SETTING = "receivers.otlp.protocols.grpc.endpoint"
_OTHER_PROGRAM = "stop the other program, or choose another port here and in the senders' exporters"


class Address(NamedTuple):
    """A host (name or IP address, without brackets) and a port; port 0 means any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_address(text: str) -> Address:
    """Read ``host:port``; an empty host means every interface. Raises ConfigError."""
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
        is_plain = not (parts.path or parts.query or parts.fragment or parts.username)
    except ValueError:
        port = None
    if port is None or not is_plain:
        problem = Problem(_SETTING, f"{text!r} is not an address", "write host:port")
        raise ConfigError([problem])
    return Address(host or "::", port)


def check_free(address: Address) -> None:
    """Raise ConfigError when one of the addresses behind a name is in use or not allowed.

    gRPC is content with any one of them: with ``localhost`` taken on IPv4 it would listen on IPv6
    alone, and senders would reach the other program.
    """
    if address.port == 0:
        return
    try:
        found = socket.getaddrinfo(*address, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise refusal(address, error.strerror or str(error), "use an address of this host") from (
            error
        )
    for family, kind, protocol, _, place in found:
        try:
            with socket.socket(family, kind, protocol) as probe:
                # A connection that lingers after a restart is no reason to refuse.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(place)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise refusal(address, "the port is in use", _OTHER_PROGRAM) from error
            if error.errno == errno.EACCES:
                fix = "choose a port above 1023"
                raise refusal(address, "permission was denied", fix) from error


def refusal(address: Address, why: str, fix: str) -> ConfigError:
    """The error of an address that cannot be listened on."""
    return ConfigError([Problem(_SETTING, f"cannot listen on {address}: {why}", fix)])
