"""Sending over OTLP/HTTP: payloads, posted to the URL of their signal."""

from __future__ import annotations

import asyncio
import io
import math
import ssl
import time
import traceback
from collections.abc import Callable, Collection, Mapping
from typing import Final
from urllib.request import getproxies, proxy_bypass

import aiohttp

from processor.core.errors import BackendUnavailableError
from processor.core.model import Metadata, Receipt, Signal
from processor.core.otlp.addresses import HttpAddress, is_loopback
from processor.core.otlp.codes import (
    FINAL_HTTP,
    RETRYABLE_HTTP,
    Code,
    code_of_http,
    is_retryable_http,
)
from processor.core.otlp.gzip import gzip
from processor.core.otlp.retry_after import retry_after_s
from processor.core.otlp.zstd import zstd
from processor.io.exporter.client_tls import ClientTls
from processor.io.exporter.connection import Renewed
from processor.io.exporter.http_response import (
    is_otlp_error,
    may_be_otlp,
    message_of,
    read_body,
    receipt_of,
)
from processor.io.exporter.resolver import RotatingResolver
from processor.io.exporter.transport import (
    AttemptError,
    HttpCompression,
    http_hint,
    read_http_headers,
    user_agent,
)

_CONNECTIONS_MAX: Final = 64
_CONNECT_TIMEOUT_S: Final = 10.0
"""For a connection, the wait for one of the pool included."""
_REACH_TIMEOUT_S: Final = 3.0
"""For one that has to be made, to each address: where nobody answers, the next one is tried."""
_IDLE_S: Final = 30.0
_NAMES_S: Final = 2
"""How long the addresses of a name are kept: a backend that moves is found within seconds."""
_DAY_S: Final = 86_400.0
_LARGE_BYTES: Final = 256 * 1024
"""From this size on, compressing a body takes longer than giving it to another thread."""
_PACKERS: Final[Mapping[str, Callable[[bytes], bytes]]] = {"gzip": gzip, "zstd": zstd}
"""By name of the compression, which is that of the content coding as well."""


