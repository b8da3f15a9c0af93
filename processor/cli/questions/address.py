"""Where the API of a processor is, how it is reached, and the token that it asks for."""

from __future__ import annotations

import argparse
import http.client
import ssl
from dataclasses import dataclass, field
from typing import Final

from processor.cli.flags import ENDPOINT_FLAG
from processor.cli.tokens import token_for, token_of_environment
from processor.config import Settings
from processor.core.errors import ConfigError, Problem
from processor.core.otlp.addresses import host_and_port, parse_listen, parse_url
from processor.surfaces.api import PREFIX

PORT_DEFAULT: Final = 8888
_GRPC_PORT: Final = 4317
_TIMEOUT_S: Final = 60.0


@dataclass(frozen=True)
class ApiAddress:
    """The API of one processor."""

    host: str
    port: int
    prefix: str = PREFIX
    """The path that all its paths begin with."""
    tls: ssl.SSLContext | None = None
    token: str = field(default="", repr=False)
    """Sent as a bearer token unless it is empty."""

    def __str__(self) -> str:
        return f"http{'s' if self.tls else ''}://{host_and_port(self.host, self.port)}"

    @property
    def grpc_beside(self) -> str:
        """Where the same processor takes spans over gRPC, by default."""
        return host_and_port(self.host, _GRPC_PORT)

    def connect(self) -> http.client.HTTPConnection:
        """A connection to it, which is made with the first request."""
        if self.tls is None:
            return http.client.HTTPConnection(self.host, self.port, timeout=_TIMEOUT_S)
        return http.client.HTTPSConnection(
            self.host, self.port, timeout=_TIMEOUT_S, context=self.tls
        )


def api_address(arguments: argparse.Namespace, settings: Settings) -> ApiAddress | None:
    """The API that flags ask for, else that of the settings; None where these have none.

    Without a scheme it is plain text, unless a flag names certificates. Raises ConfigError.
    """
    tls = _tls(arguments)
    if arguments.endpoint:
        # A token of these settings is for the processor that has them, and for no other.
        return _parsed(arguments.endpoint, tls, token_of_environment())
    endpoint = settings.telemetry.metrics.endpoint
    if not (endpoint and settings.api.enabled):
        return None
    listen = parse_listen(endpoint)
    port = listen.port or PORT_DEFAULT
    token = token_for(settings, "ask")
    return ApiAddress(listen.own_host, port, tls=tls, token=token)


def _parsed(text: str, tls: ssl.SSLContext | None, token: str) -> ApiAddress:
    has_scheme = "://" in text
    url = parse_url(text if has_scheme else f"http{'s' if tls else ''}://{text}", ENDPOINT_FLAG)
    address, path = url.address, url.path.rstrip("/")
    if "?" in path:
        what = f"{text} has a query"
        raise ConfigError([Problem(ENDPOINT_FLAG, what, f"write http://host:{PORT_DEFAULT}")])
    port = address.port
    if not has_scheme and not _names_port(text):
        port = PORT_DEFAULT
    if address.is_tls and tls is None:
        tls = ssl.create_default_context()
    prefix = path if path.endswith(PREFIX) else path + PREFIX
    return ApiAddress(address.host, port, prefix, tls if address.is_tls else None, token)


def _names_port(text: str) -> bool:
    return text.partition("/")[0].rpartition("]")[2].rpartition(":")[2].isdecimal()


def _tls(arguments: argparse.Namespace) -> ssl.SSLContext | None:
    """What the flags say of certificates; None where they say nothing."""
    ca_file, cert_file, key_file = arguments.ca_file, arguments.cert_file, arguments.key_file
    if bool(cert_file) != bool(key_file):
        raise ConfigError([Problem("--cert-file", "needs --key-file, and the other way round")])
    if not (ca_file or cert_file):
        return None
    where = "--ca-file"
    try:
        context = ssl.create_default_context(cafile=ca_file)
        where = "--cert-file"
        if cert_file:
            context.load_cert_chain(cert_file, key_file)
    except (OSError, ValueError) as error:
        what = f"cannot be used: {getattr(error, 'strerror', None) or error}"
        raise ConfigError([Problem(where, what)]) from error
    return context
