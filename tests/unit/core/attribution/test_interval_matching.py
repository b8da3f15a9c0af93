"""As many pairs as can be made, and the same ones in whatever order the intervals come."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from processor.core.attribution.interval_matching import match_intervals, split_apart


@dataclass(frozen=True)
class Interval:
    start_ns: int
    end_ns: int
    order: bytes


def are_near(one, other, apart_ns):
    return (
        one.start_ns <= other.end_ns + apart_ns and other.start_ns <= one.end_ns + apart_ns
    )  # fmt: skip


def most_pairs(left, right, apart_ns):
    """The size of a maximum matching, by augmenting paths."""
    partner = {}

    def finds(one, tried):
        for other in right:
            if are_near(one, other, apart_ns) and other not in tried:
                tried.add(other)
                if other not in partner or finds(partner[other], tried):
                    partner[other] = one
                    return True
        return False

    return sum(finds(one, set()) for one in left)


@st.composite
def sides(draw):
    numbers = itertools.count()
    times = st.tuples(st.integers(0, 30), st.integers(0, 6))
    return [
        [
            Interval(start, start + length, next(numbers).to_bytes(8))
            for start, length in draw(st.lists(times, max_size=8))
        ]
        for _ in range(2)
    ]


@drawn(sides(), st.integers(0, 4))
def test_no_other_pairs_would_be_more(both, apart_ns):
    left, right = both
    pairs = match_intervals(left, right, apart_ns)
    assert len(pairs) == most_pairs(left, right, apart_ns)
    assert len({one for one, _ in pairs}) == len({other for _, other in pairs}) == len(pairs)
    assert all(one in left and other in right for one, other in pairs)
    assert all(are_near(one, other, apart_ns) for one, other in pairs)


@drawn(sides(), st.integers(0, 4), st.randoms(use_true_random=False))
def test_the_order_of_the_lists_does_not_matter(both, apart_ns, shuffled: random.Random):
    left, right = both
    pairs = match_intervals(left, right, apart_ns)
    for side in both:
        shuffled.shuffle(side)
    assert match_intervals(left, right, apart_ns) == pairs


@drawn(sides(), st.integers(0, 4))
def test_groups_hold_all_that_is_near_and_nothing_twice(both, apart_ns):
    calls = [*both[0], *both[1]]
    groups = list(split_apart(calls, apart_ns))
    assert sorted(map(id, itertools.chain(*groups))) == sorted(map(id, calls))
    for some, others in itertools.combinations(groups, 2):
        assert not any(are_near(one, other, apart_ns) for one in some for other in others)


@pytest.mark.parametrize(
    "both", [([], []), ([Interval(0, 1, b"a")], []), ([], [Interval(0, 1, b"a")])]
)
def test_one_empty_side_makes_no_pair(both):
    assert match_intervals(*both, 10) == []
