"""Questions to a running processor over HTTP, and in words why one failed."""

from __future__ import annotations

import http.client
import socket
import ssl
from typing import Final
from urllib.parse import urlencode

from pydantic import ValidationError

from processor.cli.choice import ClosedError, NoAnswerError, RefusedError
from processor.cli.connection import PROGRAM
from processor.cli.questions.address import PORT_DEFAULT, ApiAddress
from processor.cli.questions.protocol import D, Form, Query
from processor.cli.tokens import TOKEN_VARIABLE
from processor.core.errors import NotFoundError, ProcessorError
from processor.surfaces.api import InvalidParametersError, ProblemDocument

_OTLP_PATH: Final = b"/v1/traces"
_IS_OTLP: Final = (
    "it looks like the address that applications send spans to; that of the API is given as "
    f"http://HOST:{PORT_DEFAULT}"
)
_TRIES: Final = 2


class Remote:
    """A running processor."""

    def __init__(self, there: ApiAddress) -> None:
        """Ask whether it is one. Raises NoAnswerError and RefusedError."""
        self._there = there
        self._connection = there.connect()
        try:
            self.text("/status", (), "json")
        except ProcessorError:
            self.close()
            raise

    def get(self, kind: type[D], path: str, query: Query = ()) -> D:
        """The answer as a document; see `Questions.get`."""
        body = self.text(path, query, "json")
        try:
            # What a newer processor says beyond that is no reason to say nothing.
            return kind.model_validate_json(body, extra="ignore")
        except ValidationError as error:
            message = (
                f"{self._there} is another version, whose answers this one cannot show; --json "
                "prints them as they are"
            )
            raise RefusedError(message) from error

    def text(self, path: str, query: Query, form: Form) -> str:
        """The answer as it came."""
        given = [*query, ("format", form)] if form == "csv" else query
        address = f"{self._there.prefix}{path}"
        if given:
            address += f"?{urlencode(given)}"
        status, server, body = self._exchange(address)
        if status == http.client.OK and server == PROGRAM:
            return body.decode()
        raise _refusal(self._there, status, server, body)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _exchange(self, address: str) -> tuple[int, str, bytes]:
        """Status, server and body of an answer. Raises NoAnswerError."""
        headers = {"Accept": "*/*"}
        if self._there.token:
            headers["Authorization"] = f"Bearer {self._there.token}"
        for tries_left in reversed(range(_TRIES)):
            try:
                self._connection.request("GET", address, headers=headers)
                response = self._connection.getresponse()
                return response.status, response.getheader("Server", ""), response.read()
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()
                # A connection that was idle for long may be closed without a fault.
                if isinstance(error, ConnectionResetError | BrokenPipeError) and tries_left:
                    continue
                raise NoAnswerError(self._unreached(error)) from error
        raise AssertionError  # pragma: no cover - the last try returns or raises

    def _unreached(self, error: Exception) -> str:
        there = self._there
        match error:
            case ssl.SSLError():
                why = f"not with TLS that is trusted here ({error.reason or error})"
            case TimeoutError():
                why = "no answer in time"
            case socket.gaierror():
                why = f"its name leads nowhere ({error.strerror})"
            case ConnectionRefusedError():
                why = "nothing listens there"
            case OSError():
                why = error.strerror or str(error)
            case _:
                # A server of gRPC speaks HTTP/2 at once.
                why = _IS_OTLP
        return f"{there} cannot be asked: {why}"


def _refusal(there: ApiAddress, status: int, server: str, body: bytes) -> ProcessorError:
    """What an answer without a document means."""
    try:
        problem = ProblemDocument.model_validate_json(body)
    except ValidationError:
        if server == PROGRAM and _OTLP_PATH in body:
            return NoAnswerError(f"{there} cannot be asked: {_IS_OTLP}")
        if server == PROGRAM:
            why = "questions over HTTP are switched off there (api.enabled)"
            return ClosedError(f"{there} answers no questions: {why}")
        what = f"what listens there is not our API (it says {status})"
        return NoAnswerError(f"{there} cannot be asked: {what}")
    if problem.errors:
        return InvalidParametersError(problem.errors)
    if status == http.client.NOT_FOUND:
        return NotFoundError(problem.detail)
    message = f"{there}: {problem.detail}"
    if status == http.client.UNAUTHORIZED:
        message += f" (set {TOKEN_VARIABLE} to a token that it knows)"
    is_closed = status in {http.client.UNAUTHORIZED, http.client.FORBIDDEN}
    return ClosedError(message) if is_closed else RefusedError(message)
