"""What both clients answer, held to the documents of the API over the same ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from unit.surfaces.queries.conftest import NOW_S

from processor.client import NotFoundError
from processor.core.budgets import parse_budgets
from processor.core.model import Calendar
from processor.surfaces.api import Sources, get
from processor.surfaces.queries import CostQueries

FIRST, SECOND, UNKNOWN = (f"{number:032x}" for number in (1, 2, 3))


async def test_an_execution_is_the_sum_of_its_calls(asked, endpoint, usual):
    """Guarantees: the shape that other cost services have, and amounts that are no floats."""
    url = await endpoint(*usual)
    found, calls = await asked(
        url,
        lambda client: client.executions.get(FIRST),
        lambda client: client.traces.list(execution_id=FIRST, kind="llm"),
    )
    assert found["data"]["cost"] == Decimal("1.000000001")
    assert type(found["data"]["cost"]) is Decimal
    assert found["data"]["token_usage"] == {
        "prompt_tokens": 70, "completion_tokens": 30, "total_tokens": 100, "cached_tokens": 20,
    }  # fmt: skip
    assert "duration_ms" in found["data"]
    [call] = calls["data"]
    assert (call["model_name"], call["prompt_tokens"], call["completion_tokens"]) == (
        "gpt-4o", 70, 30,
    )  # fmt: skip
    assert call["cost"] == found["data"]["cost"]
    assert "duration_ms" in call


async def test_what_is_unknown_is_none_and_seen(asked, endpoint, usual):
    url = await endpoint(*usual)
    execution, calls, page, summary = await asked(
        url,
        lambda client: client.executions.get(UNKNOWN),
        lambda client: client.traces.list(execution_id=UNKNOWN),
        lambda client: client.calls.list(filters={"model": "who"}),
        lambda client: client.costs.get_summary(),
    )
    assert execution["data"]["at_least"]
    assert (calls["data"][0]["cost"], page.data[0].cost_usd) == (None, None)
    assert (page.data[0].at_least, page.data[0].agent) == (True, None)
    assert (summary.at_least, summary.unpriced_calls) == (True, 1)


async def test_an_execution_that_nobody_knows_is_an_error(asked, endpoint, usual):
    url = await endpoint(*usual)
    with pytest.raises(NotFoundError, match="nothing was charged") as caught:
        await asked(url, lambda client: client.executions.get("f" * 32))
    assert caught.value.status == 404


async def test_all_calls_of_an_execution_are_there(asked, endpoint, given_calls):
    """Guarantees: the calls add up to the execution, however many pages they fill."""
    url = await endpoint(*(given_calls.charged(number, number, 3) for number in range(1, 452)))
    whole, page, execution = await asked(
        url,
        lambda client: client.traces.list(execution_id=FIRST),
        lambda client: client.traces.list(execution_id=FIRST, limit=7),
        lambda client: client.executions.get(FIRST),
    )
    assert len({each["id"] for each in whole["data"]}) == 451
    assert sum(each["cost"] for each in whole["data"]) == execution["data"]["cost"]
    assert whole["next_cursor"] is None
    assert (len(page["data"]), bool(page["next_cursor"])) == (7, True)


async def test_a_summary_has_the_number_of_the_api(asked, endpoint, usual, ask):
    """Guarantees: totals are those of the API; executions are traces, each once."""
    queries = ask(*usual, dimensions=("team",))
    url = await endpoint(queries=queries)
    summary, today, writer, team, nobody = await asked(
        url,
        lambda client: client.costs.get_summary(),
        lambda client: client.costs.get_summary(window="today", time_zone="Asia/Tokyo"),
        lambda client: client.costs.get_agent_summary("writer"),
        lambda client: client.costs.get_summary(filters={"team": ["search, ads"]}),
        lambda client: client.costs.get_agent_summary("nobody, at all"),
    )
    document = await get(Sources(queries), "/costs")
    assert str(summary.total_cost) == document.totals.cost_usd == "5.000000003"
    assert (summary.total_executions, summary.total_tokens) == (4, 100)
    assert (summary.total_calls, summary.starting_at) == (5, None)
    assert today.starting_at == datetime(2027, 1, 15, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert (writer.total_cost, writer.total_executions) == (Decimal("5.000000001"), 2)
    assert (team.total_cost, team.total_executions) == (4, 1)
    assert (nobody.total_cost, nobody.total_executions) == (0, 0)


async def test_a_report_adds_up(asked, endpoint, usual):
    """Guarantees: the groups of every dimension have the totals together."""
    url = await endpoint(*usual)
    report = await asked(url, lambda client: client.costs.get_report(starting_at="2027-01-01"))
    for groups in (
        report.by_model, report.by_agent, report.by_task_type, report.by_provider,
        report.by_purpose,
    ):  # fmt: skip
        assert sum(each.cost for each in groups) == report.total_cost == Decimal("5.000000003")
        assert sum(each.requests for each in groups) == report.total_requests == 5
        assert sum(each.tokens for each in groups) == report.total_tokens
    assert [each.name for each in report.by_agent] == ["writer", "reader", None]
    assert report.cost_by_model == {"gpt-4o": Decimal("5.000000003"), "who": 0}
    assert report.requests_by_model == {"gpt-4o": 4, "who": 1}
    assert (report.cache_hits, report.cache_misses, report.cache_hit_rate) == (1, 4, 0.2)
    assert report.cache_savings == Decimal("5e-9")
    # Three misses have a known cost.
    assert report.estimated_savings == Decimal("1.666666668")
    assert (report.cached_tokens, report.prompt_cache_savings) == (20, Decimal("7e-9"))
    assert (report.efficiency_score, report.partial, report.at_least) == (None, (), True)
    assert report.period_start == datetime(2027, 1, 1, tzinfo=UTC)


async def test_a_report_that_calls_come_into_says_so(asked, endpoint, ask, usual, monkeypatch):
    """Guarantees: it is made again when something was charged meanwhile, and then says so."""
    queries, made = ask(*usual), []
    usage = CostQueries.usage

    async def moving(queries, request):
        report = await usage(queries, request)
        made.append(report)
        # As if a call was charged before each of the first answers.
        version = str(min(len(made), until))
        return replace(report, as_of=replace(report.as_of, version=version))

    monkeypatch.setattr(CostQueries, "usage", moving)
    url = await endpoint(queries=queries)
    until = 3
    report = await asked(url, lambda client: client.costs.get_report(by=("model",)))
    assert (report.partial, len(made)) == ((), 4)
    made.clear()
    until = 100
    report = await asked(url, lambda client: client.costs.get_report(by=("model",)))
    assert (len(made), "groups may" in report.partial[0]) == (4, True)


async def test_a_tracker_counts_from_its_start(asked, endpoint, usual, monkeypatch):
    """Guarantees: what was used before is in no number, nor what its filter leaves out."""
    started_s = NOW_S // 86_400 * 86_400 + 15

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return cls.fromtimestamp(started_s + 0.9, tz)

    monkeypatch.setattr("processor.client.resources.datetime", Clock)
    url = await endpoint(*usual)
    report, of_one = await asked(
        url,
        lambda client: client.tracker().report(),
        lambda client: client.tracker({"agent": "writer"}).report(by=()),
    )
    assert (report.total_cost, report.total_requests) == (Decimal("2e-9"), 3)
    assert report.requests_by_model == {"gpt-4o": 2, "who": 1}
    assert (of_one.total_requests, of_one.cache_hits, of_one.by_model) == (1, 1, None)
    assert (of_one.cache_misses, of_one.estimated_savings) == (0, None)


async def test_calls_are_records_in_pages(asked, endpoint, usual):
    url = await endpoint(*usual)
    page, rest = await asked(
        url,
        lambda client: client.calls.list(limit=4, window="7d"),
        lambda client: client.calls.list(filters={"session": "s1", "user": "u1"}),
    )
    assert (len(page.data), bool(page.next_cursor), rest.next_cursor) == (4, True, None)
    [call] = rest.data
    assert (call.id, call.task_id, call.session_id) == (f"{FIRST}:{1:016x}", "t1", "s1")
    assert (call.provider, call.model, call.purpose) == ("openai", "gpt-4o", "generate")
    assert (call.prompt_tokens, call.completion_tokens, call.total_tokens) == (70, 30, 100)
    assert (call.cost_usd, call.cached, call.cached_tokens) == (Decimal("1.000000001"), False, 20)
    assert call.timestamp == datetime(2027, 1, 15, 0, 0, 10, tzinfo=UTC)


async def test_budgets_and_sessions(asked, endpoint, usual):
    text = (
        "version: 1\nbudgets:\n- {name: each-user, scope: user, window: day, limit_usd: 0.5}\n"
        "- {name: in-tokens, scope: total, window: month, limit_tokens: 1000}\n"
    )
    policy = parse_budgets(text, "budgets.yaml")
    assert policy.calendar == Calendar(ZoneInfo("UTC"))
    url = await endpoint(*usual, policy=policy)
    budgets, session = await asked(
        url, lambda client: client.budgets.list(), lambda client: client.sessions.get("s1")
    )
    first, *_, last = budgets
    assert (first.budget, first.scope_id, first.state) == ("each-user", "u1", "exceeded")
    assert (first.limit_usd, first.spent_usd) == (Decimal("0.5"), Decimal("1.000000003"))
    assert (last.budget, last.limit_tokens, last.limit_usd) == ("in-tokens", 1000, None)
    assert session["costs"]["totals"]["cost_usd"] == Decimal("1.000000001")
    assert [each["trace_id"] for each in session["traces"]] == [FIRST]


async def test_names_may_have_any_characters(asked, endpoint, given_calls):
    """Guarantees: a name is quoted in paths and filters."""
    name = 'a/b?c=ä, "d"&100%'
    made = given_calls.charged
    url = await endpoint(made(1, 10, 3, agent=name, session=name))
    summary, session, report = await asked(
        url,
        lambda client: client.costs.get_agent_summary(name),
        lambda client: client.sessions.get(name),
        lambda client: client.costs.get_report(by=("agent",)),
    )
    assert summary.total_calls == session["costs"]["totals"]["calls"] == 1
    assert report.by_agent[0].name == name
