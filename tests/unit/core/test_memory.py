"""The budget in bytes: what is taken, what is refused, what is given back."""

from __future__ import annotations

import pytest

from processor.core.errors import MemoryFullError
from processor.core.memory import MemoryBudget


def test_what_is_held_is_counted_until_it_is_given_back():
    budget = MemoryBudget(100)
    with budget.open(30) as holding:
        holding.grow(20)
        assert (holding.size_bytes, budget.used_bytes) == (50, 50)
        holding.set(10)
        assert budget.used_bytes == 10
    assert budget.used_bytes == 0


def test_beyond_the_limit_a_request_is_refused_and_keeps_what_it_had():
    budget = MemoryBudget(100)
    with budget.open(60), budget.open(30) as second:
        with pytest.raises(MemoryFullError):
            second.grow(11)
        second.grow(10)
        with pytest.raises(MemoryFullError):
            budget.open(1)
    assert (budget.used_bytes, budget.refused) == (0, 2)


def test_one_that_is_larger_than_the_budget_is_admitted_alone():
    budget = MemoryBudget(100)
    with budget.open(90) as only:
        only.grow(90)
        with pytest.raises(MemoryFullError):
            budget.open(1)
    with budget.open(150):
        assert budget.used_bytes == 150


def test_what_can_be_freed_is_freed_before_anything_is_refused():
    budget = MemoryBudget(100)
    slow = budget.open(80)
    asked = []

    def free(needed_bytes):
        asked.append(needed_bytes)
        slow.close()

    budget.free = free
    with budget.open(50):
        assert (asked, budget.used_bytes) == ([30], 50)


def test_one_that_is_freed_for_its_own_sake_is_refused():
    budget = MemoryBudget(100)
    with budget.open(60), budget.open(30) as slowest:
        budget.free = lambda _needed: slowest.close()
        with pytest.raises(MemoryFullError):
            slowest.grow(20)
        assert budget.used_bytes == 60


def test_after_its_end_a_holding_counts_nothing():
    """Guarantees: a request that was ended from outside cannot count anything any more."""
    budget = MemoryBudget(100)
    with budget.open(50) as holding:
        holding.close()
        holding.set(70)
        holding.close()
        assert (holding.size_bytes, budget.used_bytes) == (0, 0)


def test_once_only_others_have_to_answer_the_next_request_may_be_worked_on():
    budget = MemoryBudget(100)
    called = []
    with budget.open(40) as holding:
        holding.settle(30)
        holding.settled = lambda: called.append(budget.used_bytes)
        holding.settle(10)
    assert called == [10]


def test_what_must_not_be_refused_any_more_is_counted_beyond_the_limit():
    budget = MemoryBudget(100)
    with budget.open(90) as holding:
        holding.set(120)
        assert budget.used_bytes == 120
