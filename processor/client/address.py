"""Where a processor answers, what is sent to it, and what its answers mean."""

from __future__ import annotations

import json
import os
import socket
import ssl
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from processor import __version__
from processor.client.errors import (
    CostClientError,
    ForbiddenError,
    InvalidQuestionError,
    NotFoundError,
    ParameterProblem,
    RefusedError,
    TimedOutError,
    TooSlowError,
    UnauthenticatedError,
    UnavailableError,
    UnexpectedAnswerError,
    UnreachableError,
)
from processor.client.questions import Ask
from processor.client.reading import document_of
from processor.client.records import Document

TOKEN_VARIABLE: Final = "LLM_COST_TOKEN"  # noqa: S105 - a name, no token
PREFIX: Final = "/api/v1"
_PORTS: Final = {"http": 8888, "https": 443}
_OTLP_PORTS: Final = frozenset({4317, 4318})
_TOO_SLOW: Final = "urn:llm-cost:problem:too-slow"
_ERRORS: Final[dict[int, type[RefusedError]]] = {
    HTTPStatus.BAD_REQUEST: InvalidQuestionError,
    HTTPStatus.UNAUTHORIZED: UnauthenticatedError,
    HTTPStatus.FORBIDDEN: ForbiddenError,
    HTTPStatus.NOT_FOUND: NotFoundError,
    HTTPStatus.TOO_MANY_REQUESTS: UnavailableError,
    HTTPStatus.SERVICE_UNAVAILABLE: UnavailableError,
}


@dataclass(frozen=True, slots=True)
class Address:
    """The API of one processor."""

    host: str
    port: int
    prefix: str
    """The path that all its paths begin with."""
    tls: ssl.SSLContext | None
    token: str = field(repr=False)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http{'s' if self.tls else ''}://{host}:{self.port}"

    @property
    def headers(self) -> dict[str, str]:
        """Of every request."""
        headers = {"Accept": "application/json", "User-Agent": f"llm-cost-client/{__version__}"}
        return headers | ({"Authorization": f"Bearer {self.token}"} if self.token else {})

    def headers_of(self, ask: Ask) -> dict[str, str]:
        """Of one request."""
        sent = {"Content-Type": "application/json"} if ask.body is not None else {}
        return self.headers | sent

    def path(self, ask: Ask) -> str:
        """What stands in the first line of a request."""
        return f"{self.prefix}{ask}"

    def read(self, status: int, retry_after: str | None, body: bytes) -> Document:
        """The document of an answer. Raises RefusedError and UnexpectedAnswerError."""
        try:
            document = json.loads(body)
        except ValueError:
            document = None
        if status == HTTPStatus.OK and isinstance(document, dict):
            return document_of(document)
        if not (isinstance(document, dict) and isinstance(document.get("detail"), str)):
            raise self._unexpected(status)
        raise self._refused(status, retry_after, document)

    def unreached(self, error: BaseException) -> CostClientError:
        """What a failed connection means. `error` is what its library has raised."""
        kind: type[CostClientError] = UnreachableError
        match error:
            case ssl.SSLCertVerificationError():
                why = f"its certificate is not trusted here ({error.verify_message})"
            case ssl.SSLError():
                why = f"it does not speak TLS as we do ({error.reason or error})"
            case TimeoutError():
                kind, why = TimedOutError, "no answer in time; give a larger timeout_s"
            case socket.gaierror():
                why = f"its name leads nowhere ({error.strerror})"
            case ConnectionRefusedError():
                why = "nothing listens there; is `llm-cost serve` running?"
            case OSError():
                why = f"{error.strerror or error or type(error).__name__}{self._hint}"
            case _:
                why = f"it ends the connection, or speaks no HTTP that is known here{self._hint}"
        return kind(f"{self} cannot be asked: {why}")

    @property
    def _hint(self) -> str:
        if self.port not in _OTLP_PORTS:
            return ""
        return "; it looks like the address that spans are sent to: that of the API has port 8888"

    def _unexpected(self, status: int) -> UnexpectedAnswerError:
        if status == HTTPStatus.OK:
            why = "what listens there is no llm-cost-processor"
        elif status == HTTPStatus.NOT_FOUND:
            why = "it has no API (on a processor, see the setting api.enabled)"
        else:
            why = f"it answers with status {status} and no reason"
        return UnexpectedAnswerError(f"{self} cannot be asked: {why}{self._hint}")

    def _refused(self, status: int, retry_after: str | None, document: Any) -> RefusedError:  # noqa: ANN401 - of JSON
        kind = _ERRORS.get(status, RefusedError)
        if document.get("type") == _TOO_SLOW:
            kind = TooSlowError
        problems = tuple(
            ParameterProblem(
                str(each.get("parameter")),
                str(each.get("detail")),
                each.get("fix"),
                tuple(each.get("choices") or ()),
            )
            for each in document.get("errors") or ()
        )
        message = "\n".join(map(str, problems)) or document["detail"]
        if status == HTTPStatus.UNAUTHORIZED:
            message += f" (give token=, or set {TOKEN_VARIABLE}, to one that it knows)"
        return kind(f"{self}: {message}", status, problems, _seconds(retry_after))


def parse_address(endpoint: str, token: str | None, tls: ssl.SSLContext | None) -> Address:
    """The API at an endpoint: ``http://host:8888``, ``https://host/path`` or ``host:port``.

    Raises ValueError with the fix.
    """
    url = urlsplit(endpoint if "://" in endpoint else f"http{'s' if tls else ''}://{endpoint}")
    fix = f"write http://host:8888 instead of {endpoint!r}"
    try:
        port = url.port or _PORTS[url.scheme]
    except (KeyError, ValueError):
        raise ValueError(f"endpoint is no HTTP address: {fix}") from None
    if not url.hostname or url.query or url.fragment or url.username:
        raise ValueError(f"endpoint is more, or less, than an address: {fix}")
    if url.scheme == "http" and tls:
        raise ValueError(
            f"endpoint is plain text, and tls is given: {fix.replace('http', 'https')}"
        )
    if url.scheme == "https" and tls is None:
        tls = ssl.create_default_context()
    token = (os.environ.get(TOKEN_VARIABLE, "") if token is None else token).strip()
    if not (token.isascii() and token.isprintable()):
        raise ValueError("token has characters that no header can carry: give the token alone")
    path = url.path.rstrip("/")
    prefix = path if path.endswith(PREFIX) else path + PREFIX
    return Address(url.hostname, port, prefix, tls, token)


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after and retry_after.isdecimal() else None
