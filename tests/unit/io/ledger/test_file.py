"""What is at the ledger's path: only a whole ledger of ours is opened, and nothing is touched."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
from contextlib import closing

import apsw
import pytest

from processor.core.errors import ConfigError
from processor.io.ledger import SqliteStore, examine_file, read_snapshot, tables


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.db"


@pytest.fixture
def whole(path):
    """A ledger of more pages than its tables take, closed."""
    SqliteStore(path).close()
    with closing(apsw.Connection(str(path))) as database:
        rows = [(f"t{number}", "x" * 500, 0) for number in range(200)]
        database.executemany("INSERT INTO task_titles VALUES (?, ?, ?)", rows)
    return path


def change(path, *statements):
    with closing(sqlite3.connect(path)) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


def empty(path):
    path.write_bytes(b"")


def text(path):
    path.write_text("a letter\n" * 1000)


def short(path):
    path.write_bytes(path.read_bytes()[:50])


def cut_off(path):
    path.write_bytes(path.read_bytes()[:40_000])


def newer(path):
    change(path, f"PRAGMA user_version = {tables.VERSION + 1}")


def foreign(path):
    path.unlink()
    change(path, "CREATE TABLE recipes (name)", "PRAGMA user_version = 5")


def foreign_log(path):
    path.unlink()
    change(path, "PRAGMA journal_mode = WAL", "CREATE TABLE recipes (name)")


def geography(path):
    change(path, "PRAGMA application_id = 1196444487")


def without_tables(path):
    path.unlink()
    change(path, "PRAGMA journal_mode = WAL")


def malformed(path):
    data = path.read_bytes()
    path.write_bytes(data[:100] + b"\xff" * 3996 + data[4096:])


def header(path):
    data = path.read_bytes()
    path.write_bytes(data[:16] + b"\x00" * 84 + data[100:])


def folder(path):
    path.unlink()
    path.mkdir()


def pipe(path):
    path.unlink()
    os.mkfifo(path)


def listening(path):
    path.unlink()
    with socket.socket(socket.AF_UNIX) as server:
        os.chdir(path.parent)
        server.bind(path.name)


def circle(path):
    path.unlink()
    path.symlink_to(path.name)


def gone(path):
    path.rename(path.with_name("elsewhere"))
    path.with_name("ledger.db-wal").write_bytes(b"")


WRONG = {
    empty: "is empty",
    text: "is not a ledger",
    short: "is not a ledger",
    cut_off: "is cut off at 40,000 of",
    newer: "was written by another version",
    foreign: "is a database of another program",
    foreign_log: "is a database of another program",
    geography: "is a database of another program",
    without_tables: "is a database without tables",
    malformed: "is damaged",
    header: "is damaged",
    folder: "is a folder",
    pipe: "is a named pipe",
    listening: "is a socket",
    circle: "cannot be",
    gone: "is gone, but its log is not",
}


def contents(directory):
    """Every file by its name, without the lock that orders those who open a ledger."""
    return {
        each.name: each.read_bytes() if each.is_file() else None
        for each in directory.iterdir()
        if not each.name.endswith(".lock")
    }


@pytest.mark.parametrize("spoil", WRONG)
@pytest.mark.parametrize("look", [SqliteStore, examine_file, read_snapshot])
def test_what_is_no_whole_ledger_is_named_with_a_way_out_and_left_as_it_is(
    whole, tmp_path, spoil, look, monkeypatch
):
    """Guarantees: each way to open it says the same, changes no byte, and leaves no file."""
    monkeypatch.chdir(tmp_path)
    spoil(whole)
    before = contents(tmp_path)
    with pytest.raises(ConfigError) as refused:
        look(whole)
    message = str(refused.value)
    assert message.startswith(f"{whole}: {WRONG[spoil]}")
    assert message.endswith(")"), "there is a remedy"
    assert len(message) - len(f"{whole}: ") < 100
    assert contents(tmp_path) == before


@pytest.mark.parametrize("spoil", [newer, foreign_log, geography])
def test_a_file_with_a_log_that_a_crash_left_is_left_as_it_is(whole, tmp_path, spoil):
    """Guarantees: what the log says counts, and neither it nor the file is changed."""
    change(whole, "PRAGMA journal_mode = WAL")
    child = os.fork()
    if child == 0:
        if spoil is foreign_log:
            whole.unlink()
        database = apsw.Connection(str(whole))
        database.pragma("journal_mode", "wal")
        statement = {
            newer: f"PRAGMA user_version = {tables.VERSION + 1}",
            geography: "PRAGMA application_id = 1196444487",
            foreign_log: "CREATE TABLE recipes (name)",
        }[spoil]
        database.execute(statement)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    before = contents(tmp_path)
    assert before["ledger.db-wal"]
    with pytest.raises(ConfigError, match=WRONG[spoil]):
        SqliteStore(whole)
    after = contents(tmp_path)
    assert {name: after[name] for name in ("ledger.db", "ledger.db-wal")} == {
        name: before[name] for name in ("ledger.db", "ledger.db-wal")
    }


def test_missing_pages_are_noticed_beside_a_log(whole):
    """Guarantees: a log that cannot hold what is missing does not hide it."""
    child = os.fork()
    if child == 0:
        database = apsw.Connection(str(whole))
        database.execute("INSERT INTO task_titles VALUES ('new', '', 0)")
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    cut_off(whole)
    with pytest.raises(ConfigError, match="is cut off at 40,000 of"):
        SqliteStore(whole)


def test_a_file_that_must_not_be_written_says_so(whole, monkeypatch):
    real_open = os.open

    def refuse_to_write(path, flags, *more, **named):
        if flags & os.O_RDWR and str(path) == str(whole):
            raise PermissionError(13, "Permission denied")
        return real_open(path, flags, *more, **named)

    monkeypatch.setattr(os, "open", refuse_to_write)
    with pytest.raises(ConfigError, match=r"cannot be written: Permission denied \(let the user"):
        SqliteStore(whole)


@pytest.mark.parametrize("look", [SqliteStore, examine_file])
def test_a_read_only_file_system_says_so_and_is_left_alone(whole, tmp_path, monkeypatch, look):
    before = contents(tmp_path)
    monkeypatch.setattr(os, "access", lambda _path, mode: not mode & os.W_OK)
    with pytest.raises(ConfigError, match=r"cannot be written by this user \(let the user"):
        look(whole)
    assert contents(tmp_path) == before


def test_a_full_disk_leaves_no_half_of_a_new_ledger(path, tmp_path, monkeypatch):
    def fail(_database):
        raise apsw.FullError("database or disk is full")

    monkeypatch.setattr("processor.io.ledger.database.define_functions", fail)
    with pytest.raises(ConfigError, match=r"disk is full \(free room on its disk"):
        SqliteStore(path)
    assert {each.name for each in tmp_path.iterdir()} == {"ledger.db.lock"}


def test_a_file_that_must_not_be_read_says_so(whole, monkeypatch):
    def refuse(_path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("processor.io.ledger.file.read_header", refuse)
    with pytest.raises(ConfigError, match=r"cannot be read: Permission denied \(let the user"):
        examine_file(whole)


def test_nothing_there_is_no_mistake(path, tmp_path):
    assert not examine_file(path)
    assert not list(tmp_path.iterdir())


def test_a_new_ledger_says_whose_it_is_and_leaves_nothing_beside_it(path, tmp_path):
    SqliteStore(path).close()
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA application_id").fetchone() == (0x4C4C4D43,)
    assert {each.name for each in tmp_path.iterdir()} == {"ledger.db", "ledger.db.lock"}
    assert examine_file(path)


def test_a_ledger_of_the_same_version_that_does_not_say_whose_it_is_says_so_from_now_on(whole):
    change(whole, "PRAGMA application_id = 0")
    SqliteStore(whole).close()
    with closing(sqlite3.connect(whole)) as database:
        assert database.execute("PRAGMA application_id").fetchone() == (tables.APPLICATION_ID,)


def test_a_crash_while_a_ledger_is_made_leaves_none(path, monkeypatch):
    """Guarantees: there is none or a whole one at the path, and the next start makes it."""

    def die(_from, _to):
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr("pathlib.Path.rename", die)
        with pytest.raises(KeyboardInterrupt):
            SqliteStore(path)
    assert not path.exists()
    path.with_name("ledger.db.new").write_bytes(b"half a ledger")
    SqliteStore(path).close()
    assert examine_file(path)


def test_looking_at_a_closed_ledger_leaves_no_log(whole, tmp_path):
    before = contents(tmp_path)
    read_snapshot(whole)
    assert contents(tmp_path) == before


def test_looking_at_an_open_ledger_sees_what_was_committed_last(path):
    store = SqliteStore(path)
    store.begin()
    store._db.execute("INSERT INTO task_titles VALUES ('new', '', 0)")
    store.commit()
    assert examine_file(path)
    assert path.with_name("ledger.db-wal").stat().st_size
    store.close()
