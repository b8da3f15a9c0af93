"""What the audit says of what is in force."""

from __future__ import annotations

import json
import time

import pytest

from processor.io.ledger import InForce, SqliteReader


@pytest.fixture
def note(opened):
    """Notes what is in force, and waits until that is written."""

    async def ask(version, values, action="budgets", subject="b.yaml"):
        found = InForce(time.time_ns(), "ada", action, subject, version, values)
        await opened.ledger.note_in_force(found)

    return ask


async def lines(opened):
    """All lines, the first one first; it closes the ledger, so that all is written."""
    await opened.open()
    reader = SqliteReader(opened.path)
    try:
        found = await reader.ask(lambda view: view.audit(0, 100))
    finally:
        await reader.close()
    return [
        (line.actor, json.loads(line.before), json.loads(line.after)) for line in reversed(found)
    ]


async def test_a_line_is_written_where_something_has_changed(opened, note):
    await note("1", {"daily": "50 USD"})
    await note("1", {"daily": "50 USD"})
    await note("2", {"daily": "60 USD", "hourly": "5 USD"})
    await note("2", {"a": "price"}, action="prices")
    assert await lines(opened) == [
        ("ada", {}, {"version": "1", "daily": "50 USD"}),
        (
            "ada",
            {"version": "1", "daily": "50 USD"},
            {"version": "2", "daily": "60 USD", "hourly": "5 USD"},
        ),
        ("ada", {}, {"version": "2", "a": "price"}),
    ]


async def test_what_has_changed_while_it_was_stopped_is_found_at_the_start(opened, note):
    await note("1", {"daily": "50 USD"})
    await opened.open()
    await note("1", {"daily": "50 USD"})
    await opened.open()
    await note("2", {"daily": "60 USD"})
    await note("2", {"daily": "60 USD"}, subject="another.yaml")
    found = await lines(opened)
    assert [actor for actor, _, _ in found] == ["ada", "ada, while it was stopped", "ada"]
    assert found[1][1:] == (
        {"version": "1", "daily": "50 USD"},
        {"version": "2", "daily": "60 USD"},
    )


async def test_of_many_values_only_those_that_change_are_written(opened, note):
    """Guarantees: a long price file makes no long line."""
    values = {f"model-{number}": "1 USD" for number in range(2000)}
    await note("1", values)
    await note("2", values | {"model-7": "2 USD"})
    await note("3", dict.fromkeys(values, "x" * 9999))
    await opened.open()
    await note("4", values)
    found = await lines(opened)
    assert found[0] == ("ada", {}, {"version": "1"})
    assert found[1][1:] == (
        {"version": "1", "model-7": "1 USD"},
        {"version": "2", "model-7": "2 USD"},
    )
    assert max(len(json.dumps(after)) for _, _, after in found) < 40_000
    assert found[3][1:] == ({"version": "3"}, {"version": "4"})


async def test_a_line_that_cannot_be_written_now_is_written_later(opened, note, monkeypatch):
    monkeypatch.setattr("processor.io.ledger.background._RETRY_S", 0.01)
    opened.store.refuse_begins = 2
    await note("1", {})
    while opened.ledger._audit.has_work:
        await opened.cost()
    assert await lines(opened) == [("ada", {}, {"version": "1"})]
