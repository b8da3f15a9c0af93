"""A value of an own dimension that is not kept by itself is never silently nothing."""

from __future__ import annotations

import pytest

from processor.io.ledger.interning import OWN_VALUES_MAX
from processor.surfaces.queries import CallsRequest, TimeRange, UsageRequest


@pytest.fixture
def full(ask, given_calls):
    """A ledger in which yesterday had a thousand teams, and `late` came after them."""
    made, day = given_calls.charged, given_calls.DAY_S
    yesterday_s = given_calls.TODAY_S - day

    def fill(db):
        some = [("team", yesterday_s, f"t{number}") for number in range(OWN_VALUES_MAX)]
        some += [("team", given_calls.TODAY_S, team) for team in ("t1", "late")]
        db.executemany("INSERT INTO own_values VALUES (?, ?, ?)", some)

    def queries(change=None):
        def all_changes(db):
            fill(db)
            if change is not None:
                change(db)

        return ask(
            made(1, -day, 5, own=(("team", "other"),)), made(2, -day, 7, own=(("team", "t1"),)),
            made(3, 10, 11, own=(("team", "late"),)), dimensions=("team",), change=all_changes,
        )  # fmt: skip

    return queries


async def test_a_total_says_what_it_lacks_and_what_to_do(full):
    found = await full().totals("team", "late", "none", None)
    assert found.totals.cost_nano_usd == 11
    [reason] = found.partial
    assert reason.startswith("team 'late' is not kept by itself on 2027-01-14, so what it used")
    assert "a budget with scope team follows all of them" in reason


@pytest.mark.parametrize(
    ("team", "window", "cost"), [("t1", "none", 7), ("late", "day", 11), ("other", "none", 5)]
)
async def test_what_is_kept_by_itself_is_whole(full, team, window, cost):
    found = await full().totals("team", team, window, None)
    assert (found.totals.cost_nano_usd, found.partial) == (cost, ())


async def test_a_total_that_a_budget_follows_is_whole(full):
    """Guarantees: budgets know every value, however many there are."""

    def follow(db):
        db.execute("INSERT INTO series VALUES ('team?', 0, 1)")
        db.execute(f"INSERT INTO totals VALUES ('team?', 'late', 0, 16{', 0' * 11})")

    found = await full(follow).totals("team", "late", "none", None)
    assert (found.totals.cost_nano_usd, found.partial) == (16, ())


async def test_usage_and_calls_say_it_too(full):
    queries, filters = full(), {"team": ["late", "t1"]}
    report = await queries.usage(UsageRequest(filters=filters))
    page = await queries.calls(CallsRequest(filters=filters))
    assert report.partial == page.partial
    assert len(page.partial) == 1
    assert (await queries.usage(UsageRequest(TimeRange("today"), filters=filters))).partial == ()
    assert (await queries.usage(UsageRequest(group_by=("team",)))).partial == ()
