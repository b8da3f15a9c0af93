"""Threads that answer questions, each on a read-only connection of its own."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import apsw

from processor.core.errors import (
    OverloadedError,
    QuestionTooSlowError,
    StoppingError,
)
from processor.core.ports import LedgerView
from processor.io.ledger.file import log_of
from processor.io.ledger.reading.connection import ReadConnection, unreadable
from processor.io.ledger.reading.log_pause import LogPause, unread_bytes_of
from processor.io.ledger.reading.view import SqliteView

TIME_LIMIT_S: Final = 10.0
LOG_LIMIT_BYTES: Final = 256 * 1024 * 1024
_THREADS: Final = 3
_WAITING_MAX: Final = 64
_STEPS_BETWEEN_LOOKS: Final = 1_000_000
"""Instructions of SQLite's machine, 10 to 25 milliseconds. At each look the thread may have to wait
5 milliseconds for the interpreter, which the thread that writes has while it is busy."""

T = TypeVar("T")


@dataclass(slots=True)
class _Question:
    work: Callable[[LedgerView], Any]
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    is_given_up: bool = False
    """Whoever asked has gone."""
    ends_s: float = 0.0
    """By the monotonic clock, once it is being answered."""

    @property
    def has_to_stop(self) -> bool:
        return self.is_given_up or time.monotonic() > self.ends_s


class SqliteReader:
    """Answers questions from the ledger's file; see `core.ports.LedgerReader`.

    Each question sees the ledger as it was at one moment. It may take `time_limit_s`; at most
    `waiting_max` questions wait. The file is opened when the first question comes.
    """

    def __init__(
        self,
        path: Path,
        *,
        threads: int = _THREADS,
        time_limit_s: float = TIME_LIMIT_S,
        waiting_max: int = _WAITING_MAX,
        log_limit_bytes: int = LOG_LIMIT_BYTES,
    ) -> None:
        self._path = path
        self._time_limit_s = time_limit_s
        self._waiting: queue.Queue[_Question | None] = queue.Queue(waiting_max)
        self._threads = [
            threading.Thread(target=self._work, name=f"ledger-reader-{number}", daemon=True)
            for number in range(threads)
        ]
        self._is_started = self._is_closed = False
        self._observer: ReadConnection | None = None
        self._last_unread_bytes = 0
        self.pause = LogPause(self._unread_bytes, log_limit_bytes)

    async def ask(self, work: Callable[[LedgerView], T]) -> T:
        """Run `work` on the ledger as it is now, and return what it returns.

        `work` runs in a thread, and must not keep the view. Raises LedgerUnavailableError when the
        ledger cannot be read, QuestionTooSlowError beyond the time limit, OverloadedError when too
        many questions wait.
        """
        if self._is_closed:
            raise StoppingError("the ledger is closed")
        if not self._is_started:
            self._is_started = True
            for thread in self._threads:
                thread.start()
        loop = asyncio.get_running_loop()
        question = _Question(work, loop.create_future(), loop)
        try:
            self._waiting.put_nowait(question)
        except queue.Full:
            message = f"{self._waiting.maxsize} questions are waiting for the ledger already"
            raise OverloadedError(message) from None
        try:
            result: T = await question.future
        except asyncio.CancelledError:
            question.is_given_up = True
            raise
        return result

    async def close(self) -> None:
        """Answer the questions that wait, and close the file."""
        self._is_closed = True
        if not self._is_started:
            return
        await asyncio.to_thread(self._join)

    def _join(self) -> None:
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()
        if self._observer is not None:
            self._observer.close()

    def _work(self) -> None:
        connection: ReadConnection | None = None
        while (question := self._waiting.get()) is not None:
            if question.is_given_up:
                continue
            outcome: tuple[object, Exception | None]
            try:
                if connection is None or not connection.is_current:
                    connection = self._opened(connection)
                with self.pause.reading():
                    outcome = self._answer(connection.database, question), None
                if not connection.is_current:
                    # Somebody began to write a file that nobody had open.
                    connection = self._opened(connection)
                    outcome = self._answer(connection.database, question), None
            except Exception as error:  # noqa: BLE001 - handed to the one who asked
                outcome = None, self._translated(error)
            if not question.loop.is_closed():
                question.loop.call_soon_threadsafe(_resolve, question.future, *outcome)
        if connection is not None:
            connection.close()

    def _opened(self, before: ReadConnection | None) -> ReadConnection:
        """A connection instead of one that is not current, which stays open where that fails.

        Its file may be put back, and then it is current again.
        """
        after = ReadConnection(self._path)
        if before is not None:
            before.close()
        return after

    def _answer(self, database: apsw.Connection, question: _Question) -> object:
        question.ends_s = time.monotonic() + self._time_limit_s
        database.set_progress_handler(lambda: question.has_to_stop, _STEPS_BETWEEN_LOOKS)
        database.execute("BEGIN")
        try:
            return question.work(SqliteView(database))
        finally:
            database.set_progress_handler(None)
            database.execute("ROLLBACK")

    def _translated(self, error: Exception) -> Exception:
        if isinstance(error, apsw.InterruptError):
            return QuestionTooSlowError(
                f"this takes longer than {self._time_limit_s:g} s; ask for a shorter time, or for "
                "fewer groups"
            )
        if isinstance(error, apsw.Error):
            return unreadable(self._path, error)
        return error

    def _unread_bytes(self) -> int:
        """Called by one thread at a time; where the log is just being written, what it was."""
        if self._observer is None and not log_of(self._path.resolve()).exists():
            return 0
        if self._observer is None or not self._observer.is_current:
            self._observer = self._opened(self._observer)
        with suppress(apsw.BusyError):
            self._last_unread_bytes = unread_bytes_of(self._observer.database)
        return self._last_unread_bytes


def _resolve(future: asyncio.Future[Any], result: object, error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
