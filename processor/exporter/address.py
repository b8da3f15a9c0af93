"""The address of a backend: whether it is reached in plaintext or over TLS."""

from __future__ import annotations

import ipaddress
from typing import NamedTuple
from urllib.parse import urlsplit

from processor.errors import ConfigError, Problem

_SETTING = "exporters.otlp.endpoint"
_FIX = "write host:port, http://host:port for plaintext, or https://host:port for TLS"
_DEFAULT_PORT = 4317


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


def parse_address(text: str) -> Address:
    """Read an address. Without a scheme: plaintext on loopback, TLS elsewhere.

    Raises ConfigError.
    """
    has_scheme = "://" in text
    try:
        parts = urlsplit(text if has_scheme else f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _refusal(text, str(error)) from error
    if not host:
        raise _refusal(text, "has no host")
    if parts.scheme not in {"", "http", "https"}:
        raise _refusal(text, f"has the unknown scheme {parts.scheme}")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise _refusal(text, "has a path, which OTLP over gRPC does not know")
    if parts.username is not None:
        raise _refusal("the address", "has a user name or password, which belong into headers")
    is_tls = parts.scheme == "https" if has_scheme else not is_loopback(host)
    return Address(host, port or _DEFAULT_PORT, is_tls, has_scheme)


def is_loopback(host: str) -> bool:
    """Whether a host name or IP address can only mean this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _refusal(text: str, what: str) -> ConfigError:
    return ConfigError([Problem(_SETTING, f"{text} {what}", _FIX)])
