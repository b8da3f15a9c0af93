"""Credentials of a server."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field

from processor.core.errors import ConfigError, Problem


@dataclass(frozen=True)
class ServerTls:
    """Credentials of the gRPC server, each the content of a PEM file."""

    certificate: bytes
    key: bytes = field(repr=False)
    client_ca: bytes | None = None
    """When given, a client must show a certificate that this authority signed."""


def http_tls(cert_file: str, key_file: str, client_ca_file: str, setting: str) -> ssl.SSLContext:
    """The same for the HTTP server, from files. Raises ConfigError that names the setting."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["http/1.1"])
    try:
        # Without a password at hand, the library would ask for one on the terminal.
        context.load_cert_chain(cert_file, key_file, password="")
        if client_ca_file:
            context.load_verify_locations(client_ca_file)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ValueError) as error:
        fix = "give a certificate and its key without a password, as PEM files"
        problem = Problem(setting, f"cannot be used: {error}", fix)
        raise ConfigError([problem]) from error
    return context
