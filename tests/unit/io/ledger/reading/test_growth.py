"""What is asked about little takes as long in a ledger of any size."""

from __future__ import annotations

import re

import apsw
import pytest
from asked.tables import Charged, dimensions, write

from processor.core.model import Totals
from processor.core.questions import TIME_END_S, CallsQuestion, TracesQuestion, UsageQuestion
from processor.io.ledger.reading.connection import ReadConnection
from processor.io.ledger.reading.view import SqliteView

DAY_S = 86_400
BEGIN_S = 20_000 * DAY_S
ONE = (1).to_bytes(16)


def charges(traces):
    """Those of trace 1, the last ones, are somebody's alone; the others of many."""
    for trace in range(traces, 0, -1):
        others = trace > 1
        for span in (1, 2, 3):
            at_s = BEGIN_S + DAY_S * (1 if others else 5) + (traces - trace) % 900
            yield Charged(
                trace, span, at_s * 10**9,
                dimensions(model="m", agent=f"a{trace % 7}" if others else "one"),
                user=f"u{trace % 50}" if others else "one",
                session=f"s{trace}" if others else "one",
                task=f"t{trace}" if others else "one",
                totals=Totals(5, calls=1), parent=span - 1,
            )  # fmt: skip


def correct(database):
    """Corrections of every trace."""
    database.execute(
        "INSERT INTO corrections SELECT NULL, trace, span_id, x'', time_ns, 1, "
        "0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM spans"
    )


def usage(start_s=0, end_s=TIME_END_S, **more):
    return lambda view: view.usage(UsageQuestion(start_s, end_s, **more))


def only(dimension, value="one"):
    return ((dimension, (value,)),)


FIVE = BEGIN_S + 5 * DAY_S
HOUR = (FIVE, FIVE + 3600)
WEEK = (BEGIN_S - 100, BEGIN_S + 7 * DAY_S + 100)
SMALL = {
    "all of a time": usage(*WEEK),
    "a user": usage(*WEEK, filters=only("user")),
    "a session": usage(filters=only("session")),
    "a session in a time": usage(*WEEK, filters=only("session")),
    "a session by model": usage(filters=only("session"), group_by=("model",)),
    "a task": usage(filters=only("task")),
    "a task in a time": usage(*WEEK, filters=only("task")),
    "a task by model": usage(filters=only("task"), group_by=("model",)),
    "a trace": usage(filters=only("trace", ONE.hex())),
    "a trace by model": usage(filters=only("trace", ONE.hex()), group_by=("model",)),
    "an hour by agent": usage(*HOUR, group_by=("agent",)),
    "an hour by session": usage(*HOUR, group_by=("session",)),
    "an hour by trace": usage(*HOUR, group_by=("trace",)),
    "an agent in an hour": usage(*HOUR, filters=only("agent")),
    "newest calls": lambda view: view.calls(CallsQuestion(limit=3)),
    "calls of a session": lambda view: view.calls(CallsQuestion(filters=only("session"))),
    "calls of a task": lambda view: view.calls(CallsQuestion(filters=only("task"))),
    "calls of a trace": lambda view: view.calls(CallsQuestion(filters=only("trace", ONE.hex()))),
    "first calls of an hour": lambda view: view.calls_in_order(CallsQuestion(*HOUR, limit=3), None),
    "calls after one": lambda view: view.calls_in_order(
        CallsQuestion(*WEEK, limit=3), (FIVE * 10**9, 1, (0).to_bytes(8))
    ),
    "combinations of an hour": lambda view: view.cells(UsageQuestion(*HOUR)),
    "a trace by how its id begins": lambda view: view.traces_between(bytes(16), ONE, 2),
    "the tree of a trace": lambda view: view.spans(*view.traces_between(ONE, ONE, 1), limit=100),
    "a run": lambda view: view.run(*view.traces_between(ONE, ONE, 1), run=(2).to_bytes(8)),
    "newest traces": lambda view: view.traces(TracesQuestion(limit=3)),
    "traces of a session": lambda view: view.traces(TracesQuestion(("session", "one"))),
    "traces of a user": lambda view: view.traces(TracesQuestion(("user", "one"))),
    "traces of a task": lambda view: view.traces(TracesQuestion(("task", "one"))),
    "traces of a known agent": lambda view: view.traces(TracesQuestion(("agent", "a2"), limit=2)),
    "costs that are unknown": lambda view: view.unknown(10),
    "freshness": lambda view: view.freshness(),
    "crossings": lambda view: view.crossings(5),
    "a total of a budget": lambda view: view.series("x?", "one", 0, TIME_END_S),
    "how far a budget is filled": lambda view: view.progress("x?"),
    "values that are not kept": lambda view: view.values_in_other(only("team"), *WEEK),
    "titles of tasks": lambda view: view.task_titles(["one"]),
}


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    """A ledger, and one ten times as large."""
    opened = []
    for traces in (60, 600):
        path = tmp_path_factory.mktemp("ledgers") / f"{traces}.db"
        database = write(path, list(charges(traces)))
        correct(database)
        database.close()
        opened.append(ReadConnection(path))
    yield [(each.database, SqliteView(each.database)) for each in opened]
    for each in opened:
        each.close()


