"""Questions about cost over a real connection."""

import grpc
import pytest

from processor.core.access import Access, ApiTokens
from processor.core.errors import ForbiddenError, LedgerUnavailableError, OverloadedError
from processor.core.model import (
    Difference,
    JobProgress,
    Repricing,
    Standing,
    Totals,
    UnpricedCalls,
)
from processor.core.ports import Caller
from processor.core.questions import UnknownAnswer
from processor.io.receiver import service_calls
from processor.surfaces.grpc.cost_service import CostService
from processor.surfaces.grpc.generated.cost_service_pb2 import (
    BudgetStanding,
    CheckBudgetRequest,
    CheckBudgetResponse,
    ExcludeRequest,
    ForgetRequest,
    GetHealthRequest,
    GetHealthResponse,
    GetJobProgressRequest,
    GetJobProgressResponse,
    GetTotalsRequest,
    GetTotalsResponse,
    ListUnpricedRequest,
    ListUnpricedResponse,
    ReleaseReservationRequest,
    ReleaseReservationResponse,
    RepriceRequest,
    RepriceResponse,
)
from processor.surfaces.queries import BudgetCheckRequest, Report, WindowTotals

TOTALS = "/llm_cost.v1.CostService/GetTotals"
RELEASE = "/llm_cost.v1.CostService/ReleaseReservation"
CHECK = "/llm_cost.v1.CostService/CheckBudget"
UNPRICED = "/llm_cost.v1.CostService/ListUnpriced"
REPRICE = "/llm_cost.v1.CostService/Reprice"
EXCLUDE = "/llm_cost.v1.CostService/Exclude"
FORGET = "/llm_cost.v1.CostService/Forget"
HEALTH = "/llm_cost.v1.CostService/GetHealth"
READS_ONLY = {
    "GetTotals", "CheckBudget", "ReleaseReservation", "ListUnpriced", "GetJobProgress", "ListAudit",
    "GetHealth",
}  # fmt: skip
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


async def ask(gateway, method, question):
    return await gateway.call(method, question.SerializeToString())


async def refusal(gateway, method, question):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ask(gateway, method, question)
    return caught.value


async def test_totals_come_back_field_by_field(gateway):
    await gateway.open()
    totals = Totals(1_234_567_890, 100, 20, 30, 4, 1, 500, 3, 2, 5, 6, 7)
    gateway.queries.answer = WindowTotals(totals, 1000, 2000, "Fix the bug")
    question = GetTotalsRequest(scope="session", id="s1", window="day", at_unix_nano=77)
    answer = GetTotalsResponse.FromString(await ask(gateway, TOTALS, question))
    assert gateway.queries.asked == [("session", "s1", "day", 77)]
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
        doubtful_calls=5,
        window_start_unix_s=1000,
        window_end_unix_s=2000,
        label="Fix the bug",
        cache_hits=3,
        response_cache_hits=6,
        response_cache_saved_nano_usd=7,
    )


async def test_totals_that_lack_something_are_at_least_and_say_why(gateway):
    await gateway.open()
    gateway.queries.answer = WindowTotals(Totals(5), 0, 0, "", ("some is missing",))
    question = GetTotalsRequest(scope="user", id="u")
    answer = GetTotalsResponse.FromString(await ask(gateway, TOTALS, question))
    assert (answer.at_least, list(answer.partial)) == (True, ["some is missing"])


async def test_without_window_and_time_the_question_is_since_the_beginning_and_now(gateway):
    await gateway.open()
    await ask(gateway, TOTALS, GetTotalsRequest(scope="total"))
    assert gateway.queries.asked == [("total", "", "none", None)]


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
async def test_a_bad_question_about_totals_is_told_what_is_valid(gateway, question, part):
    await gateway.open()
    error = await refusal(gateway, TOTALS, question)
    assert error.code() is Code.INVALID_ARGUMENT
    assert part in error.details()
    assert gateway.queries.asked == []


@pytest.mark.parametrize("method", [TOTALS, CHECK, UNPRICED, REPRICE])
async def test_undecodable_and_oversize_questions_are_refused(gateway, method):
    await gateway.open()
    for body, code in (
        (b"\xff\xff", Code.INVALID_ARGUMENT),
        (bytes(100_000), Code.RESOURCE_EXHAUSTED),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await gateway.call(method, body)
        assert caught.value.code() is code


async def test_a_ledger_that_cannot_be_read_is_unavailable(gateway):
    await gateway.open()
    gateway.queries.error = LedgerUnavailableError("locked")
    assert (await refusal(gateway, TOTALS, GetTotalsRequest(scope="total"))).code() is (
        Code.UNAVAILABLE
    )
    assert (await refusal(gateway, CHECK, CheckBudgetRequest())).code() is Code.UNAVAILABLE


async def check(gateway, **question):
    return CheckBudgetResponse.FromString(await ask(gateway, CHECK, CheckBudgetRequest(**question)))


async def test_a_budget_with_room_allows(gateway):
    await gateway.open()
    gateway.queries.standings = [DAILY]
    answer = await check(gateway, scopes={"user": "u1"}, estimated_cost_usd=1.0)
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
        remaining=1_000_000_000,
        allows=True,
    )
    assert answer.deciding == answer.standings[0]
    assert answer.estimate_nano_usd == 10**9
    assert [(each.budget, each.missing) for each in answer.not_checked] == [
        ("of agents", ["agent"])
    ]


