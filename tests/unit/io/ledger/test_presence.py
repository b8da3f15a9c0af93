"""An open ledger whose files are removed, replaced or cut off keeps no promise it cannot hold."""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import closing

import apsw
import pytest

from processor.core.errors import LedgerDamagedError, LedgerUnavailableError
from processor.io.ledger import SqliteStore, writer
from processor.io.ledger.translation import TRANSLATED


async def wait_until(condition):
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.005)
    pytest.fail("what was waited for did not happen")


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch):
    monkeypatch.setattr(writer, "_FILES_LOOKED_AT_S", 0.01)


def beside(path, end):
    return path.with_name(f"{path.name}{end}")


async def test_a_ledger_that_is_moved_away_refuses_and_goes_on_when_it_is_back(opened, given):
    """Guarantees: retryable until then, nothing is lost or counted twice, and it is said."""
    await opened.post(given.call(1))
    away = opened.path.with_name("away")
    opened.path.rename(away)
    with pytest.raises(LedgerUnavailableError, match=r"ledger\.db was removed or moved"):
        await opened.post(given.call(2))
    assert "was removed or moved" in opened.ledger.last_failure.message
    assert await opened.cost() == 1000
    away.rename(opened.path)
    await wait_until(lambda: opened.ledger.last_failure is None)
    await opened.post(given.call(2))
    assert await opened.cost() == 2000
    await opened.open()
    assert await opened.cost() == 2000


async def test_it_is_noticed_without_a_turn(opened, given, caplog):
    await opened.post(given.call(1))
    opened.path.unlink()
    await wait_until(lambda: opened.ledger.last_failure is not None)
    at_s = opened.ledger.last_failure.at_s
    await wait_until(lambda: opened.ledger.last_failure.at_s > at_s)
    said = [record.message for record in caplog.records if "is charged any more" in record.message]
    assert len(said) == 1
    opened.ledger, ledger = None, opened.ledger
    await ledger.close()


async def test_a_commit_into_a_file_that_is_removed_meanwhile_is_not_acknowledged(opened, given):
    """Guarantees: also what is committed while the file is away is charged once."""
    await opened.post(given.call(1))
    away = opened.path.with_name("away")
    presence = opened.store._presence
    check_commit = presence.check_commit

    def remove_first():
        presence.check_commit = check_commit
        opened.path.rename(away)
        check_commit()

    presence.check_commit = remove_first
    with pytest.raises(LedgerUnavailableError, match="was removed or moved"):
        await opened.post(given.call(2))
    away.rename(opened.path)
    await opened.post(given.call(2))
    assert await opened.cost() == 2000
    assert await opened.cost("trace", given.trace_id(1).hex()) == 2000


async def test_a_ledger_that_is_replaced_is_refused_until_it_is_back(opened, given):
    await opened.post(given.call(1))
    other = opened.path.with_name("other.db")
    SqliteStore(other).close()
    own = opened.path.rename(opened.path.with_name("own"))
    other.rename(opened.path)
    with pytest.raises(LedgerUnavailableError, match="was replaced"):
        await opened.post(given.call(2))
    own.replace(opened.path)
    await opened.post(given.call(2))
    assert await opened.cost() == 2000


async def test_a_link_that_leads_elsewhere_counts_as_replaced(tmp_path):
    first, second, link = (tmp_path / name for name in ("first.db", "second.db", "link.db"))
    SqliteStore(second).close()
    link.symlink_to(first)
    with closing(SqliteStore(link)) as store:
        store.check_files()
        link.unlink()
        link.symlink_to(second)
        with pytest.raises(LedgerUnavailableError, match="was replaced"):
            store.check_files()


@pytest.mark.parametrize("end", ["-wal", "-shm"])
async def test_a_log_that_is_removed_loses_nothing(opened, given, end):
    """Guarantees: what is not safe is refused, what was acknowledged survives even a kill."""
    await opened.post(given.call(1), given.call(2))
    beside(opened.path, end).unlink()
    with pytest.raises(LedgerUnavailableError, match=f"ledger.db{end} was removed.*restart"):
        await opened.post(given.call(3))
    killed = opened.path.with_name("killed.db")
    shutil.copy(opened.path, killed)
    with closing(SqliteStore(killed)) as store:
        assert store.total("total", "", 0, 0).cost_nano_usd == 2000
    with pytest.raises(LedgerUnavailableError):
        await opened.post(given.call(3))
    await opened.open()
    await opened.post(given.call(3))
    assert await opened.cost() == 3000


