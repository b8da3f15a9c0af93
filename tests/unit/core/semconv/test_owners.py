"""Whom a span belongs to."""

from __future__ import annotations

import pytest

from processor.core.model import NOBODY, Owner
from processor.core.semconv import ReadOptions, read
from processor.core.semconv.dialects.owners import OWNERS
from processor.core.semconv.owners import hash_user


@pytest.fixture
def read_mark(build_spans):
    def read_mark(options=None, **span):
        reading = read(build_spans(span), 10_000, options or ReadOptions())
        return (reading.marks or [None])[0]

    return read_mark


def test_owners_and_their_table_have_one_order() -> None:
    """A slot's position means the same in the table and in the owner."""
    assert (*OWNERS, "own_dimensions") == Owner._fields


@pytest.mark.parametrize(
    ("attributes", "owner"),
    [
        ({"session.id": "s", "user.id": "u"}, Owner(session="s", user="u")),
        ({"cost.user_id": "u", "user.id": "other"}, Owner(user="u")),
        ({"gen_ai.conversation.id": "c"}, Owner(session="c")),
        ({"cost.org_id": "o", "cost.feature": "f"}, Owner(org="o", feature="f")),
        ({"gen_ai.task.name": "t", "cost.agent": "a"}, Owner(agent="a", task="t")),
        ({"tag.tags": ("x", "y")}, Owner(feature="x,y")),
        ({"mlflow.trace.session": '"s"'}, Owner(session="s")),
        ({"metadata": '{"user_id": 7, "tenant_id": "o"}'}, Owner(user="7", org="o")),
        ({"gen_ai.request.user": "", "llm.user": "end-1"}, Owner(user="end-1")),
        ({"sessionId": "s", "userId": "u"}, Owner(session="s", user="u")),
        ({"threadId": "s", "trace.metadata.user_id": "u"}, Owner(session="s", user="u")),
        ({"gcp.vertex.agent.user_id": "u"}, Owner(user="u")),
        ({"metadata.requester_metadata": "{'user_id': 'u'}"}, Owner(user="u")),
        ({"metadata": '{"requester_metadata": {"user_id": "u"}}'}, Owner(user="u")),
        ({"llm.invocation_parameters": '{"user": "u"}'}, Owner(user="u")),
        (
            {"metadata.user_api_key_org_id": "o", "metadata.user_api_key_team_id": "t"},
            Owner(org="o"),
        ),
        ({"langsmith.metadata.lc_agent_name": "a"}, Owner(agent="a")),
        ({"metadata": '{"lc_agent_name": "a"}'}, Owner(agent="a")),
        ({"crewai.agent.role": "a"}, Owner(agent="a")),
        ({"recipient_agent_type": "a"}, Owner(agent="a")),
        (
            {"metadata.user_api_key_user_id": "owner", "metadata.user_api_key_end_user_id": "end"},
            Owner(user="end"),
        ),
        ({"metadata": '{"user_api_key_end_user_id": "end", "user_id": "key"}'}, Owner(user="end")),
        ({"metadata.user_api_key_user_id": "owner"}, Owner(user="owner")),
        ({"ai.telemetry.metadata.session_id": "s"}, Owner(session="s")),
        ({"traceloop.association.properties.userId": "u"}, Owner(user="u")),
        ({"langsmith.metadata.tenant_id": "o"}, Owner(org="o")),
        (
            {"cost.task_id": "7", "cost.task": "t", "cost.task_title": "T"},
            Owner(task="7", task_title="T"),
        ),
        ({"task.title": "T"}, Owner(task_title="T")),
        (
            {"cost.task_type": "review", "task.type": "x", "cost.purpose": "analyze"},
            Owner(task_type="review", purpose="analyze"),
        ),
        ({"gen_ai.task.type": "research", "gen_ai.task.kind": "x"}, Owner(task_type="research")),
        ({"litellm.request.purpose": "summarize"}, Owner(purpose="summarize")),
        ({"langsmith.metadata.purpose": "explain"}, Owner(purpose="explain")),
        ({"ai.telemetry.metadata.taskType": "review"}, Owner(task_type="review")),
        (
            {"metadata": '{"task_id": 7, "task_title": "T", "purpose": "p"}'},
            Owner(task="7", task_title="T", purpose="p"),
        ),
        # CrewAI by way of OpenInference.
        (
            {"openinference.span.kind": "CHAIN", "task_id": "7", "task_name": "T"},
            Owner(task="7", task_title="T"),
        ),
        ({"gen_ai.agent.name": "Ada", "gen_ai.agent.id": "a-1"}, Owner(agent="Ada")),
        ({"genkit:sessionId": "s"}, Owner(session="s")),
        (
            {"traceloop.span.kind": "task", "traceloop.entity.name": "t", "user.id": "u"},
            Owner(user="u"),
        ),
    ],
)
def test_a_span_that_names_an_owner_is_a_mark(read_mark, attributes, owner) -> None:
    """Any dialect's owner makes a plain span worth keeping."""
    mark = read_mark(attributes=attributes)
    assert (mark.own, mark.is_agent) == (owner, False)


