"""Budgets with their state, crossings, and the totals that the gRPC service gives."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from processor.core.budgets import Budget, Policy
from processor.core.model import Calendar

UTC = Calendar(ZoneInfo("UTC"))


def policy(*budgets, dimensions=()):
    return Policy(budgets, calendar=UTC, dimensions=dimensions)


def budget(name, scope, limit, window="none", **more):
    return Budget(name, scope, window, limit, "usd", UTC, **more)


@pytest.fixture
def calls(given_calls):
    made, day = given_calls.charged, given_calls.DAY_S
    return [
        made(1, 10, 5, user="u1", session="s", agent="a", org="o"),
        made(2, 20, 7, user="u2", agent="a", task="t"),
        made(3, -day, 11, user="u1", session="s", agent="b", org="o"),
    ]


@pytest.mark.parametrize(
    ("scope", "scope_id", "window", "cost"),
    [
        ("total", "", "none", 23), ("total", "", "day", 12), ("user", "u1", "none", 16),
        ("user", "u1", "day", 5), ("session", "s", "none", 16), ("session", "s", "day", 5),
        ("agent", "a", "day", 12), ("agent", "b", "day", 0), ("org", "o", "month", 16),
        ("task", "t", "none", 7), ("trace", (1).to_bytes(16).hex(), "none", 23),
        ("trace", "zz", "none", 0), ("agent_run", "zz:00", "none", 0), ("model", "x", "none", 0),
    ],
)  # fmt: skip
async def test_totals_of_a_scope(ask, calls, scope, scope_id, window, cost):
    found = await ask(*calls).totals(scope, scope_id, window, None)
    assert found.totals.cost_nano_usd == cost


async def test_every_budget_lists_who_has_spent_most(ask, calls):
    queries = ask(*calls, policy=policy(
        budget("all", "total", 20), budget("user", "user", 10, "day", overrides={"u2": 100}),
    ))  # fmt: skip
    states = (await queries.budgets()).states
    assert [(each.budget, each.scope_id, each.spent) for each in (s.standing for s in states)] == [
        ("all", "", 23), ("user", "u1", 5), ("user", "u2", 7),
    ]  # fmt: skip
    assert all(each.progress == 1 for each in states)


async def test_a_budget_whose_totals_are_being_filled_says_how_far(ask, given_calls):
    """Guarantees: with a filter it is not in force yet, and says so."""
    filtered = budget("few", "user", 10, match={"model": ("m*",)})
    series = f"user?{filtered.digest}"

    def fill(db):
        db.execute("INSERT INTO series VALUES (?, 2, 0)", (series,))
        db.execute(f"INSERT INTO totals VALUES (?, 'u1', 0, 4{', 0' * 11})", (series,))

    calls = [given_calls.charged(span, span, 4, trace=span, user="u1") for span in (1, 2, 3)]
    [state] = (await ask(*calls, policy=policy(filtered), change=fill).budgets()).states
    assert (state.standing.scope_id, state.standing.spent) == ("u1", 4)
    assert (state.progress, state.standing.at_least) == (2 / 3, True)


async def test_crossings_come_in_pages(ask):
    def cross(db):
        for at in range(3):
            db.execute(
                "INSERT INTO crossings VALUES "
                "(NULL, 'b', 'user', ?, 0, 0, 10, 'usd', 1.0, 12, 0, 0, '', 's')", (f"u{at}",),
            )  # fmt: skip

    queries = ask(change=cross)
    page = await queries.crossings(limit=2)
    assert [each.scope_id for each in page.crossings] == ["u2", "u1"]
    page = await queries.crossings(page.cursor, limit=2)
    assert ([each.scope_id for each in page.crossings], page.cursor) == (["u0"], "")
