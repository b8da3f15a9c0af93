"""The check beside the traffic: what it says of a pass, and that it ends when it is asked to."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import closing

import apsw
import pytest
from e2e.processes import wait_until

from processor.core.model import Owner
from processor.io.ledger.reading.log_pause import LogPause
from processor.io.ledger.verifying import BackgroundCheck, background

A = Owner(session="a", user="u")


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    """Without the long pauses."""
    monkeypatch.setattr(background, "_FIRST_S", 0.0)
    monkeypatch.setattr(background, "_PAUSE_MIN_S", 0.0)
    monkeypatch.setattr(background, "_PAUSE_TIMES", 0)


@pytest.fixture
def check(opened):
    return BackgroundCheck(opened.path, LogPause(lambda: 0, 0))


def change(path, statement):
    with closing(apsw.Connection(str(path))) as database:
        database.execute(statement)


async def test_a_pass_says_what_differs_until_one_finds_nothing(opened, given, check, caplog):
    """Guarantees: what was found is not gone while the next pass is under way."""
    await opened.post(given.call(1, own=A))
    assert check.state == (0.0, 0.0, 0, "")
    check.look_through()
    assert (check.state.share, check.state.differences) == (1.0, 0)
    verified_s = check.state.verified_s
    assert abs(verified_s - time.time()) < 60
    change(opened.path, "UPDATE totals SET cost = cost + 1 WHERE scope = 'session' AND id = 'a'")
    check.look_through()
    assert check.state.verified_s == verified_s
    assert check.state.differences == 2  # of the session, and of all sessions
    assert check.state.first == "session 'a': cost is 1001 and should be 1000"
    assert "2 of the ledger's sums differ" in caplog.text
    change(opened.path, "UPDATE totals SET cost = cost - 1 WHERE scope = 'session' AND id = 'a'")
    seen = []
    check._ended.wait = lambda _: seen.append(check.state.differences)
    check.look_through()
    assert set(seen) == {2}
    assert (check.state.differences, check.state.first) == (0, "")
    assert check.state.verified_s >= verified_s


async def test_it_runs_by_itself_beside_turns(opened, given, check):
    await opened.post(given.call(1, own=A))
    check.start()
    for number in range(2, 200):
        await opened.post(given.call(number, trace=1 + number % 9, own=A))
        if check.state.verified_s:
            break
        await asyncio.sleep(0.01)
    assert check.state.verified_s
    assert check.state.differences == 0
    await check.close()


async def test_it_ends_at_once_in_the_middle_of_a_statement(opened, given, check, monkeypatch):
    await opened.post(given.call(1, own=A))
    begun = threading.Event()
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT MAX(i) FROM n"

    class Endless:
        name = "endless"

        def step(self, database, _):
            begun.set()
            database.execute(endless).fetchall()

    monkeypatch.setattr(background, "checks_of_sums", lambda: [Endless()])
    check.start()
    await asyncio.to_thread(begun.wait, 10)
    await asyncio.wait_for(check.close(), 10)
    assert not check._thread.is_alive()


async def test_a_file_that_cannot_be_read_is_tried_again_later(tmp_path, caplog):
    check = BackgroundCheck(tmp_path / "ledger.db", LogPause(lambda: 0, 0))
    check.start()
    await asyncio.to_thread(wait_until, lambda: "could not be checked this time" in caplog.text, 10)
    await check.close()
    assert check.state == (0.0, 0.0, 0, "")
