"""The Python client, of the process as users run it, with traffic of a real SDK."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from decimal import Decimal

import pytest
from e2e.applications import BUDGETS, PRICES, chat, run_agents, tracer
from e2e.processes import ROOT, total_nano_usd
from e2e.test_telemetry import base_url

from processor.client import (
    AsyncCostClient,
    CostClient,
    UnauthenticatedError,
    UnreachableError,
)

TOKEN = "a-token-of-some-length"
README = (ROOT / "README.md").read_text(encoding="utf-8")
[EXAMPLE] = re.findall(r"## Ask from Python\n.*?```python\n(.*?)```", README, re.DOTALL)


@pytest.fixture
def process(serve, tmp_path):
    """A processor with known prices, whose API needs a token."""
    (tmp_path / "pricing.yaml").write_text(PRICES)
    (tmp_path / "budgets.yaml").write_text(BUDGETS)
    (tmp_path / "processor.yaml").write_text(f'api: {{read_tokens: ["{TOKEN}"]}}\n')
    return serve(
        "--config", tmp_path / "processor.yaml", "--pricing", tmp_path / "pricing.yaml",
        "--budgets", tmp_path / "budgets.yaml",
    )  # fmt: skip


@pytest.fixture
def charged(process):
    """The trace of a run whose spans have arrived."""
    provider, app = tracer(process.port)
    trace_id = run_agents(app)
    provider.shutdown()
    return trace_id


def test_an_application_reads_what_it_has_just_cost(process, charged):
    """Guarantees: the ledger's number under the names of other cost services, by both clients."""
    total = Decimal(total_nano_usd(process.port, "total", token=TOKEN)).scaleb(-9)
    with CostClient(base_url(process), TOKEN) as client:
        execution = client.executions.get(charged)["data"]
        calls = client.traces.list(execution_id=charged, kind="llm")["data"]
        summary = client.costs.get_summary()
        planner = client.costs.get_agent_summary("planner")
        report = client.costs.get_report(window="24h")
        records = client.calls.list(filters={"kind": "llm"}).data
        budgets = client.budgets.list()
    assert execution["cost"] == summary.total_cost == report.total_cost == total > 0
    assert (execution["at_least"], summary.at_least) == (True, True)
    assert sum(each["cost"] for each in calls if each["cost"] is not None) == total
    assert {each["model_name"] for each in calls} == {"gpt-4o", "nobody-knows-this", "claude-test"}
    assert [each["cost"] for each in calls if each["model_name"] == "nobody-knows-this"] == [None]
    assert execution["duration_ms"] > 0 < calls[0]["duration_ms"]
    assert (summary.total_executions, planner.total_executions) == (1, 1)
    assert summary.total_tokens == sum(each.total_tokens for each in records)
    assert {each.name for each in report.by_agent} == {"planner", None}
    [task] = [each for each in records if each.task_id == "T-9"]
    assert (task.purpose, task.model, task.cost_usd) == (
        "explain",
        "claude-test",
        Decimal("0.00045"),
    )
    assert {each.budget for each in budgets} == {"per-call", "per-session"}

    async def asked():
        async with AsyncCostClient(base_url(process), TOKEN) as client:
            return await asyncio.gather(
                client.costs.get_summary(), client.costs.get_report(window="24h")
            )

    assert asyncio.run(asked()) == [summary, report]


def test_a_tracker_follows_what_one_session_uses(process, charged):
    """Guarantees: what is used while it runs, of calls that meet its filter, and nothing twice."""
    assert charged
    with CostClient(base_url(process), TOKEN) as client:
        tracker = client.tracker({"session": "s-2"})
        provider, app = tracer(process.port)
        assert tracker.report().total_requests == 0
        for tokens in ((1000, 200), (1000, 200), (2000, 100)):
            chat(app, "chat", tokens=tokens, session__id="s-2")
        provider.shutdown()
        report = tracker.report()
        assert report == tracker.report()
    assert report.requests_by_model == {"gpt-4o": 3}
    assert report.cost_by_model == {"gpt-4o": Decimal("0.015")}
    assert (report.cache_hits, report.cache_misses, report.estimated_savings) == (0, 3, 0)


def test_what_is_refused_and_what_has_stopped_is_said(process):
    url = base_url(process)
    with CostClient(url, "") as client:
        with pytest.raises(UnauthenticatedError, match="LLM_COST_TOKEN"):
            client.costs.get_summary()
        process.stop()
        with pytest.raises(UnreachableError, match="llm-cost serve"):
            client.costs.get_summary()


def test_the_example_of_the_readme_runs(process, charged):
    """Guarantees: what a user pastes first works, with nothing but the address in it changed."""
    assert charged
    total = Decimal(total_nano_usd(process.port, "total", token=TOKEN)).scaleb(-9)
    program = EXAMPLE.replace("CostClient()", f'CostClient("{base_url(process)}")')
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "LLM_COST_TOKEN": TOKEN},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    first, *agents = done.stdout.splitlines()
    assert first == f"today {total:f}"
    assert {each.split()[0] for each in agents} == {"planner", "None"}
    assert sum(Decimal(each.split()[1]) for each in agents) == total
    assert [each for each in agents if each.endswith("at least")]
