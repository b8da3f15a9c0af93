"""Export requests that real libraries sent, stack by stack, and the sum that they must come to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from answers import total_of
from golden.processing import Processing, attributes_of

from processor.core.otlp.json_reader import read_json

FOLDER = Path(__file__).parent / "recordings"
STACKS = {
    stack["stack"]: stack
    for stack in map(json.loads, (FOLDER / "expected.jsonl").read_text("utf-8").splitlines())
}
_JSON_BYTES_MAX = 64 * 1024 * 1024


@pytest.mark.parametrize("name", sorted(STACKS))
async def test_a_recorded_stack_comes_to_its_sum(name, tmp_path):
    """Guarantees: what the spans report is charged, each call once, to the nano-dollar."""
    stack = STACKS[name]
    async with Processing(tmp_path) as processing:
        for line in (FOLDER / f"{name}.jsonl").read_text("utf-8").splitlines():
            await processing.export(read_json("traces", line.encode(), _JSON_BYTES_MAX))
        total = await total_of(processing.ledger)
    assert total.cost_nano_usd == stack["told_nano"], stack["note"]
    for span in processing.spans():
        attributes = attributes_of(span)
        if attributes.get("llm.cost_usd") == 0 and attributes["llm.cost.status"] != "free":
            assert attributes.get("llm.tokens.total") != 0, "missing usage is not $0"