async def test_a_moved_ledger_has_all_that_was_acknowledged(opened, given):
    """Guarantees: who moves the file away finds everything in it, without its log."""
    await opened.post(given.call(1))
    away = opened.path.rename(opened.path.with_name("away.db"))
    await wait_until(lambda: opened.ledger.last_failure is not None)
    shutil.copy(away, opened.path.with_name("copy.db"))
    with closing(SqliteStore(opened.path.with_name("copy.db"))) as store:
        assert store.total("total", "", 0, 0).cost_nano_usd == 1000


async def test_after_a_restart_without_the_file_nothing_new_is_made(opened, given):
    """Guarantees: what is left of a ledger keeps the next start from beginning at nothing."""
    await opened.post(given.call(1))
    away = opened.path.rename(opened.path.with_name("away"))
    with pytest.raises(Exception, match="is gone, but its log is not"):
        await opened.open()
    assert not opened.path.exists()
    away.rename(opened.path)
    await opened.open()
    assert await opened.cost() == 1000


@pytest.mark.parametrize("how", ["cut off", "overwritten"])
async def test_a_file_that_is_written_by_others_is_not_written_any_more(opened, given, how):
    """Guarantees: a backup that is copied over an open ledger stays what it is."""
    backup = opened.path.with_name("backup.db")
    SqliteStore(backup).close()
    await opened.post(*(given.call(at, model=f"model-{at}" * 100) for at in range(1, 80)))
    opened.store._db.wal_checkpoint()
    await opened.post(given.call(90))
    data = b"" if how == "cut off" else backup.read_bytes()
    assert len(data) < opened.path.stat().st_size
    opened.path.write_bytes(data)
    for _ in range(2):
        with pytest.raises(LedgerUnavailableError, match="was cut off or overwritten"):
            await opened.post(given.call(91))
    await wait_until(lambda: opened.ledger.last_failure is not None)
    ledger, opened.ledger = opened.ledger, None
    await ledger.close()
    assert opened.path.read_bytes() == data


def test_a_file_that_becomes_smaller_by_its_own_commit_is_well(tmp_path):
    with closing(SqliteStore(tmp_path / "ledger.db")) as store:
        for size in (5000, 1):
            store._db.execute("DELETE FROM task_titles")
            store._db.execute("INSERT INTO task_titles VALUES ('a', ?, 0)", ("x" * size * 100,))
            store._db.execute("VACUUM")
            store._db.wal_checkpoint()
            store.begin()
            store._presence.check_commit()
            store.commit()
            store.check_files()


async def test_damage_is_retryable_and_in_the_health_while_it_is_met(opened, given):
    """Guarantees: a question that meets damage fails the health; whole parts go on."""
    await opened.post(given.call(1))

    def damaged():
        with TRANSLATED:
            raise apsw.CorruptError("database disk image is malformed")

    with pytest.raises(LedgerDamagedError, match="the ledger is damaged"):
        await opened.ledger._writer.ask(damaged)
    await opened.post(given.call(2))
    assert "is damaged" in opened.ledger.last_failure.message


async def test_damaged_pages_make_a_turn_retryable(opened, given):
    await opened.post(*(given.call(at, trace=at) for at in range(1, 60)))
    path = opened.path
    await opened.close()
    data = bytearray(path.read_bytes())
    with closing(apsw.Connection(str(path))) as database:
        query = "SELECT pageno FROM dbstat WHERE name <> 'sqlite_schema'"
        pages = [row[0] for row in database.execute(query)]
    for page in pages:
        data[(page - 1) * 4096 : (page - 1) * 4096 + 12] = os.urandom(12)
    path.write_bytes(data)
    store = SqliteStore(path)
    with pytest.raises(LedgerDamagedError):
        store.rows_of(given.trace_id(1))
    store.close()
    assert len(path.read_bytes()) == len(data)
