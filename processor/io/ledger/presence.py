"""Whether the files of an open ledger are where they were: what is removed is not kept."""

from __future__ import annotations

import os
from pathlib import Path

from processor.core.errors import LedgerUnavailableError
from processor.io.ledger.file import index_of, log_of
from processor.io.ledger.lock import FileId

_DELAY_S = 5.0


class FilePresence:
    """Compares what is at the ledger's path, and its log and index, with what was opened.

    On Unix a file that was removed or replaced can still be written by who has it open, and what
    is written is lost with the process. SQLite does not look.
    """

    def __init__(self, path: Path, opened: FileId) -> None:
        """Note what SQLite has open. Raises OSError.

        `path` is as it was given: a link that leads elsewhere counts as another file.
        """
        real = path.resolve()
        self._path, self._opened = path.absolute(), opened
        self._beside = {each: _id(each.stat()) for each in (log_of(real), index_of(real))}
        self._folder = real.parent
        self._folder_changed: tuple[int, int] | None = None
        self._size_bytes = 0
        self.is_overwritten = False
        """Whether another program has cut the file off: SQLite must not write it any more."""
        self.check(is_thorough=True)

    def check(self, *, is_thorough: bool = False) -> None:
        """Raises LedgerUnavailableError while one of the files is not what was opened.

        Unless it `is_thorough`, log and index are looked at only where the time at which
        something was added to their folder or removed from it is another one. Since Linux 6.13
        the next write of a file whose times were read is dearer: 40 µs for the log.
        """
        found = self._look(self._path, self._opened, "put it back; a restart looks again")
        self.is_overwritten |= found.st_size < self._size_bytes
        self._size_bytes = found.st_size
        if self.is_overwritten:
            fix = "stop the processor, put a backup there without -wal and -shm, start it"
            message = f"{self._path} was cut off or overwritten ({fix})"
            raise LedgerUnavailableError(message, _DELAY_S)
        folder = self._folder.stat()
        changed = folder.st_ino, folder.st_mtime_ns
        if is_thorough or changed != self._folder_changed:
            self._folder_changed = None
            for path, opened in self._beside.items():
                self._look(path, opened, "restart the processor, which loses nothing")
            self._folder_changed = changed

    def check_commit(self) -> None:
        """The same after a commit, in which SQLite itself may have made the file smaller."""
        self._size_bytes = 0
        self.check()

    def _look(self, path: Path, opened: FileId, lost: str) -> os.stat_result:
        """The state of a file that is what was opened; `lost` is what helps where it is gone."""
        try:
            found = path.stat()
        except OSError as error:
            why = "was removed or moved" if isinstance(error, FileNotFoundError) else str(error)
            raise LedgerUnavailableError(f"{path} {why} ({lost})", _DELAY_S) from error
        if _id(found) != opened:
            fix = "stop the processor, put the right file there, start it"
            raise LedgerUnavailableError(f"{path} was replaced ({fix})", _DELAY_S)
        return found


def _id(found: os.stat_result) -> FileId:
    return found.st_dev, found.st_ino
