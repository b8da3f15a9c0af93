"""That only one process writes a ledger's file, by whatever name it is reached."""

from __future__ import annotations

import fcntl
import os
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from processor.core.errors import LedgerInUseError, Problem

_LOOKED_AT_S: Final = 0.2
"""How long a ledger that is about to be opened may be looked at by others; see `is_in_use`."""
_TRY_AGAIN_S: Final = 0.01

FileId = tuple[int, int]
"""Device and inode: the same for every name of a file."""

_HELD: Final[set[FileId]] = set()
"""Files that this process writes.

SQLite locks with fcntl, and closing any descriptor of a file drops all such locks that the process
has on it. So a file in this set is never opened here a second time but by SQLite itself.
"""


class FileLock:
    """The right to write a ledger, held until it is closed.

    Two locks of flock. The one on the file beside the ledger orders those that are about to make a
    ledger, and keeps out older versions, which know no other. The one on the ledger itself holds
    for symbolic and hard links and other mounts too, and after the file beside it was removed.
    """

    def __init__(self, path: Path) -> None:
        """Take the lock beside `path`. Raises LedgerInUseError, and OSError."""
        self._path = path
        self._descriptors: list[int] = []
        self._held: FileId | None = None
        self._take(_beside(path), os.O_WRONLY | os.O_CREAT)

    def take_file(self) -> FileId:
        """Take the lock on the file itself. Raises LedgerInUseError, and OSError.

        Its descriptor is open before SQLite's and until after it; see `_HELD`.
        """
        if is_held(self._path.stat()):
            raise _in_use(self._path)
        taken = os.fstat(self._take(self._path, os.O_RDWR))
        self._held = taken.st_dev, taken.st_ino
        _HELD.add(self._held)
        return self._held

    def close(self) -> None:
        """Release both; SQLite must have closed the file."""
        if self._held is not None:
            _HELD.discard(self._held)
            self._held = None
        while self._descriptors:
            os.close(self._descriptors.pop())

    def _take(self, path: Path, flags: int) -> int:
        descriptor = os.open(path, flags | os.O_CLOEXEC | os.O_NONBLOCK, 0o644)
        self._descriptors.append(descriptor)
        end_s = time.monotonic() + _LOOKED_AT_S
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() < end_s:
                    time.sleep(_TRY_AGAIN_S)
                    continue
                raise _in_use(self._path) from error
            return descriptor


def is_in_use(path: Path) -> bool:
    """Whether a process has a ledger's file open to write it."""
    try:
        real = path.resolve()
        # An older version holds the lock beside the file only.
        if _is_locked(_beside(real)):
            return True
        found = real.stat()
        if is_held(found):
            return True
        return stat.S_ISREG(found.st_mode) and _is_locked(real)
    except OSError:  # There is none, or reading the ledger says what is wrong.
        return False


def is_held(found: os.stat_result) -> bool:
    """Whether this process writes a file, so that SQLite alone may open and close it here."""
    return (found.st_dev, found.st_ino) in _HELD


def _is_locked(path: Path) -> bool:
    """Looking makes nothing, and several may look at a time."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return False
    try:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
        return True
    finally:
        os.close(descriptor)


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


def _in_use(path: Path) -> LedgerInUseError:
    fix = "stop the other one, or give this one another --data-dir"
    return LedgerInUseError([Problem(str(path), "another process keeps this ledger", fix)])
