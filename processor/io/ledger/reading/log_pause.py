"""How the write-ahead log stays within bounds beside constant questions.

SQLite begins the log again from its start only while nobody reads it, so that questions of which
one always begins before another ends would let it grow without end. While it is above its limit,
new ones therefore wait until those under way have ended and the writer has begun it again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import apsw

_FRAME_HEADER_BYTES: Final = 24
_LOOK_AGAIN_S: Final = 0.01
_QUIET_S: Final = 0.1
"""A log that has not grown for this time has no writer, so that nothing is gained by waiting."""
_PAUSE_MAX_S: Final = 2.0
"""How long nobody reads at most: a reader in another process may keep the log from its end."""


class LogPause:
    """Counts the questions under way, and lets new ones wait while the log is too large."""

    def __init__(self, unread_bytes: Callable[[], int], limit_bytes: int) -> None:
        """`unread_bytes` is the size of the log while it is not all in the database itself."""
        self._unread_bytes = unread_bytes
        self._limit_bytes = limit_bytes
        self._changed = threading.Condition()
        self._running = 0
        self.pauses = 0
        """How often questions had to wait."""

    @contextmanager
    def reading(self) -> Iterator[None]:
        """For the time of a question; waits first where the log is too large."""
        with self._changed:
            self._wait()
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def _wait(self) -> None:
        size = self._unread_bytes()
        if size <= self._limit_bytes:
            return
        self.pauses += 1
        alone_since_s = grown_s = 0.0
        while size > self._limit_bytes:
            now_s = time.monotonic()
            if self._running:
                alone_since_s = 0.0
            else:
                alone_since_s = alone_since_s or now_s
                grown_s = max(grown_s, alone_since_s)
                if now_s - grown_s > _QUIET_S or now_s - alone_since_s > _PAUSE_MAX_S:
                    return
            self._changed.wait(_LOOK_AGAIN_S)
            before, size = size, self._unread_bytes()
            if size != before:
                grown_s = time.monotonic()


def unread_bytes_of(database: apsw.Connection) -> int:
    """Size of a database's log while it is not all in the database itself; else 0.

    The connection must have read from the file before. Raises apsw.BusyError now and then, where a
    commit changes the log's index just then.
    """
    frames, done = database.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_NOOP)
    if frames <= done:
        return 0
    return frames * (int(str(database.pragma("page_size"))) + _FRAME_HEADER_BYTES)
