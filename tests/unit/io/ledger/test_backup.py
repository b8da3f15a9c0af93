"""A copy of the ledger: whole and of one moment, or nothing is there."""

from __future__ import annotations

import fcntl
import os
import resource
import subprocess
import sys
import textwrap
from contextlib import closing

import apsw
import pytest

from processor.core.errors import BackupFailedError, ConfigError
from processor.io.ledger import SqliteStore, write_backup
from processor.io.ledger.file import log_of

ROWS = 5_000


@pytest.fixture
def ledger(tmp_path):
    """A closed ledger of some hundred pages, many of which are free."""
    path = tmp_path / "data" / "ledger.db"
    SqliteStore(path).close()
    with closing(apsw.Connection(str(path))) as database, database:
        rows = [(f"t{number}", "x" * 500, 0) for number in range(ROWS)]
        database.executemany("INSERT INTO task_titles VALUES (?, ?, ?)", rows)
        database.execute("DELETE FROM task_titles WHERE task > 't3'")
    return path


@pytest.fixture
def target(tmp_path):
    return tmp_path / "backup.db"


def back_up(ledger, target, *, replaces=False, show=lambda *_: None):
    return write_backup(ledger, target, replaces=replaces, show=show)


def contents(path):
    """Every table of a file, and what its header says."""
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as database:
        schema = list(database.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY name"))
        names = [name for kind, name, _ in schema if kind == "table"]
        tables = {name: list(database.execute(f"SELECT * FROM {name}")) for name in names}
        marks = database.pragma("application_id"), database.pragma("user_version")
    return schema, tables, marks


def files(folder):
    return sorted(each.name for each in folder.iterdir())


def test_a_copy_has_all_of_a_closed_ledger_and_leaves_it_as_it_was(ledger, target):
    ledger.chmod(0o600)
    before = ledger.stat().st_mtime_ns, files(ledger.parent)
    made = back_up(ledger, target)
    assert (ledger.stat().st_mtime_ns, files(ledger.parent)) == before
    assert contents(target) == contents(ledger)
    assert made.size_bytes == target.stat().st_size < ledger.stat().st_size
    assert target.stat().st_mode & 0o777 == 0o600
    assert files(target.parent) == ["backup.db", "data"]


def test_a_copy_gives_freed_pages_back_to_the_disk(ledger, target):
    """Guarantees: what a ledger of before could not is what one that was restored can."""
    back_up(ledger, target)
    again = target.with_name("again.db")
    back_up(target, again)
    with closing(apsw.Connection(str(again))) as database:
        assert database.pragma("auto_vacuum") == 2
        database.execute("DELETE FROM task_titles")
        database.execute("PRAGMA incremental_vacuum").fetchall()
        assert database.pragma("freelist_count") == 0


def test_a_copy_of_an_open_ledger_has_what_was_committed(ledger, target):
    """Guarantees: also what is in the log only, and nothing of a transaction that is under way."""
    store = SqliteStore(ledger)
    store.begin()
    store.put_series("kept", None)
    store.commit()
    store.begin()
    store.put_series("under way", None)
    assert log_of(ledger).stat().st_size
    back_up(ledger, target)
    store.rollback()
    store.close()
    assert contents(target)[1]["series"] == [("kept", 0, 1)]
    SqliteStore(target).close()


def test_a_ledger_that_is_opened_and_written_meanwhile_is_read_once_more(ledger, target):
    stores = []

    def write(*_):
        if not stores:
            stores.append(SqliteStore(ledger))
            stores[0].begin()
            stores[0].put_series("written meanwhile", None)
            stores[0].commit()

    back_up(ledger, target, show=write)
    stores[0].close()
    assert contents(target) == contents(ledger)


def test_a_file_that_is_there_is_replaced_only_on_demand(ledger, target):
    target.write_text("yesterday's")
    with pytest.raises(ConfigError, match="exists already"):
        back_up(ledger, target)
    assert target.read_text() == "yesterday's"
    back_up(ledger, target, replaces=True)
    assert contents(target) == contents(ledger)


def test_what_is_in_use_is_never_replaced(ledger, target):
    with pytest.raises(ConfigError, match="is the ledger itself"):
        back_up(ledger, ledger, replaces=True)
    link = target.with_name("link.db")
    link.symlink_to(ledger)
    with pytest.raises(ConfigError, match="is the ledger itself"):
        back_up(ledger, link, replaces=True)
    with closing(SqliteStore(target)), pytest.raises(ConfigError, match="a ledger that is open"):
        back_up(ledger, target, replaces=True)


@pytest.mark.parametrize("end", ["-wal", "-shm", "-journal", ".lock", ".new"])
def test_what_belongs_to_a_ledger_is_never_replaced(ledger, target, end):
    """Guarantees: whether it is there or not; what was acknowledged may be in the log alone."""
    with closing(SqliteStore(ledger)):
        for name in (ledger.with_name(ledger.name + end), target.with_name("other.db-wal")):
            before = name.read_bytes() if name.exists() else None
            with pytest.raises(ConfigError, match="beside a ledger"):
                back_up(ledger, name, replaces=True)
            assert (name.read_bytes() if name.exists() else None) == before


def test_a_place_that_cannot_be_is_named(ledger, target, tmp_path):
    with pytest.raises(ConfigError, match="is a folder"):
        back_up(ledger, tmp_path, replaces=True)
    with pytest.raises(ConfigError, match="nowhere is no folder"):
        back_up(ledger, tmp_path / "nowhere" / "backup.db")
    with pytest.raises(ConfigError, match="is not there"):
        back_up(tmp_path / "none.db", target)
    assert files(tmp_path) == ["data"]


def test_an_interrupted_copy_leaves_nothing(ledger, target):
    def interrupt(*_):
        raise KeyboardInterrupt

    target.write_text("yesterday's")
    with pytest.raises(KeyboardInterrupt):
        back_up(ledger, target, replaces=True, show=interrupt)
    assert target.read_text() == "yesterday's"
    assert files(target.parent) == ["backup.db", "data"]


def test_a_copy_without_room_leaves_nothing(ledger, target):
    """Guarantees: the file of before stays, and the reason is said."""
    target.write_text("yesterday's")
    code = f"""
        from pathlib import Path
        from processor.io.ledger import write_backup
        from processor.core.errors import BackupFailedError
        try:
            write_backup(Path({str(ledger)!r}), Path({str(target)!r}), replaces=True,
                         show=lambda *_: None)
        except BackupFailedError as error:
            print(error)
    """
    limit = ledger.stat().st_size // 4
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert f"{target}: the disk fails, or a limit for the size of files" in done.stdout
    assert target.read_text() == "yesterday's"
    assert files(target.parent) == ["backup.db", "data"]


def test_what_a_killed_one_has_left_is_written_anew(ledger, target):
    target.with_name("backup.db.partial").write_bytes(b"half of it" * 10_000)
    back_up(ledger, target)
    assert contents(target) == contents(ledger)
    assert files(target.parent) == ["backup.db", "data"]


def test_two_never_write_one_file(ledger, target):
    partial = target.with_name("backup.db.partial")
    descriptor = os.open(partial, os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with pytest.raises(BackupFailedError, match="is being written by another backup"):
        back_up(ledger, target)
    os.close(descriptor)
    back_up(ledger, target)
    assert not partial.exists()


def test_a_damaged_ledger_makes_no_copy(ledger, target):
    data = bytearray(ledger.read_bytes())
    with closing(apsw.Connection(str(ledger))) as database:
        query = "SELECT pageno FROM dbstat WHERE name = 'task_titles' AND pagetype = 'leaf'"
        page = next(row[0] for row in database.execute(query))
    data[(page - 1) * 4096 : (page - 1) * 4096 + 12] = b"\xff" * 12
    ledger.write_bytes(data)
    with pytest.raises(BackupFailedError, match="the ledger is damaged, so keep the backups"):
        back_up(ledger, target)
    assert files(target.parent) == ["data"]
