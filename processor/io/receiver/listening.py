"""Opening ports to listen on, and making sure that no other program has them."""

from __future__ import annotations

import errno
import socket
from typing import Any, Final

from processor.core.errors import ConfigError, Problem
from processor.core.otlp.addresses import ListenAddress

_OTHER_PROGRAM = "stop the other program, or choose another port here and for those who connect"
_OWN_ADDRESS: Final = "use an address of this host"


def check_free(address: ListenAddress) -> None:
    """Raise ConfigError when one of the addresses behind a name is in use or not allowed.

    gRPC is content with any one of them: with ``localhost`` taken on IPv4 it would listen on IPv6
    alone, and senders would reach the other program.
    """
    if address.port == 0:
        return
    for family, sockaddr in _sockaddrs(address):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                # A connection that lingers after a restart is no reason to refuse.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(sockaddr)
        except OSError as error:
            _refuse_taken(address, error)


def listen(address: ListenAddress) -> list[socket.socket]:
    """Sockets that listen on every address behind a name, all on one port. Raises ConfigError."""
    sockaddrs: list[tuple[int, Any]]
    if address.host == "::" and socket.has_dualstack_ipv6():
        sockaddrs = [(socket.AF_INET6, ("::", address.port))]
    elif address.host == "::":
        sockaddrs = [(socket.AF_INET, ("0.0.0.0", address.port))]  # noqa: S104 - what "::" asks for
    else:
        sockaddrs = _sockaddrs(address)
    opened: list[socket.socket] = []
    failure = OSError("the name has no address")
    try:
        for family, (host, port, *more) in sockaddrs:
            is_dual = family == socket.AF_INET6 and host == "::"
            same_port = opened[0].getsockname()[1] if opened else port
            try:
                opened.append(
                    socket.create_server(
                        (host, same_port, *more), family=family, dualstack_ipv6=is_dual
                    )
                )
            except OSError as error:
                _refuse_taken(address, error)
                failure = error  # such as a name that also has an address of IPv6, without IPv6
    except ConfigError:
        for each in opened:
            each.close()
        raise
    if not opened:
        raise refusal(address, failure.strerror or str(failure), _OWN_ADDRESS) from failure
    return opened


def refusal(address: ListenAddress, why: str, fix: str) -> ConfigError:
    """The error of an address that cannot be listened on."""
    return ConfigError([Problem(address.setting, f"cannot listen on {address}: {why}", fix)])


def _sockaddrs(address: ListenAddress) -> list[tuple[int, Any]]:
    """The addresses behind a host, with their families. Raises ConfigError."""
    try:
        found = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError as error:
        raise refusal(address, error.strerror or str(error), _OWN_ADDRESS) from error
    return list(dict.fromkeys((family, sockaddr) for family, _, _, _, sockaddr in found))


def _refuse_taken(address: ListenAddress, error: OSError) -> None:
    """Raise ConfigError when an address is in use or not allowed."""
    if error.errno == errno.EADDRINUSE:
        raise refusal(address, "the port is in use", _OTHER_PROGRAM) from error
    if error.errno == errno.EACCES:
        raise refusal(address, "permission was denied", "choose a port above 1023") from error
