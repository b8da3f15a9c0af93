"""What the values of settings have to look like, beyond plain text and numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from decimal import Decimal
from typing import Annotated
from urllib.parse import unquote

from pydantic import Field, PlainValidator, model_validator

from processor.core.errors import ConfigError
from processor.core.files.checks import (
    Check,
    ExternalText,
    InvalidValueError,
    SecretText,
    choice,
    optional,
    shown,
    text,
)
from processor.core.files.validation import FileModel, OptionalText
from processor.core.otlp.addresses import parse_backend, parse_listen, parse_url, read_endpoints
from processor.core.otlp.codes import Code

_UNITS_S = {
    "ms": Decimal("0.001"),
    "s": Decimal(1),
    "m": Decimal(60),
    "h": Decimal(3600),
}
_DURATION_PART = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)(ms|s|m|h)")
_DURATION = re.compile(rf"(?:{_DURATION_PART.pattern})+")
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(?:[a-z0-9._-]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?")
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{1,4096}=*")
"""A bearer token as RFC 6750 has it."""
_SECRET_CHARS_MIN = 16
_HEADER_NAME = re.compile(r"(?!grpc-)[0-9a-z_.-]{1,100}(?<!-bin)")
_HEADERS_OF_A_HOP = frozenset(
    {
        "accept-encoding", "connection", "content-encoding", "content-length", "content-type",
        "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
        "user-agent",
    }
)  # fmt: skip
"""Headers about one connection or one request, which mean nothing on the next."""
_HEADERS_MAX = 16


def duration(least_s: float = 0.001, most_s: float = 86400.0) -> Check[float]:
    """A check for a duration such as ``300ms``, ``5s`` or ``1m30s``; it gives seconds."""

    def check(value: object) -> float:
        if not isinstance(value, str) or not _DURATION.fullmatch(value.strip()):
            raise InvalidValueError(
                f"must be a duration with a unit, got {shown(value)}",
                "write 300ms, 5s, 1m30s or 2h",
            )
        parts = _DURATION_PART.findall(value)
        seconds = float(sum(Decimal(count) * _UNITS_S[unit] for count, unit in parts))
        if not least_s <= seconds <= most_s:
            bounds = f"{duration_text(least_s)} to {duration_text(most_s)}"
            raise InvalidValueError(f"must be {bounds}, got {shown(value)}")
        return seconds

    return check


def duration_text(seconds: float) -> str:
    """Seconds as a setting is written: ``300ms``, ``5s``, ``5m``, ``24h``."""
    if 0 < seconds < 1:
        return f"{seconds * 1000:g}ms"
    if seconds >= 3600:
        return f"{seconds / 3600:g}h"
    return f"{seconds / 60:g}m" if seconds > 60 and seconds % 60 == 0 else f"{seconds:g}s"


def headers(value: object) -> tuple[tuple[str, str], ...]:
    """A map of header names to texts, or the text ``name=value,name=value`` of the environment.

    No message shows a value. Whether a name is one that gRPC takes, the exporter decides.
    """
    if isinstance(value, ExternalText):
        return tuple(_listed(value))
    if not isinstance(value, dict):
        raise InvalidValueError(f"must be a map of names to texts, got {shown(value)}")
    for name, content in value.items():
        if not isinstance(content, str):
            raise InvalidValueError(f"the value of {name} must be text", "put it in quotes")
    return tuple((name, str(content)) for name, content in value.items())


def _listed(value: str) -> Iterator[tuple[str, str]]:
    """Names and values of a list as OpenTelemetry's environment variables have it."""
    for item in filter(str.strip, value.split(",")):
        name, equals, content = item.partition("=")
        if not equals or not name.strip():
            raise InvalidValueError(
                "has an entry that is not name=value", "write name=value,name=value"
            )
        yield unquote(name.strip()), unquote(content.strip())


def items(value: object, fix: str) -> list[object]:
    """The items of a list, each as it stands in the file."""
    if not isinstance(value, list):
        raise InvalidValueError(f"must be a list, got {shown(value)}", fix)
    return value


def one_or_more(value: object, most: int, noun: str, name: object = "") -> list[object]:
    """The items of a list of 1 to `most`, or the one that stands without a list.

    `noun` says what they are, and `name` whose they are where the setting has several such lists.
    """
    listed = value if isinstance(value, list) else [value]
    if not 0 < len(listed) <= most:
        must = f"{name} must have" if name else "must be"
        raise InvalidValueError(f"{must} 1 to {most} {noun}, has {len(listed)}")
    return listed


def origins(value: object) -> tuple[str, ...]:
    """A list of web origins: scheme, host and, unless it is the scheme's own, port."""
    found = items(value, "write [https://shop.example.com]")
    for each in found:
        if each == "*":
            what = "must not allow every origin: any web page could then send with its visitors"
            raise InvalidValueError(what, "list the origins of your own pages")
        if not isinstance(each, str) or not _ORIGIN.fullmatch(each):
            fix = "write https://shop.example.com: lower case, no path, no wildcard"
            raise InvalidValueError(f"has {shown(each)}, which is not an origin", fix)
    return tuple(map(str, found))


