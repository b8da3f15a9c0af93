"""Bearer tokens that are known, compared in constant time.

Source: RFC 6750, "The OAuth 2.0 Authorization Framework: Bearer Token Usage".
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from typing import Final, NoReturn

from processor.core.errors import UnauthenticatedError

_SCHEME: Final = "bearer"

_SEND: Final = "send the header Authorization: Bearer <token>"
_NEEDED_CHALLENGE: Final = 'Bearer realm="llm-cost"'
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
    # All are asked, so that the time does not reveal which one has answered.
    is_known = [known.know(token) for known in accepted]
    if not token or not any(is_known):
        refuse_token(authorization)


def refuse_token(authorization: str, wanted: str = "") -> NoReturn:
    """Raise UnauthenticatedError for an ``Authorization`` value that shows none of some tokens.

    `wanted` are the settings that have them.
    """
    if not token_of(authorization):
        whose = f", one of {wanted}" if wanted else ""
        raise UnauthenticatedError(f"a bearer token is needed{whose}: {_SEND}", _NEEDED_CHALLENGE)
    message = f"the bearer token is none of {wanted or 'those known here'}"
    raise UnauthenticatedError(message, _UNKNOWN_CHALLENGE)


def token_of(authorization: str) -> str:
    """The token of a bearer ``Authorization`` value; ``""`` where there is none."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == _SCHEME else ""


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
