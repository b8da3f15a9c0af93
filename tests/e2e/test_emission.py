"""Costs under the names of other tools, as they reach a backend that adds them up."""

from __future__ import annotations

import json

import pytest
from e2e.applications import PRICES, chat, run_agents, tracer
from e2e.processes import attributes


def test_other_tools_names_add_up_to_the_ledgers_total(serve, backend, tmp_path):
    """Guarantees: on priced calls alone, never on agents, and nothing of the sender is replaced."""
    (tmp_path / "pricing.yaml").write_text(PRICES)
    (tmp_path / "config.yaml").write_text("emit: [langfuse, openinference, logfire]\n")
    processor = serve(
        "--config", tmp_path / "config.yaml", "--pricing", tmp_path / "pricing.yaml",
        "--forward-to", f"http://127.0.0.1:{backend.port}",
    )  # fmt: skip
    provider, sdk = tracer(processor.port)
    run_agents(sdk)
    chat(sdk, "reported already", **{"operation.cost": 0.5})
    provider.shutdown()
    found = {name: attributes(span) for name, span in backend.by_name().items()}
    reported = found.pop("reported already")
    assert reported["operation.cost"] == 0.5
    assert reported["llm.cost.total"] == reported["llm.cost_usd"] == 0.0045
    assert "llm.cost.total" not in found["invoke_agent planner"]
    assert "llm.cost.total" not in found["chat unknown"]
    priced = [span for span in found.values() if "llm.cost.total" in span]
    for span in priced:
        details = json.loads(span["langfuse.observation.cost_details"])
        assert details["total"] == span["operation.cost"] == span["llm.cost_usd"]
    root = found["POST /ask"]
    assert sum(span["llm.cost.total"] for span in priced) == pytest.approx(
        root["trace.total_cost_usd"], abs=1e-12
    )
