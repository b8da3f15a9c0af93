"""In front of a real Arize Phoenix: what it stores, answers and shows of the spans we wrote on."""

from __future__ import annotations

import json
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
from backends.conftest import get_json
from backends.running import HERE, free_ports, made_by, running
from e2e.applications import run_agents, tracer
from e2e.processes import wait_until

pytestmark = [pytest.mark.backend, pytest.mark.timeout(2700)]

PICTURES = HERE.parents[1] / ".cache" / "pictures"

# What was agreed with the vendor: half of the list price, which is what Phoenix counts with.
PRICES = """
version: 1
models:
  - {provider: openai, model: gpt-4o, prices: [{input: 1.25, output: 5.00, cache_read: 0.625}]}
"""
BUDGETS = """
version: 1
budgets:
  - {name: per-session, scope: session, limit_usd: 0.0050}
"""

NO_COST = {"total": {"cost": None}}


class Phoenix:
    """A running Phoenix: where it takes OTLP, and what it has stored."""

    def __init__(self, python, port, grpc):
        self.python = python
        self.url = f"http://127.0.0.1:{port}"
        self.grpc = f"http://127.0.0.1:{grpc}"

    def spans(self, project, count, timeout_s=30.0):
        """The spans of a project by name, once it has so many, as its REST API has them."""
        path = f"{self.url}/v1/projects/{urllib.parse.quote(project)}/spans?limit=1000"

        def found():
            shown = (get_json(path) or {"data": []})["data"]
            return shown if len(shown) >= count else None

        spans = wait_until(found, timeout_s, f"Phoenix did not show {count} spans of {project}")
        assert len(spans) == count
        return {span["name"]: span for span in spans}

    def ask(self, project, condition):
        """Names of spans that a filter finds, each with the cost that Phoenix itself counts."""
        query = """query ($condition: String) { projects { edges { node { name
            spans(first: 1000, filterCondition: $condition) { edges { node {
            name costSummary { total { cost } } } } } } } } }"""
        body = json.dumps({"query": query, "variables": {"condition": condition}}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/graphql", body, headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            projects = json.load(answer)["data"]["projects"]["edges"]
        (found,) = (each["node"] for each in projects if each["node"]["name"] == project)
        nodes = [edge["node"] for edge in found["spans"]["edges"]]
        return {node["name"]: (node["costSummary"] or NO_COST)["total"]["cost"] for node in nodes}


@pytest.fixture(scope="module")
def phoenix(tmp_path_factory):
    """Phoenix with a database of its own, which needs about fifteen seconds to start."""
    python = made_by("install_phoenix.sh")
    port, grpc = free_ports(2)
    program = Path(python).with_name("phoenix")
    with running(
        program, "serve",
        PHOENIX_HOST="127.0.0.1", PHOENIX_PORT=port, PHOENIX_GRPC_PORT=grpc,
        PHOENIX_WORKING_DIR=tmp_path_factory.mktemp("phoenix"),
        # It needs nothing from outside.
        PHOENIX_TELEMETRY_ENABLED="false", PHOENIX_ALLOW_EXTERNAL_RESOURCES="false",
        PHOENIX_DISABLE_AGENT_ASSISTANT="true",
    ) as process:  # fmt: skip
        process.wait_for("Application startup complete", timeout_s=300)
        yield Phoenix(python, port, grpc)


@pytest.fixture
def processor(serve, tmp_path):
    """Start the processor in front of an address."""
    pricing, budgets = tmp_path / "pricing.yaml", tmp_path / "budgets.yaml"
    pricing.write_text(PRICES)
    budgets.write_text(BUDGETS)

    def start(address, *flags):
        return serve("--forward-to", address, "--pricing", pricing, "--budgets", budgets, *flags)

    return start


def run_openinference(app):
    """A session with an agent and two calls, as OpenInference's instrumentations write them."""
    common = {"session.id": "s-1", "user.id": "u-1"}
    agent = {"openinference.span.kind": "AGENT", "input.value": "Which invoices are open?"}
    call = {
        "openinference.span.kind": "LLM",
        "llm.model_name": "gpt-4o",
        "llm.provider": "openai",
        "llm.token_count.prompt": 2000,
        "llm.token_count.completion": 200,
        "llm.token_count.total": 2200,
        "llm.token_count.prompt_details.cache_read": 800,
        "llm.input_messages.0.message.role": "user",
        "llm.input_messages.0.message.content": "Which invoices are open?",
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.content": "Two: 4711 and 4712.",
    }
    with app.start_as_current_span("auditor", attributes=agent | common):
        for name in ("ChatCompletion 1", "ChatCompletion 2"):
            app.start_span(name, attributes=call | common).end()


@pytest.mark.parametrize("way", ["grpc", "http"])
def test_phoenix_stores_cost_totals_and_budget_events(processor, phoenix, way):
    """Guarantees: whichever way they go, its API has every number, and the event with its cause."""
    address = phoenix.grpc if way == "grpc" else f"{phoenix.url}/v1/traces"
    listening = processor(address)
    provider, app = tracer(listening.port, **{"openinference.project.name": way})
    run_agents(app)
    provider.shutdown()
    spans = phoenix.spans(way, 7)
    plain = spans["chat plain"]["attributes"]
    assert plain["llm.cost_usd"] == 0.00225
    assert plain["llm.cost.status"] == "exact"
    assert spans["chat unknown"]["attributes"]["llm.cost.status"] == "unpriced"
    assert "llm.cost_usd" not in spans["chat unknown"]["attributes"]
    assert spans["invoke_agent planner"]["attributes"]["agent.total_cost_usd"] == 0.00525
    assert spans["POST /ask"]["attributes"]["session.total_cost_usd"] == 0.00525
    (event,) = spans["POST /ask"]["events"]
    assert event["name"] == "llm.budget.exceeded"
    assert event["attributes"]["budget.spent_usd"] == 0.00525
    assert event["attributes"]["budget.limit_usd"] == 0.005


def test_phoenix_finds_by_our_numbers_and_counts_with_its_own(processor, phoenix, tmp_path):
    """Guarantees: what our documentation says about filters, and about its cost column, is so."""
    config = tmp_path / "processor.yaml"
    config.write_text("emit: [openinference]")
    listening = processor(phoenix.grpc, "--config", config)
    provider, app = tracer(listening.port, **{"openinference.project.name": "asked"})
    run_agents(app)
    provider.shutdown()
    plain = phoenix.spans("asked", 7)["chat plain"]["attributes"]
    assert plain["llm.cost.total"] == plain["llm.cost_usd"] == 0.00225
    # It counts with its own list prices, whatever stands on the span: twice of what ours are here.
    assert phoenix.ask("asked", "llm.cost_usd >= 0.003") == {"chat cached": 0.006}
    assert phoenix.ask("asked", "llm.cost_usd < 0.003") == {"chat plain": pytest.approx(0.0045)}
    assert phoenix.ask("asked", "llm.cost.status == 'unpriced'").keys() >= {"chat unknown"}
    assert phoenix.ask("asked", "trace.total_cost_usd > 0.005") == {"POST /ask": None}


def test_phoenix_shows_cost_and_budget_event_on_its_page(processor, phoenix):
    """Guarantees: a person who opens the span in a browser sees both."""
    chromium = made_by("install_chromium.sh")
    listening = processor(phoenix.grpc)
    provider, app = tracer(listening.port, **{"openinference.project.name": "shown"})
    run_openinference(app)
    provider.shutdown()
    spans = phoenix.spans("shown", 3)
    PICTURES.mkdir(parents=True, exist_ok=True)
    page = subprocess.run(
        [
            phoenix.python, HERE / "phoenix_page.py",
            "--chromium", chromium,
            "--phoenix", phoenix.url,
            "--span", spans["ChatCompletion 2"]["context"]["span_id"],
            "--picture", PICTURES / "phoenix.png",
        ],
        capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert page.returncode == 0, page.stderr[-3000:]
    shown = json.loads(page.stdout)
    assert shown["attributes"]["llm.cost_usd"] == "0.003"
    assert shown["attributes"]["llm.cost.cache_read_usd"] == "0.0005"
    assert shown["attributes"]["llm.budget.exceeded"] == "per-session"
    assert shown["budget_event"]["budget.name"] == "per-session"
    assert shown["budget_event"]["budget.spent_usd"] == "0.006"
    assert shown["budget_event"]["budget.limit_usd"] == "0.005"
