import pytest

from processor.core.amounts import percent
from processor.surfaces.terminal.figures import duration, tokens


@pytest.mark.parametrize(
    ("count", "text"),
    [(None, ""), (0, ""), (7, "7"), (999_999, "999,999"), (1_048_576, "1.05M"), (3e9, "3.00G")],
)
def test_numbers_of_tokens_fit_their_column(count, text):
    assert tokens(count) == text


def test_shares_and_durations():
    assert percent(1.437) == "144%"
    assert percent(0.004) == "<1%"
    assert duration(13_800) == "13.8 s"
    assert duration(999) == "999 ms"
    assert duration(-5) == "0 ms"
