"""What both transports share: the contract of one attempt, headers, and hints on failures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal, NamedTuple, Protocol

from processor import __version__
from processor.core.errors import ConfigError, Problem
from processor.core.model import Metadata, Receipt, Signal
from processor.core.otlp.addresses import BackendAddress
from processor.core.otlp.codes import Code
from processor.io.exporter.client_tls import ClientTls

GrpcCompression = Literal["none", "gzip"]
"""What gRPC's core packs with; it has no zstd."""
HttpCompression = Literal["none", "gzip", "zstd"]


class Failure(NamedTuple):
    """Why one attempt failed.

    A value of its own: an exception that is kept keeps the payload as well, by its traceback.
    """

    reason: str
    """The name of the status."""
    message: str
    code: Code
    is_retryable: bool
    asked_s: float | None = None
    """The least wait that the backend asks for."""
    hint: str = ""
    """What the user could change."""
    may_be_absent: bool = False
    """Whether the backend may not have this signal at all, although the answer may be a proxy's."""


class AttemptError(Exception):
    """One attempt that failed; `RetryingSender` decides whether there is another one."""

    def __init__(
        self,
        reason: str,
        message: str,
        code: Code,
        *,
        is_retryable: bool,
        asked_s: float | None = None,
        hint: str = "",
        may_be_absent: bool = False,
    ) -> None:
        """See `Failure` for what they are."""
        super().__init__(message)
        self.failure = Failure(reason, message, code, is_retryable, asked_s, hint, may_be_absent)


class Transport(Protocol):
    """A connection to a backend that speaks OTLP."""

    tls: ClientTls
    """What is put here is used from the next request on, on a new connection."""
    token: str
    """The value of the header ``authorization``, likewise; empty: no such header."""

    @property
    def name(self) -> str:
        """How users know the backend, for messages."""

    async def start(self) -> None:
        """Prepare the connection; it is made with the first payload. Raises ConfigError."""

    @property
    def is_tls(self) -> bool:
        """Whether it is spoken to over TLS."""

    def takes(self, signal: Signal) -> bool:
        """Whether payloads of this signal can be sent here at all."""

    async def attempt(
        self, signal: Signal, payload: bytes, timeout_s: float, metadata: Metadata = ()
    ) -> Receipt | None:
        """Send once. None: the backend has taken the payload, but its answer cannot be read.

        `metadata` is sent as headers; each replaces a configured header of its name. Raises
        AttemptError, and BackendUnavailableError once it has been closed.
        """

    async def close(self) -> None:
        """Close the connection; attempts under way end as unavailable."""


GrpcHeaders = tuple[tuple[str, str | bytes], ...]

_GRPC_NAME: Final = re.compile(r"(?!grpc-)[0-9a-z_.-]+")
_HTTP_NAME: Final = re.compile(r"[0-9a-z!#$%&'*+.^_`|~-]+")
_VALUE: Final = re.compile(r"[\x20-\x7e]*")
_RESERVED_NAMES: Final = frozenset(
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
"""Headers that say how a request is encoded, which the exporter decides."""
_USER_AGENT: Final = "user-agent"
"""Not a header like the others: see `user_agent`."""


def user_agent(headers: Mapping[str, str]) -> str:
    """The sender: product, then exporter and its language; first the user's own, if any.

    Source: OTLP exporter specification, "User Agent". The exporter's name is not that of
    OpenTelemetry's own, whose versions are others.
    """
    users = [value for name, value in headers.items() if name.lower() == _USER_AGENT]
    own = f"llm-cost-processor/{__version__} OTel-OTLP-Exporter-Python-LLM-Cost/{__version__}"
    return " ".join((*users, own))


def read_headers(headers: Mapping[str, str]) -> GrpcHeaders:
    """Names and values as gRPC metadata. Raises ConfigError, which never shows a value."""
    checked = _checked(headers, "exporters.otlp.headers", _GRPC_NAME, frozenset())
    return tuple(
        (name, value.encode() if name.endswith("-bin") else value) for name, value in checked
    )


def read_http_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Names and values for HTTP. Raises ConfigError, which never shows a value."""
    return dict(_checked(headers, "exporters.otlphttp.headers", _HTTP_NAME, _RESERVED_NAMES))


def with_metadata(headers: GrpcHeaders, metadata: Metadata) -> GrpcHeaders:
    """The configured headers, with those of the same name replaced by a sender's."""
    if not metadata:
        return headers
    named = {name for name, _ in metadata}
    return *(header for header in headers if header[0] not in named), *metadata


def _checked(
    headers: Mapping[str, str], setting: str, names: re.Pattern[str], reserved: frozenset[str]
) -> list[tuple[str, str]]:
    lower = [(name.lower(), value) for name, value in headers.items()]
    problems = [
        problem
        for name, value in lower
        for problem in _problems(f"{setting}.{name}", name, value, names, reserved)
    ]
    if problems:
        raise ConfigError(problems)
    return [(name, value) for name, value in lower if name != _USER_AGENT]


def _problems(
    where: str, name: str, value: str, names: re.Pattern[str], reserved: frozenset[str]
) -> Iterator[Problem]:
    if not names.fullmatch(name):
        yield Problem(where, "is not a header name", "use letters, digits and -_.")
    elif name in reserved:
        yield Problem(where, "is set by the exporter itself", "remove it")
    elif not _VALUE.fullmatch(value):
        yield Problem(where, "has a value with other than printable ASCII")


_TLS_FAILURES: Final[Sequence[str]] = ("handshake", "ssl", "tls", "certificate")
_PLAINTEXT_REFUSED: Final[Sequence[str]] = (
    "socket closed",
    "connection reset",
    "settings frame",
    "http/1",
)
_HTTP1_SERVER: Final = "http1.x server"
_HTTP_PORT: Final = 4318


def grpc_hint(address: BackendAddress, message: str) -> str:
    """What to change after a failure of OTLP/gRPC that says `message`; ``""`` if unknown."""
    text = message.lower()
    if address.is_tls and any(word in text for word in _TLS_FAILURES):
        return _tls_hint(address)
    if address.port == _HTTP_PORT and not address.is_tls:
        return f"{_HTTP_PORT} is the port of OTLP over HTTP: write http://{address}/v1/traces"
    if not address.is_tls and _HTTP1_SERVER in text:
        return (
            f"the backend speaks HTTP/1 there; write http://{address}/v1/traces if it takes OTLP "
            f"over HTTP, or https://{address} if it expects TLS"
        )
    if not address.is_tls and any(word in text for word in _PLAINTEXT_REFUSED):
        return f"the backend is spoken to in plaintext; write https://{address} if it expects TLS"
    return ""


def http_hint(address: BackendAddress, *, is_tls_failure: bool, is_not_http: bool) -> str:
    """The same for OTLP/HTTP: TLS failed, or what came back was no HTTP."""
    if is_tls_failure:
        return _tls_hint(address)
    if is_not_http:
        return (
            "the backend does not answer in HTTP; if this is its port for OTLP over gRPC, write "
            "the address as exporters.otlp.endpoint"
        )
    return ""


def _tls_hint(address: BackendAddress) -> str:
    chosen = "" if address.has_scheme else ", which is the default for other machines"
    return (
        f"the backend is spoken to over TLS{chosen}; write http://{address} if it expects "
        "plaintext, or give the authority that signed its certificate as tls.ca_file"
    )
