"""Files that may change while the program runs: prices, budgets, certificates, tokens."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from processor.config.load import read_text
from processor.core.counters import FileState
from processor.core.errors import ConfigError, ProcessorError

T = TypeVar("T")

_LOG = logging.getLogger(__name__)

_CONFIRM_S = 0.5
"""Time between seeing a change and using it. Writers that need longer for one file are rare, and
a half-written file is most often not valid."""


class _Look(NamedTuple):
    """What stood in the file at one moment, or why it could not be read."""

    text: str
    error: str = ""
    named: str = ""
    """Size, time and inode of the files that the file names."""

    @property
    def digest(self) -> str:
        return hashlib.sha256(f"{self.error}\0{self.named}\0{self.text}".encode()).hexdigest()


def _stamp(path: Path) -> str:
    try:
        status = path.stat()
    except OSError:
        return f"{path} is not there"
    return f"{path} {status.st_size} {status.st_mtime_ns} {status.st_ino}"


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
        interval_s: float,
        named_files: Callable[[str, str], Iterable[Path]] = lambda _text, _source: (),
    ) -> None:
        """Watch `path`, every `interval_s` seconds.

        `parse(text, source)` gives the value or raises ConfigError; it runs in a thread of its own.
        `named_files(text, source)` are further files that it reads: a change of one, or its coming
        into being, is a change like that of `path`.
        """
        self._named_files = named_files
        self._named: tuple[str, tuple[Path, ...]] = ("", ())
        """The last text, and the files that it names."""
        self._path = path
        self._parse = parse
        self._interval_s = interval_s
        self._seen = ""
        """Digest of the last look."""
        self._decided = ""
        """Digest of the content that was last used or refused."""
        self.state = FileState()

    def load(self) -> T:
        """The value at the start. Raises ConfigError: a program must not start on a broken file."""
        text = read_text(self._path)
        # The look comes first, so that what changes while it is parsed is seen as a change.
        self._seen = self._decided = _Look(text, named=self._stamps(text)).digest
        value = self._parse(text, str(self._path))
        self.state.loaded_s = time.time()
        return value

    async def run(self, use: Callable[[T], Awaitable[None]]) -> None:
        """Look again and again, until cancelled; see `check`."""
        is_waiting = False
        while True:
            await asyncio.sleep(
                min(_CONFIRM_S, self._interval_s) if is_waiting else self._interval_s
            )
            is_waiting = await self.check(use)

    async def check(self, use: Callable[[T], Awaitable[None]]) -> bool:
        """Look once, and `use` the value of content that has been seen twice.

        `use` raises a ProcessorError when it cannot put the value into force; the file has to be
        saved again then. Returns True when new content is waiting to be seen a second time.
        """
        look = await asyncio.to_thread(self._look)
        if self._is_new(look):
            error = look.error or await self._put_into_force(look.text, use)
            self._report(error)
        return self._seen != self._decided

    def _look(self) -> _Look:
        try:
            text = read_text(self._path)
        except ConfigError as error:
            return _Look("", str(error))
        return _Look(text, named=self._stamps(text))

    def _stamps(self, text: str) -> str:
        """What tells a change of the named files. They may be large, so they are not read here."""
        if text != self._named[0]:
            self._named = (text, tuple(self._named_files(text, str(self._path))))
        return "\n".join(map(_stamp, self._named[1]))

    def _is_new(self, look: _Look) -> bool:
        """True for content that has been seen twice in a row and has not been decided on yet."""
        is_steady = look.digest == self._seen
        self._seen = look.digest
        if not is_steady or look.digest == self._decided:
            return False
        self._decided = look.digest
        return True

    async def _put_into_force(self, text: str, use: Callable[[T], Awaitable[None]]) -> str:
        """Parse and use new content; returns why that failed, or ``""``."""
        try:
            await use(await asyncio.to_thread(self._parse, text, str(self._path)))
        except ProcessorError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 - a mistake in a parser must not end reloading
            return f"{self._path}: {type(error).__name__}: {error}"
        return ""

    def _report(self, error: str) -> None:
        self.state.last_error = error
        if error:
            self.state.failures += 1
            problems = "; ".join(error.splitlines())  # A record of the log is one line.
            _LOG.error("%s is not used; the last good one stays in force: %s", self._path, problems)
            return
        self.state.reloads += 1
        self.state.loaded_s = time.time()
        _LOG.info("%s has changed and is in force", self._path)
