"""What to try when a connection fails in a way that smells of the wrong protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from processor.core.otlp.addresses import BackendAddress

_SIGNS_OF_TLS: Final[Sequence[str]] = ("handshake", "ssl", "tls", "certificate")
_SIGNS_OF_A_TLS_SERVER: Final[Sequence[str]] = (
    "socket closed",
    "connection reset",
    "settings frame",
    "http/1",
)
_SIGN_OF_AN_HTTP_SERVER: Final = "http1.x server"
_HTTP_PORT: Final = 4318


def hint(address: BackendAddress, message: str) -> str:
    """What to try after a failure of OTLP/gRPC that says `message`; ``""`` where nothing helps."""
    text = message.lower()
    if address.is_tls and any(word in text for word in _SIGNS_OF_TLS):
        return _tls_hint(address)
    if address.port == _HTTP_PORT and not address.is_tls:
        return f"{_HTTP_PORT} is the port of OTLP over HTTP: write http://{address}/v1/traces"
    if not address.is_tls and _SIGN_OF_AN_HTTP_SERVER in text:
        return (
            f"the backend speaks HTTP/1 there; write http://{address}/v1/traces if it takes OTLP "
            f"over HTTP, or https://{address} if it expects TLS"
        )
    if not address.is_tls and any(word in text for word in _SIGNS_OF_A_TLS_SERVER):
        return f"the backend is spoken to in plaintext; write https://{address} if it expects TLS"
    return ""


def http_hint(address: BackendAddress, *, is_tls_trouble: bool, is_nonsense: bool) -> str:
    """The same for OTLP/HTTP: TLS failed, or what came back was no HTTP."""
    if is_tls_trouble:
        return _tls_hint(address)
    if is_nonsense:
        return (
            "the backend does not answer in HTTP; if this is its port for OTLP over gRPC, write "
            "the address as exporters.otlp.endpoint"
        )
    return ""


def _tls_hint(address: BackendAddress) -> str:
    chosen = "" if address.has_scheme else ", which is the default for other machines"
    return (
        f"the backend is spoken to over TLS{chosen}; write http://{address} if it expects "
        "plaintext, or give the authority that signed its certificate as tls.ca_file"
    )
