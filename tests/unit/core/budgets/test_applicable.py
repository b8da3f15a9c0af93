"""Which budgets a call would count for."""

from __future__ import annotations

import pytest

from processor.core.budgets.applicable import Applicable, Unchecked


@pytest.fixture
def applicable(given):
    return Applicable(
        given.policy(
            given.budget("call", "call", 1),
            given.budget("all", "total", 1),
            given.budget("user", "user", 1),
            given.budget("mini", "user", 1, match={"model": ("*mini",)}),
            given.budget("o1", "org", 1, match={"org": ("o1",), "model": ("max",)}),
        )
    )


def test_those_are_found_whose_scope_is_named_and_whose_filter_fits(applicable):
    """Guarantees: what is not said is taken as what the call does not have."""
    found = applicable.find({"user": "u", "model": "gpt-mini", "org": "o1"})
    assert [(budget.name, scope_id) for budget, scope_id in found] == [
        ("call", ""), ("all", ""), ("user", "u"), ("mini", "u"),
    ]  # fmt: skip
    assert [budget.name for budget, _ in applicable.find({})] == ["call", "all"]
    assert [budget.name for budget, _ in applicable.find({"org": "o1", "model": "max"})][2:] == [
        "o1"
    ]


def test_those_that_further_ids_could_make_apply_are_named(applicable):
    """Guarantees: a budget whose filter does not fit what is said is not among them."""
    assert applicable.unchecked({"user": "u"}, 9) == [
        Unchecked("mini", ("model",)), Unchecked("o1", ("model", "org")),
    ]  # fmt: skip
    assert applicable.unchecked({"user": "u", "org": "o2", "model": "max"}, 9) == []
    assert applicable.unchecked({"org": "o2"}, 9) == [
        Unchecked("user", ("user",)), Unchecked("mini", ("model", "user")),
    ]  # fmt: skip
    assert len(applicable.unchecked({}, 2)) == 2