@pytest.mark.parametrize(
    "attributes",
    [
        {"thread.id": 12345},
        {"thread.id": "main"},
        {"langsmith.trace.session_id": "project"},
        {"session.id": " "},
        {"metadata": "not json"},
        {"http.method": "GET"},
    ],
)
def test_what_names_no_owner_leaves_no_mark(read_mark, attributes) -> None:
    """OS threads, projects and blanks are nobody."""
    assert read_mark(attributes=attributes) is None


def test_an_agents_id_names_it_only_on_its_own_span(read_mark) -> None:
    """A call below knows the id alone; its agent is the one above it, by name."""
    ids = {"gen_ai.agent.id": "one", "agent.id": "one"}
    mark = read_mark(attributes={"mastra.span.type": "agent_run", **ids}, name="agent.one")
    assert (mark.is_agent, mark.own.agent) == (True, "one")
    assert read_mark(attributes={"user.id": "u", **ids}).own == Owner(user="u")


def test_plain_names_count_on_spans_that_say_what_they_are(read_mark) -> None:
    """A `user_id` of a database is nobody; that of a chain is a user."""
    plain = {"user_id": "u", "session_id": "s"}
    assert read_mark(attributes={"db.system.name": "postgresql", **plain}) is None
    mark = read_mark(attributes={"openinference.span.kind": "CHAIN", **plain})
    assert mark.own == Owner(user="u", session="s")


def test_a_traceloop_entity_names_an_agent_only_if_it_is_one(read_mark) -> None:
    """The entity of an agent's span is the agent."""
    mark = read_mark(attributes={"traceloop.span.kind": "agent", "traceloop.entity.name": "Ada"})
    assert (mark.is_agent, mark.own.agent) == (True, "Ada")


def test_scope_and_resource_are_inherited_the_scope_first(read_mark) -> None:
    """What surrounds a span never counts as its own, and makes no mark by itself."""
    context = {
        "scope_attributes": {"user.id": "near"},
        "resource": {"user.id": "far", "team.id": "search", "service.name": "svc"},
    }
    mark = read_mark(attributes={"session.id": "s"}, **context)
    assert mark.own == Owner(session="s")
    assert mark.inherited == Owner(user="near", org="search")
    assert mark.service == "svc"
    assert read_mark(attributes={"http.method": "GET"}, **context) is None


def test_an_editor_window_is_no_conversation(read_mark) -> None:
    """Copilot's resource session is a window; another service's is a session."""
    span = {"attributes": {"user.id": "u"}}
    window = {"service.name": "copilot-chat", "session.id": "w"}
    assert read_mark(**span, resource=window).inherited == NOBODY
    service = {"service.name": "svc", "session.id": "s"}
    assert read_mark(**span, resource=service).inherited == Owner(session="s")


def test_users_are_hashed_on_the_way_in(read_mark) -> None:
    """With a salt no user id gets through, and the same user stays the same."""
    options = ReadOptions(user_hash_salt="pepper" * 50)
    span = {
        "attributes": {"session.id": "s", "user.id": "ada"},
        "resource": {"enduser.id": "ada"},
    }
    mark = read_mark(options, **span)
    assert mark.own == Owner(session="s", user=hash_user("ada", "pepper" * 50))
    assert mark.inherited.user == mark.own.user
    assert "ada" not in repr(mark)
    assert hash_user("ada", "pepper") != hash_user("ada", "salt")


def test_an_endless_id_is_bounded(read_mark) -> None:
    """A sender cannot make the ledger hold a megabyte of id."""
    one = read_mark(attributes={"session.id": "x" * 10**6})
    other = read_mark(attributes={"session.id": "x" * (10**6 + 1)})
    assert len(one.own.session) == len(other.own.session) == 256
    assert one.own.session != other.own.session
