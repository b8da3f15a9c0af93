"""The address of a backend: whether it is reached in plaintext or over TLS, and where it is."""

from __future__ import annotations

import ipaddress
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from processor.core.errors import ConfigError, Problem

_GRPC_SETTING = "exporters.otlp.endpoint"
_GRPC_FIX = "write host:port, http://host:port for plaintext, or https://host:port for TLS"
_GRPC_PORT = 4317
_HTTP_FIX = "write http://host:4318, or https://host for TLS"
_HTTP_PORT = 4318


class Address(NamedTuple):
    """Where a backend listens."""

    host: str
    port: int
    is_tls: bool
    has_scheme: bool
    """False when TLS or plaintext was our choice rather than the user's."""

    @property
    def target(self) -> str:
        """The address in gRPC's spelling."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"dns:///{host}:{self.port}"

    def __str__(self) -> str:
        return self.target.removeprefix("dns:///")


class HttpAddress(NamedTuple):
    """Where a backend takes requests over HTTP."""

    address: Address
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


def parse_address(text: str) -> Address:
    """Read an address of OTLP/gRPC. Without a scheme: plaintext on loopback, TLS elsewhere.

    Raises ConfigError.
    """
    parts, address = _parse(text, _GRPC_SETTING, _GRPC_FIX)
    if parts.path.strip("/") or parts.query:
        fix = "for OTLP over HTTP give exporters.otlphttp.endpoint, or --forward-to, a URL"
        what = f"{text} has a path, which OTLP over gRPC does not know"
        raise ConfigError([Problem(_GRPC_SETTING, what, f"{_GRPC_FIX}; {fix}")])
    return address._replace(port=address.port or _GRPC_PORT)


def parse_url(text: str, setting: str, *, insecure: bool | None = None) -> HttpAddress:
    """Read an address of OTLP/HTTP; `setting` is where a user has written it.

    Without a scheme `insecure` decides, and where that is None too the rule of `parse_address`.
    Without a port it is the scheme's own, or 4318 where there is no scheme. Raises ConfigError.
    """
    parts, address = _parse(text, setting, _HTTP_FIX)
    if not address.has_scheme and insecure is not None:
        address = address._replace(is_tls=not insecure)
    default = (443 if address.is_tls else 80) if address.has_scheme else _HTTP_PORT
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return HttpAddress(address._replace(port=address.port or default), path)


def is_loopback(host: str) -> bool:
    """Whether a host name or IP address can only mean this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _parse(text: str, setting: str, fix: str) -> tuple[SplitResult, Address]:
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
    is_tls = parts.scheme == "https" if has_scheme else not is_loopback(host)
    return parts, Address(host, port or 0, is_tls, has_scheme)
