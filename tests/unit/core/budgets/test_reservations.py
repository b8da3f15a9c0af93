"""Amounts that are held for calls."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from processor.core.budgets import Budget, Policy
from processor.core.budgets.applicable import Applicable
from processor.core.budgets.reservations import Estimate, Reservation, Reservations
from processor.core.errors import OverloadedError
from processor.core.model import Calendar


def made(name, scope, unit="usd", match=None):
    return Budget(name, scope, "day", 100, unit, Calendar(None), match=match or {})


USER, TOKENS = made("user", "user"), made("tokens", "user", "tokens")
MINI, CALL = made("mini", "user", match={"model": ("mini",)}), made("call", "call")
POLICY = Policy((USER, TOKENS, MINI, CALL))


def reservation(name, user="u", cost=10, tokens=3, deadline_s=100.0, **ids):
    return Reservation(name, b"", {"user": user, **ids}, Estimate(cost, tokens), deadline_s)


@pytest.fixture
def held():
    found = Reservations()
    found.use(Applicable(POLICY))
    return found


def amounts(held, user="u"):
    return [held.amount(budget, user) for budget in POLICY.budgets]


def test_what_is_held_counts_for_the_budgets_that_the_call_counts_for(held):
    """Guarantees: in their units, once for budgets of the same amounts, never for single calls."""
    held.hold(reservation("a"), 0)
    held.hold(reservation("b", model="mini", cost=None), 0)
    held.hold(reservation("c", "other"), 0)
    assert amounts(held) == [10, 6, 0, 0]
    held.hold(reservation("d", model="mini"), 0)
    assert amounts(held) == [20, 9, 10, 0]
    assert amounts(held, "other") == [10, 3, 0, 0]


def test_each_is_let_go_once(held):
    held.hold(reservation("a"), 0)
    assert held.find("a", 0) is not None
    assert held.release("a", 0)
    assert not held.release("a", 0)
    held.charge(["a"], 0)
    assert (amounts(held), len(held), held.size_bytes) == ([0, 0, 0, 0], 0, 0)
    assert not held.was_charged("a")


def test_a_charge_is_counted_until_totals_are_read_anew(held):
    """Guarantees: what was charged while totals were read is not missing from both."""
    held.hold(reservation("a"), 0)
    held.begin_reading()
    held.charge(["a", "a", "never held"], 0)
    assert (held.amount(USER, "u"), held.amount(USER, "u", with_charged=True)) == (0, 10)
    assert (held.was_charged("a"), held.was_charged("never held")) == (True, False)
    held.begin_reading()
    assert held.amount(USER, "u", with_charged=True) == 0


def test_each_lapses_at_its_deadline(held):
    held.hold(reservation("late", deadline_s=20), 0)
    held.hold(reservation("soon", deadline_s=10), 0)
    assert held.find("soon", 9.9) is not None
    assert held.find("soon", 10) is None
    assert (len(held), held.amount(USER, "u")) == (1, 10)
    assert not held.release("late", 20)


def test_an_id_that_is_made_anew_keeps_its_new_deadline(held):
    held.hold(reservation("a", deadline_s=10), 0)
    held.release("a", 1)
    held.hold(reservation("a", deadline_s=20), 2)
    assert held.find("a", 15) is not None
    assert held.find("a", 20) is None


def test_other_budgets_count_what_is_held_as_well(held):
    """Guarantees: a file that is read again forgets nothing."""
    held.hold(reservation("a", org="o"), 0)
    org = made("org", "org")
    held.use(Applicable(Policy((org,))))
    assert (held.amount(org, "o"), held.amount(USER, "u")) == (10, 0)
    held.use(Applicable(POLICY))
    assert amounts(held) == [10, 3, 0, 0]
    held.release("a", 0)
    assert amounts(held) == [0, 0, 0, 0]


def test_their_number_and_size_are_bounded():
    """Guarantees: what is full says so, changes nothing, and has room again after a release."""
    few = Reservations(number_max=2)
    few.use(Applicable(POLICY))
    few.hold(reservation("a"), 0)
    few.hold(reservation("b"), 0)
    with pytest.raises(OverloadedError, match="2 reservations are held already; release those"):
        few.hold(reservation("c"), 0)
    few.release("a", 0)
    few.hold(reservation("c"), 0)
    small = Reservations(size_max_bytes=5000)
    small.use(Applicable(POLICY))
    small.hold(reservation("a", user="u" * 256), 0)
    with pytest.raises(OverloadedError, match="take 5000 bytes already"):
        small.hold(reservation("b", user="u" * 900), 0)
    assert len(small) == 1


def test_many_that_come_and_go_leave_nothing_behind(held):
    """Guarantees: deadlines of those that were let go are not kept until then."""
    for number in range(5000):
        held.hold(reservation(str(number)), 0)
        held.charge([str(number)], 0)
    assert len(held._deadlines) <= 1001
    assert sys.getsizeof(held._held) < 100_000


@drawn(
    st.lists(
        st.tuples(
            st.sampled_from(["hold", "release", "charge", "wait"]),
            st.integers(0, 5),
            st.integers(1, 9),
        )
    )
)
def test_sums_are_those_of_what_is_held(steps):
    """Guarantees: whatever is held and let go, in any order."""
    held, there, now_s = Reservations(), dict[str, Reservation](), 0.0
    held.use(Applicable(POLICY))
    for what, number, amount in steps:
        name = str(number)
        if what == "hold" and name not in there:
            there[name] = reservation(name, cost=amount, deadline_s=now_s + amount)
            held.hold(there[name], now_s)
        elif what == "release":
            assert held.release(name, now_s) is (there.pop(name, None) is not None)
        elif what == "charge":
            held.charge([name], now_s)
            there.pop(name, None)
        else:
            now_s += amount
            held.find("", now_s)
            there = {key: each for key, each in there.items() if each.deadline_s > now_s}
        assert held.amount(USER, "u") == sum(each.estimate.cost_nano_usd for each in there.values())
        assert len(held) == len(there)
        assert held.size_bytes == sum(each.size_bytes for each in there.values())
