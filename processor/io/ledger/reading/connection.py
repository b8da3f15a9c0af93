"""Opening the embedded ledger's file to read it, beside the process that writes it or alone."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import apsw

from processor.core.errors import LedgerUnavailableError
from processor.io.ledger.file import connect_to_read, log_of, marks_of
from processor.io.ledger.reading.sums import define_sum
from processor.io.ledger.tables import VERSION

_BUSY_TIMEOUT_MS: Final = 2000
_CACHE_KIB: Final = 16_384


class ReadConnection:
    """A read-only connection to a ledger.

    A file without a log is open nowhere. It is read as one that does not change, since SQLite
    would make a log and leave it there; `is_current` says whether that still holds.
    """

    def __init__(self, path: Path) -> None:
        """Open the file. Raises LedgerUnavailableError where none, or another one, is there."""
        self._path = path.resolve()
        if not self._path.exists():
            raise LedgerUnavailableError(f"there is no ledger at {path}")
        self._is_fixed = not log_of(self._path).exists()
        self._marks = marks_of(self._path)
        self.database = _open(self._path, is_fixed=self._is_fixed)
        version = int(str(self.database.pragma("user_version")))
        if version != VERSION:
            self.database.close()
            raise LedgerUnavailableError(_of_another_version(path, version))

    @property
    def is_current(self) -> bool:
        """False where another file is there, or this one may have changed without a look at it."""
        found = marks_of(self._path)
        if self._is_fixed:
            return found == self._marks and not log_of(self._path).exists()
        return found[0] == self._marks[0]

    def close(self) -> None:
        """Close the connection."""
        self.database.close()


def _open(path: Path, *, is_fixed: bool) -> apsw.Connection:
    database = connect_to_read(path, "mode=ro&immutable=1" if is_fixed else "mode=ro")
    try:
        database.set_busy_timeout(_BUSY_TIMEOUT_MS)
        database.pragma("user_version")  # Opens the file.
        database.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        # Beyond the size of the cache a sort goes on in a file without a name, where SQLITE_TMPDIR
        # or the system says: a question about all calls must not take memory with each of them.
        database.execute("PRAGMA temp_store = FILE")
        define_sum(database)
    except BaseException:
        database.close()
        raise
    return database


def unreadable(path: Path, error: apsw.Error) -> LedgerUnavailableError:
    """What an error of a connection that only reads means, and what to do."""
    if isinstance(error, apsw.FullError):
        fix = "name a folder with more room in SQLITE_TMPDIR"
        return LedgerUnavailableError(f"no room for temporary tables ({fix})")
    return LedgerUnavailableError(f"{path} cannot be read: {error}")


def _of_another_version(path: Path, version: int) -> str:
    """What is wrong, and how to go on."""
    what = f"{path} was written by another version (tables {version}, not {VERSION})"
    if version > VERSION:
        return f"{what}: ask with the program that wrote it"
    return f"{what}: start the processor on it once, which brings it up to date"
