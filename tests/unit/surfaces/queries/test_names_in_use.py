"""Traces in pages, values of dimensions, and what the models that are used cost now."""

from __future__ import annotations

import pytest

from processor.core.errors import InvalidQuestionError
from processor.surfaces.queries import TimeRange, TracesRequest


async def test_traces_come_newest_first_in_pages(ask, given_calls):
    """Guarantees: pages hold every trace once; those of an owner only its own."""
    made = given_calls.charged
    queries = ask(*(made(n, n, n, trace=n, agent="ab"[n % 2], task="t1") for n in range(1, 6)))
    found, cursor = [], ""
    while True:
        page = await queries.traces(TracesRequest(cursor=cursor, limit=2))
        found += [each.totals.cost_nano_usd for each in page.traces]
        cursor = page.cursor
        if not cursor:
            break
    assert found == [5, 4, 3, 2, 1]
    page = await queries.traces(TracesRequest("agent", "a"))
    assert [each.totals.cost_nano_usd for each in page.traces] == [4, 2]


async def test_traces_of_what_no_trace_belongs_to_are_refused(ask):
    with pytest.raises(InvalidQuestionError, match=r"dimension: .*it takes session, user, task"):
        await ask().traces(TracesRequest("model", "m"))


async def test_a_cursor_of_one_owner_is_not_one_of_another(ask, given_calls):
    queries = ask(given_calls.charged(1, 1, user="u"), given_calls.charged(2, 1, trace=2, user="u"))
    page = await queries.traces(TracesRequest("user", "u", limit=1))
    with pytest.raises(InvalidQuestionError, match="belongs to another question"):
        await queries.traces(TracesRequest("user", "v", cursor=page.cursor))


async def test_dimensions_have_the_values_that_cost_most(ask, given_calls):
    """Guarantees: all dimensions are listed; values of those that are quickly ranked, or asked."""
    made = given_calls.charged
    queries = ask(
        made(1, 1, 5, agent="a", own=(("team", "x"),)), made(2, 2, 9, agent="b", user="u"),
        dimensions=("team",),
    )  # fmt: skip
    report = await queries.used_values((), TimeRange("today"))
    by_name = {each.name: each for each in report.dimensions}
    assert [group.values for group in by_name["agent"].values] == [("b",), ("a",)]
    assert [group.values for group in by_name["team"].values] == [("",), ("x",)]
    assert by_name["team"].is_own
    assert by_name["user"].values is None
    report = await queries.used_values(("user",), TimeRange("today"), limit=1)
    by_name = {each.name: each for each in report.dimensions}
    assert [group.values for group in by_name["user"].values] == [("u",)]
    assert (by_name["user"].further, by_name["agent"].values) == (1, None)


async def test_used_models_have_the_price_in_force(ask, given_calls):
    """Guarantees: what is used, at which rates, and who says so; unpriced ones say why."""
    made = given_calls.charged
    queries = ask(
        made(1, 1, 5, provider="openai", model="gpt-4o"),
        made(2, 2, 0, provider="openai", model="nobody-knows"),
    )
    report = await queries.prices(TimeRange("today"))
    priced, unpriced = report.models
    assert (priced.model, priced.price.source) == ("gpt-4o", "price_file")
    rates = {each.name: (each.usd, each.per) for each in priced.price.rates}
    assert (rates["input"], rates["output"]) == (("2.5", 10**6), ("10", 10**6))
    assert (unpriced.price.status, unpriced.price.rates, unpriced.price.source) == (
        "unpriced", (), "",
    )  # fmt: skip


async def test_agents_are_no_models(ask, given_calls):
    """Guarantees: what only begins a run has no price, and is not listed as a model."""
    made = given_calls.charged
    queries = ask(made(1, 1, 0, calls=0, agent_runs=1, kind="agent"), made(2, 2, 5, model="m"))
    assert [each.model for each in (await queries.prices(TimeRange("today"))).models] == ["m"]
