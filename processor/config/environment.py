"""The standard variables of OTLP exporters, and which of several places names the backend.

Source: OpenTelemetry's OTLP exporter specification, "Configuration Options".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

from processor.config.model import Given
from processor.core.files.document import Path
from processor.core.files.fields import Concealed

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
            yield (*section, *path), Given(Concealed(text), given.where)
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
            yield Given(Concealed(text), _PREFIX + suffix)
            return


def _is_http_url(address: str, environ: Mapping[str, str]) -> bool:
    if "://" not in address:
        return False
    try:
        return is_http(environ) or bool(urlsplit(address).path.strip("/"))
    except ValueError:  # It is no address at all, and will be refused as one.
        return False