def steps(database, work):
    """How much SQLite's machine does for a question."""
    count = 0

    def note():
        nonlocal count
        count += 1
        return False

    database.set_progress_handler(note, 10)
    work()
    database.set_progress_handler(None)
    return count


@pytest.mark.parametrize("name", SMALL)
def test_a_small_question_takes_as_long_in_a_large_ledger(views, name):
    ask = SMALL[name]
    for database, view in views:
        ask(view)  # What is read of a new connection once, such as its tables.
        assert database.changes() == 0
    small, large = (steps(database, lambda view=view: ask(view)) for database, view in views)
    assert large < 1.3 * small + 30


SCAN = re.compile(r"SCAN (?!\d)(\w+)(?! USING INDEX charge_sums_unpriced)")
PART = re.compile(r"(?:CO-ROUTINE|MATERIALIZE) (\w+)")
FEW = frozenset(
    {"CONSTANT", "dimension_sets", "d", "x", "set_values", "series", "reporting_zones"}
    | {"series_parts", "kept_from", "deleted_days", "deleted_traces", "sqlite_schema"}
)
"""Tables of few rows, however many calls there are: `d` and `x` are sets of dimensions.
One row for each day is few."""


def test_how_far_a_ledger_reaches_is_a_few_steps_however_many_calls_end_at_once(tmp_path):
    """Guarantees: each answer says it, and senders choose the times."""
    found = []
    for calls in (1, 500):
        path = tmp_path / f"{calls}.db"
        at_once = [
            Charged(span, span, BEGIN_S * 10**9, dimensions(), totals=Totals(5, calls=1))
            for span in range(1, calls + 1)
        ]
        write(path, at_once).close()
        connection = ReadConnection(path)
        view = SqliteView(connection.database)
        view.freshness()
        found.append(steps(connection.database, view.freshness))
        connection.close()
    assert found[1] < found[0] + 5


@pytest.mark.parametrize("name", SMALL)
def test_no_statement_of_a_small_question_looks_through_a_table(views, name):
    """Guarantees: rows come by a key or an index; only parts of a statement are gone through."""
    database, view = views[0]
    said = set()
    database.trace_v2(apsw.SQLITE_TRACE_STMT, lambda event: said.add(event["sql"]))
    SMALL[name](view)
    database.trace_v2(0, None)
    assert said
    for statement in said:
        bindings = (1,) * statement.count("?")
        plan = database.execute(f"EXPLAIN QUERY PLAN {statement}", bindings)
        steps = [step for _, _, _, step in plan]
        parts = {*re.findall(r"(\w+)(?:\(.*?\))? AS (?:MATERIALIZED )?\(", statement), *FEW}
        parts.update(found[1] for step in steps if (found := PART.match(step)))
        for step in steps:
            found = SCAN.match(step)
            assert found is None or found[1] in parts | {"g", "p", "r", "k"}, (statement, step)


def test_a_scan_can_be_seen(views):
    database, _ = views[0]
    [(_, _, _, step)] = database.execute("EXPLAIN QUERY PLAN SELECT * FROM spans WHERE flags = 1")
    assert SCAN.match(step)[1] == "spans"
