"""Ledgers that older programs wrote: all that they hold is there, and goes on."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from answers import crossings_in, standings_of, title_in, title_of, total_of
from property.agreement import check_tables

from processor.core import posting
from processor.core.errors import ConfigError
from processor.core.model import (
    Call,
    Charge,
    Intake,
    Mark,
    Owner,
    Spans,
    Totals,
    Unpriced,
    Usage,
)
from processor.io.ledger import Ledger, Limits, SqliteStore, read_snapshot, tables
from processor.io.ledger.migration import rows_6
from processor.io.ledger.reading.unknown import read_unknown

TABLES = {version: Path(__file__).with_name(f"tables-{version}.sql") for version in range(1, 10)}
"""What the programs with these tables wrote."""
REWRITTEN = range(1, 7)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "ledger.db"


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
    assert store._db.pragma("user_version") == tables.VERSION
    assert store.total("user", "ada", 0, 0) == Totals(2950, 400, 10, 50, 2, 1, 0, 1, 1, 0)
    rows = store.rows_of(b"\x01" * 16)
    assert [row.entry.status for row in rows if row.entry] == ["exact", "exact", "unpriced"]
    assert {row.entry.doubt for row in rows if row.entry} == {""}
    assert rows[2].stamp.trace == Totals(2950, 400, 10, 50, 2, 1, 0, 1, 1, 0)
    store.close()
    SqliteStore(older).close()


@pytest.mark.parametrize("version", TABLES)
def test_an_older_ledger_has_the_tables_of_a_new_one(version, path, tmp_path):
    SqliteStore(written_by(version, path)).close()
    SqliteStore(tmp_path / "new.db").close()
    made = []
    for file in (path, tmp_path / "new.db"):
        with closing(sqlite3.connect(file)) as database:
            made.append(sorted(database.execute("SELECT type, name, sql FROM sqlite_schema")))
    assert made[0] == made[1]


async def test_an_older_ledger_goes_on(older, given):
    """Guarantees: what it holds stays charged once, and doubtful calls are counted from now on."""
    ledger = Ledger(SqliteStore(older), given.policy(), Limits())
    await ledger.start()
    repeat = given.call(3, 2, usage=Usage(input=100, cache_read=50, output=10))
    stamps = await ledger.post(given.batch(repeat, given.call(5, 1, doubt="split_assumed")))
    assert stamps[0].entry.amount.total == 1450
    total = await total_of(ledger, "session", "s")
    assert total == Totals(3950, 500, 10, 50, 3, 1, 0, 1, 1, 1)
    assert await total_of(ledger, "trace", "01" * 16) == total
    await ledger.close()


async def test_what_was_charged_before_a_dimension_was_known_belongs_to_none_of_its_ids(
    older_2, given
):
    """Guarantees: the parts of each dimension add up to the whole, and what was said stays said."""
    ledger = Ledger(SqliteStore(older_2), given.policy(), Limits())
    await ledger.start()
    before = await total_of(ledger)
    assert before == Totals(3950, 500, 10, 50, 3, 1, 0, 1, 1, 1)
    for dimension in ("task_type", "purpose"):
        assert await total_of(ledger, dimension, "") == before
    assert (await total_of(ledger, "task", "Fix the bug")).cost_nano_usd == 1000
    said = Owner(purpose="analyze", task="7", task_title="Fix the bug")
    await ledger.post(given.batch(given.call(2, trace=4, own=said)))
    assert await total_of(ledger, "purpose", "") == before
    assert (await total_of(ledger, "purpose", "analyze")).cost_nano_usd == 1000
    assert (await total_of(ledger, "feature", "analyze")).cost_nano_usd == 1000
    assert await title_of(ledger, "7") == "Fix the bug"
    await ledger.close()


async def test_a_span_above_calls_of_an_older_ledger_moves_them(older_2, given):
    """Guarantees: a dimension is transferred as if it had been known from the start."""
    ledger = Ledger(SqliteStore(older_2), given.policy(), Limits())
    await ledger.start()
    await ledger.post(given.batch(given.carrier(9, trace=2, purpose="analyze", task_title="T")))
    assert (await total_of(ledger, "purpose", "analyze")).cost_nano_usd == 1000
    assert (await total_of(ledger, "purpose", "")).cost_nano_usd == 2950
    assert (await total_of(ledger, "task", "Fix the bug")).cost_nano_usd == 1000
    await ledger.close()


@pytest.mark.parametrize("version", TABLES)
async def test_an_older_ledger_keeps_what_waits_from_now_on(version, path, given):
    opened = written_by(version, path)
    for batch in (
        [given.plain(2, 1, trace=99)],
        [given.call(3, 2, trace=99)],
        [given.agent(1, trace=99)],
    ):
        ledger = Ledger(SqliteStore(opened), given.policy(), Limits())
        await ledger.start()
        await ledger.post(given.batch(*batch))
        await ledger.close()
    store = SqliteStore(opened)
    assert len(store.rows_of(given.trace_id(99))) == 3
    assert store.total("user", "big", 0, 0).cost_nano_usd == {
        5: 10**30,
        6: 5 * (2**62 - 1),
        7: 5 * (2**62 - 1),
        8: 5 * (2**62 - 1),
        9: 5 * (2**62 - 1),
    }.get(version, 0)
    store.close()


def test_an_older_ledger_is_read_without_a_change(older):
    before = older.read_bytes()
    snapshot = read_snapshot(older)
    assert snapshot.asked == (("openai", ("gpt-4o",), ""),)
    assert [calls.calls for calls in snapshot.unpriced] == [1]
    assert older.read_bytes() == before


PARTS_OF_TOTAL = ("model", "provider", "agent", "feature", "service", "task_type", "purpose")


def totals_in(path):
    """What the totals of an older file say, by scope, id and quarter hour."""
    names = ", ".join(tables.SUMS)
    with closing(sqlite3.connect(path)) as database:
        found = database.execute(f"SELECT scope, id, bucket, {names} FROM totals")
        return {tuple(key): Totals(*map(int, sums)) for *key, sums in
                ((*row[:3], row[3:]) for row in found)}  # fmt: skip


def rows_in(path):
    """The spans of an older file, by trace, in their order."""
    rows = {}
    with closing(sqlite3.connect(path)) as database:
        found = database.execute("SELECT id, text FROM labels")
        labels = {label: json.loads(text) for label, text in found}
        for columns in database.execute(f"SELECT {rows_6.COLUMNS} FROM spans ORDER BY seq"):
            row = rows_6.decode(columns, labels.__getitem__)
            rows.setdefault(row.trace_id, []).append(row)
    return rows


@pytest.fixture
def older_6(path):
    return written_by(6, path)


def test_all_totals_are_what_they_were(older_6):
    """Guarantees: of every scope, in every quarter hour and for all time, whatever keeps them."""
    before = totals_in(older_6)
    ever = {}
    for (scope, scope_id, _), totals in before.items():
        ever[scope, scope_id] = ever.get((scope, scope_id), Totals()).plus(totals)
    traces = {
        trace_id: posting.rebuild(trace_id, rows).total
        for trace_id, rows in rows_in(older_6).items()
    }
    store = SqliteStore(older_6)
    for (scope, scope_id, bucket), totals in before.items():
        found = store.total(scope, scope_id, bucket, bucket + 900)
        assert found == totals, (scope, scope_id, bucket)
    for (scope, scope_id), totals in ever.items():
        assert store.total(scope, scope_id, 0, 0) == totals, (scope, scope_id)
    assert len(ever) > 40
    check_tables(store)
    assert max(totals.cost_nano_usd for totals in traces.values()) > 2**64
    read = {each: posting.rebuild(each, store.rows_of(each)).total for each in traces}
    assert read == traces
    store.close()


def test_all_rows_read_as_they_were_written(older_6):
    rows = rows_in(older_6)
    store = SqliteStore(older_6)
    assert {trace_id: store.rows_of(trace_id) for trace_id in rows} == rows
    (turn,) = store.pending()
    assert ([each[0] for each in turn.trace_ids], turn.sizes) == ([9], [2])
    assert {len(crossings_in(store, limit)) for limit in (100, 6)} == {6}
    assert title_in(store, "t1") == "Title"
    assert [(each.models, each.calls) for each in read_unknown(store._db, 9).listed] == [
        (("who-knows",), 1)
    ]
    assert [each.zone.key for each in store.zones.zones] == ["UTC"]
    store.close()


def repeat_of(row):
    """A span that comes again, with its call if it is one."""
    entry = row.entry
    mark = Mark(0, row.time_ns, row.is_agent, row.own, row.inherited, row.service)
    spans = Spans(b"", [row.trace_id], [row.span_id])
    spans.parent_ids, spans.flags = [row.parent_id], [0x300 if row.is_local_root else 0]
    spans.end_ns = [row.time_ns]
    if entry is None:
        return Intake(spans, [], [mark], row.time_ns)
    provider, models, tier = entry.asked
    call = Call(mark, entry.kind, provider, models, entry.usage or Usage(9), entry.aggregate, tier)
    charge = Unpriced(call, "unpriced", "again")
    if entry.amount is not None:
        names = entry.provider, entry.model, entry.price_version
        charge = Charge(call, entry.amount, entry.status, *names, entry.rates)
    return Intake(spans, [charge], [], row.time_ns)


async def test_spans_of_an_older_ledger_are_charged_once_and_stamped_as_before(older_6, given):
    """Guarantees: after it was brought up, and after a restart, with the budgets it had."""
    latest = {
        (row.trace_id, row.span_id): row
        for rows in rows_in(older_6).values()
        for row in rows
        if not row.is_reference and (row.entry is not None or row.own != Owner())
    }
    before = totals_in(older_6)["total", "", 1_800_000_000]
    for _ in range(2):
        ledger = Ledger(SqliteStore(older_6), given.policy(), Limits())
        await ledger.start()
        for row in latest.values():
            if row.entry is None or row.entry.usage is not None:
                stamps = await ledger.post(repeat_of(row))
                assert stamps == {0: row.stamp}
        assert ledger.counters.charged == 0
        assert await total_of(ledger, "total", "", (1_800_000_000, 1_800_000_900)) == before
        await ledger.close()
    assert len(latest) > 15


async def test_budgets_of_an_older_ledger_go_on_where_they_stood(older_6, given):
    """Guarantees: filtered ones from their series, others from all that was charged before."""
    budgets = (
        given.budget("gpt", "user", 10**9, match={"model": ("gpt-*",)}, window="day"),
        given.budget("agents", "agent", 10**9),
        given.budget("sessions", "session", 10**9, window="month"),
    )
    ledger = Ledger(SqliteStore(older_6), given.policy(*budgets), Limits())
    await ledger.start()
    scopes = {"user": "ada", "agent": "inner", "session": "s1"}
    standings = await standings_of(ledger, scopes, given.START_S)
    spent = {each.budget: each.spent for each in standings}
    assert spent == {"gpt": 4084, "agents": 3084, "sessions": 4084}
    await ledger.close()


@pytest.mark.parametrize("version", [7, 8, 9])
def test_tables_since_7_get_further_tables_and_keep_what_they_hold(version, path):
    """Guarantees: nothing is written anew, so that it takes no longer for a large ledger."""
    written_by(version, path)
    with closing(sqlite3.connect(path)) as database:
        names = [
            row[0]
            for row in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        ]
        before = {name: database.execute(f"SELECT * FROM {name}").fetchall() for name in names}
    assert [each.calls for each in read_snapshot(path).unpriced] == [1]
    store = SqliteStore(path)
    check_tables(store)
    assert {name: [*store._db.execute(f"SELECT * FROM {name}")] for name in names} == before
    store.close()


@pytest.mark.parametrize("version", REWRITTEN)
def test_a_ledger_that_cannot_be_brought_up_is_left_as_it_was(version, path, monkeypatch):
    written_by(version, path)
    before = totals_in(path) if version > 3 else None

    def fail(*_):
        raise sqlite3.Error("as the test asked")

    with monkeypatch.context() as patched:
        patched.setattr(posting, "charged", fail)
        with pytest.raises(sqlite3.Error):
            SqliteStore(path)
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (version,)
    assert before is None or totals_in(path) == before
    store = SqliteStore(path)
    assert store.total("user", "ada", 0, 0).cost_nano_usd > 0
    store.close()


def test_a_process_that_is_killed_while_it_brings_a_ledger_up_leaves_it_as_it_was(
    older_6, monkeypatch
):
    before = totals_in(older_6)
    child = os.fork()
    if child == 0:
        monkeypatch.setattr(posting, "charged", lambda *_: os._exit(9))
        SqliteStore(older_6)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert totals_in(older_6) == before
    store = SqliteStore(older_6)
    check_tables(store)
    store.close()


def test_a_full_disk_refuses_to_bring_a_ledger_up_and_leaves_it_as_it_was(older_6, monkeypatch):
    before = totals_in(older_6)

    def fill(database, *_):
        database.pragma("max_page_count", database.pragma("page_count"))
        return database.pragma("user_version")

    monkeypatch.setattr("processor.io.ledger.database.define_functions", fill)
    with pytest.raises(ConfigError, match=r"full \(free room on its disk"):
        SqliteStore(older_6)
    assert totals_in(older_6) == before
