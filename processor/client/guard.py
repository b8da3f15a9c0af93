"""Asks before a call whether a budget allows it, and holds its estimate until it is charged."""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import uuid
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import ContextVar
from decimal import Decimal
from functools import lru_cache, wraps
from types import TracebackType
from typing import Any, Final, Literal, ParamSpec, TypeVar, cast

from processor.client.clients import ENDPOINT, CostClient
from processor.client.errors import CostClientError, InvalidQuestionError
from processor.client.spans import Carried
from processor.client.verdict import BudgetExceededError, BudgetUncheckedError, BudgetVerdict

P = ParamSpec("P")
T = TypeVar("T")
_log = logging.getLogger(__name__)

TIMEOUT_S: Final = 1.0
_THREADS: Final = 16
_UNKNOWN: Final = "whether a budget allows a call is not known, and it is made: %s"
_in_trouble: Final = set[str]()
"""Endpoints that could not be asked the last time."""


_Use = tuple["BudgetGuard", "Carried | None"]
_uses: Final[ContextVar[tuple[_Use, ...]]] = ContextVar("llm-cost-guards", default=())
"""The guards around what runs now, the outermost first."""


class BudgetGuard:
    """Stands around a call, as context manager or decorator, with ``async`` or without.

        with BudgetGuard(user="ada", model="gpt-4o", input_tokens=3000, output_tokens=500):
            client.chat.completions.create(…)

    Raises BudgetExceededError instead of letting the call be made. One guard may be used again, and
    by several threads and tasks at a time: each use is one call. What it gives (``as verdict``) is
    the BudgetVerdict, None where the processor could not be asked.

    Args:
        scopes: ids by scope; each may be given by its name as well: ``user="ada"``,
            ``session="s-1"``, or a dimension of your own, as spans say it.
        estimate_usd: what the call is expected to cost.
        tokens: what it is expected to use, input and output together, for budgets in tokens.
        model: priced for the tokens that follow where `estimate_usd` is not given.
        provider: its provider, where the model alone does not say it.
        input_tokens: all input; `cached_tokens` are a part of it.
        output_tokens: the most that it may produce.
        cached_tokens: the part of the input that comes from a cache.
        reserve: whether the estimate is held until the call is charged, so that callers at the same
            time do not pass a limit together.
        ttl_s: after how many seconds that lapses, where no charge comes.
        on_failure: ``open``: where the processor cannot be asked the call is made, which is logged
            once; ``closed``: BudgetUncheckedError is raised.
        endpoint: as `CostClient` has it, as are `token` and the rest.
        timeout_s: how long the call waits for an answer at most.

    Raises InvalidQuestionError for scopes and amounts that there are not, whatever `on_failure` is.
    """

    def __init__(
        self,
        scopes: Mapping[str, str] | None = None,
        *,
        estimate_usd: Decimal | float | str | None = None,
        tokens: int | None = None,
        model: str = "",
        provider: str = "",
        input_tokens: int = 0,
        output_tokens: int = 0,
        cached_tokens: int = 0,
        reserve: bool = True,
        ttl_s: float = 600.0,
        on_failure: Literal["open", "closed"] = "open",
        endpoint: str = ENDPOINT,
        token: str | None = None,
        timeout_s: float = TIMEOUT_S,
        **more_scopes: str,
    ) -> None:
        self._endpoint: Final = endpoint
        self._there: Final = endpoint, token, timeout_s
        self._client()  # A wrong endpoint is said at once.
        self._is_open: Final = on_failure == "open"
        self._reserve: Final = reserve
        self._asked: Final = {
            "scopes": {**(scopes or {}), **more_scopes},
            "estimate_usd": estimate_usd,
            "tokens": tokens,
            "model": model,
            "provider": provider,
            "input_tokens": input_tokens,
            "output_tokens": output_tokens,
            "cached_tokens": cached_tokens,
            "reserve": reserve,
            "ttl_s": ttl_s,
        }

    def __enter__(self) -> BudgetVerdict | None:
        return self._begin(self._check())

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if released := self._end():
            self._release(released)

    async def __aenter__(self) -> BudgetVerdict | None:
        return self._begin(await _in_thread(self._check))

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if released := self._end():
            await _in_thread(lambda: self._release(released))

    def __call__(self, function: Callable[P, T]) -> Callable[P, T]:
        """The function, each call of which is one use; it may be a coroutine function.

        Raises TypeError for a generator, which makes its calls after it has returned.
        """
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError("a generator cannot be guarded: use `with` around the call in it")
        if inspect.iscoroutinefunction(function):
            awaited = cast("Callable[P, Awaitable[Any]]", function)

            @wraps(function)
            async def later(*args: P.args, **given: P.kwargs) -> Any:  # noqa: ANN401 - as it has it
                async with self:
                    return await awaited(*args, **given)

            return cast("Callable[P, T]", later)

        @wraps(function)
        def now(*args: P.args, **given: P.kwargs) -> T:
            with self:
                return function(*args, **given)

        return now

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._asked['scopes']!r}, endpoint={self._endpoint!r})"

    def _client(self) -> CostClient:
        return _client_of(*self._there, os.getpid())

    def _check(self) -> BudgetVerdict | None:
        """Raises BudgetExceededError, InvalidQuestionError, BudgetUncheckedError."""
        # An answer that was lost is asked for again by the same id.
        asked = self._asked | ({"reservation_id": uuid.uuid4().hex} if self._reserve else {})
        try:
            verdict = self._client().budgets.check(**asked)  # type: ignore[arg-type] # by name, as given
        except InvalidQuestionError:
            raise
        except CostClientError as error:
            if not self._is_open:
                raise BudgetUncheckedError(f"no call is made: {error}") from error
            if self._endpoint not in _in_trouble:
                _in_trouble.add(self._endpoint)
                _log.warning(_UNKNOWN, error)
            return None
        _in_trouble.discard(self._endpoint)
        if not verdict.allowed and verdict.deciding is not None:
            raise BudgetExceededError(verdict.deciding)
        return verdict

    def _begin(self, verdict: BudgetVerdict | None) -> BudgetVerdict | None:
        carried = None
        if verdict is not None and verdict.reservation_id:
            carried = Carried(verdict.reservation_id)
            carried.attach()
        _uses.set((*_uses.get(), (self, carried)))
        return verdict

    def _end(self) -> str:
        """The id of what is to be released, since no span of a call has it; ``""`` for nothing."""
        uses = _uses.get()
        own = [at for at, (guard, _) in enumerate(uses) if guard is self]
        if not own:
            return ""  # It is left in another context than it was entered in.
        _, carried = uses[own[-1]]
        _uses.set((*uses[: own[-1]], *uses[own[-1] + 1 :]))
        if carried is None:
            return ""
        carried.detach()
        return "" if carried.is_taken else carried.reservation_id

    def _release(self, reservation_id: str) -> None:
        # What cannot be released lapses.
        with suppress(CostClientError):
            self._client().budgets.release(reservation_id)


@lru_cache(maxsize=64)
def _client_of(endpoint: str, token: str | None, timeout_s: float, _process: int) -> CostClient:
    """One for all guards that ask at the same place, so that connections are used again.

    A process that was forked has others than its parent.
    """
    return CostClient(endpoint, token, timeout_s)


@lru_cache(maxsize=1)
def _threads(_process: int) -> ThreadPoolExecutor:
    """Threads of our own: those of the application may all be busy, and its loop is not to wait."""
    return ThreadPoolExecutor(_THREADS, thread_name_prefix="llm-cost-guard")


async def _in_thread(work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(_threads(os.getpid()), work)
