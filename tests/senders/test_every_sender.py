"""What any SDK sends, over any protocol it has, comes out whole and with its exact cost."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import pytest
from clients.runs import plain
from senders.runs import TEAM, Line, Run
from senders.table import AGENT, CALLS, LINKED, ROOT, SENDERS, SPANS, WHOLE_NANO_USD, Sender

pytestmark = [pytest.mark.clients, pytest.mark.timeout(2700)]

WRITTEN = ("llm.", "agent.", "trace.", "session.")
"""How the names begin that the processor writes."""
SDK_LANGUAGES = {"javascript": "nodejs"}
TAKES_AS_WRITTEN = {"rust"}
"""Languages whose SDK leaves percent-encoding in OTEL_RESOURCE_ATTRIBUTES as it is."""


@pytest.fixture(scope="module", params=SENDERS, ids=str)
def run(request: pytest.FixtureRequest, open_line: Line, send_or_skip: Callable[..., Run]) -> Run:
    """One run of each sender."""
    return send_or_skip(open_line, request.param)


@pytest.fixture
def sender(request: pytest.FixtureRequest) -> Sender:
    """The sender that has run."""
    found: Sender = request.node.callspec.params["run"]
    return found


def test_the_sender_is_answered_that_everything_was_taken(run: Run) -> None:
    """Guarantees: its SDK has nothing to complain about."""
    assert (run.exit_code, run.errors) == (0, "")


def test_spans_arrive_as_they_were_sent(run: Run) -> None:
    """Guarantees: each once, with its ids, kind, times, scope and attributes."""
    assert len(run.arrivals) == len(SPANS)
    ids = run.ids["spans"]
    assert {name: found.span.span_id.hex() for name, found in run.found.items()} == ids
    for name, sent in SPANS.items():
        found = run.found[name]
        assert found.span.parent_span_id.hex() == ids.get(sent.parent, "")
        assert found.span.kind == sent.kind
        assert 0 < found.span.start_time_unix_nano <= found.span.end_time_unix_nano
        assert (found.scope, found.scope_version) == ("sender", "1.0")
        own = {key: value for key, value in found.attributes.items() if not key.startswith(WRITTEN)}
        assert own == sent.attributes


def test_links_and_events_are_kept(run: Run) -> None:
    """Guarantees: the parts of a span that cost nothing are passed on too."""
    (link,) = run.found[ROOT].span.links
    assert (link.trace_id.hex(), link.span_id.hex()) == LINKED
    assert plain(link) == {"why": "retry"}
    (event,) = run.found["chat gpt-4o-mini"].span.events
    assert (event.name, plain(event)) == ("first token", {"index": 1})


def test_the_resource_is_kept(run: Run, sender: Sender) -> None:
    """Guarantees: what the environment says of the service is there, special characters and all."""
    resource = plain(run.arrivals[0][0])
    assert resource["service.name"] == "shop"
    assert resource["session.id"] == run.session
    assert resource["deployment.environment.name"] == "test"
    assert resource["team"] == (quote(TEAM) if sender.language in TAKES_AS_WRITTEN else TEAM)
    language = SDK_LANGUAGES.get(sender.language, sender.language)
    assert resource["telemetry.sdk.language"] == language


def test_every_call_has_its_exact_cost(run: Run) -> None:
    """Guarantees: to the nano-dollar, and nothing on what is no call."""
    costs = {name: found.cost_nano_usd for name, found in run.found.items()}
    assert costs == {name: sent.cost_nano_usd for name, sent in SPANS.items()}
    statuses = {name: found.status for name, found in run.found.items()}
    assert statuses == {name: "exact" if SPANS[name].cost_nano_usd else "" for name in SPANS}


def test_totals_stand_on_agent_and_root_and_in_the_ledger(run: Run) -> None:
    """Guarantees: the parts add up to the whole, for the session that the resource names."""
    agent, root = run.found[AGENT].attributes, run.found[ROOT].attributes
    shown = [
        (agent["agent.total_cost_usd"], agent["agent.llm_calls"]),
        (root["trace.total_cost_usd"], root["trace.llm_calls"]),
    ]
    assert [(round(usd * 10**9), calls) for usd, calls in shown] == [(WHOLE_NANO_USD, CALLS)] * 2
    total = run.session_totals
    assert (total.cost_nano_usd, total.calls) == (WHOLE_NANO_USD, CALLS)


def test_metrics_and_logs_arrive(run: Run) -> None:
    """Guarantees: the two other signals take the same way."""
    metric = next(metric for metric in run.metrics() if metric.name == "questions")
    (point,) = metric.sum.data_points
    assert (point.as_int or point.as_double, plain(point)) == (1, {"kind": "weather"})
    (record,) = run.logs()
    assert (record.body.string_value, record.severity_number) == ("asked", 9)
