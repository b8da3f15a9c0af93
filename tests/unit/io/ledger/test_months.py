"""Sums of months are those of the days that are over, and follow whatever changes in these."""

from types import SimpleNamespace

import pytest
from property.agreement import check_tables

from processor.core.errors import LedgerUnavailableError
from processor.core.model import Owner
from processor.core.money import Amount
from processor.core.questions import UsageQuestion
from processor.io.ledger import SqliteReader, month_steps

DAY_S = 86_400
LATER_S = 2**34


@pytest.fixture(autouse=True)
def later(monkeypatch):
    """Moves the clock beyond the days of the tests; returns it."""
    clock = SimpleNamespace(time=lambda: LATER_S)
    monkeypatch.setattr(month_steps, "time", clock)
    return clock


async def settle(opened):
    sums = opened.ledger._working_set.months
    while await opened.ledger._writer.ask(lambda: sums.has_work):
        await opened.ledger._writer.ask(sums.work)
    await opened.ledger._writer.ask(lambda: check_tables(opened.store))


async def days_added(opened):
    """How many days are in the sums of months."""
    query = (
        "SELECT COUNT(DISTINCT start_s) FROM usage_days "
        "WHERE start_s < (SELECT MAX(until_s) FROM months_until)"
    )
    return await opened.ledger._writer.ask(lambda: opened.store._db.execute(query).get)


async def post_days(opened, given, count):
    for day in range(count):
        await opened.post(given.call(1, trace=1 + day, at_s=day * DAY_S))
    await settle(opened)


async def test_days_are_added_once_a_later_one_has_begun(opened, given):
    await post_days(opened, given, 1)
    assert await days_added(opened) == 0
    await post_days(opened, given, 40)
    assert await days_added(opened) == 39


async def test_a_day_that_the_clock_has_not_ended_is_not_added(opened, given, later):
    """Guarantees: a sender whose clock is ahead does not make today's charges cost more."""
    later.time = lambda: given.START_S
    await post_days(opened, given, 3)
    assert await days_added(opened) == 0


async def test_a_call_of_a_far_future_does_not_keep_days_from_being_added(opened, given, later):
    """Guarantees: nor does a sender whose clock has passed midnight before ours."""
    later.time = lambda: given.START_S
    await opened.post(given.call(1), given.call(1, trace=2, at_s=9_000 * DAY_S))
    await opened.post(given.call(1, trace=3, at_s=DAY_S))
    await settle(opened)
    assert await days_added(opened) == 0
    for day in range(1, 4):
        later.time = lambda day=day: given.START_S + day * DAY_S
        await opened.post(given.call(2, trace=10 + day, at_s=day * DAY_S))
        await settle(opened)
        assert await days_added(opened) == day


async def test_what_changes_in_a_day_that_was_added_changes_its_month(opened, given):
    """Guarantees: late calls, late owners, and a turn that is undone and comes again."""
    await post_days(opened, given, 20)
    await opened.post(given.call(2, trace=101, at_s=3 * DAY_S))
    await opened.post(given.carrier(9, trace=2, agent="late"), given.call(3, 9, trace=2))
    opened.store.refuse_commits = 1
    late = given.call(4, trace=102, at_s=5 * DAY_S, own=Owner(agent="new"))
    with pytest.raises(LedgerUnavailableError):
        await opened.post(late)
    await opened.post(late)
    await settle(opened)


async def test_a_restart_goes_on_from_the_day_that_was_added_last(opened, given):
    await post_days(opened, given, 3)
    opened.store.day_for_month = lambda _: None
    for day in range(3, 6):
        await opened.post(given.call(1, trace=1 + day, at_s=day * DAY_S))
    await opened.open()
    await settle(opened)
    assert await days_added(opened) == 5


@pytest.mark.parametrize("amount", [None, Amount(2**62, fees=2**62)])
async def test_a_range_is_the_same_before_and_after(opened, given, amount):
    """Guarantees: what is read whole and taken off again is exact, beyond 64 bits too."""
    for day in range(60):
        own = Owner(agent="ab"[day % 2])
        await opened.post(
            given.call(1, trace=1 + day, amount=amount, own=own, at_s=day * DAY_S + 1234)
        )
    opened.store._db.execute("DELETE FROM usage_months; DELETE FROM months_until")
    opened.store._writer.forget()
    first_s = given.START_S
    questions = [
        UsageQuestion(first_s + start * 7919, first_s + end * 86_413, ("agent",), with_parts=True)
        for start, end in ((0, 60), (40, 59), (300, 31), (7, 3), (1, 99))
    ]
    reader = SqliteReader(opened.path)

    async def answers():
        return [await reader.ask(lambda view, each=each: view.usage(each)) for each in questions]

    before = await answers()
    opened.ledger._working_set.months.has_work = True
    await settle(opened)
    assert await days_added(opened) == 59
    assert await answers() == before
    await reader.close()
