"""Exact amounts as people read them."""

import pytest

from processor.surfaces.terminal.amounts import marked, short_usd


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("0.000000000", "$0.00"),
        ("0.000000001", "<$0.0001"),
        ("-0.000000001", "<-$0.0001"),
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
