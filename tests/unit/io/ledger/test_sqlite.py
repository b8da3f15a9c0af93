"""The embedded engine: one file, one writer, and every trouble with the disk is a retryable one."""

from __future__ import annotations

import fcntl
import gc
import os
import sqlite3
import threading
import warnings
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from processor.core.errors import ConfigError, LedgerUnavailableError
from processor.core.model import Owner, Plan, Totals, Usage
from processor.io.ledger import Ledger, Limits, SqliteStore, is_in_use, read_snapshot, schema
from processor.io.ledger.rows import key_of, key_range

TABLES = {version: Path(__file__).with_name(f"tables-{version}.sql") for version in (1, 2, 3, 4, 5)}
"""What the programs with these tables wrote."""


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


def written_by(version, path):
    """A file that an older program wrote: an agent, its sum, a late call, one unpriced."""
    path.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(path)) as database:
        database.executescript(TABLES[version].read_text("utf-8"))
    return path


@pytest.fixture
def older(path):
    return written_by(1, path)


@pytest.fixture
def older_2(path):
    """As `older`, and another call, of a feature and of a task that had its title for a name."""
    return written_by(2, path)


def test_an_older_ledger_is_brought_up_with_all_that_it_holds(older):
    store = SqliteStore(older)
    assert store._db.pragma("user_version") == schema.VERSION
    assert store.total("user", "ada", 0, 0) == Totals(2950, 400, 10, 50, 2, 1, 0, 1, 1, 0)
    rows = store.rows_of(b"\x01" * 16)
    assert [row.entry.status for row in rows if row.entry] == ["exact", "exact", "unpriced"]
    assert {row.entry.doubt for row in rows if row.entry} == {""}
    assert rows[2].stamp.trace == Totals(2950, 400, 10, 50, 2, 1, 0, 1, 1, 0)
    store.close()
    SqliteStore(older).close()


@pytest.mark.parametrize("version", TABLES)
def test_an_older_ledger_has_the_columns_of_a_new_one(version, path, tmp_path):
    older = written_by(version, path)
    SqliteStore(older).close()
    SqliteStore(tmp_path / "new.db").close()
    columns = []
    for file in (older, tmp_path / "new.db"):
        with closing(sqlite3.connect(file)) as database:
            columns.append({
                table: [column[1:6] for column in database.execute(f"PRAGMA table_info({table})")]
                for table in ("labels", "spans", "corrections", "totals", "crossings", "series",
                              "task_titles", "pending")
            })  # fmt: skip
    assert columns[0] == columns[1]


async def test_an_older_ledger_goes_on(older, given):
    """Guarantees: what it holds stays charged once, and doubtful calls are counted from now on."""
    ledger = Ledger(SqliteStore(older), given.policy(), Limits())
    await ledger.start()
    repeat = given.call(3, 2, usage=Usage(input=100, cache_read=50, output=10))
    stamps = await ledger.post(given.batch(repeat, given.call(5, 1, doubt="split_assumed")))
    assert stamps[0].entry.amount.total == 1450
    total = await ledger.total("session", "s")
    assert total == Totals(3950, 500, 10, 50, 3, 1, 0, 1, 1, 1)
    assert await ledger.total("trace", "01" * 16) == total
    await ledger.close()


async def test_what_was_charged_before_a_dimension_was_known_belongs_to_none_of_its_ids(
    older_2, given
):
    """Guarantees: the parts of each dimension add up to the whole, and what was said stays said."""
    ledger = Ledger(SqliteStore(older_2), given.policy(), Limits())
    await ledger.start()
    before = await ledger.total("total", "")
    assert before == Totals(3950, 500, 10, 50, 3, 1, 0, 1, 1, 1)
    for dimension in ("task_type", "purpose"):
        assert await ledger.total(dimension, "") == before
    assert (await ledger.total("task", "Fix the bug")).cost_nano_usd == 1000
    said = Owner(purpose="analyze", task="7", task_title="Fix the bug")
    await ledger.post(given.batch(given.call(2, trace=4, own=said)))
    assert await ledger.total("purpose", "") == before
    assert (await ledger.total("purpose", "analyze")).cost_nano_usd == 1000
    assert (await ledger.total("feature", "analyze")).cost_nano_usd == 1000
    assert await ledger.task_title("7") == "Fix the bug"
    await ledger.close()


async def test_a_span_above_calls_of_an_older_ledger_moves_them(older_2, given):
    """Guarantees: a dimension is transferred as if it had been known from the start."""
    ledger = Ledger(SqliteStore(older_2), given.policy(), Limits())
    await ledger.start()
    await ledger.post(given.batch(given.carrier(9, trace=2, purpose="analyze", task_title="T")))
    assert (await ledger.total("purpose", "analyze")).cost_nano_usd == 1000
    assert (await ledger.total("purpose", "")).cost_nano_usd == 2950
    assert (await ledger.total("task", "Fix the bug")).cost_nano_usd == 1000
    await ledger.close()


@pytest.mark.parametrize("version", TABLES)
async def test_an_older_ledger_keeps_what_waits_from_now_on(version, path, given):
    opened = written_by(version, path)
    for batch in (
        [given.plain(2, 1, trace=9)],
        [given.call(3, 2, trace=9)],
        [given.agent(1, trace=9)],
    ):
        ledger = Ledger(SqliteStore(opened), given.policy(), Limits())
        await ledger.start()
        await ledger.post(given.batch(*batch))
        await ledger.close()
    store = SqliteStore(opened)
    assert len(store.rows_of(given.trace_id(9))) == 3
    assert store.total("user", "big", 0, 0).cost_nano_usd == (10**30 if version == 5 else 0)
    store.close()


def test_an_older_ledger_is_read_without_a_change(older):
    before = older.read_bytes()
    snapshot = read_snapshot(older)
    assert snapshot.asked == (("openai", ("gpt-4o",), ""),)
    assert [calls.calls for calls in snapshot.unpriced] == [1]
    assert older.read_bytes() == before


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


@pytest.mark.parametrize(
    "tail", [b"\x00" * 4, b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00", b"\xff" * 4]
)
def test_all_keys_of_a_trace_lie_in_its_range_within_64_bits(tail):
    trace_id = b"x" * 12 + tail
    first, last = key_range(trace_id)
    keys = [
        key_of(trace_id, b"yyyy" + end) for end in (b"\x00" * 4, b"\x80\x00\x00\x01", b"\xff" * 4)
    ]
    assert [first, last] == [keys[0], keys[-1]]
    assert first < keys[1] < last
    assert -(2**63) <= first <= last < 2**63
    assert key_of(b"x" * 12 + bytes([tail[0] ^ 1]) + tail[1:], b"y" * 8) not in range(first, last)


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
