"""Who is another processor: by a token of its own, and by nothing else."""

from __future__ import annotations

import pytest

from processor.core.errors import UnauthenticatedError
from processor.io.receiver.authentication import BearerTokens

APPLICATION, PROCESSOR = "token-of-an-application", "token-of-a-processor"


def test_a_processor_is_known_by_its_token() -> None:
    """Guarantees: an application's token is accepted, and makes nobody a processor."""
    tokens = BearerTokens([APPLICATION], [PROCESSOR])
    tokens.check(f"Bearer {APPLICATION}")
    tokens.check(f"Bearer {PROCESSOR}")
    assert tokens.is_processor(f"bearer {PROCESSOR}")
    for shown in (f"Bearer {APPLICATION}", PROCESSOR, f"Basic {PROCESSOR}", "", "Bearer "):
        assert not tokens.is_processor(shown)
    with pytest.raises(UnauthenticatedError):
        tokens.check("Bearer another")


def test_with_tokens_of_processors_alone_everybody_may_send() -> None:
    """Guarantees: trust is no admission; who may send is another setting."""
    tokens = BearerTokens([], [PROCESSOR])
    tokens.check("")
    assert not tokens.is_processor("")
    assert not tokens.is_required


def test_without_any_nobody_is_a_processor() -> None:
    """Guarantees: the default trusts nobody."""
    assert not BearerTokens([APPLICATION]).is_processor(f"Bearer {APPLICATION}")
