"""Protection from web pages that use a browser on this machine.

A page of any site can have a browser ask for http://127.0.0.1:8888, and have a name of its own lead
there (DNS rebinding). So the host asked for has to be one of this machine, and the page one that
was served from here.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from aiohttp import hdrs
from multidict import CIMultiDictProxy

from processor.core.errors import ForbiddenError
from processor.core.otlp.addresses import is_loopback

_HOST: Final = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")


class Hosts:
    """The names under which a listener may be asked, and the pages that may ask.

    `is_loopback` says whether only this machine can reach the listener. Beyond it the host is
    looked at only where names are allowed, and never for what scrapers read, who use many names.
    """

    def __init__(self, *, is_loopback: bool, allowed: Collection[str] = ()) -> None:
        self._is_loopback = is_loopback
        self._allowed = frozenset(name.lower() for name in allowed)

    def check(self, headers: CIMultiDictProxy[str]) -> None:
        """Raise ForbiddenError unless a question to the API comes by a name and page of ours."""
        host = headers.get(hdrs.HOST, "")
        if self._allowed or self._is_loopback:
            self._check_host(host)
        _check_origin(headers.get(hdrs.ORIGIN), host)

    def check_scrape(self, headers: CIMultiDictProxy[str]) -> None:
        """The same for metrics, which have no answer that a page of another origin could read."""
        if self._is_loopback:
            self._check_host(headers.get(hdrs.HOST, ""))

    def _check_host(self, host: str) -> None:
        name = _name_of(host)
        if name not in self._allowed and not is_loopback(name):
            message = (
                f"{host[:100]!r} is not a name of this machine here; ask for 127.0.0.1, or set "
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
    """The name in a ``Host`` header, without its port and the brackets of IPv6.

    It is ``""`` where there is more than both.
    """
    if not _HOST.fullmatch(host):
        return ""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""
