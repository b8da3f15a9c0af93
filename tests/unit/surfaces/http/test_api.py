"""The API over HTTP: forms, problems, entity tags, pages, and how much one caller may ask."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
from dataclasses import replace

import pytest

from processor.core.errors import (
    LedgerUnavailableError,
    OverloadedError,
    QuestionTooSlowError,
)
from processor.surfaces.api import PREFIX, Sources, get, table_of, write_csv, write_json
from processor.surfaces.queries import AsOf

COSTS = "/costs?group_by=agent"


def without_moment(text):
    document = json.loads(text)
    document["as_of"].pop("read_at")
    return document


async def test_the_answer_is_the_document(client, small):
    """Guarantees: over HTTP stands what commands give as well."""
    response = await client(COSTS)
    assert (response.status, response.content_type) == (200, "application/json")
    document = await get(Sources(small), "/costs", [("group_by", "agent")])
    assert response.body_text == write_json(document)


@pytest.mark.parametrize(
    ("query", "accept"), [("&format=csv", None), ("", "text/csv"), ("", "text/*;q=1, */*;q=0.1")]
)
async def test_csv_is_the_table(client, small, query, accept):
    response = await client(COSTS + query, headers={"Accept": accept} if accept else None)
    assert (response.status, response.headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
    document = await get(Sources(small), "/costs", [("group_by", "agent")])
    assert response.body_text == write_csv(table_of(document))
    assert len(list(csv.reader(io.StringIO(response.body_text)))) == 4


@pytest.mark.parametrize(
    ("accept", "status", "kind"),
    [
        ("*/*", 200, "application/json"),
        ("text/csv;q=0.5, application/json;q=0.4", 200, "text/csv"),
        ("text/csv, application/json", 200, "application/json"),
        ("application/*", 200, "application/json"),
        ("image/png", 406, "application/problem+json"),
        ("application/json;q=0, text/csv;q=x", 406, "application/problem+json"),
    ],
)
async def test_the_form_is_the_one_that_is_preferred(client, accept, status, kind):
    response = await client("/costs", headers={"Accept": accept})
    assert (response.status, response.content_type) == (status, kind)


@pytest.mark.parametrize(
    ("method", "path", "status", "word"),
    [
        ("GET", "/costs?windw=today", 400, "invalid-parameters"),
        ("GET", "/costs?window=%ff", 400, "invalid-parameters"),
        ("GET", "/costs?" + "&".join(["limit=1"] * 501), 400, "invalid-parameters"),
        ("GET", "/nothing", 404, "not-found"),
        ("GET", "/traces/" + "ab" * 16, 404, "not-found"),
        ("POST", "/costs", 405, "method"),
        ("DELETE", "/costs", 405, "method"),
        ("GET", "/costs?format=xml", 400, "invalid-parameters"),
    ],
)
async def test_what_is_wrong_is_a_problem(client, method, path, status, word):
    """Guarantees: RFC 9457, with what is wrong in words, and no cost."""
    response = await client(path, method=method)
    problem = json.loads(response.body_text)
    assert (response.status, problem["status"]) == (status, status)
    assert response.content_type == "application/problem+json"
    assert problem["type"] == f"urn:llm-cost:problem:{word}"
    assert set(problem) == {"type", "title", "status", "detail", "errors"}
    assert ("Allow" in response.headers) == (status == 405)


async def test_a_problem_names_the_parameter_the_fix_and_the_choices(client):
    response = await client("/costs?group_by=agnet&bucket=1d")
    [error] = json.loads(response.body_text)["errors"]
    assert error["parameter"] == "group_by"
    assert error["fix"] == "did you mean agent?"
    assert "model" in error["choices"]


async def test_a_question_has_no_body(session, client):
    response = await client("/costs")
    url = str(response.url)
    async with session.get(url, data=b"x") as answered:
        assert answered.status == 413


@pytest.mark.parametrize(
    ("error", "status", "delay"),
    [
        (OverloadedError("64 questions wait", 2.5), 503, "3"),
        (LedgerUnavailableError("locked"), 503, "1"),
        (QuestionTooSlowError("takes longer than 10 s"), 503, "5"),
        (RuntimeError("a secret"), 500, None),
    ],
)
async def test_what_the_ledger_cannot_answer_now(client, small, monkeypatch, error, status, delay):
    """Guarantees: a delay where asking again can help, and nothing of what is inside."""

    async def fail(*_):
        raise error

    monkeypatch.setattr(small, "usage", fail)
    response = await client("/costs")
    assert (response.status, response.headers.get("Retry-After")) == (status, delay)
    assert "secret" not in response.body_text


async def test_an_answer_that_is_known_is_not_sent_again(client):
    """Guarantees: the tag is that of ledger and question; another question has another."""
    first = await client("/costs")
    tag = {"If-None-Match": first.headers["ETag"]}
    again = await client("/costs", headers=tag)
    assert (again.status, again.body_text) == (304, "")
    assert again.headers["ETag"] == first.headers["ETag"]
    for path in ("/costs?limit=3", "/costs?format=csv", "/calls"):
        assert (await client(path, headers=tag)).status == 200
    assert (
        await client("/costs", headers={"If-None-Match": '"x", ' + tag["If-None-Match"]})
    ).status == 304


async def test_a_change_of_the_ledger_makes_another_answer(client, small, monkeypatch):
    tag = {"If-None-Match": (await client("/costs")).headers["ETag"]}

    async def changed():
        return AsOf(0, 0, "another")

    monkeypatch.setattr(small, "freshness", changed)
    assert (await client("/costs", headers=tag)).status == 200


async def test_what_depends_on_now_is_another_answer_in_each_minute(client, monkeypatch):
    now = [600.0]
    monkeypatch.setattr("processor.surfaces.http.api.time.time", lambda: now[0])
    tag = {"If-None-Match": (await client("/costs?window=today")).headers["ETag"]}
    assert (await client("/costs?window=today", headers=tag)).status == 304
    now[0] += 60
    assert (await client("/costs?window=today", headers=tag)).status == 200


async def test_budgets_that_change_while_an_answer_is_made_make_the_next_one_another(
    client, small, monkeypatch
):
    """Guarantees: an answer under the old budgets never has the tag of one under the new."""
    usage = small.usage

    async def changing(request):
        report = await usage(request)
        monkeypatch.setattr(small, "_policy", lambda: replace(policy, version="another"))
        return report

    policy = small.policy
    monkeypatch.setattr(small, "usage", changing)
    tag = {"If-None-Match": (await client("/costs")).headers["ETag"]}
    monkeypatch.setattr(small, "usage", usage)
    assert (await client("/costs", headers=tag)).status == 200


async def test_the_state_of_the_processor_is_never_kept(client):
    assert "ETag" not in (await client("/status")).headers


async def test_head_is_the_same_without_a_body(client):
    got, head = await client("/costs"), await client("/costs", method="HEAD")
    assert (head.status, head.body_text) == (200, "")
    assert head.headers["ETag"] == got.headers["ETag"]
    assert int(head.headers["Content-Length"]) > 0


async def test_the_next_page_is_linked(client):
    response = await client("/calls?limit=2&filter[user]=u2&filter[user]=u1")
    link = response.headers["Link"]
    assert link.endswith('; rel="next"')
    path = link.partition(">")[0].removeprefix(f"<{PREFIX}")
    after = json.loads((await client(path)).body_text)
    assert len(after["data"]) == 1
    assert after["next_cursor"] is None


async def first_done(tasks, count):
    """The first of some tasks that are done, and the others."""
    done, waiting = set(), set(tasks)
    while len(done) < count:
        more, waiting = await asyncio.wait(waiting, timeout=10, return_when="FIRST_COMPLETED")
        done |= more
    return done, waiting


async def test_one_caller_leaves_room_for_others(client, small, monkeypatch):
    """Guarantees: beyond 16 questions under way a caller is asked to wait."""
    going = asyncio.Event()
    usage = small.usage

    async def wait(request):
        await going.wait()
        return await usage(request)

    await client("/costs")
    monkeypatch.setattr(small, "usage", wait)
    asked = [asyncio.create_task(client("/costs")) for _ in range(20)]
    done, waiting = await first_done(asked, 4)
    assert {task.result().status for task in done} == {429}
    going.set()
    assert [(await task).status for task in waiting] == [200] * 16


async def test_few_answers_are_made_at_a_time(client, small, monkeypatch):
    """Guarantees: memory for answers is bounded, however many ask."""
    going, most, now = asyncio.Event(), [0], [0]
    usage = small.usage

    async def wait(request):
        now[0] += 1
        most[0] = max(most[0], now[0])
        await going.wait()
        now[0] -= 1
        return await usage(request)

    await client("/costs")
    monkeypatch.setattr(small, "usage", wait)
    monkeypatch.setattr("processor.surfaces.http.api._WAITING_MAX", 6)
    asked = [asyncio.create_task(client("/costs")) for _ in range(12)]
    await first_done(asked, 3)
    going.set()
    answers = [await task for task in asked]
    assert sorted(each.status for each in answers) == [200] * 9 + [503] * 3
    assert most == [3]


async def test_a_question_is_given_up_when_the_client_has_gone(client, session, small, monkeypatch):
    """Guarantees: the ledger does not go on reading for nobody."""
    url = str((await client("/costs")).url)
    begun, given_up = asyncio.Event(), asyncio.Event()

    async def wait(_):
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            given_up.set()

    monkeypatch.setattr(small, "usage", wait)
    asked = asyncio.create_task(session.get(url))
    await asyncio.wait_for(begun.wait(), 10)
    asked.cancel()
    await asyncio.wait_for(given_up.wait(), 10)


async def test_a_question_may_name_many_values(client):
    """Guarantees: a hundred long names fit into an address."""
    names = ",".join(f"{number:0200}" for number in range(100))
    response = await client(f"/costs?filter[user]={names}")
    assert response.status == 200


async def test_the_description_names_every_path(client):
    response = await client("/openapi.json")
    described = json.loads(response.body_text)
    assert described["openapi"] == "3.1.0"
    assert "/traces/{trace_id}" in described["paths"]
    operation = described["paths"]["/costs"]["get"]
    names = {each["name"]: each for each in operation["parameters"]}
    assert names["filter"]["style"] == "deepObject"
    assert names["limit"]["schema"]["maximum"] == 1000
    assert {"200", "304", "400", "401", "403", "404", "405", "406", "413", "429", "500", "503"} == (
        set(operation["responses"])
    )
    assert "304" not in described["paths"]["/status"]["get"]["responses"], "it is never kept"


async def test_only_a_tree_may_be_of_a_run(client):
    """Guarantees: the description says which ids a path takes."""
    paths = json.loads((await client("/openapi.json")).body_text)["paths"]
    run = f"{1:032x}:{1:016x}"
    for path, is_taken in (("/traces/{trace_id}", True), ("/executions/{trace_id}", False)):
        named = {each["name"]: each for each in paths[path]["get"]["parameters"]}
        assert bool(re.fullmatch(named["trace_id"]["schema"]["pattern"], run)) == is_taken
    assert (await client(f"/executions/{run}")).status == 400
