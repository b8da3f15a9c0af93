"""What is said of settings that show strangers more than their operator may think."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final
from urllib.parse import urlsplit

from processor.config.receivers import GrpcReceiver, HttpReceiver, Protocols
from processor.core.otlp.addresses import is_loopback

_SECTION: Final = "receivers.otlp.protocols"


def exposure_warnings(protocols: Protocols, forwarded: Collection[str]) -> Iterator[str]:
    """A sentence for each listener that strangers could use, or listen in on.

    `forwarded` are the senders' headers that backends are told.
    """
    if "authorization" in forwarded and any(
        each.auth.bearer_tokens for _, each in _both(protocols)
    ):
        yield (
            "forward_headers: authorization passes our own bearer tokens on to the backend; "
            "leave it out, unless the backend asks for the very same tokens"
        )
    for name, each in _both(protocols):
        if not each.endpoint or _is_loopback(each.endpoint):
            continue
        where = f"{_SECTION}.{name}"
        has_tls = bool(each.tls.cert_file)
        if each.auth.bearer_tokens and not has_tls:
            yield (
                f"{where}: bearer tokens travel unencrypted to {each.endpoint}; set tls.cert_file "
                "and tls.key_file, unless something in front of it encrypts"
            )
        elif not each.auth.bearer_tokens and not each.tls.client_ca_file:
            yield (
                f"{where}: whoever reaches {each.endpoint} may send; set auth.bearer_tokens or "
                "tls.client_ca_file, or listen on 127.0.0.1"
            )


def _both(protocols: Protocols) -> Iterator[tuple[str, GrpcReceiver | HttpReceiver]]:
    yield "grpc", protocols.grpc
    yield "http", protocols.http


def _is_loopback(endpoint: str) -> bool:
    """Whether an address is one of this machine alone; one that cannot be read is refused later."""
    try:
        return is_loopback(urlsplit(f"//{endpoint}").hostname or "")
    except ValueError:
        return False
