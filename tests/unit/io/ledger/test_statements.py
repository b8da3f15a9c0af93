"""What the writer says to the database takes as long however much is kept."""

from __future__ import annotations

import apsw
import pytest

from processor.core.model import Owner
from processor.io.ledger import statements
from processor.io.ledger.addition import Addition
from processor.io.ledger.dialect import SQLITE

EVERY = 20
"""Steps of SQLite's machine after which the counter is asked."""


class Steps:
    """Counts what SQLite's machine does on one connection."""

    def __init__(self, database):
        self.count = 0
        database.set_progress_handler(self._note, EVERY)

    def _note(self):
        self.count += EVERY
        return False

    def taken(self):
        """Since it was asked last."""
        count, self.count = self.count, 0
        return count


@pytest.fixture
async def kept(opened, given):
    """A ledger that has something in each of its tables, and all that its next turns say to it."""
    team = Owner("s", "u", "o", task="t", own_dimensions=(("team", "a"),))
    await opened.open(given.budget("b", "session", 1))
    await opened.post(given.call(1, 9, own=team), given.aggregate(2, tokens=300))
    await opened.open()  # So that the trace is read.
    said = set()
    opened.store._db.trace_v2(
        apsw.SQLITE_TRACE_STMT, lambda event: said.add(event["sql"]) if not event["trigger"] else 0
    )
    await opened.post(given.call(3, 2), given.carrier(9, session="other", task="t"))
    await opened.post(given.call(1, trace=2, own=team._replace(task_title="T")))
    await opened.post(given.usage_missing(1, trace=3), given.plain(1, trace=4))
    await opened.post(given.call(1, trace=3))
    opened.store._db.trace_v2(0, None)
    return said


def written_out(statement):
    words = statement.split()
    return words[0] in {"SELECT", "INSERT", "UPDATE", "DELETE"}


async def test_no_statement_of_a_turn_looks_through_a_table(opened, kept):
    """Guarantees: each finds its rows by a key, so that a turn takes as long in any ledger."""
    turns = {statement for statement in kept if written_out(statement)}
    assert len(turns) > 20, "the statements have not been seen"
    read = f"EXPLAIN QUERY PLAN {statements.READ_LATEST}"
    assert next(opened.store._db.execute(read, (1,)))[3].startswith("SCAN"), "a scan can be seen"
    assert {statements.INSERT_SPAN, statements.PUT_CHARGE, statements.READ_SPANS} <= turns
    for table in ("totals", "spend", "usage_hours", "usage_days", "usage_user_days"):
        turns.update(Addition(table, SQLITE)._statements)
    for statement in turns:
        names = statement.count("?")
        plan = opened.store._db.execute(f"EXPLAIN QUERY PLAN {statement}", (1,) * names)
        for _, _, _, step in plan:
            # Of what metrics tell apart there are as many rows as the settings allow.
            is_short = step.startswith(("SCAN asked VIRTUAL TABLE", "SCAN spend"))
            assert is_short or not step.startswith("SCAN"), (statement, step)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT set_id, SUM(cost) FROM charged WHERE end_s >= 1 AND end_s < 2 GROUP BY 1",
        "SELECT * FROM charged ORDER BY end_s DESC, end_ns DESC, id DESC LIMIT 5",
        "SELECT SUM(u.cost) FROM spans s CROSS JOIN charged u WHERE s.trace = 1 AND u.id = s.id",
    ],
)
async def test_what_is_charged_is_joined_row_by_row(opened, query):
    """Guarantees: the view is never built as a whole, and charges come by the time of their end."""
    await opened.open()
    plan = [step for *_, step in opened.store._db.execute(f"EXPLAIN QUERY PLAN {query}")]
    assert not any("MATERIALIZE" in step or "CO-ROUTINE" in step for step in plan), plan
    assert sum("USING INTEGER PRIMARY KEY" in step and "LEFT-JOIN" in step for step in plan) == 2
    assert not any("SCAN" in step and "charges_by_end" not in step for step in plan), plan


@pytest.mark.parametrize("size", [4, 8])
async def test_ids_that_end_alike_cost_nothing(opened, given, size):
    """Guarantees: nobody slows the ledger down by the choice of the ids of traces and spans."""
    steps = Steps(opened.store._db)

    async def post(head):
        batch = given.batch(*(given.call(at, trace=at) for at in range(1, 101)))
        batch.spans.trace_ids = [head(at) for at in range(100)]
        batch.spans.span_ids = [b"s" * 8] * 100
        steps.taken()
        await opened.ledger.post(batch)
        return steps.taken()

    await post(lambda at: bytes([at]) + b"first" * 3)
    plain = await post(lambda at: bytes([at]) + b"other" * 3)
    alike = [
        await post(lambda at, turn=turn: (turn * 100 + at).to_bytes(16 - size) + b"\xff" * size)
        for turn in range(30)
    ]
    assert max(alike) < 1.1 * plain
