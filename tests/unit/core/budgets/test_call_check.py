"""Whether a call may be made."""

from __future__ import annotations

import pytest

from processor.core.budgets.call_check import BudgetCheck, deciding
from processor.core.model import Standing


def check(spent, reserved, estimate, limit=100, name="b"):
    standing = Standing(
        name, "user", "u", "day", 0, 86_400, limit, "usd", spent,
        at_least=False, exceeded=spent >= limit,
    )  # fmt: skip
    return BudgetCheck(standing, reserved, estimate)


@pytest.mark.parametrize(
    ("spent", "reserved", "estimate", "allowed", "remaining"),
    [
        (0, 0, 100, True, 100), (0, 0, 101, False, 100), (60, 30, 10, True, 10),
        (60, 30, 11, False, 10), (99, 0, None, True, 1), (99, 1, None, False, 0),
        (100, 0, 0, True, 0), (101, 0, 0, False, 0), (150, 0, None, False, 0),
    ],
)  # fmt: skip
def test_a_call_may_reach_the_limit_and_not_pass_it(spent, reserved, estimate, allowed, remaining):
    """Guarantees: one of which nothing is known is allowed while anything is left."""
    found = check(spent, reserved, estimate)
    assert (found.is_allowed, found.remaining) == (allowed, remaining)


def test_the_deciding_budget_refuses_or_is_the_nearest_to_its_limit():
    near, far = check(90, 0, 5, name="near"), check(10, 0, 5, name="far")
    refuses = check(9, 0, 5, limit=10, name="refuses")
    assert deciding([far, near]) is near
    assert deciding([near, far, refuses]) is refuses
    assert deciding([]) is None
