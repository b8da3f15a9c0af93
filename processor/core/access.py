"""Who may ask and who may change: one rule for every surface.

To ask, a token is needed as soon as one is set. Without any, a listener that only this machine
reaches answers, and one that others reach answers nobody. To change something, a caller has to be
on this machine or to show a token of administrators. That somebody may send spans allows neither.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, assert_never

from processor.core.bearer import KnownTokens, refuse_token, token_of
from processor.core.errors import ForbiddenError
from processor.core.ports import Caller

Role = Literal["read", "admin"]
"""What a token is for: to ask, or to ask and to change."""

Right = Literal["read", "change", "progress", "health"]
"""What a question needs: to read what was spent, to change it, to see how far a change has come,
or to see whether the processor works."""

NO_TOKENS: Final = (
    "costs are not shown beyond this machine while no token is set; put these lines into the "
    'settings, and the token into the environment: api: {read_tokens: ["${env:LLM_COST_TOKEN}"]}'
)
_CHANGES: Final = "this changes the ledger"
_THERE: Final = "run it on the machine, or in the container, that the processor runs in"
_ADMIN: Final = "api.admin_tokens"
_READERS: Final = f"api.read_tokens or {_ADMIN}"
_SENDERS: Final = "receivers.otlp.protocols.grpc.auth.bearer_tokens"


class ApiTokens:
    """The tokens of those who ask, and of those who change as well; shared by all listeners."""

    def __init__(self, *, read: Iterable[str] = (), admin: Iterable[str] = ()) -> None:
        self._known: dict[Role, KnownTokens] = {
            "read": KnownTokens(read),
            "admin": KnownTokens(admin),
        }

    def __bool__(self) -> bool:
        return any(self._known.values())

    def has(self, role: Role) -> bool:
        """Whether there are tokens of a role."""
        return bool(self._known[role])

    def replace(self, role: Role, tokens: Iterable[str]) -> None:
        """Accept these tokens for a role, and no others, from the next request on."""
        self._known[role].replace(tokens)

    def role_of(self, authorization: str) -> Role | None:
        """What the token of an ``Authorization`` value is for; None where it is not known."""
        token = token_of(authorization)
        # Both are asked, so that the time does not reveal which one has answered.
        is_reader, is_admin = self._known["read"].know(token), self._known["admin"].know(token)
        if is_admin:
            return "admin"
        return "read" if is_reader else None


class Access:
    """Decides for one listener. `is_loopback` says whether only this machine can reach it."""

    def __init__(self, tokens: ApiTokens, *, is_loopback: bool) -> None:
        self._tokens = tokens
        self._is_loopback = is_loopback

    @property
    def needs_token(self) -> bool:
        """Whether who asks has to show a token."""
        return bool(self._tokens)

    @property
    def is_closed(self) -> bool:
        """Whether nobody is answered, since a token would be needed and none is set."""
        return not self._is_loopback and not self.needs_token

    def check(self, right: Right, caller: Caller) -> None:
        """Raise ForbiddenError or UnauthenticatedError unless a caller has a right."""
        role = self._tokens.role_of(caller.authorization)
        if role == "admin":
            return
        match right:
            case "read":
                self._check_read(role, caller)
            case "change":
                self._check_change(role, caller)
            case "progress":
                if not _is_trusted(caller):
                    self._check_read(role, caller)
            case "health":
                if not caller.may_send:
                    self._check_read(role, caller)
            case _:
                assert_never(right)

    def _check_read(self, role: Role | None, caller: Caller) -> None:
        if role is not None:
            return
        if self.needs_token:
            refuse_token(caller.authorization, _READERS)
        if self.is_closed:
            raise ForbiddenError(NO_TOKENS)
        if not caller.may_send:
            refuse_token(caller.authorization, f"{_SENDERS} or {_READERS}")

    def _check_change(self, role: Role | None, caller: Caller) -> None:
        if _is_trusted(caller):
            return
        if role is not None:
            message = (
                f"{_CHANGES}, which a token of api.read_tokens does not allow: show one of "
                f"{_ADMIN}, or {_THERE}"
            )
            raise ForbiddenError(message)
        if caller.is_local:
            refuse_token(caller.authorization, f"{_SENDERS} or {_ADMIN}")
        if self._tokens.has("admin"):
            refuse_token(caller.authorization, f"{_ADMIN}, since {_CHANGES}")
        message = (
            f"{_CHANGES}, so only callers over the loopback interface may ask for it, or with a "
            f"token of {_ADMIN}: {_THERE}, or set such a token"
        )
        raise ForbiddenError(message)


def _is_trusted(caller: Caller) -> bool:
    """Whether a caller may change without a token of administrators."""
    return caller.is_local and caller.may_send
