"""The limit in bytes: what is taken, what is refused, what is given back."""

from __future__ import annotations

import pytest

from processor.core.errors import MemoryFullError, TooLargeError
from processor.core.memory import MemoryLimit


def test_what_is_held_is_counted_until_it_is_given_back():
    limit = MemoryLimit(100)
    with limit.open(30) as holding:
        holding.grow(20)
        assert (holding.size_bytes, limit.used_bytes) == (50, 50)
        holding.set(10)
        assert limit.used_bytes == 10
    assert limit.used_bytes == 0


def test_beyond_the_limit_a_request_is_refused_and_keeps_what_it_had():
    limit = MemoryLimit(100)
    with limit.open(60), limit.open(30) as second:
        with pytest.raises(MemoryFullError):
            second.grow(11)
        second.grow(10)
        with pytest.raises(MemoryFullError):
            limit.open(1)
    assert (limit.used_bytes, limit.refused) == (0, 2)


def test_one_that_is_larger_than_the_limit_is_admitted_alone():
    limit = MemoryLimit(100)
    with limit.open(90) as only:
        only.grow(90)
        with pytest.raises(MemoryFullError):
            limit.open(1)
    with limit.open(150):
        assert limit.used_bytes == 150


def test_what_can_be_freed_is_freed_before_anything_is_refused():
    limit = MemoryLimit(100)
    slow = limit.open(80)
    asked = []

    def end_slowest(needed_bytes):
        asked.append(needed_bytes)
        slow.close()

    limit.when_full = end_slowest
    with limit.open(50):
        assert (asked, limit.used_bytes) == ([30], 50)


def test_one_that_is_freed_for_its_own_sake_is_refused():
    limit = MemoryLimit(100)
    with limit.open(60), limit.open(30) as slowest:
        limit.when_full = lambda _needed: slowest.close()
        with pytest.raises(MemoryFullError):
            slowest.grow(20)
        assert limit.used_bytes == 60


def test_after_its_end_a_holding_counts_nothing():
    """Guarantees: a request that was ended from outside cannot count anything any more."""
    limit = MemoryLimit(100)
    with limit.open(50) as holding:
        holding.close()
        holding.set(70)
        holding.close()
        assert (holding.size_bytes, limit.used_bytes) == (0, 0)


def test_once_only_others_have_to_answer_the_next_request_may_be_worked_on():
    limit = MemoryLimit(100)
    called = []
    with limit.open(40) as holding:
        holding.finish_work(30)
        holding.on_work_finished = lambda: called.append(limit.used_bytes)
        holding.finish_work(10)
    assert called == [10]


def test_what_must_not_be_refused_any_more_is_counted_beyond_the_limit():
    limit = MemoryLimit(100)
    with limit.open(90) as holding:
        holding.set(120)
        assert limit.used_bytes == 120


def test_what_reading_takes_is_held_before_it_is_taken_and_has_a_bound_for_one_alone():
    limit = MemoryLimit(100)
    with limit.open(40) as holding:
        holding.require(30)
        assert holding.size_bytes == 40
        holding.require(150)
        assert limit.held == (150, 100)
        with pytest.raises(TooLargeError):
            holding.require(151)
    with limit.open(40), limit.open(40) as second, pytest.raises(MemoryFullError):
        second.require(70)
