"""Opening the embedded ledger's file: to write it, or to read beside the writing process."""

from __future__ import annotations

import fcntl
import json
import time
from contextlib import closing
from pathlib import Path
from typing import IO, Any, Final, NamedTuple
from urllib.parse import quote

import apsw

from processor.core.errors import ConfigError, LedgerInUseError, LedgerUnavailableError, Problem
from processor.core.model import UnpricedCalls
from processor.io.ledger import rows, schema
from processor.io.ledger.numbers import define_functions

_LOOKED_AT_S: Final = 0.2
"""How long a ledger that is about to be opened may be looked at by others; see `is_in_use`."""
_TRY_AGAIN_S: Final = 0.01


class _Translated:
    """Turns SQLite's errors into ours: whatever it is, the sender may try again."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, apsw.Error):
            message = f"the ledger cannot be used: {error}"
            raise LedgerUnavailableError(message, delay_s=5.0) from error


TRANSLATED = _Translated()
"""Stateless, so one is enough; it is around every statement."""


def open_database(path: Path) -> tuple[apsw.Connection, IO[Any]]:
    """Open or create a file to write it, with its tables; returns the open lock file as well.

    Raises ConfigError when that cannot be done, and LedgerInUseError while another process
    writes it.
    """
    fix = "choose another place with --data-dir"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = _lock(_lock_file(path))
    except OSError as error:
        what = f"cannot be opened: {error.strerror or error}"
        raise ConfigError([Problem(str(path), what, fix)]) from error
    database = None
    try:
        database = apsw.Connection(str(path))
        _prepare(database, path)
    except (apsw.Error, ConfigError) as error:
        lock.close()
        if database is not None:
            database.close()
        if isinstance(error, ConfigError):
            raise
        raise ConfigError([Problem(str(path), f"cannot be opened: {error}", fix)]) from error
    return database, lock


def _prepare(database: apsw.Connection, path: Path) -> None:
    database.set_busy_timeout(5000)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("PRAGMA cache_size = -32768")
    define_functions(database)
    version = database.pragma("user_version")
    if version == schema.VERSION:
        return
    statements = schema.TABLES if version == 0 else schema.steps_from(version)
    if not statements:
        what = f"was written by another version (tables {version}, not {schema.VERSION})"
        fix = "use the program that wrote it, or another --data-dir"
        raise ConfigError([Problem(str(path), what, fix)])
    with database:
        database.execute(statements)
        database.pragma("user_version", schema.VERSION)


def is_in_use(path: Path) -> bool:
    """Whether a process has a ledger's file open to write it."""
    try:
        # Looking makes nothing, and several may look at a time.
        with _lock_file(path).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # There is none, or reading the ledger says what is wrong.
        return False
    return False


def _lock_file(path: Path) -> Path:
    return path.with_suffix(path.suffix + ".lock")


def _lock(path: Path) -> IO[Any]:
    lock = path.open("w")
    end_s = time.monotonic() + _LOOKED_AT_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if time.monotonic() < end_s:
                time.sleep(_TRY_AGAIN_S)
                continue
            lock.close()
            fix = "stop the other one, or give this one another --data-dir"
            problem = Problem(str(path), "another process keeps this ledger", fix)
            raise LedgerInUseError([problem]) from error
        return lock


class Snapshot(NamedTuple):
    """What the ledger held at one moment."""

    asked: tuple[tuple[str, tuple[str, ...], str], ...]
    """Provider, models and service tier of every call, each once."""
    unpriced: tuple[UnpricedCalls, ...]
    """Calls without a price, alike ones together, most calls first."""


def read_snapshot(path: Path) -> Snapshot:
    """Read the names that stored calls mention. Raises LedgerUnavailableError if that fails."""
    uri = f"file:{quote(str(path.absolute()))}?mode=ro"
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    try:
        with closing(apsw.Connection(uri, flags=flags)) as database:
            database.set_busy_timeout(2000)
            if database.pragma("user_version") not in schema.READABLE:
                raise LedgerUnavailableError(f"{path} was written by another version")
            with database:  # One moment for both questions.
                asked = tuple(
                    (provider, tuple(json.loads(models)), tier)
                    for provider, models, tier in database.execute(schema.ASKED)
                )
                unpriced = tuple(map(rows.decode_unknown, database.execute(schema.UNPRICED)))
    except apsw.Error as error:
        raise LedgerUnavailableError(f"{path} cannot be read: {error}") from error
    return Snapshot(asked, unpriced)
