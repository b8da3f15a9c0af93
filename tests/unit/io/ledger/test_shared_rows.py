"""Names, owners and details go once nothing uses them, and stay while anything does."""

from __future__ import annotations

import pytest
from answers import total_of
from property.agreement import check_tables, unused_rows

from processor.core.model import Owner
from processor.io.ledger import shared_rows
from processor.io.ledger.kept_from import Ages
from processor.io.ledger.retention import Retention, shared
from processor.io.ledger.shared_rows import USERS_OF_NAMES, USERS_OF_OWNERS

DAY_S = 86_400
AGES = Ages(calls_s=DAY_S, keys_s=DAY_S, traces_s=3 * DAY_S)
OLD = Owner(session="old", user="ada", task="old task", feature="search")
NEW = Owner(session="new", user="eve")


@pytest.fixture
def retention_of(opened, given):
    """What deletes as of so many days after the first call."""

    def make(days):
        clock_s = given.START_S + days * DAY_S
        made = Retention(opened.ledger._working_set, AGES, (), lambda: clock_s)
        made.load()
        return made

    return make


async def finished(opened, retention):
    while retention.has_work:
        await opened.ledger._writer.ask(retention.work)


async def begin(opened, given):
    """Calls of a session long ago, and newer ones of another."""
    await opened.post(given.call(1, own=OLD), given.failed(2, own=OLD), given.agent(3, own=OLD))
    await opened.post(given.call(1, trace=4, at_s=4 * DAY_S, own=NEW))
    await later(opened, given, 5)


async def later(opened, given, days):
    """Time goes on, and calls show it."""
    trace = 30 + int(days * 24)
    await opened.post(given.call(1, trace=trace, at_s=int(days * DAY_S), own=NEW))


def texts(opened):
    return {row[0] for row in opened.store._db.execute("SELECT text FROM names")}


async def test_what_nothing_uses_goes_and_totals_stay(opened, given, retention_of):
    await begin(opened, given)
    before = [
        await total_of(opened.ledger, *scope)
        for scope in (("session", "old"), ("task", "old task"), ("user", "ada"))
    ]
    assert {"old", "old task", "search", "planner"} <= texts(opened)
    await finished(opened, retention_of(5))
    # Days of users stay for ever, and so does the name that they have.
    assert texts(opened) == {"", "svc", "ada", "new", "eve"}
    assert not any(unused_rows(opened.store).values())
    assert opened.ledger.kept_from.shared == opened.ledger.kept_from.calls
    assert before == [
        await total_of(opened.ledger, *scope)
        for scope in (("session", "old"), ("task", "old task"), ("user", "ada"))
    ]
    check_tables(opened.store)
    # A session that goes on has one total all the same.
    await opened.post(given.call(1, trace=7, at_s=5 * DAY_S, own=OLD))
    after = await total_of(opened.ledger, "session", "old")
    assert after.minus(before[0]).calls == 1
    check_tables(opened.store)


async def test_it_is_looked_for_again_once_an_eighth_of_what_is_kept_is_deleted(
    opened, given, retention_of, monkeypatch
):
    await begin(opened, given)
    for hours in (1, 2, 3):
        await opened.post(given.call(1, trace=10 + hours, at_s=4 * DAY_S + hours * 3600))
    await later(opened, given, 5)
    await finished(opened, retention_of(5))
    looked = []
    monkeypatch.setattr(shared.SharedSweep, "__init__", lambda *_: looked.append(1))
    monkeypatch.setattr(shared.SharedSweep, "is_done", True, raising=False)
    monkeypatch.setattr(shared.SharedSweep, "step", lambda _: None)
    monkeypatch.setattr(shared.SharedSweep, "committed", lambda _: None)
    for hours, times in ((2, 0), (3, 0), (4, 1)):
        await later(opened, given, 5 + hours / 24)
        del looked[:]
        await finished(opened, retention_of(5 + hours / 24))
        assert len(looked) == times, hours


@pytest.fixture
def small_pieces(monkeypatch):
    """A row at a time, so that turns come between any two."""
    monkeypatch.setattr(shared_rows, "_READ", 1)
    monkeypatch.setattr(shared_rows, "_DELETED", 1)
    monkeypatch.setattr(shared, "STEP_S", 0)


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("before", range(1, 37, 2))
@pytest.mark.parametrize("what", ["new trace", "deleted trace", "undone", "restart"])
async def test_what_a_turn_uses_between_any_two_steps_stays(
    opened, given, retention_of, what, before
):
    """Guarantees: no row refers to one that is gone, whenever a name of long ago comes back."""
    await begin(opened, given)
    retention = retention_of(5)
    trace, at_s, steps = 1 if what == "deleted trace" else 7, 5 * DAY_S, 0
    while retention.has_work:
        await opened.ledger._writer.ask(retention.work)
        steps += 1
        if steps != before:
            continue
        if what == "restart":
            await opened.open()
            retention = retention_of(5)
        if what == "undone":
            opened.store.refuse_commits = 1
            with pytest.raises(Exception, match="refuses"):
                await opened.post(given.call(20, trace=trace, at_s=at_s, own=OLD))
        await opened.post(
            given.call(21, trace=trace, at_s=at_s, own=OLD),
            given.failed(22, trace=trace, at_s=at_s, own=OLD),
        )
    assert steps > before or trace == 1, "one that goes on is not deleted"
    check_tables(opened.store)
    assert opened.store._db.execute("SELECT 1 FROM names WHERE text = 'old'").get


def test_all_columns_that_refer_to_shared_rows_are_looked_at(opened):
    """Guarantees: whoever adds a table adds it here."""
    database = opened.store._db
    tables = database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    keys = 'SELECT "from", "table" FROM pragma_foreign_key_list(?)'
    declared = {
        (table, column, of)
        for (table,) in tables
        for column, of in database.execute(keys, (table,))
        if of in {"names", "owners", "call_details"}
    }
    looked_at = {
        (user.table, column, of)
        for user in (*USERS_OF_OWNERS, *USERS_OF_NAMES)
        for column, of in user.columns.items()
    }
    assert declared == {*looked_at, ("usage_user_days", "user_id", "names")}
    order = [user.table for user in USERS_OF_NAMES]
    assert order.index("traces") < order.index("resumed_traces"), "rows go from one to the other"
