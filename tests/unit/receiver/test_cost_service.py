"""Questions about cost over a real connection."""

import grpc
import pytest

from processor.errors import LedgerUnavailableError
from processor.generated.cost_service_pb2 import (
    BudgetStanding,
    CheckBudgetRequest,
    CheckBudgetResponse,
    GetTotalsRequest,
    GetTotalsResponse,
)
from processor.model import Standing, Totals

TOTALS = "/llm_cost.v1.CostService/GetTotals"
CHECK = "/llm_cost.v1.CostService/CheckBudget"
Code = grpc.StatusCode

DAILY = Standing(
    budget="per-user-daily",
    scope="user",
    scope_id="u1",
    window="day",
    window_start_s=1_700_006_400,
    window_end_s=1_700_092_800,
    limit=50_000_000_000,
    unit="usd",
    spent=49_000_000_000,
    at_least=False,
    exceeded=False,
)


async def ask(house, method, question):
    return await house.call(method, question.SerializeToString())


async def refusal(house, method, question):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ask(house, method, question)
    return caught.value


async def test_totals_come_back_field_by_field(house):
    await house.open()
    totals = Totals(1_234_567_890, 100, 20, 30, 4, 1, 500, 3, 2)
    house.books.answer = (totals, 1000, 2000)
    question = GetTotalsRequest(scope="session", id="s1", window="day", at_unix_nano=77)
    answer = GetTotalsResponse.FromString(await ask(house, TOTALS, question))
    assert house.books.asked == [("session", "s1", "day", 77)]
    assert answer == GetTotalsResponse(
        cost_usd=1.23456789,
        cost_nano_usd=1_234_567_890,
        at_least=True,
        input_tokens=100,
        output_tokens=20,
        cached_tokens=30,
        calls=4,
        unpriced_calls=1,
        saved_nano_usd=500,
        agent_runs=2,
        window_start_unix_s=1000,
        window_end_unix_s=2000,
    )


async def test_without_window_and_time_the_question_is_since_the_beginning_and_now(house):
    await house.open()
    await ask(house, TOTALS, GetTotalsRequest(scope="total"))
    assert house.books.asked == [("total", "", "none", None)]


@pytest.mark.parametrize(
    ("question", "part"),
    [
        (GetTotalsRequest(scope="galaxy", id="x"), "scope: unknown value 'galaxy'; it takes trace"),
        (GetTotalsRequest(scope="call", id="x"), "scope: unknown value 'call'"),
        (GetTotalsRequest(), "scope: unknown value ''"),
        (GetTotalsRequest(scope="user"), "id: must say which user"),
        (GetTotalsRequest(scope="total", id="x"), "id: must be empty"),
        (
            GetTotalsRequest(scope="user", id="u", window="decade"),
            "window: unknown value 'decade'; it takes none, hour, day, week, month",
        ),
    ],
)
async def test_a_bad_question_about_totals_is_told_what_is_valid(house, question, part):
    await house.open()
    error = await refusal(house, TOTALS, question)
    assert error.code() is Code.INVALID_ARGUMENT
    assert part in error.details()
    assert house.books.asked == []


@pytest.mark.parametrize("method", [TOTALS, CHECK])
async def test_undecodable_and_oversize_questions_are_refused(house, method):
    await house.open()
    for body, code in (
        (b"\xff\xff", Code.INVALID_ARGUMENT),
        (bytes(100_000), Code.RESOURCE_EXHAUSTED),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await house.call(method, body)
        assert caught.value.code() is code


async def test_books_that_cannot_be_read_are_unavailable(house):
    await house.open()
    house.books.error = LedgerUnavailableError("locked")
    assert (await refusal(house, TOTALS, GetTotalsRequest(scope="total"))).code() is (
        Code.UNAVAILABLE
    )
    assert (await refusal(house, CHECK, CheckBudgetRequest())).code() is Code.UNAVAILABLE


async def check(house, **question):
    return CheckBudgetResponse.FromString(await ask(house, CHECK, CheckBudgetRequest(**question)))


async def test_a_budget_with_room_allows(house):
    await house.open()
    house.books.standings = [DAILY]
    answer = await check(house, scopes={"user": "u1"}, estimated_cost_usd=1.0)
    assert answer.allowed
    assert answer.message == ""
    assert answer.standings[0] == BudgetStanding(
        budget="per-user-daily",
        scope="user",
        scope_id="u1",
        window="day",
        window_start_unix_s=1_700_006_400,
        window_end_unix_s=1_700_092_800,
        limit=50_000_000_000,
        spent=49_000_000_000,
        unit=BudgetStanding.UNIT_NANO_USD,
    )


async def test_budgets_on_calls_and_on_everything_are_always_asked_for(house):
    await house.open()
    await check(house, scopes={"user": "u1"})
    assert house.books.asked == [({"call": "", "total": "", "user": "u1"}, None)]


async def test_an_exceeded_budget_refuses_in_words(house):
    await house.open()
    house.books.standings = [DAILY._replace(spent=50_120_000_000, exceeded=True)]
    answer = await check(house, scopes={"user": "u1"})
    assert not answer.allowed
    assert answer.message == "Budget exceeded: per-user-daily of user u1: $50.12 / $50.00"


async def test_an_estimate_that_would_exceed_refuses(house):
    await house.open()
    house.books.standings = [DAILY]
    answer = await check(house, scopes={"user": "u1"}, estimated_cost_usd=1.000000001)
    assert not answer.allowed
    assert answer.message == (
        "Budget would be exceeded: per-user-daily of user u1: $49.00 + $1.000000001 / $50.00"
    )


async def test_every_objection_is_named_with_its_unit_and_doubt(house):
    await house.open()
    tokens = DAILY._replace(
        budget="tokens", scope="total", scope_id="", unit="tokens", limit=100, spent=120
    )
    house.books.standings = [
        tokens._replace(exceeded=True, at_least=True),
        DAILY._replace(spent=51_000_000_000, exceeded=True),
    ]
    answer = await check(house)
    assert answer.message == (
        "Budget exceeded: tokens: at least 120 tokens / 100 tokens; "
        "Budget exceeded: per-user-daily of user u1: $51.00 / $50.00"
    )
    assert answer.standings[0].unit == BudgetStanding.UNIT_TOKENS


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ({"scopes": {"usr": "u1"}}, "scopes: unknown value 'usr'; it takes call, trace"),
        ({"scopes": {"user": ""}}, "scopes[user]: must say which user"),
        ({"estimated_cost_usd": float("nan")}, "estimated_cost_usd: must be finite"),
        ({"estimated_cost_usd": float("inf")}, "estimated_cost_usd: must be finite"),
        ({"estimated_cost_usd": -1.0}, "estimated_cost_usd: must be finite and not negative"),
    ],
)
async def test_a_bad_question_about_budgets_is_told_what_is_wrong(house, question, part):
    await house.open()
    error = await refusal(house, CHECK, CheckBudgetRequest(**question))
    assert error.code() is Code.INVALID_ARGUMENT
    assert part in error.details()