async def test_what_is_said_of_a_call_is_asked_field_by_field(gateway):
    """Guarantees: what is not said is not known, and the time of a reservation has a default."""
    await gateway.open()
    await check(gateway, scopes={"user": "u1"})
    answer = await check(
        gateway, tokens=7, model="m", provider="p", input_tokens=5, output_tokens=4,
        cached_tokens=3, reserve=True, reservation_id="r-1", ttl_s=2.5,
    )  # fmt: skip
    assert gateway.queries.asked == [
        (BudgetCheckRequest({"user": "u1"}),),
        (BudgetCheckRequest({}, None, 7, "m", "p", 5, 4, 3, True, "r-1", 2.5),),
    ]
    assert (answer.reservation_id, answer.reservation_expires_unix_s) == ("r-1", 1.0)
    assert not answer.HasField("estimate_nano_usd")


async def test_a_reservation_is_released_once(gateway):
    await gateway.open()
    for reservation_id, released in (("r-1", True), ("r-2", False)):
        question = ReleaseReservationRequest(reservation_id=reservation_id)
        answer = ReleaseReservationResponse.FromString(await ask(gateway, RELEASE, question))
        assert answer.released is released


async def test_an_exceeded_budget_refuses_in_words(gateway):
    await gateway.open()
    gateway.queries.standings = [DAILY._replace(spent=50_120_000_000, exceeded=True)]
    answer = await check(gateway, scopes={"user": "u1"})
    assert not answer.allowed
    assert answer.message == "Budget exceeded: per-user-daily of user u1: $50.12 / $50.00"


async def test_an_estimate_that_would_exceed_refuses(gateway):
    await gateway.open()
    gateway.queries.standings = [DAILY]
    answer = await check(gateway, scopes={"user": "u1"}, estimated_cost_usd=1.000000001)
    assert not answer.allowed
    assert answer.message == (
        "Budget would be exceeded: per-user-daily of user u1: $49.00 + $1.000000001 / $50.00"
    )


async def test_every_objection_is_named_with_its_unit_and_doubt(gateway):
    await gateway.open()
    tokens = DAILY._replace(
        budget="tokens", scope="total", scope_id="", unit="tokens", limit=100, spent=120
    )
    gateway.queries.standings = [
        tokens._replace(exceeded=True, at_least=True),
        DAILY._replace(spent=51_000_000_000, exceeded=True),
    ]
    answer = await check(gateway)
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
async def test_a_bad_question_about_budgets_is_told_what_is_wrong(gateway, question, part):
    await gateway.open()
    error = await refusal(gateway, CHECK, CheckBudgetRequest(**question))
    assert error.code() is Code.INVALID_ARGUMENT
    assert part in error.details()


UNKNOWN = UnpricedCalls(
    "openai", ("new-1", "new"), "not known", "shop", 3, 3300, 5, 9, has_price=True
)


async def test_models_without_a_price_come_back_field_by_field(gateway):
    await gateway.open()
    gateway.queries.unknowns = UnknownAnswer([UNKNOWN], 5, 7)
    answer = ListUnpricedResponse.FromString(await ask(gateway, UNPRICED, ListUnpricedRequest()))
    [model] = answer.models
    assert (model.provider, list(model.models)) == ("openai", ["new-1", "new"])
    assert (model.reason, model.service, model.calls, model.tokens) == (
        "not known",
        "shop",
        3,
        3300,
    )
    assert (model.first_unix_nano, model.last_unix_nano, model.has_price) == (5, 9, True)
    assert (answer.models_left_out, answer.calls_left_out) == (4, 4)


