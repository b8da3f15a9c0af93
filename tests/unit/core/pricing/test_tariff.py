"""Rates over time: windows on the clock, and scaling."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from processor.core.model import Usage
from processor.core.pricing.shapes import BEGINNING_NS, Step, Table, Window
from processor.core.pricing.tariff import (
    UNIT_FIELDS,
    choose,
    flatten,
    holds,
    merge,
    scale,
    scale_tokens,
)

SIZE = len(Usage._fields)
NIGHT = Window(frozenset({4}), 22 * 60, 6 * 60)  # Friday 22:00 to Saturday 06:00
ALL_DAY = Window(frozenset({4}), 0, 0)
TOKYO = Window(frozenset({0}), 9 * 60, 10 * 60, ZoneInfo("Asia/Tokyo"))


def ns(year, month, day, hour=0, minute=0):
    return int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp()) * 10**9


@pytest.mark.parametrize(
    ("window", "moment", "expected"),
    [
        (NIGHT, (2026, 11, 20, 21, 59), False),
        (NIGHT, (2026, 11, 20, 22, 0), True),
        (NIGHT, (2026, 11, 21, 5, 59), True),
        (NIGHT, (2026, 11, 21, 6, 0), False),
        (NIGHT, (2026, 11, 20, 5, 0), False),  # the morning after Thursday
        (ALL_DAY, (2026, 11, 20, 0, 0), True),
        (ALL_DAY, (2026, 11, 20, 23, 59), True),
        (ALL_DAY, (2026, 11, 21, 0, 0), False),
        (TOKYO, (2026, 11, 23, 0, 30), True),  # Monday 09:30 in Tokyo
        (TOKYO, (2026, 11, 23, 9, 30), False),
    ],
)
def test_a_window_recurs_by_the_clock_of_its_zone(window, moment, expected):
    assert holds(window, ns(*moment)) is expected


def rates_at(tariff, time_ns, size=0):
    chosen = choose(tariff, time_ns, size)
    assert chosen is not None
    return chosen.rates[0], chosen.above


def table(rate: int, *longer: tuple[int, int]) -> Table:
    above = tuple(threshold for threshold, _ in longer)
    return Table(above, ((rate,) * SIZE, *((more,) * SIZE for _, more in longer)))


def test_the_first_window_that_holds_wins():
    windows = ((NIGHT, table(2)), (Window(frozenset(range(7)), 0, 0), table(3)))
    tariff = (Step(0, table(1), windows),)
    assert rates_at(tariff, ns(2026, 11, 20, 23)) == (2, None)
    assert rates_at(tariff, ns(2026, 11, 20, 12)) == (3, None)


def test_a_tier_holds_above_its_threshold_only():
    tariff = (Step(0, table(1, (100, 2), (200, 3))),)
    found = [rates_at(tariff, 1, size) for size in (0, 100, 101, 200, 201, 2**70)]
    assert found == [(1, None), (1, None), (2, 100), (2, 100), (3, 200), (3, 200)]


def test_no_price_is_in_force_before_the_first():
    assert choose((Step(10, table(1)),), 9, 0) is None
    assert choose((), 9, 0) is None


def test_a_multiplier_is_exact_and_rounds_half_to_even():
    assert [scale(n, Fraction(1, 2)) for n in (1, 2, 3)] == [0, 1, 2]
    assert scale(10**30, Fraction("0.85")) == 85 * 10**28
    rates = Usage(*scale_tokens((2,) * SIZE, Fraction(3, 2)))
    assert {getattr(rates, name) for name in UNIT_FIELDS} == {2}
    assert {getattr(rates, name) for name in Usage._fields if name not in UNIT_FIELDS} == {3}


def test_steps_that_change_nothing_are_merged():
    one, two = Step(BEGINNING_NS, table(1)), Step(5, table(1))
    assert merge([one, two]) == (one,)
    assert merge([one, Step(5, table(2)), Step(6, table(1))])[2].start_ns == 6


def test_only_a_price_that_never_changes_is_flat():
    assert flatten((Step(BEGINNING_NS, table(1)),)) == (1,) * SIZE
    assert flatten((Step(0, table(1)),)) is None
    assert flatten((Step(BEGINNING_NS, table(1, (10, 2))),)) is None
    assert flatten((Step(BEGINNING_NS, table(1), ((NIGHT, table(2)),)),)) is None
    assert flatten((Step(BEGINNING_NS, None),)) is None
    assert flatten(()) is None
