"""When a budget's limit or warning is reached: once for each key, and exactly at the limit."""

from __future__ import annotations

from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from processor.core.budgets.verdict import (
    State,
    Window,
    compile_watches,
    crossings,
    matches,
    series_of,
    spent_of,
    standing_of,
)
from processor.core.model import Calendar, Totals

FOREVER = Window(0, 0, 1000)


def reached(budget, scope_id="s", spent=0, crossed=(), window=FOREVER, **totals):
    """Shares that are crossed at this total, and the state afterwards."""
    state = State(Totals(cost_nano_usd=spent, **totals), set(crossed))
    return list(crossings(budget, scope_id, state, window)), state


@pytest.mark.parametrize(("spent", "count"), [(0, 0), (99, 0), (100, 1), (101, 1), (-5, 0)])
def test_the_limit_is_crossed_when_it_is_reached_exactly(given, spent, count):
    found, _ = reached(given.budget("b", "session", 100), spent=spent)
    assert [crossing.threshold for crossing in found] == [1.0] * count


def test_a_crossing_says_all_that_its_event_needs(given):
    budget = given.budget("b", "session", 100, window="day")
    (found,), _ = reached(budget, "me", 130, window=Window(86400, 172800, 90000))
    assert found[:9] == ("b", "session", "me", 86400, 172800, 100, "usd", 1.0, 130)
    assert (found.late, found.at_least) == (False, False)


def test_every_share_that_is_reached_is_crossed_at_once_in_order(given):
    budget = given.budget("b", "session", 100, warn_at=(Decimal("0.5"), Decimal("0.8")))
    assert [c.threshold for c in reached(budget, spent=100)[0]] == [0.5, 0.8, 1.0]
    assert [c.threshold for c in reached(budget, spent=80)[0]] == [0.5, 0.8]
    assert [c.threshold for c in reached(budget, spent=50)[0]] == [0.5]
    assert reached(budget, spent=49)[0] == []


def test_what_was_crossed_is_not_crossed_again(given):
    budget = given.budget("b", "session", 100, warn_at=(Decimal("0.5"),))
    first, state = reached(budget, spent=60)
    assert len(first) == 1
    assert list(crossings(budget, "s", state, FOREVER)) == []
    state.total = Totals(cost_nano_usd=100)
    assert [c.threshold for c in crossings(budget, "s", state, FOREVER)] == [1.0]
    state.total = Totals(cost_nano_usd=40)
    assert list(crossings(budget, "s", state, FOREVER)) == []
    state.total = Totals(cost_nano_usd=400)
    assert list(crossings(budget, "s", state, FOREVER)) == []


def test_a_warning_is_given_even_when_the_limit_was_crossed_before_it_was_set(given):
    """Guarantees: adding a warning threshold to a rule is a key of its own."""
    budget = given.budget("b", "session", 100, warn_at=(Decimal("0.5"),))
    found, _ = reached(budget, spent=100, crossed={("b", 100, "usd", 1.0)})
    assert [c.threshold for c in found] == [0.5]


def test_a_changed_limit_is_crossed_anew(given):
    found, _ = reached(
        given.budget("b", "session", 90), spent=100, crossed={("b", 100, "usd", 1.0)}
    )
    assert len(found) == 1


def test_the_limits_of_one_rule_in_dollars_and_tokens_are_apart(given):
    dollars = given.budget("b", "session", 100)
    tokens = given.budget("b", "session", 100, unit="tokens")
    crossed = {("b", 100, "usd", 1.0)}
    found, _ = reached(tokens, crossed=crossed, input_tokens=60, output_tokens=40)
    assert [(c.unit, c.spent) for c in found] == [("tokens", 100)]
    assert spent_of(dollars, Totals(cost_nano_usd=7, input_tokens=3)) == 7
    assert spent_of(tokens, Totals(cost_nano_usd=7, input_tokens=3, output_tokens=2)) == 5


def test_an_override_takes_the_place_of_the_limit_for_its_own_id(given):
    budget = given.budget("b", "session", 100, overrides={"vip": 500})
    assert reached(budget, "vip", 499)[0] == []
    assert reached(budget, "vip", 500)[0][0].limit == 500
    assert reached(budget, "other", 100)[0][0].limit == 100


@pytest.mark.parametrize(("now_s", "late"), [(150, False), (199, False), (200, True), (900, True)])
def test_a_crossing_is_late_once_its_window_is_over(given, now_s, late):
    (found,), _ = reached(given.budget("b", "total", 1), spent=1, window=Window(100, 200, now_s))
    assert found.late is late


def test_without_a_window_nothing_is_late(given):
    (found,), _ = reached(given.budget("b", "total", 1), spent=1, window=Window(0, 0, 10**10))
    assert not found.late


def test_unpriced_calls_make_a_crossing_say_at_least(given):
    budget = given.budget("b", "session", 100)
    assert reached(budget, spent=100, unpriced=1)[0][0].at_least
    assert not reached(budget, spent=100)[0][0].at_least


def test_a_warning_is_given_when_its_share_is_reached_exactly(given):
    budget = given.budget("b", "session", 100, warn_at=(Decimal("0.07"),))
    assert len(reached(budget, spent=7)[0]) == 1


