"""Values that come from files and are read again when the files change: certificates, tokens."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from processor.core.errors import ConfigError

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Reloading(Generic[T]):
    """The value of files, by their paths.

    Whoever needs the value asks for it, so no task is needed. Paths are resolved anew each time:
    Kubernetes swaps what is behind a symbolic link. While the files cannot be used, such as between
    a new certificate and its key, the last good value stays in force.
    """

    def __init__(
        self,
        paths: Sequence[str],
        read: Callable[[], T],
        *,
        interval_s: float = 1.0,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`read` gives the value, or raises ConfigError; here too. Looks every `interval_s`."""
        self._paths = tuple(Path(each) for each in paths if each)
        self._read = read
        self._interval_s = interval_s
        self._clock_s = clock_s
        self._stamps = self._look()
        self._refused_stamps = self._stamps
        self._value = read()
        self._next_look_s = clock_s() + interval_s

    def get(self) -> T:
        """The value now; the same object until the files change."""
        if self._paths and self._clock_s() >= self._next_look_s:
            self._next_look_s = self._clock_s() + self._interval_s
            stamps = self._look()
            if stamps != self._stamps:
                self._use(stamps)
        return self._value

    def _use(self, stamps: tuple[object, ...]) -> None:
        names = ", ".join(map(str, self._paths))
        try:
            self._value = self._read()
        except ConfigError as error:
            if stamps != self._refused_stamps:
                _log.error("%s; what was read before stays in force", error)
            self._refused_stamps = stamps
            return
        self._stamps = self._refused_stamps = stamps
        _log.info("%s: read again, and in force", names)

    def _look(self) -> tuple[object, ...]:
        return tuple(map(_stamp, self._paths))


def current(value: T | Reloading[T]) -> T:
    """A value that may be one that is read again."""
    return value.get() if isinstance(value, Reloading) else value


def _stamp(path: Path) -> object:
    try:
        status = path.stat()
    except OSError as error:
        return error.errno
    return status.st_mtime_ns, status.st_size, status.st_ino
