"""In front of a real Jaeger: what its own API shows of the spans that we wrote on."""

from __future__ import annotations

import pytest
from e2e.applications import BUDGETS, PRICES, run_agents, tracer

pytestmark = [pytest.mark.backend, pytest.mark.timeout(2700)]


def test_jaeger_shows_cost_totals_and_budget_events(serve, jaeger, tmp_path):
    """Guarantees: a user of Jaeger finds every number, and the event next to its cause."""
    pricing, budgets = tmp_path / "pricing.yaml", tmp_path / "budgets.yaml"
    pricing.write_text(PRICES)
    budgets.write_text(BUDGETS)
    processor = serve(
        "--forward-to", f"127.0.0.1:{jaeger.otlp}", "--pricing", pricing, "--budgets", budgets
    )  # fmt: skip
    provider, app = tracer(processor.port)
    trace_id = run_agents(app)
    provider.shutdown()
    spans = jaeger.trace(trace_id, spans=7)
    plain, _ = spans["chat plain"]
    assert plain["llm.cost_usd"] == 0.0045
    assert plain["llm.cost.status"] == "exact"
    unknown, _ = spans["chat unknown"]
    assert "llm.cost_usd" not in unknown
    assert unknown["llm.cost.status"] == "unpriced"
    agent, _ = spans["invoke_agent planner"]
    assert agent["agent.total_cost_usd"] == 0.0105
    root, logs = spans["POST /ask"]
    assert root["trace.total_cost_usd"] == 0.01095
    assert root["session.total_cost_usd"] == 0.01095
    events = {log["event"]: log for log in logs}
    assert events["llm.budget.exceeded"]["budget.name"] == "per-session"
    assert events["llm.budget.exceeded"]["budget.limit_usd"] == 0.01
