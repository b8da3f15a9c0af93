import pytest

from processor.surfaces.terminal.figures import dollars, duration, money, percent, tokens


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        (0.0, "0.000000"),
        (0.0451234, "0.045123"),
        (12.5, "12.500000"),
        (0.0000001, "<0.000001"),
        (0.0000005, "<0.000001"),
        (0.0000006, "0.000001"),
        (1234.567, "1,234.57"),
    ],
)
def test_money_in_columns_never_turns_a_small_cost_into_zero(usd, text):
    assert money(usd) == text


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        (0.4, "$0.40"),
        (0.3478, "$0.3478"),
        (0.597909, "$0.5979"),
        (50, "$50.00"),
        (1234.5, "$1,234.50"),
        (-0.0123, "-$0.0123"),
        (0.00001, "less than $0.0001"),
        (0, "$0.00"),
        (None, "?"),
    ],
)
def test_dollars_in_sentences(usd, text):
    assert dollars(usd) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(None, ""), (0, ""), (7, "7"), (999_999, "999,999"), (1_048_576, "1.05M"), (3e9, "3.00G")],
)
def test_numbers_of_tokens_fit_their_column(count, text):
    assert tokens(count) == text


def test_shares_and_durations():
    assert percent(1.437) == "144%"
    assert percent(None) == "?"
    assert duration(13_800_000_000) == "13.8 s"
    assert duration(-5) == "0.0 s"
