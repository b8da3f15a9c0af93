"""Watches are found by what a call belongs to."""

from __future__ import annotations

from itertools import product

from processor.core.budgets.verdict import Watch, compile_watches, matches
from processor.core.budgets.watches import Watches


class Ids(dict):
    """Ids of a call, which count how often they are looked at."""

    looks = 0

    def get(self, name, default=None):
        self.looks += 1
        return super().get(name, default)


def watch(given, **match):
    (found,) = compile_watches(given.policy(given.budget("b", "user", 1, match=match)))[1:]
    return found


def test_a_call_meets_just_the_filters_that_fit(given):
    """Guarantees: whatever filters name, those are found that fit, in the order of the rules."""
    filters = [
        {},
        {"org": ("a",)},
        {"org": ("a", "b", "b"), "model": ("m*",)},
        {"model": ("mini",), "org": ("a",)},
        {"model": ("m?ni", "max")},
        {"org": ("",)},
        {"org": ("[ab]",), "team": ("t",)},
        {"team": ("*",)},
        {"team": ("", "t")},
    ]
    watches = [watch(given, **some) for some in filters]
    followed = Watches(watches)
    assert followed.have_filters
    assert list(followed) == watches
    for org, model, team in product(("a", "b", "", None), ("mini", "max", None), ("t", "u", None)):
        ids = {"org": org, "model": model, "team": team}
        wanted = [at for at, each in enumerate(watches) if matches(each.match, ids)]
        assert followed.counting(ids) == wanted
        assert [followed[at] for at in wanted] == [watches[at] for at in wanted]


def test_a_call_is_not_compared_with_filters_that_name_other_values(given):
    """Guarantees: with many budgets, each of other customers, a call costs no more for them all."""
    match = {"model": ("mini",), "kind": ("llm",)}
    watches: list[Watch] = [watch(given, **match, org=(f"o{at}",)) for at in range(500)]
    ids = Ids(org="o7", model="mini", kind="llm")
    assert Watches(watches).counting(ids) == [7]
    assert ids.looks < 10


def test_without_filters_nothing_is_looked_at(given):
    """Guarantees: whose a call is need not be laid out for budgets that count every call."""
    followed = Watches(compile_watches(given.policy(given.budget("b", "user", 1))))
    assert not followed.have_filters
    assert followed.counting({}) == [0, 1]
    assert Watches().counting({}) == []
