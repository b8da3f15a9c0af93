"""What no single call can have used."""

import pytest

from processor.core.model import Usage
from processor.core.semconv.counts import COUNT_FIELDS
from processor.core.semconv.dialects.units import UNITS
from processor.core.semconv.plausibility import (
    AGGREGATE_FACTOR,
    UsageLimits,
    find_implausible,
    find_implausible_text,
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
    counts = zip(COUNT_FIELDS, ["x", None, value], strict=False)
    assert find_implausible_text(counts, LIMITS, is_leaf=True) == "more than 100 tokens reported"


@pytest.mark.parametrize("value", ["many", "", -5, float("nan"), None, b"999", "9" * 1000, 100])
def test_what_is_no_large_number_is_not(value: str | float | bytes | None) -> None:
    """Guarantees: other counts that cannot be read are missing usage, as ever."""
    assert not find_implausible_text([("input", value)], LIMITS, is_leaf=True)


@pytest.mark.parametrize(
    ("name", "most", "unit"),
    [
        ("characters", 200, "200 characters"),
        ("duration_ms", 3000, "3 seconds"),
        ("images", 4, "4 images"),
        ("pages", 5, "5 pages"),
        ("searches", 6, "6 searches"),
        ("web_searches", 6, "6 searches"),
        ("citations", 100, "100 tokens"),
    ],
)
def test_what_is_written_is_compared_with_the_limit_of_its_unit(
    name: str, most: int, unit: str
) -> None:
    """Guarantees: an hour in milliseconds beside a count that cannot be read is no mistake."""
    assert not find_implausible_text([(name, most)], LIMITS, is_leaf=True)
    assert find_implausible_text([(name, most + 1)], LIMITS, is_leaf=True) == (
        f"more than {unit} reported"
    )


def test_every_count_but_tokens_has_its_unit() -> None:
    """Guarantees: a count of another unit that is added is not taken for tokens."""
    found = {
        name
        for name in COUNT_FIELDS
        if "tokens" not in find_implausible_text([(name, 10**9)], LIMITS, is_leaf=True)
    }
    assert found == UNITS.keys() - {"citations"}
