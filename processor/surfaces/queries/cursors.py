"""Cursors: opaque texts that ask for the page after the one they came with."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Sequence

from processor.core.errors import InvalidQuestionError

_SEPARATOR = "."
_DIGEST_CHARS = 8


def write_cursor(position: tuple[int, ...], question: object) -> str:
    """A cursor at a position; `question` is all that has to be the same when it is used."""
    text = _SEPARATOR.join((*map(str, position), _digest(question)))
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str, question: object, bounds: Sequence[int] = (2**63,)) -> tuple[int, ...]:
    """The position that a cursor is at, of numbers each below its bound.

    Raises InvalidQuestionError.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        *position, digest = urlsafe_b64decode(padded).decode("ascii").split(_SEPARATOR)
        numbers = tuple(map(int, position))
    except (Error, ValueError):
        numbers, digest = (), ""
    if len(numbers) != len(bounds) or any(map(int.__ge__, map(abs, numbers), bounds)):
        fix = "leave it out to begin with the first page"
        raise InvalidQuestionError("cursor", "is none that was given here", fix)
    if digest != _digest(question):
        fix = "ask with the same time and filters"
        raise InvalidQuestionError("cursor", "belongs to another question", fix)
    return numbers


def _digest(question: object) -> str:
    return hashlib.sha256(repr(question).encode()).hexdigest()[:_DIGEST_CHARS]
