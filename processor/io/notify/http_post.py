"""A document posted over HTTP: no redirects are followed, and no answer is trusted."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from processor.core.errors import ConfigError
from processor.core.escaping import escape
from processor.core.otlp.addresses import is_loopback
from processor.core.otlp.retry_after import retry_after_s
from processor.io.notify.channel import SendError

_GONE: Final = 410
_DETAIL_BYTES_MAX: Final = 500
_WORDS: Final[Mapping[int, str]] = {
    400: "it cannot read what it is sent",
    401: "it does not accept the credentials",
    403: "it does not allow this",
    404: "it knows no such address",
    410: "it says that nothing is to be sent there any more",
    429: "it asks to send less often",
}


class HttpPost:
    """Posts to one address, with connections that are kept."""

    def __init__(self, url: Callable[[], str], timeout_s: float, ca_file: str, agent: str) -> None:
        """`url` gives the address, which may be a secret; it raises ConfigError."""
        self._url, self._timeout_s, self._ca_file, self._agent = url, timeout_s, ca_file, agent
        self._session: aiohttp.ClientSession | None = None

    async def post(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Post JSON once; what is answered with 2xx has arrived. Raises SendError."""
        try:
            url = self._url()
            session = self._opened(url)
        except (ConfigError, OSError) as error:
            raise SendError(" ".join(str(error).split())) from None
        try:
            async with session.post(
                url,
                data=body,
                headers={"Content-Type": "application/json", **headers},
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(self._timeout_s),
            ) as response:
                if not 200 <= response.status < 300:
                    raise await _refusal(response)
        except aiohttp.ClientResponseError:  # Its text has the whole address.
            raise SendError(f"{origin(url)} answers what is no HTTP") from None
        except TimeoutError:
            message = f"{origin(url)} did not answer within {self._timeout_s:g} s"
            raise SendError(message) from None
        except (aiohttp.ClientError, OSError) as error:
            words = _words_of(error).replace(url, origin(url)) or type(error).__name__
            raise SendError(f"{origin(url)} cannot be reached: {escape(words)}") from None

    def _opened(self, url: str) -> aiohttp.ClientSession:
        if self._session is None:
            context = ssl.create_default_context(cafile=self._ca_file) if self._ca_file else True
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=context, limit=1),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": self._agent},
                auto_decompress=False,
                trust_env=not is_loopback(urlsplit(url).hostname or ""),
            )
        return self._session

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


def origin(url: str) -> str:
    """An address without its path, which may be a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _words_of(error: Exception) -> str:
    """Why no connection came about, without the address, which is said anyway."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return str(error.certificate_error)
    if isinstance(error, aiohttp.ClientConnectorError) and error.os_error.errno:
        code = error.os_error.errno
        return os.strerror(code) if code > 0 else str(error.os_error)
    return str(error)


async def _refusal(response: aiohttp.ClientResponse) -> SendError:
    status = response.status
    words = _WORDS.get(status, "")
    if 300 <= status < 400:
        words = "redirects are not followed: give it the address itself"
    where = origin(str(response.url))
    try:
        body = await response.content.read(_DETAIL_BYTES_MAX)
    except (aiohttp.ClientError, TimeoutError, OSError):
        body = b""
    return SendError(
        f"{where} answers HTTP {status}{f': {words}' if words else ''}",
        detail=escape(" ".join(body.decode("utf-8", "replace").split())),
        retry_after_s=retry_after_s(response.headers.get("Retry-After"), time.time()),
        is_gone=status == _GONE,
    )
