"""Bearer tokens that are known, compared in constant time.

Source: RFC 6750, "The OAuth 2.0 Authorization Framework: Bearer Token Usage".
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from typing import Final

from processor.core.errors import UnauthenticatedError

_SCHEME: Final = "bearer"

_NEEDED: Final = "a bearer token is needed: send the header Authorization: Bearer <token>"
_NEEDED_CHALLENGE: Final = 'Bearer realm="llm-cost"'
_UNKNOWN: Final = "the bearer token is none of those known here"
_UNKNOWN_CHALLENGE: Final = 'Bearer realm="llm-cost", error="invalid_token"'


class KnownTokens:
    """Some tokens, kept as digests."""

    def __init__(self, tokens: Iterable[str] = ()) -> None:
        self._digests: tuple[bytes, ...] = ()
        self.replace(tokens)

    def replace(self, tokens: Iterable[str]) -> None:
        """Know these tokens from now on, and no others."""
        self._digests = tuple(_digest(token) for token in tokens)

    def __bool__(self) -> bool:
        return bool(self._digests)

    def know(self, token: str) -> bool:
        """Whether it is one of them; it is compared with all, so that the time reveals nothing."""
        shown = _digest(token)
        matches = [hmac.compare_digest(shown, known) for known in self._digests]
        return any(matches)


def check_token(authorization: str, accepted: Iterable[KnownTokens]) -> None:
    """Raise UnauthenticatedError unless an ``Authorization`` value shows one of some tokens."""
    token = token_of(authorization)
    if not token:
        raise UnauthenticatedError(_NEEDED, _NEEDED_CHALLENGE)
    # All are asked, so that the time does not reveal which one has answered.
    is_known = [known.know(token) for known in accepted]
    if not any(is_known):
        raise UnauthenticatedError(_UNKNOWN, _UNKNOWN_CHALLENGE)


def token_of(authorization: str) -> str:
    """The token of a bearer ``Authorization`` value; ``""`` where there is none."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == _SCHEME else ""


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
