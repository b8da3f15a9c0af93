"""What the environment sets: the standard variables of OTLP exporters, and references in a file.

Source of the variables: OpenTelemetry's OTLP exporter specification, "Configuration Options".

A settings file may refer to a variable as ``${env:NAME}`` or ``${env:NAME:-default}``; ``$${``
stands for a plain ``${``. What comes from the environment may be a secret, so it is marked as
such: messages never show it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from processor.core.errors import Problem
from processor.core.files.checks import SecretText
from processor.core.files.document import Document, Path

GRPC: Final[Path] = ("exporters", "otlp")
HTTP: Final[Path] = ("exporters", "otlphttp")

_PREFIX: Final = "OTEL_EXPORTER_OTLP_"
_SIGNALS: Final = ("TRACES", "METRICS", "LOGS")
_SETTINGS: Final[Mapping[str, Path]] = {
    "HEADERS": ("headers",),
    "COMPRESSION": ("compression",),
    "TIMEOUT": ("timeout",),
    "CERTIFICATE": ("tls", "ca_file"),
    "CLIENT_CERTIFICATE": ("tls", "cert_file"),
    "CLIENT_KEY": ("tls", "key_file"),
    "INSECURE": ("tls", "insecure"),
}
"""By what follows the prefix in a variable's name: the setting within an exporter's section."""
_BACKENDS: Final[frozenset[Path]] = frozenset(
    {
        (*GRPC, "endpoint"),
        (*HTTP, "endpoint"),
        *((*HTTP, f"{signal.lower()}_endpoint") for signal in _SIGNALS),
    }
)


_REFERENCE = re.compile(
    r"\$\$\{|\$\{env:(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}|(?P<odd>\$\{)"
)
_UNAVAILABLE: Final = object()
"""Stands for a value with a problem. It is left out, so that it makes one problem, not two."""


class Given(NamedTuple):
    """A value that somebody has set, and where."""

    value: Any
    where: str


def is_http(environ: Mapping[str, str]) -> bool:
    """Whether the environment asks for OTLP over HTTP."""
    return _protocol(environ) in {"http/protobuf", "http/json"}


def from_environment(environ: Mapping[str, str]) -> Iterator[tuple[Path, Given]]:
    """What the environment sets; where it names a protocol, of that protocol's exporter."""
    section = HTTP if is_http(environ) else GRPC
    for suffix, path in _SETTINGS.items():
        for given in _first(environ, f"TRACES_{suffix}", suffix):
            # That standard counts milliseconds, without saying so.
            text = f"{given.value}ms" if suffix == "TIMEOUT" else given.value
            yield (*section, *path), Given(SecretText(text), given.where)
    if section == GRPC:
        for given in _first(environ, "TRACES_ENDPOINT", "ENDPOINT"):
            yield (*GRPC, "endpoint"), given
        return
    for given in _first(environ, "ENDPOINT"):
        yield (*HTTP, "endpoint"), given
    for signal in _SIGNALS:
        for given in _first(environ, f"{signal}_ENDPOINT"):
            yield (*HTTP, f"{signal.lower()}_endpoint"), given


def route(flags: Mapping[Path, Given], environ: Mapping[str, str]) -> dict[Path, Given]:
    """The same flags, with the address of ``--forward-to`` at the exporter that it means.

    That is OTLP over HTTP for a URL that has a path, which gRPC does not know, and for any URL
    where the environment asks for HTTP. What is no URL is gRPC, whatever the environment says: its
    variables are often those of the applications in front of us.
    """
    routed = dict(flags)
    address = routed.get((*GRPC, "endpoint"))
    if address is not None and _is_http_url(str(address.value), environ):
        routed[*HTTP, "endpoint"] = routed.pop((*GRPC, "endpoint"))
    return routed


def combine(*sources: Mapping[Path, Given]) -> dict[Path, Given]:
    """What several places set, the stronger ones last.

    The strongest that names a backend decides which backends there are: one in the environment
    must not get everything besides the one that a file or a flag has named.
    """
    given: dict[Path, Given] = {}
    for source in sources:
        if not _BACKENDS.isdisjoint(source):
            given = {path: value for path, value in given.items() if path not in _BACKENDS}
        given |= source
    return given


def protocol_warnings(environ: Mapping[str, str]) -> Iterator[str]:
    """What is said of a protocol that is spoken differently, or not at all."""
    protocol = _protocol(environ)
    if protocol == "http/json":
        yield f"{_PREFIX}PROTOCOL is http/json: the backend is sent protobuf over HTTP"
    elif protocol not in {"", "grpc", "http/protobuf"}:
        yield f"{_PREFIX}PROTOCOL has no effect: it is none of grpc, http/protobuf and http/json"


def _protocol(environ: Mapping[str, str]) -> str:
    return "".join(given.value for given in _first(environ, "TRACES_PROTOCOL", "PROTOCOL")).lower()


def _first(environ: Mapping[str, str], *suffixes: str) -> Iterator[Given]:
    """The first of these variables that is set, if any; an empty one counts as unset."""
    for suffix in suffixes:
        if text := environ.get(_PREFIX + suffix, "").strip():
            yield Given(SecretText(text), _PREFIX + suffix)
            return


def _is_http_url(address: str, environ: Mapping[str, str]) -> bool:
    if "://" not in address:
        return False
    try:
        return is_http(environ) or bool(urlsplit(address).path.strip("/"))
    except ValueError:  # It is no address at all, and will be refused as one.
        return False


def expand(document: Document, environ: Mapping[str, str], problems: list[Problem]) -> Any:  # noqa: ANN401 - YAML holds anything
    """The document's value with every reference replaced; notes what cannot be."""

    def walk(value: Any, path: Path) -> Any:  # noqa: ANN401 - as above
        if isinstance(value, dict):
            pairs = ((key, walk(inner, (*path, key))) for key, inner in value.items())
            return {key: inner for key, inner in pairs if inner is not _UNAVAILABLE}
        if isinstance(value, list):
            items = (walk(inner, (*path, position)) for position, inner in enumerate(value))
            return [inner for inner in items if inner is not _UNAVAILABLE]
        if isinstance(value, str) and "${" in value:
            return replaced(value, path)
        return value

    def replaced(text: str, path: Path) -> object:
        found_before = len(problems)

        def one(found: re.Match[str]) -> str:
            if found["odd"]:
                what = "holds a ${ that does not begin ${env:NAME}"
                problems.append(document.problem(path, what, "write $${ for a plain ${"))
            if not found["name"]:
                return "${"
            # As in a shell, the default also stands in for a variable that is empty.
            value = environ.get(found["name"], "") or found["default"]
            if value is None and found["name"] not in environ:
                what = f"the environment variable {found['name']} is not set"
                fix = f"set it, or write ${{env:{found['name']}:-default}}"
                problems.append(document.problem(path, what, fix))
            return value or ""

        text = _REFERENCE.sub(one, text)
        return SecretText(text) if len(problems) == found_before else _UNAVAILABLE

    found = walk(document.root, ())
    return None if found is _UNAVAILABLE else found