class HttpTransport:
    """Connections to an OTLP/HTTP backend, kept alive, as a `Transport`."""

    def __init__(
        self,
        endpoints: Mapping[Signal, HttpAddress],
        *,
        headers: Mapping[str, str] | None = None,
        compression: HttpCompression = "none",
        tls: ClientTls | None = None,
        server_name: str = "",
        token: str = "",
        max_connection_age_s: float = math.inf,
        retryable_statuses: Collection[int] = RETRYABLE_HTTP,
        final_statuses: Collection[int] = FINAL_HTTP,
        now: Callable[[], float] = time.time,
    ) -> None:
        """A signal without an endpoint is not taken; there has to be one for some signal.

        Of the statuses `is_retryable_http` tells. `server_name` is what the backend's certificate
        is for, where that is not the host; `token` is the value of the header ``authorization``.
        After `max_connection_age_s` the next request takes a new connection.

        `now` is the time of day, which dates in Retry-After are compared with. Raises ConfigError
        for bad headers.
        """
        self.name = next(iter(endpoints.values())).origin
        self._endpoints = dict(endpoints)
        self._proxies = {signal: _proxy_of(each) for signal, each in endpoints.items()}
        self._headers = {
            "User-Agent": user_agent(headers or {}),
            "Content-Type": "application/x-protobuf",
            "Accept-Encoding": "identity",
            **read_http_headers(headers or {}),
        }
        self._pack = _PACKERS.get(compression)
        self._content_encoding = {"Content-Encoding": compression} if self._pack else {}
        self._retryable_statuses = frozenset(retryable_statuses)
        self._final_statuses = frozenset(final_statuses)
        self.tls = tls or ClientTls()
        self._server_name = server_name or None
        self.token = token
        self._now = now
        self._resolver: RotatingResolver | None = None
        self._sessions = Renewed(
            self._open,
            aiohttp.ClientSession.close,
            made_from=lambda: self.tls,
            max_age_s=max_connection_age_s,
        )

    async def start(self) -> None:
        """Prepare the connections; they are made when they are needed."""
        self._resolver = RotatingResolver()
        self._sessions.open()

    def _open(self, tls: ClientTls) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=_CONNECTIONS_MAX,
            keepalive_timeout=_IDLE_S,
            resolver=self._resolver,
            ttl_dns_cache=_NAMES_S,
            ssl=tls.context or True,
        )
        return aiohttp.ClientSession(
            connector=connector,
            headers=self._headers,
            # A backend may neither set cookies, nor fill our memory from little data.
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )

    @property
    def is_tls(self) -> bool:
        """Whether it is spoken to over TLS: of several addresses, all of them."""
        return all(endpoint.address.is_tls for endpoint in self._endpoints.values())

    def takes(self, signal: Signal) -> bool:
        """Whether there is an endpoint for it."""
        return signal in self._endpoints

    async def close(self) -> None:
        """Close the connections; requests that are still under way end as unavailable."""
        await self._sessions.close()

    async def attempt(
        self, signal: Signal, payload: bytes, timeout_s: float, metadata: Metadata = ()
    ) -> Receipt | None:
        """Send once; see `Transport`."""
        loop = asyncio.get_running_loop()
        end_s = loop.time() + timeout_s
        body = await self._compressed(payload)
        left_s = end_s - loop.time()
        with self._sessions.use() as session:
            if session is None:
                message = f"{self.name}: not connected, the processor is stopping"
                raise BackendUnavailableError(message)
            if left_s <= 0.0:
                raise _no_answer("no time was left")
            return await self._post(session, signal, body, left_s, metadata)

    async def _post(
        self,
        session: aiohttp.ClientSession,
        signal: Signal,
        body: bytes,
        left_s: float,
        metadata: Metadata,
    ) -> Receipt | None:
        token = {"authorization": self.token} if self.token else {}
        try:
            async with session.post(
                self._endpoints[signal].url,
                # A large body is written in pieces, so that the event loop serves others meanwhile.
                data=io.BytesIO(body) if len(body) > _LARGE_BYTES else body,
                headers=self._content_encoding | token | dict(metadata),
                server_hostname=self._server_name,
                allow_redirects=False,
                proxy=self._proxies[signal],
                timeout=aiohttp.ClientTimeout(
                    left_s,
                    connect=_CONNECT_TIMEOUT_S,
                    sock_connect=_REACH_TIMEOUT_S,
                    ceil_threshold=_DAY_S,
                ),
            ) as response:
                return await self._read(signal, response)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            _clear_frames(error)
            raise self._failure(signal, error) from error

    async def _compressed(self, payload: bytes) -> bytes:
        if self._pack is None:
            return payload
        if len(payload) < _LARGE_BYTES:
            return self._pack(payload)
        return await asyncio.to_thread(self._pack, payload)

    async def _read(self, signal: Signal, response: aiohttp.ClientResponse) -> Receipt | None:
        """Read an answer; a success of which the body breaks off or cannot be read stays one.

        But not one with a body that no backend of OTLP answers.
        """
        body = await read_body(response)
        status = response.status
        content_type = response.content_type
        is_success = 200 <= status < 300
        is_meant = status in self._final_statuses or may_be_otlp(signal, content_type, body)
        if is_success and is_meant:
            return receipt_of(signal, content_type, body)
        is_otlp = is_otlp_error(content_type, body)
        retryable, final = self._retryable_statuses, self._final_statuses
        raise AttemptError(
            f"HTTP {status}",
            message_of(response, body),
            code_of_http(status),
            is_retryable=is_success
            or is_retryable_http(status, is_otlp=is_otlp, retryable=retryable, final=final),
            asked_s=retry_after_s(response.headers.get("Retry-After"), self._now()),
            hint="" if is_otlp or status in retryable else _no_word_hint(status),
            may_be_absent=code_of_http(status) == Code.UNIMPLEMENTED and status not in retryable,
        )

    def _failure(self, signal: Signal, error: Exception) -> Exception:
        """A request without an answer, for which another attempt may have one."""
        if not self._sessions.is_open:
            message = f"{self.name}: the connection was closed, the processor is stopping"
            return BackendUnavailableError(message)
        if isinstance(error, TimeoutError):
            return _no_answer("it did not answer in time")
        hint = http_hint(
            self._endpoints[signal].address,
            is_tls_failure=isinstance(error, aiohttp.ClientSSLError | ssl.SSLError),
            is_not_http=_is_not_http(error),
        )
        return _no_answer(str(error) or type(error).__name__, hint)


def _no_answer(message: str, hint: str = "") -> AttemptError:
    return AttemptError("no answer", message, Code.UNAVAILABLE, is_retryable=True, hint=hint)


def _clear_frames(error: BaseException) -> None:
    """Empty the frames that an error has come through, and those of what caused it.

    Some of them hold the error in a variable, and all of them our own frame: a cycle with the
    payload in it.
    """
    chain: list[BaseException] = [error]
    for each in chain:
        traceback.clear_frames(each.__traceback__)
        causes = (each.__cause__, each.__context__)
        chain += [cause for cause in causes if cause is not None and cause not in chain]


def _no_word_hint(status: int) -> str:
    """What to change where an answer without OTLP's form is not a proxy's after all."""
    hint = "this is not an answer of OTLP, so perhaps a proxy's, or of another program there"
    if not 300 <= status < 400:
        hint += f"; if the backend means it, add {status} to retry_on_failure.final_statuses"
    return hint


def _is_not_http(error: Exception) -> bool:
    is_proxys = isinstance(error, aiohttp.ClientHttpProxyError)
    return isinstance(error, aiohttp.ClientResponseError) and not is_proxys


def _proxy_of(endpoint: HttpAddress) -> str | None:
    """The proxy that the environment names for a backend; none for this machine itself."""
    host = endpoint.address.host
    if is_loopback(host) or proxy_bypass(host):
        return None
    return getproxies().get("https" if endpoint.address.is_tls else "http")
