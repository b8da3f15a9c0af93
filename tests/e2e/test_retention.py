"""Calls that are too old go, as an operator sees it: totals stay, and what comes late is named."""

from __future__ import annotations

import json

import pytest
from e2e.operators import batch
from e2e.processes import attributes

HOUR_S = 3600
FIRST = batch((1, "gpt-4o", "s-1"), (2, "brand-new", "s-1"))
LATER = batch((1, "gpt-4o", "s-2"), trace=2, at_s=10 * HOUR_S)


@pytest.mark.timeout(120)
def test_calls_go_after_a_restart_and_no_total_moves(operator, tmp_path):
    """Guarantees: before and after, with the same process and the next one."""
    settings = tmp_path / "settings.yaml"
    settings.write_text("ledger: {retention: {calls: 2h, keys: 20h, traces: 30h}}\n")
    plain = operator.serve
    operator.serve = lambda *flags, **more: plain("--config", settings, *flags, **more)

    processor = operator.start()
    first = operator.send(FIRST)
    operator.send(LATER)
    before = operator.totals()
    assert processor.stop() == 0

    processor = operator.start()
    processor.wait_for("the calls of 1 trace that ended before 2026-09-21 22:00 UTC are deleted")
    assert operator.totals() == before
    again = {name: attributes(span) for name, span in operator.send(FIRST).items()}
    assert {each["llm.cost.status"] for each in again.values()} == {"late"}
    assert "(ledger.retention.calls)" in again["call 1"]["llm.cost.reason"]
    assert "llm.cost_usd" not in again["call 1"]
    assert "llm.cost_usd" in attributes(first["call 1"])
    assert operator.totals() == before, "a repeat of what is deleted changes nothing"

    late = attributes(operator.send(batch((7, "gpt-4o", "s-1")))["call 7"])
    assert late["llm.cost.status"] == "late"
    total = operator.totals()["total", ""]
    assert (total.at_least, total.unpriced_calls, total.calls) == (True, 2, 3)
    assert total.cost_nano_usd == before["total", ""].cost_nano_usd

    [unknown] = json.loads(operator.run("unpriced", "--json", *operator.api))["data"]
    assert (unknown["calls"], unknown["reason"].partition(" ")[0]) == (2, "no")
    text = operator.run("reprice", "--since", "2026-09-01", "--dry-run", *operator.there)
    assert "are no longer kept one by one" in " ".join(text.split())
