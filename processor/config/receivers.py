"""The settings of the receivers, and what is said of those that others can reach."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from pydantic import Field, model_validator

from processor.config.values import (
    Listen,
    OptionalListen,
    Origins,
    Section,
    TlsFiles,
    Tokens,
    tokens,
)
from processor.core.errors import ConfigError, Problem
from processor.core.files.checks import InvalidValueError, SecretText
from processor.core.files.validation import OptionalText, Whole, section
from processor.core.otlp.addresses import is_loopback, parse_listen

_PROTOCOLS: Final = "receivers.otlp.protocols"


class ServerTls(TlsFiles):
    """Without a certificate the receiver accepts plain text. Files are read again on a change."""

    client_ca_file: OptionalText = Field(
        default="",
        description="PEM file of the authorities; clients without their certificate are refused.",
    )

    @model_validator(mode="after")
    def _needs_certificate(self) -> ServerTls:
        if self.client_ca_file and not self.cert_file:
            what, fix = "has no effect without TLS", "set cert_file and key_file"
            raise InvalidValueError(what, fix, at=("client_ca_file",))
        return self


class Auth(Section):
    """Without tokens everyone who can connect may send."""

    bearer_tokens: Tokens = Field(
        default=(),
        description='Senders must present one of these, such as ["${env:LLM_COST_TOKEN}"], each of '
        "16 characters or more. Two of them let senders change from one to the other.",
        repr=False,
    )
    bearer_token_file: OptionalText = Field(
        default="",
        description="File with further such tokens, one on a line. It is read again when it "
        "changes; while it cannot be used, the last good ones stay in force.",
    )

    processor_tokens: Tokens = Field(
        default=(),
        description="Tokens of other llm-cost processors that send here. What they have charged is "
        "adopted: nothing is priced again, and an event of the same budget is not repeated. Give "
        "them to nobody else, who could write any cost.",
        repr=False,
    )

    @property
    def is_required(self) -> bool:
        """Whether senders need a token."""
        return bool(self.bearer_tokens or self.bearer_token_file)


def read_tokens(text: str, source: str) -> tuple[str, ...]:
    """The tokens of a file, one on a line; `source` is its path. Raises ConfigError.

    A file without any is refused: it must not let everybody in.
    """
    lines = [SecretText(line.strip()) for line in text.splitlines() if line.strip()]
    try:
        found = tokens(lines)
    except InvalidValueError as error:
        raise ConfigError([Problem(source, error.what, error.fix)]) from None
    if not found:
        raise ConfigError([Problem(source, "holds no token", "write one on each line")])
    return found


class ProtocolReceiver(Section):
    """What receivers of both protocols have: where they listen, and who may send."""

    endpoint: OptionalListen = Field(default="", description="Where to listen; empty: nowhere.")
    tls: ServerTls = section(ServerTls)
    auth: Auth = section(Auth)


class GrpcReceiver(ProtocolReceiver):
    """OTLP over gRPC."""

    endpoint: Listen = Field(
        default="127.0.0.1:4317", description="Where to listen; 0.0.0.0:4317 is every interface."
    )
    max_recv_msg_size_mib: Whole = Field(
        default=64,
        ge=1,
        le=1024,
        description="Largest request in MiB, counted after decompression. Unless it is set, at "
        "most an eighth of the memory for requests, see memory_limiter.",
    )


class Cors(Section):
    """Web pages that may send. A browser lets no other page do so."""

    allowed_origins: Origins = Field(
        default=(),
        description="Their origins, such as [https://shop.example.com]; * for all is refused.",
    )


class HttpReceiver(ProtocolReceiver):
    """OTLP over HTTP, as protobuf or as JSON."""

    endpoint: OptionalListen = Field(
        default="127.0.0.1:4318",
        description="Where to listen; empty: nowhere. When gRPC has port 0, any free port of the "
        "same host unless it is set.",
    )
    max_request_body_size_mib: Whole = Field(
        default=64,
        ge=1,
        le=1024,
        description="Largest request in MiB, counted after decompression. Unless it is set, at "
        "most an eighth of the memory for requests, see memory_limiter.",
    )
    max_json_body_size_mib: Whole = Field(
        default=16,
        ge=1,
        le=1024,
        description="Largest request as JSON. While it is read, it takes up to twenty-six times "
        "its size in memory. Unless it is set, at most a twenty-sixth of the memory for requests.",
    )
    cors: Cors = section(Cors)


class Protocols(Section):
    """One section for each protocol."""

    grpc: GrpcReceiver = section(GrpcReceiver)
    http: HttpReceiver = section(HttpReceiver)


class OtlpReceiver(Section):
    """The receiver for applications."""

    max_concurrent_requests: Whole = Field(
        default=1024,
        ge=1,
        le=1_000_000,
        description="Requests of both protocols that may be under way at once, within the memory "
        "for them. Others wait for up to two seconds, those of senders with least under way first.",
    )
    max_header_kib: Whole = Field(
        default=16,
        ge=1,
        le=1024,
        description="Largest headers of a request, over both protocols, in KiB: names and values "
        "together.",
    )
    protocols: Protocols = section(Protocols)


class Receivers(Section):
    """Where spans, metrics and logs are received."""

    otlp: OtlpReceiver = section(OtlpReceiver)


def exposure_warnings(protocols: Protocols, forwarded: Collection[str]) -> Iterator[str]:
    """A sentence for each receiver that strangers could use, or whose traffic they could read.

    `forwarded` are the senders' headers that are forwarded to backends.
    """
    both: tuple[tuple[str, ProtocolReceiver], ...] = (
        ("grpc", protocols.grpc),
        ("http", protocols.http),
    )
    if "authorization" in forwarded and any(each.auth.is_required for _, each in both):
        yield (
            "forward_headers: authorization forwards our own bearer tokens to the backend; "
            "leave it out, unless the backend asks for the very same tokens"
        )
    for name, each in both:
        if not each.endpoint or is_loopback(parse_listen(each.endpoint).host):
            continue
        where = f"{_PROTOCOLS}.{name}"
        has_tls = bool(each.tls.cert_file)
        if each.auth.is_required and not has_tls:
            yield (
                f"{where}: bearer tokens travel unencrypted to {each.endpoint}; set tls.cert_file "
                "and tls.key_file, unless something in front of it encrypts"
            )
        elif not each.auth.is_required and not each.tls.client_ca_file:
            yield (
                f"{where}: whoever reaches {each.endpoint} may send; set auth.bearer_tokens or "
                "tls.client_ca_file, or listen on 127.0.0.1"
            )