async def test_a_reprice_comes_back_field_by_field(gateway):
    await gateway.open()
    gateway.queries.repricing = Repricing(
        7,
        (Difference("new", "", 5, 1, 2, unpriced_before=4, unpriced_after=3),),
        (Difference("daily", "u1", 6, 10, 20, 30, 40),),
        100,
        200,
        "v9",
        "p.yaml",
        2,
        (5, 9),
        is_partial=True,
    )
    question = RepriceRequest(start_unix_nano=5, end_unix_nano=9, dry_run=True)
    answer = RepriceResponse.FromString(await ask(gateway, REPRICE, question))
    assert gateway.queries.asked == [(5, 9, True)]
    assert (answer.calls, answer.before_nano_usd, answer.after_nano_usd) == (7, 100, 200)
    assert (answer.price_version, answer.price_file, answer.renamed_calls) == ("v9", "p.yaml", 2)
    assert (answer.start_unix_nano, answer.end_unix_nano, answer.is_partial) == (5, 9, True)
    [model], [budget] = answer.models, answer.budgets
    assert (model.model, model.calls, model.before_nano_usd, model.after_nano_usd) == (
        "new",
        5,
        1,
        2,
    )
    assert (model.unpriced_before, model.unpriced_after) == (4, 3)
    assert (budget.budget, budget.scope_id, budget.calls) == ("daily", "u1", 6)
    assert (budget.before_nano_usd, budget.after_nano_usd) == (10, 20)
    assert (budget.limit_nano_usd, budget.window_start_unix_s) == (30, 40)


async def test_a_reprice_without_an_end_has_none(gateway):
    await gateway.open()
    await ask(gateway, REPRICE, RepriceRequest())
    assert gateway.queries.asked == [(0, 2**63 - 1, False)]


@pytest.mark.parametrize(
    "question",
    [
        {"start_unix_nano": 9, "end_unix_nano": 9},
        {"start_unix_nano": 2**63},
        {"end_unix_nano": 2**64 - 1},
    ],
)
async def test_a_reprice_of_no_time_is_told_so(gateway, question):
    await gateway.open()
    error = await refusal(gateway, REPRICE, RepriceRequest(**question))
    assert error.code() is Code.INVALID_ARGUMENT
    assert "end_unix_nano: must be after start_unix_nano" in error.details()
    assert gateway.queries.asked == []


@pytest.mark.parametrize(
    ("method", "question"),
    [
        (REPRICE, RepriceRequest()),
        (EXCLUDE, ExcludeRequest(user="u")),
        (FORGET, ForgetRequest(user="u")),
    ],
)
async def test_a_change_from_elsewhere_is_denied_with_the_reason(
    gateway, monkeypatch, method, question
):
    """Guarantees: who can only reach the port cannot change the ledger."""
    monkeypatch.setattr(service_calls, "is_local_peer", lambda _peer: False)
    await gateway.open()
    error = await refusal(gateway, method, question)
    assert error.code() is Code.PERMISSION_DENIED
    assert "only callers over the loopback interface" in error.details()
    assert gateway.queries.asked == []
    await ask(gateway, UNPRICED, ListUnpricedRequest())


async def test_whatever_does_not_only_read_is_denied_from_elsewhere(gateway):
    """Guarantees: a method that is added is denied, or stands here as one that only reads."""
    access = Access(ApiTokens(), is_loopback=True)
    service = CostService(
        gateway.queries, gateway.queries, gateway.queries, lambda: gateway.health, access
    )
    for name in service.methods.keys() - READS_ONLY:
        with pytest.raises(ForbiddenError):
            service.check(name, Caller(is_local=False))
    assert service.methods.keys() > READS_ONLY


async def test_health_is_given_in_words(gateway):
    await gateway.open()
    gateway.health = Report("degraded", ("a is away",))
    answer = GetHealthResponse.FromString(await ask(gateway, HEALTH, GetHealthRequest()))
    assert (answer.status, list(answer.reasons)) == ("degraded", ["a is away"])
    assert answer.time_zone == "Asia/Tokyo"


async def test_a_reprice_beside_another_one_is_told_to_come_back(gateway):
    await gateway.open()
    gateway.queries.error = OverloadedError("another reprice is under way", 5.0)
    error = await refusal(gateway, REPRICE, RepriceRequest())
    assert (error.code(), error.details()) == (Code.UNAVAILABLE, "another reprice is under way")


async def test_how_far_a_reprice_has_come_is_told_to_everybody(gateway, monkeypatch):
    monkeypatch.setattr(service_calls, "is_local_peer", lambda _peer: False)
    await gateway.open()
    method = REPRICE.replace("Reprice", "GetJobProgress")
    answer = await ask(gateway, method, GetJobProgressRequest())
    assert not GetJobProgressResponse.FromString(answer).job
    gateway.queries.job_progress = JobProgress("undo", "traces", 5, 7, 3)
    answer = await ask(gateway, method, GetJobProgressRequest())
    assert GetJobProgressResponse.FromString(answer) == GetJobProgressResponse(
        job="undo", counted="traces", done=5, left=7, changed=3
    )
