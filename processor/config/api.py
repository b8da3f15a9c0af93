"""The settings of the API, and what is said of one that others can reach."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Final

from pydantic import Field, PlainValidator

from processor.config.receivers import GrpcReceiver
from processor.config.values import Section, Tokens, items
from processor.core.files.checks import InvalidValueError, shown
from processor.core.files.validation import Flag, OptionalText
from processor.core.otlp.addresses import is_loopback, parse_listen

_HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|[0-9a-f:]+")


def host_names(value: object) -> tuple[str, ...]:
    """A list of host names or addresses, without ports."""
    found = tuple(str(each).lower() for each in items(value, "write [costs.example.com]"))
    for each in found:
        if not _HOST.fullmatch(each):
            fix = "write costs.example.com: no scheme, no port, no wildcard"
            raise InvalidValueError(f"has {shown(each)}, which is not a host name", fix)
    return found


class Api(Section):
    """Questions about costs: over gRPC, and over HTTP at telemetry.metrics.endpoint, /api/v1."""

    enabled: Flag = Field(
        default=True,
        description="Whether they are answered over HTTP. Without tokens a listener answers only "
        "where nothing but this machine can reach it: one that others can reach, over HTTP or "
        "gRPC, answers nobody, except for /metrics and health.",
    )
    read_tokens: Tokens = Field(
        default=(),
        description='Askers must present one of these, such as ["${env:LLM_COST_TOKEN}"], each of '
        "16 characters or more, as the header authorization: Bearer, over gRPC as well. It allows "
        "to change nothing, and a token of the receivers does not allow to ask.",
        repr=False,
    )
    read_token_file: OptionalText = Field(
        default="",
        description="File with further such tokens, one on a line. It is read again when it "
        "changes; while it cannot be used, the last good ones stay in force.",
    )
    admin_tokens: Tokens = Field(
        default=(),
        description="Tokens that may ask, and change what is kept over gRPC: reprice, exclude, "
        "forget. Without one only callers on this machine may, where they may send as well.",
        repr=False,
    )
    admin_token_file: OptionalText = Field(
        default="", description="File with further such tokens, likewise."
    )
    allowed_hosts: Annotated[tuple[str, ...], PlainValidator(host_names)] = Field(
        default=(),
        description="Names under which it may be asked, beside those of this machine: of a proxy "
        "in front of it. A page of another site could make a browser ask under its own.",
    )

    @property
    def needs_token(self) -> bool:
        """Whether askers have to present a token."""
        return bool(
            self.read_tokens or self.read_token_file or self.admin_tokens or self.admin_token_file
        )


def api_warnings(api: Api, endpoint: str, grpc: GrpcReceiver) -> Iterator[str]:
    """A sentence where tokens could be read by strangers, or allow more than they seem to."""
    if set(api.admin_tokens) & set(grpc.auth.bearer_tokens):
        yield "api.admin_tokens: has a token of senders, so whoever may send may change the ledger"
    if not api.needs_token:
        return
    if api.enabled and endpoint and not is_loopback(parse_listen(endpoint).host):
        yield (
            f"api: tokens travel unencrypted to {endpoint}; put something in front of it that "
            "encrypts, or have telemetry.metrics listen on 127.0.0.1"
        )
    is_said = grpc.auth.is_required or bool(grpc.tls.cert_file)
    if not is_said and not is_loopback(parse_listen(grpc.endpoint).host):
        yield (
            f"api: tokens travel unencrypted to {grpc.endpoint}; set tls.cert_file and "
            "tls.key_file of receivers.otlp.protocols.grpc, or put something in front of it that "
            "encrypts"
        )
