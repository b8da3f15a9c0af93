"""Guards around calls: what they ask, what they raise, and what becomes of a reservation."""

from __future__ import annotations

import asyncio
import logging
from decimal import Decimal
from itertools import count

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from processor.client import (
    AsyncCostClient,
    BudgetExceededError,
    BudgetGuard,
    BudgetUncheckedError,
    CostClient,
    InvalidQuestionError,
    ReservationSpanProcessor,
    guard,
)
from processor.client.spans import ATTRIBUTE
from processor.core.budgets import Budget, Policy
from processor.core.semconv import ReadOptions
from processor.surfaces.queries import BudgetChecks

USD = 10**9
GONE = "http://127.0.0.1:1"


@pytest.fixture
def known(ask, given_calls, catalog):
    """Checks over a ledger in which ada has spent 4.90 of 5 dollars."""
    utc = Policy().calendar
    policy = Policy((
        Budget("daily", "user", "day", 5 * USD, "usd", utc),
        Budget("tokens", "session", "none", 5000, "tokens", utc),
    ))  # fmt: skip
    queries = ask(
        given_calls.charged(1, 10, 49 * USD // 10, user="ada"),
        given_calls.charged(2, 20, 0, session="s", input_tokens=4900, trace=2),
        policy=policy,
    )  # fmt: skip
    numbers = count(1)
    checks = BudgetChecks(
        lambda: policy, queries._reader, lambda: catalog, ReadOptions,
        lambda: f"made-{next(numbers)}", now_ns=lambda: given_calls.NOW_S * 10**9,
    )  # fmt: skip
    return queries, checks


@pytest.fixture
async def place(endpoint, known):
    """Where these are asked."""
    queries, checks = known
    return await endpoint(queries=queries, checks=checks)


@pytest.fixture
def held(known):
    """The ids of what is held."""
    _, checks = known
    return lambda: set(checks.reservations._held)


async def by_with(made, body):
    def run():
        with made as verdict:
            return body(verdict)

    return await asyncio.to_thread(run)


async def by_async_with(made, body):
    async with made as verdict:
        return body(verdict)


async def by_decorator(made, body):
    return await asyncio.to_thread(made(lambda: body(None)))


async def by_async_decorator(made, body):
    @made
    async def answer():
        return body(None)

    return await answer()


ways = pytest.mark.parametrize(
    "use", [by_with, by_async_with, by_decorator, by_async_decorator],
    ids=["with", "async with", "decorator", "async decorator"],
)  # fmt: skip


@ways
async def test_a_call_within_the_budget_is_made(place, use, held):
    """Guarantees: what it holds is released where no span will, and nothing of it stays."""
    seen = []
    made = BudgetGuard(user="ada", estimate_usd="0.1", endpoint=place)
    assert await use(made, lambda _: seen.append(held()) or "done") == "done"
    assert [len(each) for each in seen] == [1]
    assert held() == set()
    assert await use(made, lambda _: "again") == "again"


@ways
async def test_a_call_beyond_the_budget_is_not_made(place, use, held):
    """Guarantees: the error has the figures, and says them in one line."""
    made = BudgetGuard(user="ada", estimate_usd=0.11, endpoint=place)
    with pytest.raises(BudgetExceededError) as caught:
        await use(made, lambda _: pytest.fail("it was made"))
    error = caught.value
    assert str(error) == "Budget exceeded: $4.90 / $5.00"
    assert (error.spent, error.limit, error.remaining) == (
        Decimal("4.9"), Decimal(5), Decimal("0.1"),
    )  # fmt: skip
    assert (error.budget, error.window) == ("daily", "day")
    assert error.resets_at.isoformat() == "2027-01-16T00:00:00+00:00"
    assert held() == set()


async def test_tokens_are_said_as_tokens(place):
    with pytest.raises(BudgetExceededError, match="Budget exceeded: 4900 / 5000 tokens"):
        await by_with(BudgetGuard({"session": "s"}, tokens=101, endpoint=place), print)


async def test_the_verdict_says_what_is_left(place):
    """Guarantees: without a reservation nothing is held."""
    made = BudgetGuard(
        user="ada", estimate_usd=Decimal("0.00000001"), reserve=False, endpoint=place
    )
    found = await by_with(made, lambda verdict: verdict)
    assert found.deciding.remaining == Decimal("0.1")
    assert found.estimate_usd == Decimal("0.00000001")
    assert found.not_checked == (("tokens", ("session",)),)
    assert found.reservation_id is None


@ways
async def test_a_processor_that_cannot_be_asked_stops_no_call(use, caplog):
    """Guarantees: it is logged once, until it could be asked again."""
    guard._in_trouble.clear()
    made = BudgetGuard(user="ada", endpoint=GONE)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert await use(made, lambda verdict: verdict) is None
    assert caplog.text.count("is not known, and it is made: http://127.0.0.1:1 cannot be") == 1


@ways
async def test_one_that_fails_closed_stops_every_call(use):
    made = BudgetGuard(user="ada", endpoint=GONE, on_failure="closed")
    with pytest.raises(BudgetUncheckedError, match=r"no call is made: .* is `llm-cost"):
        await use(made, lambda _: pytest.fail("it was made"))


async def test_a_slow_processor_is_waited_for_no_longer_than_set(answering):
    url = await answering(sent=0)
    made = BudgetGuard(user="ada", endpoint=url, timeout_s=0.05, on_failure="closed")
    with pytest.raises(BudgetUncheckedError, match="no answer in time"):
        await by_with(made, print)


async def test_a_mistake_is_said_however_it_fails(place):
    """Guarantees: a scope that there is not would check nothing for ever."""
    with pytest.raises(InvalidQuestionError, match="unknown value 'usr'"):
        await by_with(BudgetGuard(usr="ada", endpoint=place), print)
    with pytest.raises(ValueError, match="write http://host:8888"):
        BudgetGuard(user="ada", endpoint="ftp://x")
    with pytest.raises(TypeError, match="a generator cannot be guarded"):
        BudgetGuard(user="ada")(lambda: (yield))


async def test_one_guard_is_used_by_many_at_a_time(place, held):
    """Guarantees: each use has its own reservation, and what is left is never passed together."""
    made = BudgetGuard(user="ada", estimate_usd="0.03", endpoint=place, timeout_s=20)
    at_once, most = [], []

    async def answer():
        async with made:
            at_once.append(1)
            most.append(len(held()))
            await asyncio.sleep(0.01)
            at_once.pop()

    found = await asyncio.gather(*(answer() for _ in range(40)), return_exceptions=True)
    assert {type(each) for each in found if each is not None} == {BudgetExceededError}
    assert max(most) == 3
    assert held() == set()


async def test_guards_inside_each_other_end_each_for_itself(place, held):
    inner = BudgetGuard(user="ada", estimate_usd="0.01", endpoint=place)
    outer = BudgetGuard(user="ada", estimate_usd="0.02", endpoint=place)
    async with outer, inner, inner:
        assert len(held()) == 3
    assert held() == set()


@pytest.fixture
def traced():
    """A tracer whose provider knows of guards, and what it has exported."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(ReservationSpanProcessor())
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider.get_tracer("app"), exporter


def attributes(exporter):
    return {span.name: dict(span.attributes) for span in exporter.get_finished_spans()}


async def test_the_span_of_the_call_has_the_reservation(place, traced, held):
    """Guarantees: made by an instrumentation inside the guard; its charge then releases it."""
    tracer, exporter = traced
    with tracer.start_as_current_span("request"):
        async with BudgetGuard(user="ada", estimate_usd="0.01", endpoint=place) as verdict:
            with tracer.start_as_current_span("chat") as span:
                span.set_attribute("gen_ai.request.model", "gpt-4o")
        with tracer.start_as_current_span("after"):
            pass
    found = attributes(exporter)
    assert found["chat"][ATTRIBUTE] == found["request"][ATTRIBUTE] == verdict.reservation_id
    assert ATTRIBUTE not in found["after"]
    assert held() == {verdict.reservation_id}


async def test_a_guard_within_the_span_of_the_call_writes_on_it(place, held):
    """Guarantees: where a span is made by hand, no processor of spans is needed."""
    tracer = TracerProvider().get_tracer("app")
    with tracer.start_as_current_span("chat", attributes={"gen_ai.request.model": "m"}) as span:
        async with BudgetGuard(user="ada", estimate_usd="0.01", endpoint=place) as verdict:
            pass
        assert span.attributes[ATTRIBUTE] == verdict.reservation_id
    assert held() == {verdict.reservation_id}


async def test_what_no_call_has_taken_is_released(place, traced, held):
    """Guarantees: where the call was not made, as after an error before it."""
    tracer, _ = traced

    @BudgetGuard(user="ada", estimate_usd="0.01", endpoint=place)
    async def fail_before_the_call():
        with tracer.start_as_current_span("look something up"):
            raise KeyError("x")

    with pytest.raises(KeyError):
        await fail_before_the_call()
    assert held() == set()


async def test_a_call_that_goes_on_keeps_it(place, traced, held):
    """Guarantees: the span of a response that is streamed ends after the guard."""
    tracer, exporter = traced
    async with BudgetGuard(user="ada", estimate_usd="0.01", endpoint=place) as verdict:
        span = tracer.start_span("chat")
    assert held() == {verdict.reservation_id}
    span.end()
    assert attributes(exporter)["chat"][ATTRIBUTE] == verdict.reservation_id


async def test_both_clients_check_and_release(place, held):
    asked = {"estimate_usd": Decimal("0.05"), "reserve": True, "reservation_id": "mine"}

    def now():
        with CostClient(place) as client:
            found = client.budgets.check({"user": "ada"}, **asked)
            return found, client.budgets.release("mine"), client.budgets.release("mine")

    found, *released = await asyncio.to_thread(now)
    assert (found.reservation_id, released) == ("mine", [True, False])
    async with AsyncCostClient(place) as client:
        found = await client.budgets.check({"user": "ada"}, **asked)
        assert (found.allowed, found.expires_at is not None, held()) == (True, True, {"mine"})
        assert [await client.budgets.release("mine") for _ in range(2)] == [True, False]


def test_a_process_that_was_forked_shares_no_connection(monkeypatch):
    made = BudgetGuard(user="ada", endpoint=GONE)
    before = made._client()
    monkeypatch.setattr("os.getpid", lambda: 1)
    assert made._client() is not before
