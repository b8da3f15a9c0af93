"""The two clients: the same questions, asked by a thread that waits or by a task that awaits."""

from __future__ import annotations

import asyncio
import http.client
import ssl
from collections.abc import Coroutine
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Generic, Self, TypeVar

from processor.client.address import Address, parse_address
from processor.client.questions import Ask, Filters, Later, Now, run_now
from processor.client.records import Document
from processor.client.resources import (
    Budgets,
    Calls,
    Costs,
    CostTracker,
    Executions,
    Sessions,
    Traces,
)

if TYPE_CHECKING:
    import aiohttp

T = TypeVar("T")
A = TypeVar("A", Now, Later)

ENDPOINT: Final = "http://127.0.0.1:8888"
TIMEOUT_S: Final = 30.0
_TRIES: Final = 2
_IDLE_MAX: Final = 8


class _Client(Generic[A]):
    """What both clients have."""

    def __init__(
        self,
        endpoint: str = ENDPOINT,
        token: str | None = None,
        timeout_s: float = TIMEOUT_S,
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._address: Final[Address] = parse_address(endpoint, token, tls)
        self._timeout_s: Final = timeout_s
        self._prepare()
        self.executions: Final[Executions[A]] = Executions(self)
        self.traces: Final[Traces[A]] = Traces(self)
        self.calls: Final[Calls[A]] = Calls(self)
        self.costs: Final[Costs[A]] = Costs(self)
        self.budgets: Final[Budgets[A]] = Budgets(self)
        self.sessions: Final[Sessions[A]] = Sessions(self)

    def tracker(self, filters: Filters | None = None) -> CostTracker[A]:
        """What is used from now on, of calls that meet the filters; of all without any."""
        return CostTracker(self, filters)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self._address)!r})"

    def _prepare(self) -> None:
        """Make what connections are kept in."""
        raise NotImplementedError

    async def fetch(self, ask: Ask) -> Document:
        """The document of one request. Raises CostClientError."""
        raise NotImplementedError

    def run(self, question: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - see Question
        """The answer of a question, or what is to be awaited for it."""
        raise NotImplementedError


class CostClient(_Client[Now]):
    """Asks a running llm-cost-processor what LLM calls cost. Threads may share one.

    Args:
        endpoint: where its API is, as ``http://host:8888``; a path before ``/api/v1`` is kept.
        token: shown where one is needed; without one that in `LLM_COST_TOKEN`.
        timeout_s: how long each connection and each wait for data may take.
        tls: what is trusted, and shown, over ``https``; the usual authorities without one.

    Every method raises `CostClientError`: RefusedError where the processor says why, with the fix;
    UnreachableError and TimedOutError; UnexpectedAnswerError. A client is made for a wrong endpoint
    with ValueError. It connects with the first question, and is closed by `close` or ``with``.
    """

    def _prepare(self) -> None:
        self._idle: list[http.client.HTTPConnection] = []

    def close(self) -> None:
        """Close all connections."""
        # Not while there are some: another thread may take the last one meanwhile.
        with suppress(IndexError):
            while True:
                self._idle.pop().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def run(self, question: Coroutine[Any, Any, T]) -> T:
        """The answer of a question."""
        return run_now(question)

    async def fetch(self, ask: Ask) -> Document:
        """The document of one request, without waiting for anything to be awaited."""
        address = self._address
        for tries_left in reversed(range(_TRIES)):
            connection, is_used = self._connection()
            try:
                connection.request(ask.method, address.path(ask), ask.body, address.headers_of(ask))
                response = connection.getresponse()
                body = response.read()
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                # A connection that was idle for long may be closed without a fault.
                is_stale = is_used and isinstance(error, ConnectionResetError | BrokenPipeError)
                if is_stale and tries_left:
                    self.close()
                    continue
                raise address.unreached(error) from error
            if len(self._idle) < _IDLE_MAX:
                self._idle.append(connection)
            else:
                connection.close()
            return address.read(response.status, response.getheader("Retry-After"), body)
        raise AssertionError  # pragma: no cover - the last try returns or raises

    def _connection(self) -> tuple[http.client.HTTPConnection, bool]:
        """A connection, and whether it was used before."""
        try:
            return self._idle.pop(), True
        except IndexError:
            pass
        there, timeout_s = self._address, self._timeout_s
        if there.tls is None:
            return http.client.HTTPConnection(there.host, there.port, timeout_s), False
        return http.client.HTTPSConnection(
            there.host, there.port, timeout=timeout_s, context=there.tls
        ), False


class AsyncCostClient(_Client[Later]):
    """The same as `CostClient` for asyncio: every method gives something to await.

    `timeout_s` is how long a request may take in all. It belongs to the event loop in which it is
    asked first; in another one its methods raise RuntimeError.
    """

    def _prepare(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def run(self, question: Coroutine[Any, Any, T]) -> Coroutine[Any, Any, T]:
        """What is to be awaited."""
        return question

    async def fetch(self, ask: Ask) -> Document:
        """The document of one request."""
        import aiohttp  # noqa: PLC0415 - takes longer to import than everything else here
        import yarl  # noqa: PLC0415 - likewise

        address = self._address
        loop = asyncio.get_running_loop()
        if self._session is None:
            self._loop = loop
            self._session = aiohttp.ClientSession(
                headers=address.headers,
                timeout=aiohttp.ClientTimeout(total=self._timeout_s),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        elif self._loop is not loop:
            raise RuntimeError("this client was used in another event loop: make one in each")
        url = yarl.URL(f"{address}{address.path(ask)}", encoded=True)
        try:
            async with self._session.request(
                ask.method,
                url,
                data=ask.body,
                headers=address.headers_of(ask),
                ssl=address.tls or True,
                allow_redirects=False,
            ) as response:
                body = await response.read()
        except TimeoutError as error:
            raise address.unreached(TimeoutError()) from error
        except (OSError, aiohttp.ClientError) as error:
            raise address.unreached(_cause(error)) from error
        return address.read(response.status, response.headers.get("Retry-After"), body)


def _cause(error: Exception) -> BaseException:
    """What lies below an error of aiohttp: one of the system or of TLS, where there is one."""
    below = getattr(error, "certificate_error", None) or getattr(error, "os_error", None)
    return below if isinstance(below, BaseException) else error
