"""When a call ended, from clocks that cannot all be trusted."""

import pytest

from processor.core.semconv.times import AHEAD_MAX_NS, EARLIEST_NS, read_time, read_times

NOW_NS = 1_800_000_000 * 10**9
END_NS = NOW_NS - 5_000_000_000


@pytest.mark.parametrize("scale", [10**9, 10**6, 10**3])
def test_times_in_larger_units_are_rescaled(scale: int) -> None:
    """Guarantees: seconds, milliseconds and microseconds count in the window that they mean."""
    start_ns = END_NS - 2 * 10**9
    times = read_times(start_ns // scale, END_NS // scale, NOW_NS)
    assert times == (start_ns, END_NS, False, True)


def test_a_start_in_another_unit_than_the_end_is_rescaled_for_itself() -> None:
    """Guarantees: a call does not seem to have lasted for half a century."""
    assert read_times((END_NS - 10**9) // 10**6, END_NS, NOW_NS) == (
        END_NS - 10**9,
        END_NS,
        False,
        False,
    )


@pytest.mark.parametrize("start_ns", [0, 1, EARLIEST_NS - 1])
def test_a_start_that_cannot_be_leaves_the_end_as_it_is(start_ns: int) -> None:
    """Guarantees: the end decides the window; only the duration is unknown."""
    assert read_times(start_ns, END_NS, NOW_NS) == (0, END_NS, False, False)


@pytest.mark.parametrize(
    "end_ns",
    [0, 1, 10**9, EARLIEST_NS - 1, NOW_NS + AHEAD_MAX_NS + 1, NOW_NS * 1000 % 2**64, 2**64 - 1],
)
def test_an_end_before_2015_or_far_ahead_is_assumed_to_be_now(end_ns: int) -> None:
    """Guarantees: no window of 1970 or of the next century is charged."""
    assert read_times(min(end_ns, 1), end_ns, NOW_NS) == (0, NOW_NS, True, False)


@pytest.mark.parametrize("end_ns", [EARLIEST_NS, NOW_NS, NOW_NS + AHEAD_MAX_NS])
def test_from_2015_to_an_hour_ahead_a_time_stands(end_ns: int) -> None:
    """Guarantees: a clock that is a little ahead is believed."""
    assert read_time(end_ns, NOW_NS) == end_ns


def test_an_end_before_its_start_is_assumed_to_be_now() -> None:
    """Guarantees: of two times that exclude each other neither is believed."""
    assert read_times(END_NS + 1, END_NS, NOW_NS) == (0, NOW_NS, True, False)


def test_where_our_own_clock_stands_before_2015_other_clocks_may_too() -> None:
    """Guarantees: a machine that starts in 1970 does not move every call."""
    assert read_times(1, 2, 10_000) == (1, 2, False, False)
