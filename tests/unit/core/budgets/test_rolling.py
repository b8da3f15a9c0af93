"""A crossing of a rolling window stands until the sum has fallen below its share."""

import random

import pytest

from processor.core.budgets.rolling import has_stayed, standing_marks
from processor.core.model import Totals

QUARTER = 900
HOUR = 3600


def amounts(*each: int) -> dict[int, int]:
    """Of quarter hours from 0 on."""
    return {at * QUARTER: amount for at, amount in enumerate(each) if amount}


@pytest.mark.parametrize(
    ("each", "crossed", "now", "stayed"),
    [
        ((10,), 1, 1, True),  # In this very quarter hour.
        ((10,), 1, 4, True),  # The hour still holds it.
        ((10,), 1, 5, False),  # It has left the hour.
        ((10, 0, 0, 0, 10), 1, 5, False),  # It was below before it rose again.
        ((10, 0, 0, 10), 1, 5, True),  # It was never below.
        ((4, 6, 0, 0, 0, 0, 4), 2, 6, False),
        ((9, 0, 0, 0, 9), 1, 5, False),
    ],
)
def test_a_crossing_stands_while_the_sum_has_not_fallen(each, crossed, now, stayed):
    assert has_stayed(amounts(*each), HOUR, crossed * QUARTER, now * QUARTER, 10) is stayed


def test_it_is_as_if_every_quarter_hour_were_added_up():
    """Guarantees: the sum that moves along is the sum of each window."""
    chance = random.Random(7)
    for _ in range(300):
        each = amounts(*(chance.choice((0, 0, 1, 3)) for _ in range(24)))
        crossed, now = sorted(chance.sample(range(16, 25), 2))
        starts = range(
            max(crossed * QUARTER, (now - 1) * QUARTER - 2 * HOUR), now * QUARTER, QUARTER
        )
        before = [
            sum(amount for at, amount in each.items() if start + QUARTER - 2 * HOUR <= at < start)
            for start in starts
        ]
        found = has_stayed(each, 2 * HOUR, crossed * QUARTER, now * QUARTER, 5)
        assert found is all(amount >= 5 for amount in before)


def test_each_unit_is_compared_with_its_own_sums():
    sums = {0: Totals(cost_nano_usd=100, input_tokens=5)}
    last = {("usd", 100, "usd", 1.0): QUARTER, ("tokens", 100, "tokens", 1.0): QUARTER}
    assert standing_marks(last, sums, HOUR, 2 * QUARTER) == {("usd", 100, "usd", 1.0)}


def test_a_warning_stands_while_its_share_does():
    last = {("b", 100, "usd", 0.5): QUARTER, ("b", 100, "usd", 1.0): QUARTER}
    sums = {0: Totals(cost_nano_usd=60)}
    assert standing_marks(last, sums, HOUR, 2 * QUARTER) == {("b", 100, "usd", 0.5)}
