"""Questions are checked alike for all surfaces, and budgets object in the same words."""

import pytest

from processor.core.errors import InvalidQuestionError
from processor.core.model import Standing
from processor.surfaces.queries import check_scopes, check_totals, objections

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
    check_scopes({"call": "", "total": "", "user": "u1"})


def test_dimensions_of_the_operators_own_may_be_asked_for():
    check_totals("team", "search", "day", ["team"])
    check_scopes({"team": "search", "user": "u1"}, ["team"])
    with pytest.raises(InvalidQuestionError, match="unknown value 'team'; it takes "):
        check_totals("team", "search", "day")


@pytest.mark.parametrize(
    ("scopes", "message"),
    [({"planet": "x"}, "scopes: unknown value"), ({"user": ""}, r"scopes\[user\]: must say which")],
)
def test_a_question_about_budgets_that_names_something_unknown(scopes, message):
    with pytest.raises(InvalidQuestionError, match=message):
        check_scopes(scopes)


def test_an_unknown_value_is_cut_short():
    with pytest.raises(InvalidQuestionError) as caught:
        check_totals("x" * 10_000, "", "none")
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("standing", "estimate", "expected"),
    [
        (DAILY, USD, []),
        (DAILY, USD + 1, ["would be exceeded: per-user-daily of user u1: $49.00 + $1.000000001"]),
        (DAILY._replace(spent=50 * USD, exceeded=True), 0, ["exceeded: per-user-daily of user u1"]),
        (
            DAILY._replace(unit="tokens", at_least=True, exceeded=True),
            0,
            ["at least 49000000000"],
        ),
    ],
)
def test_a_budget_objects_when_the_limit_is_reached_or_the_estimate_is_beyond_it(
    standing, estimate, expected
):
    found = objections([standing], estimate)
    assert len(found) == len(expected)
    assert all(part in text for part, text in zip(expected, found, strict=True))
