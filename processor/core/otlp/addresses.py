"""Addresses as users write them: of backends, of listeners; and which are on this machine.

Source: OTLP exporter specification, "Endpoint URLs".
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from processor.core.errors import ConfigError, Problem
from processor.core.model import Signal
from processor.core.otlp.paths import PATHS

_LISTEN_SETTING: Final = "receivers.otlp.protocols.grpc.endpoint"
_GRPC_SETTING: Final = "exporters.otlp.endpoint"
_GRPC_FIX: Final = "write host:port, http://host:port for plaintext, or https://host:port for TLS"
_GRPC_PORT: Final = 4317
_HTTP_SECTION: Final = "exporters.otlphttp"
_HTTP_FIX: Final = "write http://host:4318, or https://host for TLS"
_HTTP_PORT: Final = 4318
_EVERY_INTERFACE: Final = frozenset({"::", "0.0.0.0"})  # noqa: S104 - compared with, not bound to


class ListenAddress(NamedTuple):
    """A host (name or IP address, without brackets) and a port; port 0 means any free one."""

    host: str
    port: int
    setting: str = _LISTEN_SETTING
    """Where it was set, for messages."""

    @property
    def own_host(self) -> str:
        """The host by which it is reached from this machine: loopback for every interface."""
        return "127.0.0.1" if self.host in _EVERY_INTERFACE else self.host

    def __str__(self) -> str:
        return host_and_port(self.host, self.port)


class BackendAddress(NamedTuple):
    """Where a backend listens."""

    host: str
    port: int
    is_tls: bool
    has_scheme: bool
    """False when TLS or plaintext was our choice rather than the user's."""

    @property
    def target(self) -> str:
        """The address in gRPC's spelling."""
        return f"dns:///{self}"

    def __str__(self) -> str:
        return host_and_port(self.host, self.port)


class HttpAddress(NamedTuple):
    """Where a backend takes requests over HTTP."""

    address: BackendAddress
    path: str
    """Path and query; never shown, since some backends put a key there."""

    @property
    def origin(self) -> str:
        """The address with its scheme."""
        return f"{'https' if self.address.is_tls else 'http'}://{self.address}"

    @property
    def url(self) -> str:
        """All of it."""
        return self.origin + self.path


def host_and_port(host: str, port: int) -> str:
    """``host:port``, with the brackets that an IPv6 address needs."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def parse_listen(text: str, setting: str = _LISTEN_SETTING) -> ListenAddress:
    """Read ``host:port`` to listen on; an empty host means every interface. Raises ConfigError."""
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
        is_plain = not (parts.path or parts.query or parts.fragment or parts.username)
    except ValueError:
        port = None
    if port is None or not is_plain:
        fix = "write host:port, with a port from 0 to 65535"
        raise ConfigError([Problem(setting, f"{text!r} is not an address", fix)])
    return ListenAddress(host or "::", port, setting)


def parse_backend(text: str, *, insecure: bool | None = None) -> BackendAddress:
    """Read an address of OTLP/gRPC.

    Without a scheme `insecure` decides, and where that is None too: plaintext on loopback, TLS
    elsewhere. Raises ConfigError.
    """
    parts, address = _parse(text, _GRPC_SETTING, _GRPC_FIX, insecure=insecure)
    if parts.path.strip("/") or parts.query:
        fix = "for OTLP over HTTP give exporters.otlphttp.endpoint, or --forward-to, a URL"
        what = f"{text} has a path, which OTLP over gRPC does not know"
        raise ConfigError([Problem(_GRPC_SETTING, what, f"{_GRPC_FIX}; {fix}")])
    return address._replace(port=address.port or _GRPC_PORT)


def parse_url(text: str, setting: str, *, insecure: bool | None = None) -> HttpAddress:
    """Read an address of OTLP/HTTP; `setting` is where a user has written it.

    Without a scheme `insecure` decides, and where that is None too the rule of `parse_backend`.
    Without a port it is the scheme's own, or 4318 where there is no scheme. Raises ConfigError.
    """
    parts, address = _parse(text, setting, _HTTP_FIX, insecure=insecure)
    default = (443 if address.is_tls else 80) if address.has_scheme else _HTTP_PORT
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return HttpAddress(address._replace(port=address.port or default), path)


def read_endpoints(
    base: str, own: Mapping[Signal, str], *, insecure: bool | None = None
) -> dict[Signal, HttpAddress]:
    """The URL of each signal that has one.

    To the `base` endpoint ``/v1/traces`` and its kind are added; where it ends in one of these
    already, that one is taken off first. A signal's `own` endpoint is used as it is. Empty texts
    count as absent; `insecure` is as in `parse_url`. Raises ConfigError.
    """
    found: dict[Signal, HttpAddress] = {}
    if base:
        setting = f"{_HTTP_SECTION}.endpoint"
        root = parse_url(base, setting, insecure=insecure)
        if "?" in root.path:
            what = "the base endpoint has a query, but paths are added to it"
            fix = "give each signal its own endpoint, such as traces_endpoint"
            raise ConfigError([Problem(setting, what, fix)])
        path = _without_signal(root.path.rstrip("/"))
        found = {signal: root._replace(path=path + below) for signal, below in PATHS.items()}
    for signal, text in own.items():
        if text:
            address = parse_url(text, f"{_HTTP_SECTION}.{signal}_endpoint", insecure=insecure)
            found[signal] = address._replace(path=address.path or "/")
    return found


def is_loopback(host: str) -> bool:
    """Whether a host name or IP address can only mean this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback


def is_local_peer(peer: str) -> bool:
    """Whether a gRPC peer (``ipv4:127.0.0.1:5000``, ``ipv6:%5B::1%5D:5000``) is on this machine.

    That is, whether it came over the loopback interface or a Unix socket. What a proxy on this
    machine passes on looks local as well.
    """
    kind, _, address = unquote(peer).partition(":")
    if kind in {"unix", "unix-abstract"}:
        return True
    return kind in {"ipv4", "ipv6"} and is_loopback(address.rpartition(":")[0].strip("[]"))


def _parse(
    text: str, setting: str, fix: str, *, insecure: bool | None
) -> tuple[SplitResult, BackendAddress]:
    """The parts of an address that both protocols have; port 0 where none is written."""

    def refusal(what: str) -> ConfigError:
        return ConfigError([Problem(setting, what, fix)])

    has_scheme = "://" in text
    try:
        parts = urlsplit(text if has_scheme else f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise refusal(f"{text} {error}") from error
    if parts.username is not None:
        raise refusal("the address has a user name or password, which belong into headers")
    if not host:
        raise refusal(f"{text} has no host")
    if parts.scheme not in {"", "http", "https"}:
        raise refusal(f"{text} has the unknown scheme {parts.scheme}")
    if parts.fragment:
        raise refusal(f"{text} has a fragment, which is never sent")
    if has_scheme:
        is_tls = parts.scheme == "https"
    else:
        is_tls = not (is_loopback(host) if insecure is None else insecure)
    return parts, BackendAddress(host, port or 0, is_tls, has_scheme)


def _without_signal(path: str) -> str:
    for below in PATHS.values():
        if path.endswith(below):
            return path.removesuffix(below)
    return path
