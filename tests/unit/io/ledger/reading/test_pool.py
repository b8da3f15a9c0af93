"""Questions have threads of their own, see one moment, and end in time; the log stays bounded."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress

import apsw
import pytest
from asked.tables import Charged, dimensions, write

from processor.core.errors import (
    LedgerUnavailableError,
    OverloadedError,
    QuestionTooSlowError,
    StoppingError,
)
from processor.core.model import Totals
from processor.core.questions import UsageQuestion
from processor.io.ledger.reading import pool
from processor.io.ledger.reading.log_pause import unread_bytes_of
from processor.io.ledger.reading.pool import SqliteReader
from processor.io.ledger.tables import VERSION

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n"


def charged(*costs):
    return [
        Charged(1, span, span * 10**9, dimensions(model="m"), totals=Totals(cost, calls=1))
        for span, cost in enumerate(costs, 1)
    ]


def cost_of(view):
    return sum(row.totals.cost_nano_usd for row in view.usage(UsageQuestion()).totals)


def without_end(view):
    return view._database.execute(ENDLESS).fetchall()


@pytest.fixture
def path(tmp_path):
    write(tmp_path / "ledger.db", charged(5, 7)).close()
    return tmp_path / "ledger.db"


@pytest.fixture
async def open_reader(path):
    opened = []

    def open_one(**limits):
        opened.append(SqliteReader(path, **limits))
        return opened[-1]

    yield open_one
    for each in opened:
        await each.close()


async def test_a_ledger_that_no_processor_writes_can_be_asked(open_reader):
    assert await open_reader().ask(cost_of) == 12


@pytest.fixture
def ask_twice():
    """A question of two statements, between which something else happens."""
    between, go_on = threading.Event(), threading.Event()

    def twice(view):
        first = cost_of(view)
        between.set()
        assert go_on.wait(10)
        return first, cost_of(view)

    async def ask(reader, meanwhile):
        asked = asyncio.ensure_future(reader.ask(twice))
        await asyncio.to_thread(between.wait, 10)
        meanwhile()
        go_on.set()
        return await asked

    return ask


def add_cost(database):
    database.execute("UPDATE totals SET cost = cost + 100")


async def test_all_statements_of_a_question_see_one_moment(open_reader, path, ask_twice):
    """Guarantees: what is committed meanwhile is in the next question, and not in half of one."""
    writer, reader = apsw.Connection(str(path)), open_reader()
    writer.execute("UPDATE totals SET cost = cost")
    assert await ask_twice(reader, lambda: add_cost(writer)) == (12, 12)
    assert await reader.ask(cost_of) == 112
    writer.close()


async def test_a_file_that_begins_to_be_written_is_asked_again(open_reader, path, ask_twice):
    """Guarantees: a file that nobody has open leaves no log behind, and is read whole all the
    same when a processor opens it meanwhile."""
    reader = open_reader()
    assert await reader.ask(cost_of) == 12
    assert [each.name for each in path.parent.iterdir()] == [path.name]

    def write():
        with apsw.Connection(str(path)) as writer:
            add_cost(writer)
        writer.close()

    assert await ask_twice(reader, write) == (112, 112)
    assert await reader.ask(cost_of) == 112


async def test_a_question_that_takes_too_long_is_ended(open_reader):
    """Guarantees: the error says how to ask instead, and the thread goes on with others."""
    reader = open_reader(threads=1, time_limit_s=0.05)
    with pytest.raises(QuestionTooSlowError, match=r"longer than 0\.05 s; ask for a shorter time"):
        await reader.ask(without_end)
    assert await reader.ask(cost_of) == 12


async def test_a_question_whose_asker_has_gone_is_ended(open_reader):
    """Guarantees: its thread is free long before the time limit."""
    reader = open_reader(threads=1, time_limit_s=60)
    asked = asyncio.ensure_future(reader.ask(without_end))
    await asyncio.sleep(0.05)
    asked.cancel()
    with suppress(asyncio.CancelledError):
        await asked
    assert await asyncio.wait_for(reader.ask(cost_of), 10) == 12


async def test_too_many_questions_are_refused_for_now(open_reader):
    release, started = threading.Event(), threading.Event()

    def block(_view):
        started.set()
        release.wait(10)

    reader = open_reader(threads=1, waiting_max=1)
    running = asyncio.ensure_future(reader.ask(block))
    await asyncio.to_thread(started.wait, 10)
    waiting = asyncio.ensure_future(reader.ask(cost_of))
    await asyncio.sleep(0)
    with pytest.raises(OverloadedError, match="1 questions are waiting"):
        await reader.ask(cost_of)
    release.set()
    await running
    assert await waiting == 12


async def test_nothing_is_asked_of_a_closed_ledger(open_reader):
    reader = open_reader()
    await reader.ask(cost_of)
    await reader.close()
    with pytest.raises(StoppingError):
        await reader.ask(cost_of)


async def test_an_error_of_the_work_is_the_answer(open_reader):
    def fail(_view):
        raise KeyError("x")

    with pytest.raises(KeyError):
        await open_reader().ask(fail)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no ledger at"),
        (b"not a database" * 100, "cannot be read: .*not a database"),
        (6, rf"tables 6, not {VERSION}\): start the processor on it once"),
        (
            VERSION + 1,
            rf"tables {VERSION + 1}, not {VERSION}\): ask with the program that wrote it",
        ),
    ],
)
async def test_what_is_no_ledger_of_this_version(tmp_path, content, message):
    """Guarantees: the message names the file, and what to do."""
    path = tmp_path / "other.db"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        with apsw.Connection(str(path)) as database:
            database.pragma("user_version", content)
        database.close()
    reader = SqliteReader(path)
    with pytest.raises(LedgerUnavailableError, match=message) as caught:
        await reader.ask(cost_of)
    assert str(path) in str(caught.value)
    await reader.close()


async def test_a_file_that_is_put_back_is_asked_again(open_reader, path):
    """Guarantees: the thread that met its absence answers from it as before."""
    reader = open_reader(threads=1)
    assert await reader.ask(cost_of) == 12
    away = path.rename(path.with_name("away"))
    for _ in range(2):
        with pytest.raises(LedgerUnavailableError, match="there is no ledger at"):
            await reader.ask(cost_of)
    away.rename(path)
    assert await reader.ask(cost_of) == 12


async def test_the_log_stays_bounded_beside_constant_questions(open_reader, path):
    """Guarantees: with questions that always overlap, the log is begun again above its limit."""
    limit_bytes = 2_000_000
    reader = open_reader(threads=3, log_limit_bytes=limit_bytes)
    writer = apsw.Connection(str(path))
    writer.set_busy_timeout(5000)
    writer.execute("CREATE TABLE filler (content)")
    is_over = threading.Event()
    largest = 0

    def read_for_a_while(view):
        found = cost_of(view)
        time.sleep(0.02)
        return found

    async def ask_on():
        while not is_over.is_set():
            await reader.ask(read_for_a_while)

    def write_on():
        nonlocal largest
        for _ in range(400):
            writer.execute("INSERT INTO filler VALUES (randomblob(60000))")
            with suppress(apsw.BusyError):
                largest = max(largest, unread_bytes_of(writer))
            time.sleep(0.001)
        is_over.set()

    asking = [asyncio.ensure_future(ask_on()) for _ in range(6)]
    await asyncio.to_thread(write_on)
    await asyncio.gather(*asking)
    writer.close()
    # 24 MB were written; a question holds the log up for 20 ms, and so do two commits.
    assert largest < 4 * limit_bytes
    assert reader.pause.pauses > 0


async def test_a_log_that_is_just_being_written_refuses_no_question(open_reader, path, monkeypatch):
    """Guarantees: that its size cannot be read in that moment is no error of the question."""

    def busy(_database):
        raise apsw.BusyError("database is locked")

    writer = apsw.Connection(str(path))
    add_cost(writer)
    monkeypatch.setattr(pool, "unread_bytes_of", busy)
    assert await open_reader().ask(cost_of) == 112
    writer.close()


async def test_without_a_writer_a_large_log_delays_nothing(open_reader, path):
    """Guarantees: a log that nobody can begin again is read all the same."""
    writer = apsw.Connection(str(path))
    writer.execute("PRAGMA wal_autocheckpoint = 0")
    writer.execute("CREATE TABLE filler AS SELECT randomblob(200000) AS content")
    assert unread_bytes_of(writer) > 100_000
    reader = open_reader(log_limit_bytes=100_000)
    assert await asyncio.wait_for(reader.ask(cost_of), 10) == 12
    writer.close()
