"""The trace that the pages of deploy/ have their reader send."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from e2e.processes import ROOT, attributes


@pytest.mark.skipif(shutil.which("curl") is None, reason="NO CURL: the script sends with it")
def test_the_trial_trace_arrives_with_the_numbers_that_the_pages_name(serve, backend):
    """Guarantees: with the prices and budgets that come along, what is written there is seen."""
    processor = serve("--forward-to", f"127.0.0.1:{backend.port}")
    line = processor.wait_for("OTLP/HTTP at")
    address = f"http://{line.rsplit(' ', 1)[1]}"
    script = ROOT / "deploy" / "send_a_trace.sh"
    sent = subprocess.run(
        [script, address], capture_output=True, text=True, timeout=60, check=True
    ).stdout.split()
    spans = backend.by_name()
    assert len(backend.spans()) == 3
    agent, large = spans["invoke_agent trial"], spans["chat claude-opus-4-5"]
    assert {agent.trace_id.hex(), agent.span_id.hex(), large.span_id.hex()} < set(sent)
    assert attributes(spans["chat gpt-4o"])["llm.cost_usd"] == 0.0045
    assert attributes(large)["llm.cost_usd"] == 1.1
    assert attributes(large)["llm.budget.exceeded"] == "per-call"
    assert [event.name for event in large.events] == ["llm.budget.exceeded"]
    assert attributes(agent)["agent.total_cost_usd"] == 1.1045
    assert attributes(agent)["trace.total_cost_usd"] == 1.1045
