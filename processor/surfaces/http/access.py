"""Who may ask: tokens, and protection from web pages that use a browser on this machine.

A page of any site can have a browser ask for http://127.0.0.1:8888, and have a name of its own lead
there (DNS rebinding). So the host asked for has to be one of this machine, and the page one that
was served from here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final, Literal
from urllib.parse import urlsplit

from aiohttp import hdrs
from multidict import CIMultiDictProxy

from processor.core.bearer import KnownTokens, check_token
from processor.core.errors import ForbiddenError
from processor.core.otlp.addresses import is_loopback

Role = Literal["read", "admin"]

NO_TOKENS: Final = (
    "costs are not shown beyond this machine while no token is set; put these lines into the "
    'settings, and the token into the environment: api: {read_tokens: ["${env:LLM_COST_TOKEN}"]}'
)


class Access:
    """Decides who may ask.

    `is_loopback` says whether only this machine can reach the listener. There no token is needed
    unless some are set; beyond it nothing is answered without one.
    """

    def __init__(
        self,
        *,
        is_loopback: bool,
        read_tokens: Iterable[str] = (),
        admin_tokens: Iterable[str] = (),
        allowed_hosts: Collection[str] = (),
    ) -> None:
        self._is_loopback = is_loopback
        self._tokens: dict[Role, KnownTokens] = {
            "read": KnownTokens(read_tokens),
            "admin": KnownTokens(admin_tokens),
        }
        self._allowed_hosts = frozenset(host.lower() for host in allowed_hosts)

    @property
    def needs_token(self) -> bool:
        """Whether a token has to be shown."""
        return any(self._tokens.values())

    @property
    def is_closed(self) -> bool:
        """Whether nobody is answered, since a token would be needed and none is set."""
        return not self._is_loopback and not self.needs_token

    def use_tokens(self, role: Role, tokens: Iterable[str]) -> None:
        """Accept these tokens for a role, and no others, from the next request on."""
        self._tokens[role].replace(tokens)

    def check(self, headers: CIMultiDictProxy[str]) -> None:
        """Raise ForbiddenError or UnauthenticatedError unless a request may be answered."""
        host = headers.get(hdrs.HOST, "")
        if self._allowed_hosts or self._is_loopback:
            self._check_host(host)
        _check_origin(headers.get(hdrs.ORIGIN), host)
        if self.is_closed:
            raise ForbiddenError(NO_TOKENS)
        if self.needs_token:
            check_token(headers.get(hdrs.AUTHORIZATION, ""), self._tokens.values())

    def _check_host(self, host: str) -> None:
        name = _name_of(host)
        if name not in self._allowed_hosts and not is_loopback(name):
            message = (
                f"{name[:100]!r} is not a name of this machine here; ask for 127.0.0.1, or set "
                f"api.allowed_hosts"
            )
            raise ForbiddenError(message)


def _check_origin(origin: str | None, host: str) -> None:
    """Refuse what a page of another site asks for."""
    if origin is None:
        return
    try:
        place = urlsplit(origin).netloc.lower()
    except ValueError:
        place = ""
    if not place or place != host.lower():
        message = f"a page of {origin[:100]!r} may not ask here"
        raise ForbiddenError(message)


def _name_of(host: str) -> str:
    """The name in a ``Host`` header, without its port and the brackets of IPv6."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""
