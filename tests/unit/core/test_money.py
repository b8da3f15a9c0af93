"""Money is exact, rounded once, and what is shown adds up."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.core.model import Usage
from processor.core.money import (
    FEMTO_PER_NANO,
    NANO_PER_USD,
    ZERO,
    Amount,
    format_usd,
    parse_usd,
    price_usage,
    round_parts,
    round_to_nano,
    usd,
)

FEMTO = st.integers(-(10**30), 10**30)
PARTS = st.lists(st.integers(0, 10**24), min_size=5, max_size=5)
NANO = st.integers(-(2**63), 2**63 - 1)


@pytest.mark.parametrize(
    ("femto_usd", "nano_usd"),
    [
        (0, 0),
        (499_999, 0),
        (500_000, 0),
        (500_001, 1),
        (1_499_999, 1),
        (1_500_000, 2),
        (2_500_000, 2),
        (-500_000, 0),
        (-500_001, -1),
        (-1_500_000, -2),
        (-2_500_000, -2),
        (10**30, 10**24),
    ],
)
def test_half_a_nano_dollar_goes_to_the_even_one(femto_usd, nano_usd):
    assert round_to_nano(femto_usd) == nano_usd


@given(FEMTO)
def test_rounding_is_that_of_decimal_arithmetic(femto_usd):
    with localcontext() as context:
        context.prec = 60
        exact = Decimal(femto_usd) / FEMTO_PER_NANO
        assert round_to_nano(femto_usd) == exact.to_integral_value(ROUND_HALF_EVEN)


@given(PARTS)
def test_parts_add_up_to_a_total_that_was_rounded_once(parts):
    amount = round_parts(parts)
    assert amount.total == round_to_nano(sum(parts))
    assert sum(amount[1:]) == amount.total


@given(PARTS)
def test_only_the_largest_part_takes_the_difference_unless_it_is_too_small_for_it(parts):
    rounded = [round_to_nano(part) for part in parts]
    amount = round_parts(parts)
    changed = [at for at in range(5) if amount[1 + at] != rounded[at]]
    assert all(rounded[at] == max(rounded) for at in changed)
    gap = amount.total - sum(rounded)
    assert len(changed) <= 1 or max(rounded) + gap < 0
    assert min(amount[1:]) >= 0


def test_no_parts_are_no_money():
    assert round_parts([0] * 5) == ZERO


def test_no_part_of_a_cost_is_negative():
    assert min(round_parts([600_000] * 4 + [0])) >= 0


def test_every_quantity_is_priced_and_lands_on_its_side():
    usage = Usage(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)
    amount = price_usage(usage, (FEMTO_PER_NANO,) * 12)
    assert amount == Amount(
        total=4095, input=1 + 16 + 32, output=64 + 128 + 256 + 512, cache_read=2,
        cache_write=4 + 8, fees=1024 + 2048,
    )  # fmt: skip


def test_each_quantity_has_its_own_rate():
    rates = tuple(FEMTO_PER_NANO * 10**at for at in range(12))
    for at in range(12):
        usage = [0] * 12
        usage[at] = 3
        assert price_usage(usage, rates).total == 3 * 10**at


def test_a_rate_is_missing_or_too_many_never_silently():
    with pytest.raises(ValueError):
        price_usage(Usage(), (1,) * 11)


@pytest.mark.parametrize(
    ("nano_usd", "text"),
    [
        (0, "0.00"),
        (1, "0.000000001"),
        (4_500_000, "0.0045"),
        (12 * NANO_PER_USD, "12.00"),
        (1_234_500_000_000, "1234.50"),
        (-1, "-0.000000001"),
        (-2_500_000_000, "-2.50"),
        (2**63 - 1, "9223372036.854775807"),
    ],
)
def test_money_reads_as_people_write_it(nano_usd, text):
    assert format_usd(nano_usd) == text


@given(NANO)
def test_what_is_written_reads_back_exactly(nano_usd):
    assert parse_usd(format_usd(nano_usd)) == nano_usd


@pytest.mark.parametrize(
    ("value", "nano_usd"),
    [
        (3, 3 * NANO_PER_USD),
        ("1e-9", 1),
        ("0.0000000005", 0),
        ("0.0000000015", 2),
        (Decimal("-0.01"), -10_000_000),
        ("1e-30", 0),
    ],
)
def test_amounts_are_read_exactly_and_rounded_half_even(value, nano_usd):
    assert parse_usd(value) == nano_usd


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-inf"])
def test_an_amount_that_is_not_finite_is_refused(value):
    with pytest.raises(ValueError, match="finite"):
        parse_usd(value)


def test_an_amount_that_is_no_number_is_refused():
    with pytest.raises(ValueError):
        parse_usd("ten dollars")


def test_an_amount_just_above_half_a_nano_dollar_is_rounded_up():
    assert parse_usd("0.0000000005000001") == 1


@given(NANO)
def test_dollars_are_the_nearest_double(nano_usd):
    assert usd(nano_usd) == float(Decimal(nano_usd) / NANO_PER_USD)
