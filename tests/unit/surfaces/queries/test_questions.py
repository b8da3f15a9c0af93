"""Questions are checked alike for all surfaces, and budgets object in the same words."""

import pytest

from processor.core.budgets.call_check import BudgetCheck
from processor.core.errors import InvalidQuestionError
from processor.core.model import Standing
from processor.surfaces.queries import BudgetCheckRequest, check_totals, objection
from processor.surfaces.queries.questions import check_call

USD = 10**9
DAILY = Standing(
    "per-user-daily", "user", "u1", "day", 0, 86_400, 50 * USD, "usd", 49 * USD,
    at_least=False, exceeded=False,
)  # fmt: skip


@pytest.mark.parametrize(
    ("scope", "scope_id", "window", "message"),
    [
        ("planet", "x", "none", "scope: unknown value 'planet'; it takes "),
        ("call", "", "none", "scope: unknown value 'call'"),
        ("user", "", "day", "id: must say which user"),
        ("total", "x", "day", "id: must be empty, because there is only one total"),
        ("user", "u1", "fortnight", "window: unknown value 'fortnight'"),
    ],
)
def test_a_question_about_totals_that_names_something_unknown(scope, scope_id, window, message):
    """Guarantees: the field is named, and what it takes."""
    with pytest.raises(InvalidQuestionError, match=message):
        check_totals(scope, scope_id, window)


def test_good_questions_pass():
    check_totals("total", "", "none")
    check_totals("user", "u1", "day")
    check_call(BudgetCheckRequest({"call": "", "total": "", "user": "u1"}))


def test_dimensions_of_the_operators_own_may_be_asked_for():
    check_totals("team", "search", "day", ["team"])
    check_call(BudgetCheckRequest({"team": "search", "user": "u1"}), ["team"])
    with pytest.raises(InvalidQuestionError, match="unknown value 'team'; it takes "):
        check_totals("team", "search", "day")


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"scopes": {"planet": "x"}}, "scopes: unknown value"),
        ({"scopes": {"user": ""}}, r"scopes\[user\]: must say which"),
        ({"scopes": {f"s{at}": "x" for at in range(33)}}, "scopes: names 33 scopes, and takes 32"),
        ({"cost_nano_usd": -1}, "cost_nano_usd: must be from 0 to"),
        ({"tokens": 10**12 + 1}, "tokens: must be from 0 to"),
        ({"input_tokens": 5}, "model: is missing"),
        ({"model": "m", "input_tokens": 5, "cached_tokens": 6}, "cached_tokens: is a part of"),
        ({"reserve": True, "ttl_s": 3601}, "ttl_s: must be from 1 to 3600 seconds, got 3601"),
        ({"reserve": True, "ttl_s": float("nan")}, "ttl_s: must be from 1"),
        ({"reservation_id": "r"}, "reservation_id: is given, and reserve is not true"),
        ({"reserve": True, "reservation_id": "r r"}, "reservation_id: must have up to 128"),
        ({"reserve": True, "reservation_id": "r" * 129}, "reservation_id: must have up to 128"),
    ],
)
def test_a_question_about_a_call_that_cannot_be_asked(said, message):
    with pytest.raises(InvalidQuestionError, match=message):
        check_call(BudgetCheckRequest(**said))


def test_an_unknown_value_is_cut_short():
    with pytest.raises(InvalidQuestionError) as caught:
        check_totals("x" * 10_000, "", "none")
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("standing", "reserved", "estimate", "expected"),
    [
        (DAILY, 0, USD + 1, "would be exceeded: per-user-daily of user u1: $49.00 + $1.000000001"),
        (DAILY, USD, 1, "would be exceeded: per-user-daily of user u1: $49.00 + $1.00 reserved + "),
        (DAILY, USD, None, "Budget exceeded: per-user-daily of user u1: $49.00 + $1.00 reserved /"),
        (DAILY._replace(spent=50 * USD, exceeded=True), 0, 9, "exceeded: per-user-daily of user"),
        (DAILY._replace(unit="tokens", at_least=True, exceeded=True), 0, 0, "at least 49000000000"),
    ],
)
def test_a_budget_objects_with_what_was_spent_what_is_reserved_and_the_estimate(
    standing, reserved, estimate, expected
):
    assert expected in objection(BudgetCheck(standing, reserved, estimate))