def several(valid: Collection[str], noun: str) -> Check[tuple[str, ...]]:
    """A check for a list of words in `valid`, each of them once."""
    one = choice(valid, noun)

    def check(value: object) -> tuple[str, ...]:
        return tuple(dict.fromkeys(map(one, items(value, f"write [{next(iter(valid))}]"))))

    return check


def tokens(value: object) -> tuple[str, ...]:
    """A list of bearer tokens: what a header can carry, and long enough not to be guessed."""
    hidden = SecretText(value) if isinstance(value, str) else value
    found = tuple(map(secret, items(hidden, 'write ["${env:NAME}"]')))
    if not all(map(_TOKEN.fullmatch, found)):
        # The text of such a token is not shown, and neither is where it goes wrong.
        raise InvalidValueError(
            "has a token that no header can carry", "use letters, digits and -._~+/="
        )
    return found


def header_names(value: object) -> tuple[str, ...]:
    """A list of headers that may travel on; the names in lower case, sorted."""
    names = {str(each).lower() for each in items(value, "write [x-scope-orgid]")}
    for name in sorted(names):
        if name in _HEADERS_OF_A_HOP:
            raise InvalidValueError(f"has {name}, which is about a single connection", "remove it")
        if not _HEADER_NAME.fullmatch(name):
            fix = "use letters, digits and -_., and no name that begins with grpc- or ends in -bin"
            raise InvalidValueError(
                f"has {shown(name)}, which is no name of a header with text", fix
            )
    if len(names) > _HEADERS_MAX:
        raise InvalidValueError(f"must have at most {_HEADERS_MAX} names, has {len(names)}")
    return tuple(sorted(names))


def http_statuses(value: object) -> tuple[int, ...]:
    """A list of HTTP statuses that end a request."""
    found: set[int] = set()
    for each in items(value, "write [429, 503]"):
        if not isinstance(each, int) or isinstance(each, bool) or not 200 <= each <= 599:
            raise InvalidValueError(f"has {shown(each)}, which is none of 200 to 599")
        found.add(each)
    return tuple(sorted(found))


def secret(value: object) -> str:
    """Text that no message shows, long enough not to be guessed."""
    if not isinstance(value, str):
        raise InvalidValueError("must be text", "put it in quotes")
    if len(value) < _SECRET_CHARS_MIN:
        raise InvalidValueError(
            f"must have at least {_SECRET_CHARS_MIN} characters, has {len(value)}"
        )
    return str(value)


def address(parse: Callable[[str], object]) -> Check[str]:
    """A check for an address that `parse` can read; it gives the text."""

    def check(value: object) -> str:
        found = text(value)
        try:
            parse(found)
        except ConfigError as error:
            [problem] = error.problems
            what = problem.what
            if isinstance(value, SecretText):  # A URL may hold a key; the reason may quote it.
                what = f"{shown(value)} is not an address that can be used"
            raise InvalidValueError(what, problem.fix) from None
        return found

    return check


Listen = Annotated[str, PlainValidator(address(parse_listen))]
OptionalListen = Annotated[str, PlainValidator(optional(address(parse_listen)))]
GrpcBackend = Annotated[str, PlainValidator(optional(address(parse_backend)))]
HttpBase = Annotated[str, PlainValidator(optional(address(lambda url: read_endpoints(url, {}))))]
HttpUrl = Annotated[str, PlainValidator(optional(address(lambda url: parse_url(url, ""))))]
Duration = Annotated[float, PlainValidator(duration())]
Headers = Annotated[tuple[tuple[str, str], ...], PlainValidator(headers)]
"""Pairs of name and value."""
HeaderNames = Annotated[tuple[str, ...], PlainValidator(header_names)]
HttpStatuses = Annotated[tuple[int, ...], PlainValidator(http_statuses)]
GrpcCodes = Annotated[
    tuple[str, ...],
    PlainValidator(several([code.name.lower() for code in Code if code], "gRPC status")),
]
"""Names in lower case."""
Origins = Annotated[tuple[str, ...], PlainValidator(origins)]
Tokens = Annotated[tuple[str, ...], PlainValidator(tokens)]


class Section(FileModel):
    """A group of settings; the first line of its docstring says what it is about."""


class TlsFiles(Section):
    """A certificate and its key: both or neither."""

    cert_file: OptionalText = Field(
        default="", description="PEM file with our own certificate chain."
    )
    key_file: OptionalText = Field(default="", description="PEM file with its private key.")

    @model_validator(mode="after")
    def _is_whole(self) -> TlsFiles:
        if bool(self.cert_file) != bool(self.key_file):
            has, lacks = ("cert_file", "key_file") if self.cert_file else ("key_file", "cert_file")
            raise InvalidValueError(f"needs {lacks} as well", f"set {lacks}", at=(has,))
        return self
