"""Who shows a bearer token that is known, and what all others get."""

from __future__ import annotations

import pytest

from processor.core.bearer import KnownTokens, check_token
from processor.core.errors import UnauthenticatedError

FIRST, SECOND = KnownTokens(["a-first-token"]), KnownTokens(["another-token"])


@pytest.mark.parametrize("shown", ["Bearer a-first-token", "bearer  another-token"])
def test_a_token_of_any_kind_is_enough(shown: str) -> None:
    check_token(shown, (FIRST, SECOND))


@pytest.mark.parametrize(
    ("shown", "challenge"),
    [
        ("", 'Bearer realm="llm-cost"'),
        ("Basic a-first-token", 'Bearer realm="llm-cost"'),
        ("Bearer a-first-toke", 'Bearer realm="llm-cost", error="invalid_token"'),
    ],
)
def test_anything_else_is_refused_with_what_is_needed(shown: str, challenge: str) -> None:
    """Guarantees: the token that was shown stands in no message."""
    with pytest.raises(UnauthenticatedError) as raised:
        check_token(shown, (FIRST, SECOND))
    assert raised.value.challenge == challenge
    assert "first" not in str(raised.value)
