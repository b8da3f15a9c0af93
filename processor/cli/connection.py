"""How a command reaches a running processor: its address, TLS, and the token that it asks for."""

from __future__ import annotations

import argparse
import http.client
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from processor.cli.flags import GRPC_FLAG, LISTEN_DEFAULT
from processor.cli.tokens import (
    Purpose,
    check_token_text,
    token_for,
    token_of_environment,
)
from processor.config import Settings
from processor.config.receivers import GrpcReceiver
from processor.core.errors import ConfigError, Problem
from processor.core.otlp.addresses import host_and_port, parse_listen, parse_url

if TYPE_CHECKING:
    import grpc

PROGRAM: Final = "llm-cost-processor"
"""How a processor names itself over HTTP."""
_OPTIONS: Final = (
    # A proxy that the environment names must not answer instead of the processor.
    ("grpc.enable_http_proxy", 0),
)
_LOOK_TIMEOUT_S: Final = 3.0


@dataclass(frozen=True)
class Tls:
    """Whom to trust, and what to show; each the content of a PEM file."""

    ca: bytes | None = None
    """None: the authorities that gRPC ships with."""
    certificate: bytes | None = None
    key: bytes | None = field(default=None, repr=False)
    server_name: str = ""
    """The name that the certificate is for, where that is not the address."""


@dataclass(frozen=True)
class Connection:
    """A processor that can be asked over gRPC."""

    address: str
    """``host:port``"""
    tls: Tls | None = None
    token: str = field(default="", repr=False)
    """Sent as a bearer token unless it is empty."""

    def __post_init__(self) -> None:
        """Raise ConfigError for a token that no header can carry."""
        check_token_text(self.token)

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What is sent with each question."""
        return (("authorization", f"Bearer {self.token}"),) if self.token else ()

    def open(self) -> grpc.aio.Channel:
        """A channel to it."""
        import grpc  # noqa: PLC0415 - who asks over HTTP needs only the address and the token

        if self.tls is None:
            return grpc.aio.insecure_channel(self.address, options=_OPTIONS)
        options: list[tuple[str, str | int]] = [*_OPTIONS]
        if self.tls.server_name:
            options.append(("grpc.ssl_target_name_override", self.tls.server_name))
        credentials = grpc.ssl_channel_credentials(self.tls.ca, self.tls.key, self.tls.certificate)
        return grpc.aio.secure_channel(self.address, credentials, options=options)

    def answers_over_http(self) -> bool:
        """Whether a processor answers HTTP there: at one of its other ports."""
        where = parse_listen(self.address)
        connection = http.client.HTTPConnection(where.host, where.port, timeout=_LOOK_TIMEOUT_S)
        try:
            connection.request("GET", "/")
            return connection.getresponse().getheader("Server", "").startswith(PROGRAM)
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def connection_from(
    arguments: argparse.Namespace,
    settings: Settings | None,
    flag: str = GRPC_FLAG,
    purpose: Purpose = "change",
) -> Connection:
    """The connection that flags ask for, else the settings, else the default. Raises ConfigError.

    An address with a scheme says by itself whether it is TLS. Without one it is where ``--ca-file``
    is given, or the settings give the receiver a certificate. `flag` is the one that names it,
    `purpose` what a token of the settings is shown for.
    """
    receiver = None if settings is None else settings.receivers.otlp.protocols.grpc
    endpoint = arguments.grpc_endpoint
    is_tls = bool(arguments.ca_file or arguments.cert_file or arguments.key_file)
    token = token_of_environment()
    if settings is not None and receiver is not None:
        is_tls = is_tls or bool(receiver.tls.cert_file)
        # A token of these settings is for the processor that has them, and for no other.
        token = token if endpoint else token_for(settings, purpose)
        endpoint = endpoint or listening_at(receiver)
    endpoint = endpoint or LISTEN_DEFAULT
    if "://" in endpoint:
        address = parse_url(endpoint, flag).address
        endpoint, is_tls = host_and_port(address.host, address.port), address.is_tls
    return Connection(endpoint, _tls(arguments, receiver, endpoint) if is_tls else None, token)


def listening_at(receiver: GrpcReceiver) -> str:
    """Where a processor with these settings can be reached from its own machine."""
    address = parse_listen(receiver.endpoint)
    return host_and_port(address.own_host, address.port)


def _tls(arguments: argparse.Namespace, receiver: GrpcReceiver | None, address: str) -> Tls:
    """What the flags name; what they leave out is what the settings say of the receiver."""
    ca_file, server_name = arguments.ca_file, ""
    cert_file, key_file = arguments.cert_file, arguments.key_file
    if receiver is not None and receiver.tls.cert_file:
        if not ca_file:
            ca_file = receiver.tls.cert_file
            server_name = _name_shown(address, ca_file)
        if receiver.tls.client_ca_file and not cert_file:
            cert_file, key_file = receiver.tls.cert_file, receiver.tls.key_file
    if bool(cert_file) != bool(key_file):
        raise ConfigError([Problem("--cert-file", "needs --key-file, and the other way round")])
    return Tls(_content(ca_file), _content(cert_file), _content(key_file), server_name)


def _name_shown(address: str, cert_file: str) -> str:
    """A name in the certificate of a file, as the processor shows it; ``""`` where it does not.

    It is made for the name that senders know, and not for the address of the own machine. Only
    this certificate is trusted, so that its name says nothing more.
    """
    where = parse_listen(address)
    with suppress(OSError, ValueError):
        context = ssl.create_default_context(cafile=cert_file)
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.set_alpn_protocols(["h2"])
        with (
            socket.create_connection((where.host, where.port), _LOOK_TIMEOUT_S) as raw,
            context.wrap_socket(raw) as shown,
        ):
            certificate: Any = shown.getpeercert() or {}
        names = sorted(certificate.get("subjectAltName", ()))  # DNS comes before IP Address.
        if names:
            return str(names[0][1]).replace("*", "any")
    return ""


def _content(file: str | None) -> bytes | None:
    if not file:
        return None
    try:
        return Path(file).read_bytes()
    except OSError as error:
        problem = Problem(file, f"cannot be read: {error.strerror or error}")
        raise ConfigError([problem]) from error
