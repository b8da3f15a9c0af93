"""What no single call can have used."""

import pytest

from processor.core.model import Usage
from processor.core.semconv.plausibility import (
    AGGREGATE_FACTOR,
    UsageLimits,
    find_implausible,
    find_unreadable,
)

LIMITS = UsageLimits(tokens=100, characters=200, seconds=3, images=4, pages=5, searches=6, usd=7)
REQUESTS = Usage._fields.index("requests")


@pytest.mark.parametrize(
    "usage",
    [
        Usage(input=40, cache_read=30, output=20, reasoning=10),
        Usage(characters=200),
        Usage(duration_ms=3000),
        Usage(images=4),
        Usage(pages=5),
        Usage(web_searches=3, searches=3),
    ],
)
@pytest.mark.parametrize(("is_leaf", "factor"), [(True, 1), (False, AGGREGATE_FACTOR)])
def test_each_unit_has_a_limit_of_its_own(usage: Usage, is_leaf: bool, factor: int) -> None:
    """Guarantees: up to the limit it is believed, beyond it is not; aggregates may have more."""
    most = [factor * quantity for quantity in usage]
    assert not find_implausible(Usage._make(most), None, LIMITS, is_leaf=is_leaf)
    at = next(at for at, quantity in enumerate(usage) if quantity and at != REQUESTS)
    most[at] += 1
    assert find_implausible(Usage._make(most), None, LIMITS, is_leaf=is_leaf).startswith("more")


def test_a_reported_cost_has_a_limit() -> None:
    """Guarantees: what somebody wrote on a span is not believed without end either."""
    assert not find_implausible(None, 7 * 10**9, LIMITS, is_leaf=True)
    found = find_implausible(None, 7 * 10**9 + 1, LIMITS, is_leaf=True)
    assert found == "more than 7 USD reported"


@pytest.mark.parametrize("value", [101, 1e300, "9" * 300, 2**70])
def test_a_count_that_is_too_large_to_be_read_is_implausible(value: float | str) -> None:
    """Guarantees: it is not said to be missing."""
    assert find_unreadable(["x", None, value], LIMITS, is_leaf=True).startswith("more than 100 ")


@pytest.mark.parametrize("value", ["many", "", -5, float("nan"), None, b"999", "9" * 1000, 100])
def test_what_is_no_large_number_is_not(value: str | float | bytes | None) -> None:
    """Guarantees: other counts that cannot be read are missing usage, as ever."""
    assert not find_unreadable([value], LIMITS, is_leaf=True)
