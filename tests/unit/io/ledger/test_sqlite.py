"""The embedded engine: one file, one writer, and every trouble with the disk is a retryable one."""

from __future__ import annotations

import fcntl
import gc
import os
import threading
import warnings

import apsw
import pytest

from processor.core.errors import ConfigError, LedgerUnavailableError
from processor.core.model import Plan, Totals
from processor.io.ledger import SqliteStore, is_in_use


def problem(path):
    """Why the ledger cannot be opened; whatever the attempt has left behind is collected."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            SqliteStore(path).close()
        except ConfigError as error:
            message = str(error)
        gc.collect()
    return message


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "ledger.db"


def test_folders_on_the_way_are_made_and_the_file_is_found_again(path):
    SqliteStore(path).close()
    assert path.exists()
    SqliteStore(path).close()


def test_a_second_writer_is_refused_with_a_way_out(path):
    store = SqliteStore(path)
    message = problem(path)
    assert "another process keeps this ledger" in message
    assert "--data-dir" in message
    store.close()
    SqliteStore(path).close()


def test_a_second_process_is_refused(path):
    store = SqliteStore(path)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            SqliteStore(path)
            os.write(write, b"opened")
        except ConfigError:
            os.write(write, b"refused")
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 100) == b"refused"
    os.close(read)
    os.close(write)
    store.close()


def test_a_file_that_is_no_database_is_refused(path):
    path.parent.mkdir()
    path.write_bytes(b"this is no database, however long it may be" * 100)
    assert "is not a ledger" in problem(path)


def test_a_folder_in_the_place_of_the_file_is_refused(path):
    path.mkdir(parents=True)
    assert "is a folder" in problem(path)


def test_a_file_in_the_place_of_the_folder_is_refused(path):
    path.parent.write_text("")
    assert "Not a directory" in problem(path)


def test_ledger_of_another_version_are_left_alone(path):
    store = SqliteStore(path)
    store._db.pragma("user_version", 99)
    store.close()
    assert "another version (tables 99" in problem(path)


def test_ledger_that_were_refused_are_let_go_of(path):
    """Guarantees: after a refusal the lock is free, even while the error is still looked at."""
    store = SqliteStore(path)
    store._db.pragma("user_version", 99)
    store.close()
    with pytest.raises(ConfigError) as caught:
        SqliteStore(path)
    message = problem(path)
    is_same = message == str(caught.value)
    del caught
    problem(path)
    assert is_same


def test_every_commit_is_synced_and_readers_are_not_in_the_way(path):
    store = SqliteStore(path)
    assert store._db.pragma("synchronous") == 2
    assert store._db.pragma("journal_mode") == "wal"
    store.close()


def test_the_library_is_free_of_the_known_fault_of_resetting_the_log():
    """Guarantees: SQLite 3.7.0 to 3.51.2 can damage a file that two connections read and write."""
    assert tuple(map(int, apsw.sqlite_lib_version().split("."))) >= (3, 51, 3)


async def test_a_full_disk_charges_nothing_and_is_over_when_space_comes_back(opened, given):
    await opened.post(given.call(1))
    db = opened.store._db
    free = db.pragma("max_page_count")
    db.pragma("max_page_count", db.pragma("page_count"))
    batch = [given.call(at, model=f"model-{at}" * 200) for at in range(10, 60)]
    with pytest.raises(LedgerUnavailableError, match="the ledger has no room"):
        await opened.post(*batch)
    assert await opened.cost() == await opened.cost("trace", given.trace_id(1).hex()) == 1000
    db.pragma("max_page_count", free)
    assert len(await opened.post(*batch)) == 50
    assert await opened.cost() == await opened.cost("trace", given.trace_id(1).hex()) == 51_000
    await opened.open()
    assert await opened.cost() == 51_000


async def test_a_disk_that_becomes_read_only_refuses_as_retryable(opened, given):
    await opened.post(given.call(1))
    opened.store._db.pragma("query_only", 1)
    with pytest.raises(LedgerUnavailableError):
        await opened.post(given.call(2))
    assert await opened.cost() == 1000
    opened.store._db.pragma("query_only", 0)
    await opened.post(given.call(2))
    assert await opened.cost() == 2000


async def test_somebody_who_holds_the_file_makes_a_turn_retryable(opened, given):
    await opened.post(given.call(1))
    opened.store._db.set_busy_timeout(10)
    other = apsw.Connection(str(opened.path))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerUnavailableError):
        await opened.post(given.call(2))
    other.execute("ROLLBACK")
    other.close()
    await opened.post(given.call(2))
    assert await opened.cost() == 2000


async def test_a_reader_beside_the_ledger_neither_waits_nor_is_waited_for(opened, given):
    await opened.post(given.call(1))
    other = apsw.Connection(str(opened.path))
    other.execute("BEGIN")
    query = "SELECT count(*) FROM spans"
    assert other.execute(query).fetchall() == [(1,)]
    await opened.post(given.call(2))
    assert other.execute(query).fetchall() == [(1,)]
    other.execute("COMMIT")
    assert other.execute(query).fetchall() == [(2,)]
    other.close()


def test_a_process_that_is_killed_keeps_what_was_committed(path):
    """Guarantees: without any closing, committed rows are there, others are not."""
    child = os.fork()
    if child == 0:
        store = SqliteStore(path)
        for at in range(5):
            store.begin()
            store.write(Plan(postings={("total", "", 0): Totals(calls=1)}))
            if at < 4:
                store.commit()
        os._exit(9)
    os.waitpid(child, 0)
    store = SqliteStore(path)
    assert store.total("total", "", 0, 0).calls == 4
    store.close()


def test_looking_whether_it_is_in_use_keeps_no_writer_out(path, monkeypatch):
    monkeypatch.setattr("processor.io.ledger.lock._LOOKED_AT_S", 20)
    SqliteStore(path).close()
    with path.with_suffix(".db.lock").open("rb") as look:
        fcntl.flock(look, fcntl.LOCK_SH)
        assert not is_in_use(path)
        threading.Timer(0.05, fcntl.flock, (look, fcntl.LOCK_UN)).start()
        store = SqliteStore(path)
        assert is_in_use(path)
        store.close()
