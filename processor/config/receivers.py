"""The settings of the way in: one section for each protocol."""

# ruff: noqa: RUF009 - setting() and section() declare fields, as dataclasses.field() does

from __future__ import annotations

from dataclasses import dataclass

from processor.config.model import section, setting
from processor.config.values import origins, tokens
from processor.core.files.fields import optional, text, whole


@dataclass(frozen=True, slots=True)
class ServerTls:
    """Without a certificate the receiver speaks plain text."""

    cert_file: str = setting("", optional(text), "PEM file with the certificate chain.")
    key_file: str = setting("", optional(text), "PEM file with its private key.")
    client_ca_file: str = setting(
        "", optional(text), "PEM file of the authorities whose clients are let in, and no others."
    )


@dataclass(frozen=True, slots=True)
class Auth:
    """Without tokens everyone who can connect may send."""

    bearer_tokens: tuple[str, ...] = setting(
        (),
        tokens,
        'Senders must show one of these, such as ["${env:LLM_COST_TOKEN}"], each of 16 '
        "characters or more. Two of them let senders change from one to the other.",
        shown="[]",
        secret=True,
    )


@dataclass(frozen=True, slots=True)
class GrpcReceiver:
    """OTLP over gRPC."""

    endpoint: str = setting(
        "127.0.0.1:4317", text, "Where to listen; 0.0.0.0:4317 is every interface."
    )
    max_recv_msg_size_mib: int = setting(
        64, whole(1, 1024), "Largest request in MiB, counted after decompression."
    )
    tls: ServerTls = section(ServerTls)
    auth: Auth = section(Auth)


@dataclass(frozen=True, slots=True)
class Cors:
    """Web pages that may send. A browser lets no other page do so."""

    allowed_origins: tuple[str, ...] = setting(
        (),
        origins,
        "Their origins, such as [https://shop.example.com]; * for all is refused.",
        shown="[]",
    )


@dataclass(frozen=True, slots=True)
class HttpReceiver:
    """OTLP over HTTP, as protobuf or as JSON."""

    endpoint: str = setting(
        "127.0.0.1:4318",
        optional(text),
        "Where to listen; empty: nowhere. When gRPC has port 0, any free port of the same host "
        "unless it is set.",
    )
    max_request_body_size_mib: int = setting(
        64, whole(1, 1024), "Largest request in MiB, counted after decompression."
    )
    max_json_body_size_mib: int = setting(
        16,
        whole(1, 1024),
        "Largest request as JSON. While it is read, it takes up to twenty-five times its size in "
        "memory.",
    )
    tls: ServerTls = section(ServerTls)
    auth: Auth = section(Auth)
    cors: Cors = section(Cors)


@dataclass(frozen=True, slots=True)
class Protocols:
    """One section for each protocol."""

    grpc: GrpcReceiver = section(GrpcReceiver)
    http: HttpReceiver = section(HttpReceiver)


@dataclass(frozen=True, slots=True)
class OtlpReceiver:
    """The way in for applications."""

    protocols: Protocols = section(Protocols)


@dataclass(frozen=True, slots=True)
class Receivers:
    """Where spans, metrics and logs come in."""

    otlp: OtlpReceiver = section(OtlpReceiver)
