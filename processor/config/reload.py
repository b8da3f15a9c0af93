"""Files that may change while the program runs: prices and budgets."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from processor.config.load import read_text
from processor.core.errors import ConfigError

T = TypeVar("T")

_LOG = logging.getLogger(__name__)

_SETTLE_S = 0.5
"""Time between seeing a change and using it. Writers that need longer for one file are rare, and
a half-written file is most often not valid."""


class _FileState(NamedTuple):
    """What stood in the file at one moment, or why it could not be read."""

    text: str
    error: str = ""

    @property
    def digest(self) -> str:
        return hashlib.sha256(f"{self.error}\0{self.text}".encode()).hexdigest()


class Watcher(Generic[T]):
    """Follows the content of one file, whatever happens to its name.

    The content is compared, not a date or an inode, and the path is resolved anew at each look:
    so it sees files that are edited, replaced, or swapped behind a symbolic link, as Kubernetes
    does with a ConfigMap. New content is used once two looks in a row have found the same. While
    the file is broken or gone, the last good value stays in force.
    """

    def __init__(
        self,
        path: Path,
        parse: Callable[[str, str], T],
        on_change: Callable[[T], None],
        interval_s: float,
    ) -> None:
        """Watch `path`, every `interval_s` seconds.

        `parse(text, source)` gives the value or raises ConfigError, and runs in a thread of its
        own; `on_change(value)` is called in the event loop.
        """
        self._path = path
        self._parse = parse
        self._on_change = on_change
        self._interval_s = interval_s
        self._seen = ""
        """Digest of the last look."""
        self._judged = ""
        """Digest of the content that was last used or refused."""
        self.last_error = ""
        """Why the file as it stands is not in force; ``""`` while it is."""
        self.reloads = 0
        self.failures = 0
        """How often new content came into force, and how often it could not."""
        self.loaded_s = 0.0
        """When what is in force was read, in seconds since 1970."""

    def load(self) -> T:
        """The value at the start. Raises ConfigError: a program must not start on a broken file."""
        text = read_text(self._path)
        value = self._parse(text, str(self._path))
        self._seen = self._judged = _FileState(text).digest
        self.loaded_s = time.time()
        return value

    def check(self) -> bool:
        """Look once. Returns True when new content is waiting to be seen a second time."""
        look = self._look()
        if self._is_news(look):
            self._settle(*self._judge(look))
        return self._seen != self._judged

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            is_waiting = self._seen != self._judged
            await asyncio.sleep(
                min(_SETTLE_S, self._interval_s) if is_waiting else self._interval_s
            )
            look = await asyncio.to_thread(self._look)
            if self._is_news(look):
                self._settle(*await asyncio.to_thread(self._judge, look))

    def _look(self) -> _FileState:
        try:
            return _FileState(read_text(self._path))
        except ConfigError as error:
            return _FileState("", str(error))

    def _is_news(self, look: _FileState) -> bool:
        """True for content that has been seen twice in a row and has not been judged yet."""
        is_steady = look.digest == self._seen
        self._seen = look.digest
        if not is_steady or look.digest == self._judged:
            return False
        self._judged = look.digest
        return True

    def _judge(self, look: _FileState) -> tuple[list[T], str]:
        """The new value, as a list of one, or none and why."""
        if look.error:
            return [], look.error
        try:
            return [self._parse(look.text, str(self._path))], ""
        except ConfigError as error:
            return [], str(error)
        except Exception as error:  # noqa: BLE001 - a mistake in a parser must not end reloading
            return [], f"{self._path}: {type(error).__name__}: {error}"

    def _settle(self, values: list[T], error: str) -> None:
        self.last_error = error
        if error:
            self.failures += 1
            _LOG.error("%s is not used; the last good one stays in force:\n%s", self._path, error)
        for value in values:
            self._on_change(value)
            self.reloads += 1
            self.loaded_s = time.time()
            _LOG.info("%s has changed and is in force", self._path)
