"""Connections that are opened anew after a time, or when certificates change, without loss."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

C = TypeVar("C")
M = TypeVar("M")


class _Opened(Generic[C]):
    """A connection, and how many requests use it."""

    def __init__(self, connection: C, made_from: object, ends_s: float) -> None:
        self.connection = connection
        self.made_from = made_from
        self.ends_s = ends_s
        self.users = 0


class Renewed(Generic[C, M]):
    """One connection at a time for new requests; an old one is closed after its last request."""

    def __init__(
        self,
        open_one: Callable[[M], C],
        close_one: Callable[[C], Awaitable[None]],
        *,
        made_from: Callable[[], M],
        max_age_s: float,
    ) -> None:
        """It is opened anew after `max_age_s`, and when `made_from` gives another object.

        `open_one` is given that object.
        """
        self._open_one = open_one
        self._close_one = close_one
        self._made_from = made_from
        self._max_age_s = max_age_s
        self._current: _Opened[C] | None = None
        self._retired: set[_Opened[C]] = set()
        self._closing: set[asyncio.Future[None]] = set()

    @property
    def is_open(self) -> bool:
        """False before `open` and after `close`."""
        return self._current is not None

    def open(self) -> None:
        """Open the first one."""
        ends_s = asyncio.get_running_loop().time() + self._max_age_s
        made_from = self._made_from()
        self._current = _Opened(self._open_one(made_from), made_from, ends_s)

    @contextmanager
    def use(self) -> Iterator[C | None]:
        """The connection for one request; None while there is none."""
        opened = self._renew_if_due()
        if opened is None:
            yield None
            return
        opened.users += 1
        try:
            yield opened.connection
        finally:
            opened.users -= 1
            self._close_if_unused(opened)

    async def close(self) -> None:
        """Close all of them; requests under way end. Raises what closing the first raised."""
        current, self._current = self._current, None
        retired, self._retired = self._retired, set()
        every = (*retired, *([current] if current else []))
        closing = [self._close_one(opened.connection) for opened in every]
        done = await asyncio.gather(*closing, return_exceptions=True)
        await asyncio.gather(*self._closing, return_exceptions=True)
        for error in filter(None, done):
            raise error

    def _renew_if_due(self) -> _Opened[C] | None:
        opened = self._current
        if opened is None:
            return None
        is_old = asyncio.get_running_loop().time() >= opened.ends_s
        if is_old or self._made_from() is not opened.made_from:
            self.open()  # Where that fails, the one there is stays in use.
            self._retired.add(opened)
            self._close_if_unused(opened)
        return self._current

    def _close_if_unused(self, opened: _Opened[C]) -> None:
        if opened.users or opened not in self._retired:
            return
        self._retired.discard(opened)
        closing = asyncio.ensure_future(self._close_one(opened.connection))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
