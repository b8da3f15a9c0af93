"""Headers that a user has set, checked for what the protocols allow."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from processor import __version__
from processor.core.errors import ConfigError, Problem
from processor.core.model import Metadata

GrpcHeaders = tuple[tuple[str, str | bytes], ...]

_GRPC_NAME: Final = re.compile(r"(?!grpc-)[0-9a-z_.-]+")
_HTTP_NAME: Final = re.compile(r"[0-9a-z!#$%&'*+.^_`|~-]+")
_VALUE: Final = re.compile(r"[\x20-\x7e]*")
_OURS: Final = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "host",
        "transfer-encoding",
    }
)
"""Headers that say how a request is written, which is not the user's to say."""
_USER_AGENT: Final = "user-agent"
"""No header of its own: see `user_agent`."""


def user_agent(headers: Mapping[str, str]) -> str:
    """Who sends: the product, then the exporter and its language; first the user's own, if any.

    Source: OTLP exporter specification, "User Agent". The exporter's name is not that of
    OpenTelemetry's own, whose versions are others.
    """
    theirs = [value for name, value in headers.items() if name.lower() == _USER_AGENT]
    ours = f"llm-cost-processor/{__version__} OTel-OTLP-Exporter-Python-LLM-Cost/{__version__}"
    return " ".join((*theirs, ours))


def read_headers(headers: Mapping[str, str]) -> GrpcHeaders:
    """Names and values as gRPC metadata. Raises ConfigError, which never shows a value."""
    checked = _checked(headers, "exporters.otlp.headers", _GRPC_NAME, frozenset())
    return tuple(
        (name, value.encode() if name.endswith("-bin") else value) for name, value in checked
    )


def read_http_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Names and values for HTTP. Raises ConfigError, which never shows a value."""
    return dict(_checked(headers, "exporters.otlphttp.headers", _HTTP_NAME, _OURS))


def with_metadata(headers: GrpcHeaders, metadata: Metadata) -> GrpcHeaders:
    """The user's headers, and a sender's in place of those that have the same name."""
    if not metadata:
        return headers
    named = {name for name, _ in metadata}
    return *(header for header in headers if header[0] not in named), *metadata


def _checked(
    headers: Mapping[str, str], setting: str, names: re.Pattern[str], ours: frozenset[str]
) -> list[tuple[str, str]]:
    lower = [(name.lower(), value) for name, value in headers.items()]
    problems = [
        problem
        for name, value in lower
        for problem in _problems(f"{setting}.{name}", name, value, names, ours)
    ]
    if problems:
        raise ConfigError(problems)
    return [(name, value) for name, value in lower if name != _USER_AGENT]


def _problems(
    where: str, name: str, value: str, names: re.Pattern[str], ours: frozenset[str]
) -> Iterator[Problem]:
    if not names.fullmatch(name):
        yield Problem(where, "is not a header name", "use letters, digits and -_.")
    elif name in ours:
        yield Problem(where, "is set by the exporter itself", "remove it")
    elif not _VALUE.fullmatch(value):
        yield Problem(where, "has a value with other than printable ASCII")
