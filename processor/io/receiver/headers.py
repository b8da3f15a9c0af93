"""Headers of requests: those that are forwarded with a batch, and those of cross-origin requests.

A browser asks first (preflight) and sends only where the answer names the page's origin. Nothing
is allowed unless it is listed. Source: WHATWG Fetch standard, "CORS protocol".
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from processor.core.errors import UndecodableError
from processor.core.model import Metadata
from processor.io.receiver.status import HeadersTooLargeError

HEADERS_READ: Final = 4
"""How many times the limit of headers is read, so that we can say what is wrong with them."""
_VALUE: Final = re.compile(r"[\x20-\x7e]*")
_VALUE_CHARS_MAX: Final = 4096
"""Enough for a signed token; a name that is sent more than once has this for all together."""


def check_size(headers: Iterable[tuple[str, object]], max_bytes: int) -> None:
    """Raise HeadersTooLargeError for headers whose names and values are larger together."""
    size = sum(len(name) + len(str(value)) for name, value in headers)
    if size > max_bytes:
        raise HeadersTooLargeError(
            f"the headers have {size} bytes, and {max_bytes} are read at most; see "
            "receivers.otlp.max_header_kib"
        )


class ForwardedHeaders:
    """The headers of a request that are forwarded with it: those that the operator has named."""

    def __init__(self, names: Collection[str]) -> None:
        """`names` are in lower case, and few."""
        self._names = frozenset(names)

    def pick(self, headers: Iterable[tuple[str, object]]) -> Metadata:
        """The headers to forward; of a name that occurs more than once, the values in a list.

        Raises UndecodableError for a value that cannot be forwarded: to leave it out could make
        one tenant's data another's.
        """
        if not self._names:
            return ()
        found: dict[str, str] = {}
        for name, value in headers:
            key = name.lower()
            if key in self._names:
                text = str(value).strip()
                found[key] = f"{found[key]}, {text}" if key in found else text
        for name, value in found.items():
            if len(value) > _VALUE_CHARS_MAX or not _VALUE.fullmatch(value):
                what = f"is no printable ASCII of at most {_VALUE_CHARS_MAX} characters"
                raise UndecodableError(f"the header {name} has to be forwarded, but {what}")
        return tuple(sorted(found.items()))


_MAX_AGE_S = 600
_HEADERS_CHARS_MAX = 1024


class Cors:
    """Cross-origin requests of pages of the listed origins, such as ``https://shop.example.com``."""

    def __init__(self, allowed_origins: tuple[str, ...]) -> None:
        """An empty list allows none."""
        self._allowed = frozenset(allowed_origins)

    def is_preflight(self, method: str, headers: Mapping[str, str]) -> bool:
        """Whether a browser asks on behalf of a listed origin whether it may send."""
        asks = method == "OPTIONS" and "Access-Control-Request-Method" in headers
        return asks and headers.get("Origin", "") in self._allowed

    def preflight_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Permission to POST, with all headers that the page has set: few are ever read."""
        wanted = headers.get("Access-Control-Request-Headers", "")
        return {
            **self.headers(headers),
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": wanted[:_HEADERS_CHARS_MAX] or "content-type",
            "Access-Control-Max-Age": str(_MAX_AGE_S),
        }

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Headers of every response. Credentials are allowed since browsers' beacons have them."""
        if not self._allowed:
            return {}
        origin = headers.get("Origin", "")
        if origin not in self._allowed:
            return {"Vary": "Origin"}
        return {
            "Vary": "Origin",
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Credentials": "true",
            "Access-Control-Expose-Headers": "Retry-After",
        }
