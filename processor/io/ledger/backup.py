"""A copy of the ledger as it was at one moment, made beside the process that writes it."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

import apsw

from processor.core.errors import BackupFailedError
from processor.io.ledger.file import (
    connect_to_read,
    examine_file,
    index_of,
    log_of,
    refuse,
    sync_folder,
    use_file,
)
from processor.io.ledger.lock import is_in_use

_STEPS_BETWEEN_LOOKS: Final = 2_000
"""Instructions of SQLite's machine between two looks at signals and at how far it is."""
_OTHER: Final = "name another file"
_OF_SQLITE: Final = ("-wal", "-shm", "-journal")
_BESIDE: Final = (*_OF_SQLITE, ".lock", ".new")
"""What follows the name of a ledger in names of files that belong to it. To replace one of these
loses what was charged, though the ledger itself stays."""


class Backup(NamedTuple):
    """A copy that was made."""

    size_bytes: int
    taken_s: float
    """Which moment it shows, in seconds since 1970."""
    duration_s: float
    """How long it took to write and to check it."""


Show = Callable[[int, int], None]
"""Is shown how many bytes are written, and about how many it will be."""


def write_backup(ledger: Path, target: Path, *, replaces: bool, show: Show) -> Backup:
    """Write what the ledger holds at this moment to a file, which can take its place.

    The ledger may be open and of any version. The copy is compact, gives back what it frees, is
    on the disk and has been read again from there before it gets its name. `replaces` allows that
    the file is there already.
    Raises ConfigError for a wrong ledger or file, and BackupFailedError, and then leaves nothing.
    """
    if not examine_file(ledger):
        refuse(ledger, "is not there", "name its folder with --data-dir")
    real = target.resolve()
    _check_target(ledger.resolve(), target, replaces=replaces)
    start_s = time.time()
    mode = ledger.stat().st_mode & 0o777
    with _partial(target, real, mode) as (descriptor, partial):
        use_file(ledger.resolve(), lambda database: _copy(database, partial, show))
        os.fsync(descriptor)
        _read_again(descriptor, partial)
        if not replaces and real.exists():
            raise BackupFailedError(f"{target} was made by somebody else meanwhile ({_OTHER})")
        partial.replace(real)
        sync_folder(real.parent)
        size_bytes = os.fstat(descriptor).st_size
    return Backup(size_bytes, start_s, time.time() - start_s)


def _check_target(ledger: Path, target: Path, *, replaces: bool) -> None:
    """Raises ConfigError where a copy must not be."""
    real = target.resolve()
    if not real.parent.is_dir():
        refuse(target, f"cannot be written: {real.parent} is no folder", "make it, or name another")
    if real.name.endswith(_OF_SQLITE) or real in {Path(f"{ledger}{end}") for end in _BESIDE}:
        refuse(target, "is a name for what SQLite or a processor has beside a ledger", _OTHER)
    if not real.exists():
        return
    if real.is_dir():
        refuse(target, "is a folder", "name a file in it")
    if real.samefile(ledger):
        refuse(target, "is the ledger itself", _OTHER)
    if not real.is_file():
        refuse(target, "is not a file", _OTHER)
    if not replaces:
        refuse(target, "exists already", f"--force replaces it, or {_OTHER}")
    if is_in_use(real) or log_of(real).exists() or index_of(real).exists():
        refuse(target, "is a ledger that is open, or was not closed", _OTHER)


@contextmanager
def _partial(target: Path, real: Path, mode: int) -> Iterator[tuple[int, Path]]:
    """An empty file beside the one that is wanted; it is gone afterwards unless it was renamed.

    Its descriptor has a lock, so that two backups never write one file, and is closed after all
    connections to it.
    """
    partial = real.with_name(f"{real.name}.partial")
    try:
        descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, mode)
    except OSError as error:
        refuse(target, f"cannot be written: {error.strerror or error}", _OTHER)
    try:
        _lock(descriptor, partial)
        try:
            os.ftruncate(descriptor, 0)
            yield descriptor, partial
        except (OSError, apsw.Error) as error:
            raise BackupFailedError(f"{target}: {_reason(error)}") from error
        finally:
            _remove(descriptor, partial)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, partial: Path) -> None:
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # It may have been renamed or removed before it was locked.
        if os.path.samestat(os.fstat(descriptor), partial.stat()):
            return
    raise BackupFailedError(f"{partial} is being written by another backup (wait for its end)")


def _remove(descriptor: int, partial: Path) -> None:
    with suppress(OSError):
        if os.path.samestat(os.fstat(descriptor), partial.stat()):
            partial.unlink()
    with suppress(OSError):
        partial.with_name(f"{partial.name}-journal").unlink()


def _copy(database: apsw.Connection, partial: Path, show: Show) -> None:
    # Where a processor began to write while the file was read, it is read a second time.
    os.truncate(partial, 0)
    size_bytes = database.pragma("page_count") * database.pragma("page_size")

    def look() -> bool:
        show(partial.stat().st_size, size_bytes)
        return False

    if not database.pragma("auto_vacuum"):
        # For the copy. Where it is so already, SQLite would write it into the file that is read.
        database.execute("PRAGMA auto_vacuum = INCREMENTAL")
    database.set_progress_handler(look, _STEPS_BETWEEN_LOOKS)
    try:
        database.execute("VACUUM INTO ?", (str(partial),))
    finally:
        database.set_progress_handler(None)


def _read_again(descriptor: int, partial: Path) -> None:
    """Read all of the copy, from the disk where the system lets go of what is in memory."""
    if hasattr(os, "posix_fadvise"):
        with suppress(OSError):
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    with closing(connect_to_read(partial, "mode=ro&immutable=1")) as database:
        said = [row[0] for row in database.execute("PRAGMA quick_check(1)")]
    if said != ["ok"]:
        raise BackupFailedError(f"what was written is not what is read: {said[0]} (try again)")


def _reason(error: OSError | apsw.Error) -> str:
    if isinstance(error, OSError):
        return f"it cannot be written: {error.strerror or error}"
    if isinstance(error, apsw.FullError):
        return "there is no room for it (free some, or name a file on another disk)"
    if isinstance(error, apsw.CorruptError | apsw.NotADBError):
        return f"the ledger is damaged, so keep the backups there are (llm-cost verify): {error}"
    if isinstance(error, apsw.IOError):
        return f"the disk fails, or a limit for the size of files is reached: {error}"
    return f"the ledger cannot be copied: {error}"
