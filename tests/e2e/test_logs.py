"""Coding agents that write log records, into a real process: charged once, passed byte for byte."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import grpc
import pytest
from e2e.applications import BUDGETS, PRICES
from e2e.processes import ROOT, ask, attributes, export

from processor.core.otlp.json_reader import read_json
from processor.surfaces.grpc.generated.cost_service_pb2 import GetTotalsRequest, GetTotalsResponse

ROWS = {
    row["id"]: row
    for line in (Path(__file__).parents[1] / "golden" / "logs-coding-agents.jsonl")
    .read_text("utf-8")
    .splitlines()
    for row in [json.loads(line)]
}
CLAUDE = ROWS["claude-code-2.1.197"]
SESSION = CLAUDE["expected"]["calls"][0]["session"]
MODEL = """\
  - {provider: anthropic, model: claude-sonnet-4-5,
     prices: [{input: 3.00, output: 15.00, cache_read: 0.30, cache_write: 3.75}]}
"""
CHARGE_NANO_USD = 101 * 3000 + 3000 * 300 + 200 * 3750 + 51 * 15000
CODEX = ROWS["codex-0.169.0"]
CODEX_MODEL = """\
  - {provider: openai, model: gpt-5, prices: [{input: 1.25, output: 10.00, cache_read: 0.125}]}
"""
CODEX_NANO_USD = 402 * 1250 + 600 * 125 + 72 * 10000


@pytest.fixture
def pricing(tmp_path):
    file = tmp_path / "pricing.yaml"
    file.write_text(PRICES + MODEL)
    return file


@pytest.fixture
def flags(pricing, backend):
    return ["--pricing", pricing, "--forward-to", f"127.0.0.1:{backend.port}"]


def payload_of(row, part="logs"):
    signal_name = "logs" if part == "logs" else "traces"
    return read_json(signal_name, json.dumps(row[part]).encode(), 1 << 24)


def send_logs(port, payload):
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        method = channel.unary_unary("/opentelemetry.proto.collector.logs.v1.LogsService/Export")
        return method(payload, timeout=20)


def total(processor, scope="total", scope_id=""):
    question = GetTotalsRequest(scope=scope, id=scope_id)
    return ask(processor.port, "GetTotals", question, GetTotalsResponse)


def test_grpc_records_are_charged_once_and_arrive_as_they_were(serve, backend, flags):
    """Guarantees: the very bytes at the backend, one charge however often they come."""
    processor = serve(*flags)
    payload = payload_of(CLAUDE)
    send_logs(processor.port, payload)
    assert backend.requests("l") == [payload]
    send_logs(processor.port, payload)
    for scope, scope_id in (
        ("total", ""), ("session", SESSION), ("service", "claude-code"), ("agent", "sdk"),
        ("model", "claude-sonnet-4-5"), ("provider", "anthropic"),
    ):  # fmt: skip
        found = total(processor, scope, scope_id)
        assert (scope, found.cost_nano_usd, found.calls) == (scope, CHARGE_NANO_USD, 1)


def test_json_over_http_is_charged_as_well(serve, backend, flags):
    """Guarantees: what most of these tools send; the backend gets all of its records."""
    processor = serve(*flags)
    port = processor.wait_for("OTLP/HTTP at").rpartition(":")[2]
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/logs",
        json.dumps(CLAUDE["logs"]).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status == 200
    assert backend.requests("l") == [payload_of(CLAUDE)]
    assert total(processor).cost_nano_usd == CHARGE_NANO_USD


@pytest.mark.parametrize("is_span_first", [True, False])
def test_a_span_of_the_same_call_is_charged_in_its_place(serve, backend, flags, is_span_first):
    """Guarantees: one charge over both, across a restart, and no correction on the span."""
    first = serve(*flags)
    steps = [
        lambda port: export(port, payload_of(CLAUDE, "spans")),
        lambda port: send_logs(port, payload_of(CLAUDE)),
    ]
    one, other = steps if is_span_first else steps[::-1]
    one(first.port)
    assert first.stop(signal.SIGKILL) == -signal.SIGKILL
    second = serve(*flags)
    other(second.port)
    one(second.port)
    found = total(second)
    assert (found.cost_nano_usd, found.calls) == (CHARGE_NANO_USD, 1)
    written = attributes(backend.by_name()["claude_code.llm_request"])
    assert round(written["llm.cost_usd"] * 10**9) == CHARGE_NANO_USD
    assert "llm.cost.correction_usd" not in written


def test_dropped_logs_are_charged_all_the_same(serve, backend, flags, tmp_path):
    """Guarantees: a backend that takes no logs does not cost anybody the charges."""
    config = tmp_path / "processor.yaml"
    config.write_text("forward: {logs: false}\n")
    processor = serve("--config", config, *flags)
    send_logs(processor.port, payload_of(CLAUDE))
    assert total(processor).cost_nano_usd == CHARGE_NANO_USD
    assert backend.requests("l") == []


def test_counting_can_be_switched_off(serve, backend, flags, tmp_path):
    """Guarantees: then records pass, and nothing is charged."""
    config = tmp_path / "processor.yaml"
    config.write_text("logs: {count_calls: false}\n")
    processor = serve("--config", config, *flags)
    send_logs(processor.port, payload_of(CLAUDE))
    assert total(processor).calls == 0
    assert len(backend.requests("l")) == 1


def test_a_budget_crossed_by_a_record_is_said_once_in_the_log(serve, backend, flags, tmp_path):
    """Guarantees: no span can carry the event; the next span of the session says it is exceeded."""
    budgets = tmp_path / "budgets.yaml"
    budgets.write_text(BUDGETS.replace("0.0100", "0.0020"))
    processor = serve(*flags, "--budgets", budgets)
    for _ in range(2):
        send_logs(processor.port, payload_of(CLAUDE))
    said = f"session {SESSION} is at 0.002718 USD and has reached the limit of 0.002 USD"
    processor.wait_for(said)
    later = json.loads(
        json.dumps(CLAUDE["spans"])
        .replace("req_000001", "req_000002")
        .replace("efe15b37", "efe15b38")
    )
    export(processor.port, read_json("traces", json.dumps(later).encode(), 1 << 24))
    spans = backend.by_name()
    assert attributes(spans["claude_code.llm_request"])["llm.budget.exceeded"] == "per-session"
    assert sum(said in line for line in processor.lines) == 1


def test_a_record_of_an_unknown_model_is_listed_and_priced_later(serve, pricing, flags, tmp_path):
    """Guarantees: the commands about unpriced calls work on records, and on spans of the same."""
    pricing.write_text(PRICES + "catalogue: {source: none}\n")
    processor = serve(*flags)
    send_logs(processor.port, payload_of(CODEX))
    assert total(processor).at_least
    there = ["--grpc-endpoint", f"127.0.0.1:{processor.port}"]

    def typed(*words):
        done = subprocess.run(
            [sys.executable, "-m", "processor.cli", *words, "--data-dir", tmp_path / "data"],
            capture_output=True, text=True, cwd=ROOT, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "gpt-5" in typed("unpriced")
    export(processor.port, payload_of(CODEX, "spans"))
    pricing.write_text(PRICES + CODEX_MODEL + "catalogue: {source: none}\n")
    processor.wait_for("has changed and is in force", 15)
    typed("reprice", "--since", "2026-01-01", *there)
    found = total(processor)
    assert (found.cost_nano_usd, found.calls, found.at_least) == (CODEX_NANO_USD, 1, False)
