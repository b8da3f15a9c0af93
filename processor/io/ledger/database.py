"""Opening the embedded ledger's file: to write it, or to read beside the writing process."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import apsw

from processor.core.budgets.zones import ReportingZones
from processor.core.errors import LedgerUnavailableError
from processor.core.model import UnpricedCalls
from processor.io.ledger import migration, statements, tables
from processor.io.ledger.added_tables import create_all_tables
from processor.io.ledger.dialect import SQLITE
from processor.io.ledger.file import examine_file, read_file, refuse, remedy_of, sync_folder
from processor.io.ledger.lock import FileLock
from processor.io.ledger.numbers import define_functions
from processor.io.ledger.presence import FilePresence
from processor.io.ledger.reading.sums import define_sum
from processor.io.ledger.reading.unknown import read_unknown
from processor.io.ledger.zones import write_zones

BUSY_TIMEOUT_MS: Final = 5000
"""How long a statement waits for what another process does with the file."""
_STATEMENTS_CACHED_MAX: Final = 512
"""Compiled ones. Each use of any pushes the others on, and a turn has some hundred uses."""


class Opened(NamedTuple):
    """A ledger that is open to be written. The lock is closed after the database."""

    database: apsw.Connection
    lock: FileLock
    presence: FilePresence


def open_database(path: Path, zone: ZoneInfo) -> Opened:
    """Open or create a file to write it, with its tables.

    Sums of a new or older file are by days of `zone`.
    Raises ConfigError when that cannot be done, with the file as it was, and LedgerInUseError
    while another process writes it.
    """
    lock = None
    # Before the lock, which may lie on a file system that is read-only.
    examine_file(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        real = path.resolve()
        real.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(real)
        if not examine_file(path):
            _create(real, zone)
        return _open(path, lock, zone)
    except BaseException as error:
        if lock is not None:
            lock.close()
        if isinstance(error, OSError):
            what = f"cannot be written: {error.strerror or error}"
            refuse(path, what, remedy_of(error))
        if isinstance(error, apsw.Error):
            refuse(path, f"cannot be opened: {error}", remedy_of(error))
        raise


def _create(real: Path, zone: ZoneInfo) -> None:
    """Make a ledger under another name, so that one without tables is never at its place."""
    new = real.with_name(f"{real.name}.new")
    _remove_new(new)
    try:
        with closing(apsw.Connection(str(new))) as database:
            database.execute("PRAGMA synchronous = FULL")
            # Before there is a table; later it takes a copy of the file.
            database.execute("PRAGMA auto_vacuum = INCREMENTAL")
            define_functions(database)
            with database:
                database.execute(create_all_tables(SQLITE))
                write_zones(database, ReportingZones.of(zone))
                database.pragma("user_version", tables.VERSION)
                database.pragma("application_id", tables.APPLICATION_ID)
        new.rename(real)
    except (OSError, apsw.Error):
        _remove_new(new)
        raise
    sync_folder(real.parent)


def _remove_new(new: Path) -> None:
    for each in (new, new.with_name(f"{new.name}-journal")):
        each.unlink(missing_ok=True)


def _open(path: Path, lock: FileLock, zone: ZoneInfo) -> Opened:
    opened = lock.take_file()
    database = apsw.Connection(
        str(path.resolve()),
        flags=apsw.SQLITE_OPEN_READWRITE,
        statementcachesize=_STATEMENTS_CACHED_MAX,
    )
    try:
        database.set_busy_timeout(BUSY_TIMEOUT_MS)
        if database.pragma("journal_mode", "wal") != "wal":
            fix = "choose a local disk with --data-dir"
            refuse(path, "is on a file system that lacks what SQLite's log needs", fix)
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA cache_size = -32768")
        define_functions(database)
        version = database.pragma("user_version")
        if (version, database.pragma("application_id")) != (tables.VERSION, tables.APPLICATION_ID):
            with database:
                if version != tables.VERSION:
                    migration.bring_up(database, version, zone)
                database.pragma("user_version", tables.VERSION)
                database.pragma("application_id", tables.APPLICATION_ID)
        return Opened(database, lock, FilePresence(path, opened))
    except BaseException:
        database.close()
        raise


_ALL: Final = -1
"""A limit that is none."""


class Snapshot(NamedTuple):
    """What the ledger held at one moment."""

    asked: tuple[tuple[str, tuple[str, ...], str], ...]
    """Provider, models and service tier of every call, each once."""
    unpriced: tuple[UnpricedCalls, ...]
    """Calls without a price, alike ones together, most calls first."""


def read_snapshot(path: Path) -> Snapshot:
    """Read the names that stored calls mention.

    Raises ConfigError where no ledger is, and LedgerUnavailableError if reading it fails.
    """
    try:
        if not examine_file(path):
            refuse(path, "is not there", "name its folder with --data-dir")
        return read_file(path.resolve(), _snapshot)
    except apsw.Error as error:
        raise LedgerUnavailableError(f"{path} cannot be read: {error}") from error


def _snapshot(database: apsw.Connection) -> Snapshot:
    if database.pragma("user_version") > migration.LAST_REWRITTEN:
        define_sum(database)
        names = statements.ASKED
        found = read_unknown(database, _ALL).listed
        unpriced = [each for each in found if each.status == "unpriced"]
    else:
        names, unpriced = migration.ASKED, migration.read_unpriced(database)
    asked = tuple(
        (provider, tuple(json.loads(models)), tier)
        for provider, models, tier in database.execute(names)
    )
    return Snapshot(asked, tuple(unpriced))
