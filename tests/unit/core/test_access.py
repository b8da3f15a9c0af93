"""One rule for who may ask and who may change, whatever the surface."""

from __future__ import annotations

from typing import get_args

import pytest

from processor.core.access import Access, ApiTokens, Right
from processor.core.errors import ForbiddenError, UnauthenticatedError
from processor.core.ports import Caller

READER, ADMIN, SENDER = (f"{role}-token-of-some-length" for role in ("reader", "admin", "sender"))
NO_ONE = ApiTokens()
READERS = ApiTokens(read=[READER])
ALL = ApiTokens(read=[READER], admin=[ADMIN])
CALLERS = {
    "nobody there": Caller(is_local=False),
    "nobody here": Caller(is_local=True),
    "stranger there": Caller(is_local=False, may_send=False),
    "stranger here": Caller(is_local=True, may_send=False),
    "sender there": Caller(is_local=False, authorization=f"Bearer {SENDER}"),
    "sender here": Caller(is_local=True, authorization=f"Bearer {SENDER}"),
    "reader there": Caller(is_local=False, authorization=f"Bearer {READER}", may_send=False),
    "reader here": Caller(is_local=True, authorization=f"Bearer {READER}", may_send=False),
    "admin there": Caller(is_local=False, authorization=f"bearer {ADMIN}", may_send=False),
    "admin here": Caller(is_local=True, authorization=f"Bearer {ADMIN}", may_send=False),
}


def outcome(tokens: ApiTokens, right: Right, who: str, *, is_loopback: bool) -> str:
    try:
        Access(tokens, is_loopback=is_loopback).check(right, CALLERS[who])
    except UnauthenticatedError:
        return "unauthenticated"
    except ForbiddenError:
        return "forbidden"
    return "ok"


def those(tokens: ApiTokens, right: Right, *, is_loopback: bool) -> set[str]:
    """The callers that have a right."""
    return {who for who in CALLERS if outcome(tokens, right, who, is_loopback=is_loopback) == "ok"}


READING = {"reader there", "reader here", "admin there", "admin here"}
ADMINS = {"admin there", "admin here"}
SENDING = {"nobody there", "nobody here", "sender there", "sender here"}
"""In these cases whoever shows no token may send."""
LOCAL = {"nobody here", "sender here"}


@pytest.mark.parametrize("is_loopback", [True, False])
@pytest.mark.parametrize("tokens", [READERS, ALL], ids=["readers", "all"])
def test_with_tokens_one_of_them_is_needed_to_read(tokens: ApiTokens, *, is_loopback: bool) -> None:
    """Guarantees: a sender's token alone does not allow asking, nor does being on this machine."""
    admins = ADMINS if tokens is ALL else set()
    expected = {"reader there", "reader here", *admins}
    assert those(tokens, "read", is_loopback=is_loopback) == expected
    assert outcome(tokens, "read", "sender here", is_loopback=is_loopback) == "unauthenticated"


def test_without_tokens_only_what_this_machine_alone_reaches_is_answered() -> None:
    assert those(NO_ONE, "read", is_loopback=False) == set()
    assert outcome(NO_ONE, "read", "nobody here", is_loopback=False) == "forbidden"
    assert those(NO_ONE, "read", is_loopback=True) == SENDING
    assert outcome(NO_ONE, "read", "stranger here", is_loopback=True) == "unauthenticated"


@pytest.mark.parametrize("is_loopback", [True, False])
@pytest.mark.parametrize("tokens", [NO_ONE, READERS, ALL], ids=["none", "readers", "all"])
def test_to_change_one_is_on_this_machine_or_an_administrator(
    tokens: ApiTokens, *, is_loopback: bool
) -> None:
    admins = ADMINS if tokens is ALL else set()
    assert those(tokens, "change", is_loopback=is_loopback) == LOCAL | admins


def test_a_token_for_reading_allows_no_change() -> None:
    for who in ("reader there", "reader here"):
        assert outcome(ALL, "change", who, is_loopback=True) == "forbidden"
        with pytest.raises(ForbiddenError, match=r"show one of api\.admin_tokens, or run it on"):
            Access(ALL, is_loopback=True).check("change", CALLERS[who])


def test_whoever_changes_sees_how_far_it_has_come() -> None:
    for tokens in (NO_ONE, ALL):
        change = those(tokens, "change", is_loopback=False)
        read = those(tokens, "read", is_loopback=False)
        assert those(tokens, "progress", is_loopback=False) == change | read


def test_health_is_for_whoever_sends_or_reads() -> None:
    assert those(ALL, "health", is_loopback=False) == SENDING | READING
    assert outcome(ALL, "health", "stranger here", is_loopback=False) == "unauthenticated"


@pytest.mark.parametrize("right", get_args(Right))
@pytest.mark.parametrize("who", CALLERS)
@pytest.mark.parametrize("tokens", [NO_ONE, READERS, ALL], ids=["none", "readers", "all"])
def test_every_refusal_names_a_setting_and_no_token(
    tokens: ApiTokens, who: str, right: Right
) -> None:
    for is_loopback in (True, False):
        try:
            Access(tokens, is_loopback=is_loopback).check(right, CALLERS[who])
        except (ForbiddenError, UnauthenticatedError) as error:
            said = str(error)
            assert "read_tokens" in said or "admin_tokens" in said
            assert "some-length" not in said
            assert len(said.encode()) < 1000


def test_tokens_are_replaced_for_every_listener_at_once() -> None:
    tokens = ApiTokens(read=[READER])
    first, second = (Access(tokens, is_loopback=each) for each in (True, False))
    tokens.replace("read", [ADMIN])
    tokens.replace("admin", [SENDER])
    for access in (first, second):
        access.check("read", CALLERS["admin there"])
        access.check("change", CALLERS["sender there"])
        with pytest.raises(UnauthenticatedError):
            access.check("read", CALLERS["reader there"])


@pytest.mark.parametrize(
    "shown",
    [
        "", "Bearer", "Bearer ", "Bearer  \t", READER, f"Basic {READER}", f"Bearer {READER[:-1]}",
        f"Bearer {READER}x", f"Bearer {READER}, Bearer {READER}", f"Bearer\t{READER}",
        f"Bearer {READER.upper()}", f"Bearer {READER}\x00", "Bearer \udcff\udcfe", "Bearer é" * 9,
    ],
)  # fmt: skip
def test_odd_headers_are_no_token(shown: str) -> None:
    assert READERS.role_of(shown) is None
    with pytest.raises(UnauthenticatedError):
        Access(READERS, is_loopback=True).check("read", Caller(is_local=True, authorization=shown))
