"""TLS of the servers: certificates that are replaced while connections stay open."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import grpc

from processor.core.certificates import ends_by_file_s
from processor.core.errors import ConfigError, Problem


@dataclass(frozen=True)
class ServerTls:
    """What a server shows and asks for, each the content of a PEM file; `load_tls` makes it."""

    certificate: bytes
    key: bytes = field(repr=False)
    client_ca: bytes | None
    """When given, a client must show a certificate that this authority signed."""
    context: ssl.SSLContext
    """The same for Python's library."""

    @cached_property
    def ends_s(self) -> dict[str, float]:
        """When the first certificate of each file ends, in seconds since 1970."""
        return ends_by_file_s({"certificate": self.certificate, "ca": self.client_ca})


def load_tls(cert_file: str, key_file: str, client_ca_file: str, setting: str) -> ServerTls:
    """Read the files, which have to fit together. Raises ConfigError that names the setting."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["http/1.1"])
    try:
        # Without a password the library would ask for one on the terminal.
        context.load_cert_chain(cert_file, key_file, password="")
        if client_ca_file:
            context.load_verify_locations(client_ca_file)
            context.verify_mode = ssl.CERT_REQUIRED
        client_ca = Path(client_ca_file).read_bytes() if client_ca_file else None
        return ServerTls(
            Path(cert_file).read_bytes(), Path(key_file).read_bytes(), client_ca, context
        )
    except (OSError, ValueError) as error:
        files = ", ".join(filter(None, (cert_file, key_file, client_ca_file)))
        fix = "give a certificate and its key without a password, as PEM files"
        problem = Problem(setting, f"{files} cannot be used: {error}", fix)
        raise ConfigError([problem]) from error


class TlsInForce:
    """The TLS of one server: what is put into `value` is used from the next connection on."""

    def __init__(self, value: ServerTls) -> None:
        """Whether clients need a certificate stays as it is in this first value."""
        self.value = value
        self._given = value

    def http_context(self) -> ssl.SSLContext:
        """For Python's library."""
        return _ContextInForce.following(self)

    def grpc_credentials(self) -> grpc.ServerCredentials:
        """For gRPC's library, which asks at each handshake. They must be kept by the caller."""
        return grpc.dynamic_ssl_server_credentials(
            _configuration(self.value),
            self._changed,  # type: ignore[arg-type]  # None means unchanged; its stub lacks that
            require_client_authentication=self.value.client_ca is not None,
        )

    def _changed(self) -> grpc.ServerCertificateConfiguration | None:
        value = self.value
        if value is self._given:
            return None
        self._given = value
        return _configuration(value)


def _configuration(tls: ServerTls) -> grpc.ServerCertificateConfiguration:
    pairs = [(tls.key, tls.certificate)]
    return grpc.ssl_server_certificate_configuration(pairs, root_certificates=tls.client_ca)


class _ContextInForce(ssl.SSLContext):
    """Begins each connection with the context that is in force then.

    To load files into a live context is not enough: it would go on trusting an authority that was
    taken out of its file, and resume sessions that this authority let in.
    """

    _in_force: TlsInForce

    @classmethod
    def following(cls, in_force: TlsInForce) -> Self:
        context = cls(ssl.PROTOCOL_TLS_SERVER)
        context._in_force = in_force
        return context

    def wrap_bio(self, *arguments: Any, **settings: Any) -> ssl.SSLObject:  # noqa: ANN401 - as the library has it
        return self._in_force.value.context.wrap_bio(*arguments, **settings)


Ends = Mapping[tuple[str, str], float]
"""When certificates end, in seconds since 1970, by protocol and file."""
