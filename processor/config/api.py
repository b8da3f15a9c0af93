"""The settings of the API, and what is said of one that others can reach."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Final

from pydantic import Field, PlainValidator

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
    """Questions over HTTP below /api/v1, at telemetry.metrics.endpoint: costs, calls, budgets."""

    enabled: Flag = Field(
        default=True,
        description="Whether they are answered. Without tokens only this machine is: an endpoint "
        "that others can reach answers nobody else's questions then, only /metrics and health.",
    )
    read_tokens: Tokens = Field(
        default=(),
        description='Askers must present one of these, such as ["${env:LLM_COST_TOKEN}"], each of '
        "16 characters or more.",
        repr=False,
    )
    read_token_file: OptionalText = Field(
        default="",
        description="File with further such tokens, one on a line. It is read again when it "
        "changes; while it cannot be used, the last good ones stay in force.",
    )
    admin_tokens: Tokens = Field(
        default=(),
        description="Tokens that may do all there is to do. Nothing is changed over HTTP yet, so "
        "they only read.",
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


def api_warnings(api: Api, endpoint: str) -> Iterator[str]:
    """A sentence where tokens could be read by strangers, or have no effect."""
    if not api.needs_token:
        return
    if not (api.enabled and endpoint):
        yield "api: tokens have no effect while nothing is asked over HTTP"
    elif not is_loopback(parse_listen(endpoint).host):
        yield (
            f"api: tokens travel unencrypted to {endpoint}; put something in front of it that "
            "encrypts, or have telemetry.metrics listen on 127.0.0.1"
        )
