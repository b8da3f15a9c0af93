"""What is at the ledger's path, found out without a change to it."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final, NoReturn, TypeVar
from urllib.parse import quote

import apsw

from processor.core.errors import ConfigError, Problem
from processor.io.ledger import migration, tables
from processor.io.ledger.lock import is_held

_Result = TypeVar("_Result")

_MAGIC: Final = b"SQLite format 3\x00"
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_HEADER_BYTES: Final = 100
_RESTORE: Final = "restore a backup, or use another --data-dir"
_ANEW: Final = "restore a backup, or to start anew remove it, -wal and -shm"
_OTHER: Final = "use another --data-dir"
_KINDS: Final[tuple[tuple[Callable[[int], bool], str], ...]] = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISCHR, "a device"),
)


def log_of(path: Path) -> Path:
    """SQLite's write-ahead log of a file."""
    return path.with_name(f"{path.name}-wal")


def index_of(path: Path) -> Path:
    """SQLite's index of the write-ahead log, which all that have the file open share."""
    return path.with_name(f"{path.name}-shm")


def examine_file(path: Path) -> bool:
    """Whether a ledger is at a path; False where nothing is, so that a new one may be made.

    Raises ConfigError for all that is no ledger of this program, or one that cannot be used.
    Nothing is changed, and it may be asked beside the process that writes the file.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        log = log_of(path.resolve())
        if log.exists():
            fix = f"put it back, or to start anew remove {path.name}-wal and -shm"
            refuse(path, "is gone, but its log is not", fix)
        return False
    except OSError as error:
        refuse(path, f"cannot be read: {error.strerror or error}", remedy_of(error))
    kind = next((name for is_kind, name in _KINDS if is_kind(found.st_mode)), "")
    if kind:
        refuse(path, f"is {kind}, not a file", _OTHER)
    if is_held(found):
        return True
    real = path.resolve()
    try:
        header = read_header(real)
    except OSError as error:
        refuse(path, f"cannot be read: {error.strerror or error}", remedy_of(error))
    _check_header(path, header, found.st_size)
    try:
        read_file(real, lambda database: _check_contents(path, database))
    except apsw.Error as error:
        is_damaged = isinstance(error, apsw.CorruptError | apsw.NotADBError)
        if is_damaged:  # Perhaps what is missing is where the names of the tables are.
            _check_size(path, header, found.st_size)
        refuse(path, f"{'is damaged' if is_damaged else 'cannot be read'}: {error}", _RESTORE)
    if not os.access(real, os.W_OK) or not os.access(real.parent, os.W_OK | os.X_OK):
        is_fixed = os.statvfs(real).f_flag & os.ST_RDONLY
        what = "is on a read-only file system" if is_fixed else "cannot be written by this user"
        refuse(path, what, _OTHER if is_fixed else remedy_of(PermissionError()))
    return True


def remedy_of(error: OSError | apsw.Error) -> str:
    """What helps against what the system or SQLite says of a file."""
    if isinstance(error, apsw.FullError) or getattr(error, "errno", 0) in _FULL:
        return f"free room on its disk, or {_OTHER}"
    if isinstance(error, apsw.IOError):
        return f"see that its disk has room and works, or {_OTHER}"
    if isinstance(error, PermissionError | apsw.CantOpenError | apsw.ReadOnlyError):
        return f"let the user write file and folder, or {_OTHER}"
    return _OTHER


def refuse(path: Path, what: str, fix: str) -> NoReturn:
    """Say what is wrong with the ledger at a path, and what helps. Raises ConfigError."""
    raise ConfigError([Problem(str(path), what, fix)])


def read_header(real: Path) -> bytes:
    """The first bytes of a file. Not for the process that has it open to write it.

    To close any descriptor of a file takes SQLite's locks in this process away.
    """
    descriptor = os.open(real, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        return os.pread(descriptor, _HEADER_BYTES, 0)
    finally:
        os.close(descriptor)


def read_file(real: Path, question: Callable[[apsw.Connection], _Result]) -> _Result:
    """Ask a database that somebody may have open, about one moment.

    Leaves nothing behind; raises apsw.Error.
    """

    def ask(database: apsw.Connection) -> _Result:
        database.execute("BEGIN")
        try:
            return question(database)
        finally:
            database.execute("ROLLBACK")

    return use_file(real, ask)


def use_file(real: Path, work: Callable[[apsw.Connection], _Result]) -> _Result:
    """Do something with a read-only connection to a database that somebody may have open.

    A file without a log is open nowhere. It is read as one that does not change, since SQLite
    would make a log and leave it there; if it has changed meanwhile, the work is done again.
    """
    before = marks_of(real)
    if not log_of(real).exists():

        def is_unchanged() -> bool:
            return before == marks_of(real) and not log_of(real).exists()

        try:
            with closing(connect_to_read(real, "mode=ro&immutable=1")) as database:
                answer = work(database)
        except apsw.Error:
            if is_unchanged():
                raise
        else:
            if is_unchanged():
                return answer
    with closing(connect_to_read(real, "mode=ro")) as database:
        database.set_busy_timeout(2000)
        return work(database)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def marks_of(real: Path) -> tuple[int, int, int]:
    """What differs once a file has been written or replaced."""
    try:
        found = real.stat()
    except OSError:
        return (0, 0, 0)
    return found.st_ino, found.st_size, found.st_mtime_ns


def connect_to_read(real: Path, options: str) -> apsw.Connection:
    """A read-only connection, with options of its URI. Raises apsw.Error."""
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    return apsw.Connection(f"file:{quote(str(real))}?{options}", flags=flags)


def _check_header(path: Path, header: bytes, size_bytes: int) -> None:
    """By the first bytes, before SQLite opens the file."""
    if not size_bytes:
        refuse(path, "is empty", _ANEW)
    if not header.startswith(_MAGIC) or len(header) < _HEADER_BYTES:
        refuse(path, "is not a ledger, or damaged", _RESTORE)
    if not log_of(path.resolve()).exists():
        _check_size(path, header, size_bytes)


def _check_size(path: Path, header: bytes, size_bytes: int) -> None:
    """Whether all pages are there that a file says it has. A log may hold those that are not."""
    page_bytes = int.from_bytes(header[16:18], "big")
    page_bytes = 65536 if page_bytes == 1 else page_bytes
    pages = int.from_bytes(header[28:32], "big")
    # The count holds where this was written with it.
    is_counted = header[24:28] == header[92:96]
    log_bytes = _log_bytes(path.resolve())
    if is_counted and pages * page_bytes > size_bytes + log_bytes:
        what = f"is cut off at {size_bytes:,} of {pages * page_bytes:,} bytes"
        refuse(path, what, _RESTORE)


def _log_bytes(real: Path) -> int:
    return log_of(real).stat().st_size if log_of(real).exists() else 0


def _check_contents(path: Path, database: apsw.Connection) -> None:
    application, version = database.pragma("application_id"), database.pragma("user_version")
    query = "SELECT name FROM sqlite_schema WHERE type = 'table'"
    names = {row[0] for row in database.execute(query)}
    is_ours = application == tables.APPLICATION_ID
    if not is_ours and not names:
        refuse(path, "is a database without tables", _ANEW)
    # Older files did not say whose they are.
    if application not in {0, tables.APPLICATION_ID} or not names >= tables.KNOWN_TABLES:
        refuse(path, "is a database of another program", _OTHER)
    if version not in {tables.VERSION, *migration.VERSIONS}:
        what = f"was written by another version (tables {version}, not {tables.VERSION})"
        refuse(path, what, "use that version, or another --data-dir")
    real = path.resolve()
    size_bytes = real.stat().st_size
    log_bytes = _log_bytes(real)
    needed_bytes = database.pragma("page_count") * database.pragma("page_size")
    if needed_bytes > size_bytes + log_bytes:
        what = f"is cut off at {size_bytes:,} of {needed_bytes:,} bytes"
        refuse(path, what, _RESTORE)
