"""From errors to answers: RFC 9457, "Problem Details for HTTP APIs"."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from aiohttp import web

from processor.core.errors import (
    ForbiddenError,
    NotFoundError,
    ProcessorError,
    QuestionTooSlowError,
    RetryableError,
    TooLargeError,
    UnauthenticatedError,
)
from processor.surfaces.api import InvalidParametersError, ProblemDocument

PROBLEM_TYPE: Final = "application/problem+json"
HEADERS: Final = {
    "Server": "llm-cost-processor",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Of every answer of the API."""
_SLOW_DELAY_S: Final = 5.0


class Kind(NamedTuple):
    """A kind of problem."""

    status: int
    word: str
    title: str


class MethodError(ProcessorError):
    """A method that is not served; `allowed` are those that are."""

    def __init__(self, message: str, allowed: str = "GET, HEAD") -> None:
        super().__init__(message)
        self.allowed = allowed


class NotAcceptableError(ProcessorError):
    """A form of answer that there is not."""


class BodyTypeError(ProcessorError):
    """A body that is not JSON."""


class TooManyError(RetryableError):
    """One caller has too much under way."""


INTERNAL: Final = Kind(500, "internal", "An error of the processor")
KINDS: Final[tuple[tuple[type[ProcessorError], Kind], ...]] = (
    (InvalidParametersError, Kind(400, "invalid-parameters", "Parameters that cannot be used")),
    (UnauthenticatedError, Kind(401, "unauthenticated", "A token is needed")),
    (ForbiddenError, Kind(403, "forbidden", "Not answered here")),
    (NotFoundError, Kind(404, "not-found", "Nothing is there")),
    (MethodError, Kind(405, "method", "This method is not served here")),
    (NotAcceptableError, Kind(406, "not-acceptable", "There is no such form of the answer")),
    (TooLargeError, Kind(413, "too-large", "The body is too large, or none is taken")),
    (BodyTypeError, Kind(415, "body-type", "A body has to be JSON")),
    (TooManyError, Kind(429, "too-many", "Too many questions of one caller")),
    (QuestionTooSlowError, Kind(503, "too-slow", "The question takes too long now")),
    (RetryableError, Kind(503, "unavailable", "Ask again later")),
)
"""The first one that fits counts."""


def kind_of(error: Exception) -> Kind:
    """What kind of problem an error is."""
    return next((kind for type_, kind in KINDS if isinstance(error, type_)), INTERNAL)


def problem_response(error: Exception) -> web.Response:
    """The answer for an error. What an unknown one says stays here."""
    kind = kind_of(error)
    is_known = kind is not INTERNAL
    document = ProblemDocument(
        type=f"urn:llm-cost:problem:{kind.word}",
        title=kind.title,
        status=kind.status,
        detail=str(error) if is_known else "the processor's log has it",
        errors=list(error.problems) if isinstance(error, InvalidParametersError) else [],
    )
    headers = {**HEADERS, "Cache-Control": "no-store", "Content-Type": PROBLEM_TYPE}
    match error:
        case UnauthenticatedError():
            headers["WWW-Authenticate"] = error.challenge
        case MethodError():
            headers["Allow"] = error.allowed
        case RetryableError():
            headers["Retry-After"] = str(max(math.ceil(error.delay_s), 1))
        case QuestionTooSlowError():
            headers["Retry-After"] = str(math.ceil(_SLOW_DELAY_S))
        case _:
            pass
    body = document.model_dump_json().encode()
    return web.Response(status=kind.status, body=body, headers=headers)
