"""Forecasts from a ledger: which window, which calls, and when budgets will be met."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from processor.core.budgets import Budget, Policy
from processor.core.errors import InvalidQuestionError
from processor.core.model import Calendar
from processor.surfaces.queries import ForecastRequest

UTC = Calendar(ZoneInfo("UTC"))
HOUR_S = 3_600


@pytest.fixture
def calls(given_calls):
    """Ten nano-dollars each hour of six weeks: seven of agent a, and three of b, both of u."""
    made = given_calls.charged
    return [
        made(2 * hour + span, 1 - hour * HOUR_S + 8 * HOUR_S, cost, agent=agent, user="u",
             trace=hour + 1)
        for hour in range(1, 6 * 7 * 24)
        for span, cost, agent in ((0, 7, "a"), (1, 3, "b"))
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("window", "filters", "spent", "projected"),
    [
        ("today", {}, 8 * 10, 24 * 10),
        ("week", {}, (4 * 24 + 8) * 10, 7 * 24 * 10),
        ("month", {}, (14 * 24 + 8) * 10, 31 * 24 * 10),
        ("month", {"agent": ["a"]}, (14 * 24 + 8) * 7, 31 * 24 * 7),
        ("month", {"user": ["u"]}, (14 * 24 + 8) * 10, 31 * 24 * 10),
    ],
)
async def test_what_goes_on_is_added_to_what_was_spent(
    ask, calls, window, filters, spent, projected
):
    found = await ask(*calls).insight.forecast(ForecastRequest(window, filters))
    assert found.totals.cost_nano_usd == spent
    assert (found.forecast.amount, found.forecast.method) == (projected, "weekday_hour_means")
    assert (found.time_zone, found.reason, found.partial) == ("UTC", "", ())


async def test_eight_days_before_give_an_interval(ask, calls):
    found = (await ask(*calls).insight.forecast(ForecastRequest("today"))).forecast
    assert (found.interval.low, found.interval.high, found.interval.windows) == (240, 240, 13)


async def test_unknown_costs_of_the_weeks_before_make_it_at_least(ask, calls, given_calls):
    """Guarantees: what is not known is not projected as nothing."""
    unknown = given_calls.charged(5, -3 * 24 * HOUR_S, 0, agent="b", trace=9999, unpriced=1)
    found = await ask(*calls, unknown).insight.forecast(ForecastRequest("today"))
    assert (found.totals.unpriced, found.is_at_least) == (0, True)
    of_a = ForecastRequest("today", {"agent": ["a"]})
    assert not (await ask(*calls, unknown).insight.forecast(of_a)).is_at_least


async def test_an_empty_ledger_has_no_forecast_but_a_reason(ask):
    found = await ask().insight.forecast(ForecastRequest())
    assert found.forecast is None
    assert "nothing was used" in found.reason


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (ForecastRequest("yesterday"), "window"),
        (ForecastRequest(filters={"session": ["s"]}), "filters"),
        (ForecastRequest(filters={"user": ["u"], "model": ["m"]}), "filters"),
        (ForecastRequest(time_zone="Nowhere"), "time_zone"),
    ],
)
async def test_what_has_no_forecast_is_refused(ask, request_, field):
    with pytest.raises(InvalidQuestionError) as error:
        await ask().insight.forecast(request_)
    assert error.value.field == field


def _budget(name, scope, limit, window="day", **more):
    return Budget(name, scope, window, limit, "usd", UTC, **more)


async def test_budgets_say_in_which_hour_their_limit_will_be_met(ask, calls, given_calls):
    """Guarantees: of budgets with calendar windows that are not met, and only where it is asked."""
    policy = Policy(
        (
            _budget("soon", "total", 135),
            _budget("met", "total", 80),
            _budget("later", "total", 241),
            _budget("of a user", "user", 200),
            _budget("of a week", "total", 7 * 24 * 10, "week"),
            _budget("for ever", "total", 10**6, "none"),
        ),
        calendar=UTC,
    )
    queries = ask(*calls, policy=policy)
    found = {
        state.standing.budget: state.projected_crossing_s
        for state in (await queries.budgets(with_projections=True)).states
    }
    today_s = given_calls.TODAY_S
    assert found == {
        "soon": today_s + 13 * HOUR_S, "met": None, "later": None,
        "of a user": today_s + 19 * HOUR_S, "of a week": today_s + 71 * HOUR_S, "for ever": None,
    }  # fmt: skip
    assert all(state.projected_crossing_s is None for state in (await queries.budgets()).states)


@pytest.mark.parametrize("filters", [{}, {"agent": ["a"]}])
async def test_hours_that_are_not_kept_are_no_usage_of_nothing(ask, calls, given_calls, filters):
    """Guarantees: history begins where hours are kept, instead of being 0 before."""

    def fold(writer):
        kept_s = given_calls.TODAY_S - 10 * given_calls.DAY_S
        writer.execute("INSERT INTO kept_from VALUES ('hours', ?)", (kept_s,))
        writer.execute("INSERT INTO kept_from VALUES ('calls', ?)", (given_calls.NOW_S,))

    queries = ask(*calls, change=fold)
    found = (await queries.insight.forecast(ForecastRequest("today", filters))).forecast
    assert (found.method, found.history_hours) == ("hour_of_day_means", 240)
    assert found.amount == 24 * (7 if filters else 10)
    assert found.interval is None
