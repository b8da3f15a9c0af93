"""Cross-origin requests: which web pages may send, and how browsers are told.

A browser asks first (preflight) and sends only where the answer names the page's origin. Nothing
is allowed unless it is listed. Source: WHATWG Fetch standard, "CORS protocol".
"""

from __future__ import annotations

from collections.abc import Mapping

_MAX_AGE_S = 600
_HEADERS_CHARS_MAX = 1024


class Cors:
    """Answers for pages of the listed origins, such as ``https://shop.example.com``."""

    def __init__(self, allowed_origins: tuple[str, ...]) -> None:
        """An empty list switches all of it off."""
        self._allowed = frozenset(allowed_origins)

    def is_preflight(self, method: str, headers: Mapping[str, str]) -> bool:
        """Whether a browser asks on behalf of a listed origin whether it may send."""
        asks = method == "OPTIONS" and "Access-Control-Request-Method" in headers
        return asks and headers.get("Origin", "") in self._allowed

    def preflight_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Permission to POST, with whatever headers the page has set: few are ever looked at."""
        wanted = headers.get("Access-Control-Request-Headers", "")
        return {
            **self.headers(headers),
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": wanted[:_HEADERS_CHARS_MAX] or "content-type",
            "Access-Control-Max-Age": str(_MAX_AGE_S),
        }

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """What every answer says. Credentials are allowed since a browser's beacons carry them."""
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