def test_lifetime_totals_of_sessions_are_followed_without_any_budget(given):
    (watch,) = compile_watches(given.policy())
    assert (watch.series, watch.scope, watch.window, watch.budgets) == (
        "session", "session", "none", (),
    )  # fmt: skip


def test_budgets_with_the_same_scope_and_window_share_a_watch(given):
    day = {"window": "day"}
    policy = given.policy(
        given.budget("a", "user", 1, **day),
        given.budget("b", "user", 2, **day),
        given.budget("c", "user", 1, window="hour"),
        given.budget("d", "user", 1, **day, match={"model": ("gpt*",)}),
        given.budget("e", "session", 1),
        given.budget("f", "call", 1),
    )
    watches = compile_watches(policy)
    names = [tuple(budget.name for budget in watch.budgets) for watch in watches]
    assert names == [("e",), ("a", "b"), ("c",), ("d",)]


def test_calendars_divide_windows_but_not_lifetimes(given):
    berlin = Calendar(ZoneInfo("Europe/Berlin"), 0)
    policy = given.policy(
        given.budget("a", "total", 1, window="day"),
        given.budget("b", "total", 1, window="day", calendar=berlin),
        given.budget("c", "total", 1),
        given.budget("d", "total", 2, calendar=berlin),
    )
    names = [tuple(budget.name for budget in watch.budgets) for watch in compile_watches(policy)]
    assert names == [(), ("a",), ("b",), ("c", "d")]


def test_a_moment_counts_for_the_window_that_holds_it(given):
    policy = given.policy(given.budget("a", "user", 1, window="hour"))
    watch = compile_watches(policy)[1]
    start = given.START_S
    assert watch.key("u", start) == ("user", "u", start, start + 3600, 0)
    assert watch.key("u", start + 3599) == ("user", "u", start, start + 3600, 0)
    assert watch.key("u", start + 3600)[2] == start + 3600


def test_a_rolling_window_ends_now_whenever_a_call_has_ended(given):
    policy = given.policy(given.budget("a", "user", 1, window="rolling 2h"))
    watch, start = compile_watches(policy)[1], given.START_S
    key = ("user", "u", start + 900, start + 8100, 7200)
    assert watch.key_now("u", start + 900, start + 7500) == key
    assert watch.key_now("u", start + 7500, start + 7500) == key
    assert watch.key_now("u", start + 899, start + 7500) is None, "it is over for that"
    assert watch.key_now("u", start + 8100, start + 7500) is None, "its clock is ahead"


def test_metrics_count_what_a_rolling_window_has_crossed_for_its_whole_length(given):
    budget = given.budget("a", "user", 1, window="rolling 2h")
    at_first = budget.window_at(given.START_S)[0]
    assert budget.crossed_from_s(given.START_S + 7199) == at_first
    assert budget.crossed_from_s(given.START_S + 7200) == at_first + 900
    assert given.budget("a", "user", 1, window="hour").crossed_from_s(given.START_S) == (
        given.START_S
    )


def test_a_filter_has_totals_of_its_own_that_outlive_name_and_limit(given):
    match = {"model": ("gpt*", "o1")}
    one = given.budget("a", "user", 1, match=match)
    other = given.budget("b", "user", 2, match={"model": ("o1", "gpt*")})
    assert series_of(given.budget("a", "user", 1)) == "user"
    assert series_of(one) == series_of(other)
    assert series_of(one).startswith("user?")
    assert series_of(one) != series_of(given.budget("a", "user", 1, match={"model": ("o1",)}))


@pytest.mark.parametrize(
    ("match", "ids", "fits"),
    [
        ({}, {}, True),
        ({"model": ("gpt*",)}, {"model": "gpt-4o"}, True),
        ({"model": ("gpt*",)}, {"model": "claude"}, False),
        ({"model": ("o1", "gpt*")}, {"model": "gpt-4o"}, True),
        ({"model": ("GPT*",)}, {"model": "gpt-4o"}, False),
        ({"model": ("gpt*",), "user": ("u",)}, {"model": "gpt-4o", "user": "v"}, False),
        ({"user": ("*",)}, {"user": ""}, True),
        ({"user": ("?*",)}, {"user": ""}, False),
        ({"model": ("gpt*",)}, {"model": None}, False),
        ({"nothing": ("x",)}, {"model": "x"}, False),
    ],
)
def test_a_call_counts_when_each_filter_is_met_by_one_of_its_patterns(match, ids, fits):
    assert matches(match, ids) is fits


@pytest.mark.parametrize(("spent", "exceeded"), [(99, False), (100, True)])
def test_a_standing_says_what_is_spent_of_which_limit(given, spent, exceeded):
    """Guarantees: the limit of the scope id itself counts, and calls without a price are named."""
    budget = given.budget("b", "session", 500, window="day", overrides={"s": 100})
    found = standing_of(budget, "s", (86400, 172800), Totals(cost_nano_usd=spent, unpriced=1))
    assert found[:7] == ("b", "session", "s", "day", 86400, 172800, 100)
    assert (found.spent, found.at_least, found.exceeded) == (spent, True, exceeded)
