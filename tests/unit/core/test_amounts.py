"""Exact amounts as people read them."""

from decimal import Decimal

import pytest

from processor.core.amounts import fine_usd, marked, short_usd


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("0.000000000", "$0.00"),
        ("0.000000001", "<$0.0001"),
        ("-0.000000001", "<-$0.0001"),
        ("0.000050000", "<$0.0001"),
        ("0.012345678", "$0.0123"),
        ("31.200000000", "$31.20"),
        ("74.772000000", "$74.7720"),
        ("0.012000000", "$0.0120"),
        ("1204.504999999", "$1,204.50"),
        ("-2.500000000", "-$2.50"),
    ],
)
def test_an_amount_is_short_and_never_zero_by_rounding(amount, shown):
    assert short_usd(amount) == shown


@pytest.mark.parametrize(
    ("amount", "shown", "at_least", "found"),
    [
        ("0.000000000", "0.0000", False, "0.0000"),
        ("0.000000000", "0.0000", True, "unknown"),
        ("1.000000000", "$1.00", True, "≥ $1.00"),
        ("0.000000001", "<$0.0001", True, "≥ $0.0000"),
        ("0.000000001", "<$0.0001", False, "<$0.0001"),
    ],
)
def test_what_is_only_unknown_is_no_zero(amount, shown, at_least, found):
    assert marked(amount, shown, at_least=at_least) == found


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        ("0", "0.000000"),
        ("0.0451234", "0.045123"),
        ("12.5", "12.500000"),
        ("0.0000001", "<0.000001"),
        ("0.0000005", "<0.000001"),
        ("0.0000006", "0.000001"),
        ("1234.567", "1,234.57"),
        (Decimal("99999999999999999.999999999"), "100,000,000,000,000,000.00"),
    ],
)
def test_a_column_of_small_amounts_never_turns_a_cost_into_zero(usd, text):
    assert fine_usd(usd) == text
