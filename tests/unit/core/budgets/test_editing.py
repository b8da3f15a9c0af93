"""Limits of budgets are changed in the text of a file, and nothing else is."""

from __future__ import annotations

import difflib
from decimal import Decimal

import pytest

from processor.config import bundled
from processor.core.budgets.editing import BudgetChange, change_budgets
from processor.core.errors import ConfigError

BUNDLED = bundled("budgets.yaml")
DAILY = BudgetChange("total-daily", Decimal(10), scope="total", window="day", is_any_name=True)


def change(text, *changes):
    return change_budgets(text, "b.yaml", changes)


def differences(before, after):
    lines = difflib.ndiff(before.splitlines(), after.splitlines())
    return [line for line in lines if line[0] in "+-"]


def problems(text, *changes):
    with pytest.raises(ConfigError) as caught:
        change(text, *changes)
    return "\n".join(map(str, caught.value.problems))


def test_a_limit_of_the_bundled_file_changes_in_its_line():
    changed = change(
        BUNDLED, BudgetChange("per-user-daily", Decimal(20), warn_at=(Decimal("0.9"),))
    )
    assert differences(BUNDLED, changed.text) == [
        "-     limit_usd: 50.00", "+     limit_usd: 20.00",
        "-     warn_at: [0.5, 0.8]", "+     warn_at: [0.9]",
    ]  # fmt: skip
    (budget,) = changed.budgets
    assert changed.text.splitlines()[budget.line - 1] == "  - name: per-user-daily"
    assert budget.before == "50.00 USD per day for each user; warning at 0.5, 0.8"
    assert budget.after == "20.00 USD per day for each user; warning at 0.9"


def test_limits_for_everything_are_added_to_the_bundled_file_and_changed_the_second_time():
    monthly = BudgetChange(
        "total-monthly", Decimal(200), scope="total", window="month", is_any_name=True
    )
    once = change(BUNDLED, DAILY, monthly)
    assert [line[2:].strip() for line in differences(BUNDLED, once.text) if line[2:]] == [
        "- name: total-daily", "scope: total", "window: day", "limit_usd: 10.00",
        "- name: total-monthly", "scope: total", "window: month", "limit_usd: 200.00",
    ]  # fmt: skip
    assert [each.before for each in once.budgets] == ["", ""]
    twice = change(
        once.text,
        BudgetChange("total-daily", Decimal("12.5"), scope="total", window="day", is_any_name=True),
    )
    assert differences(once.text, twice.text) == [
        "-     limit_usd: 10.00",
        "+     limit_usd: 12.50",
    ]


def test_a_limit_for_everything_by_another_name_is_the_one_that_is_meant():
    text = "budgets:\n  - {name: all, scope: total, window: day, limit_usd: 5}\n"
    assert change(text, DAILY).text == text.replace("5", "10.00")
    filtered = text.replace("limit_usd", "match: {model: x}, limit_usd")
    assert "name: total-daily" in change(filtered, DAILY).text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("daily_limit: 5 # five\n", "daily_limit: 10.00 # five\n"),
        ("budgets: {daily_limit: 5}\n", "budgets: {daily_limit: 10.00}\n"),
        ("budgets:\n  per_call_max: 1\n", "budgets:\n  per_call_max: 1\n  daily_limit: 10.00\n"),
        ("cost:\n  alerts:\n    daily_limit: 5", "cost:\n  alerts:\n    daily_limit: 10.00"),
    ],
)
def test_limits_by_name_alone_stay_that(text, expected):
    assert change(text, DAILY).text == expected


def test_a_limit_by_name_alone_takes_no_warnings():
    said = problems("daily_limit: 5\n", BudgetChange("total-daily", warn_at=(Decimal("0.8"),)))
    assert said.startswith("b.yaml:1: daily_limit: is a limit in USD by name alone")
    assert "{name: total-daily, scope: total, window: day, limit_usd: …}" in said


def test_an_unknown_name_comes_with_the_one_that_was_meant_and_how_to_add_it():
    said = problems(BUNDLED, BudgetChange("per-user-dayly", Decimal(5)))
    assert "has no budget 'per-user-dayly' (did you mean per-user-daily?" in said
    assert "--scope user --window day" in said
    assert "there are per-call, per-session," in problems(BUNDLED, BudgetChange("xyz", Decimal(5)))


def test_a_wrong_value_is_refused_by_the_parser_of_the_file_with_its_line():
    said = problems(BUNDLED, BudgetChange("per-call", warn_at=(Decimal("1.5"),)))
    assert said.startswith("b.yaml:48: budgets[0].warn_at: must be above 0 and below 1")
    said = problems(BUNDLED, BudgetChange("new", Decimal(5), scope="usr"))
    assert "scope: unknown scope 'usr' (did you mean user?" in said


def test_a_file_with_a_mistake_is_not_changed():
    text = "budgets:\n  - {name: a, scope: total, limit_usd: x}\n"
    assert problems(text, DAILY).startswith("b.yaml:2: budgets[0].limit_usd: must be a number")


def test_a_value_that_another_budget_repeats_is_not_changed_for_both():
    text = (
        "budgets:\n- {name: a, scope: user, limit_usd: &l 5}\n"
        "- {name: b, scope: org, limit_usd: *l}\n"
    )
    assert "would be one of b as well" in problems(text, BudgetChange("a", Decimal(6)))
    assert change(text, BudgetChange("b", Decimal(6))).text == text.replace("*l", "6.00")


def test_a_budget_that_is_switched_off_is_named():
    text = "budgets:\n- {name: a, scope: user, limit_usd: 5, enabled: false}\n"
    changed = change(text, BudgetChange("a", Decimal(6)))
    assert (changed.text, changed.switched_off) == (text.replace("5", "6.00"), ["a"])
    assert not changed.budgets


def test_names_that_yaml_would_read_otherwise_are_quoted():
    for name in ("yes", "12", "a: b", "it's", "# x"):
        changed = change("", BudgetChange(name, Decimal(5), scope="total"))
        assert [each.name for each in changed.budgets] == [name]
