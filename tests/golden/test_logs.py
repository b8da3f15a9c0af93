"""Recorded and composed log records of coding agents, alone and with spans of the same calls."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import answers
import pytest

from processor.core import pricing, semconv, wire
from processor.core.budgets import Policy
from processor.core.model import Call, Intake, Owner, Signal, Totals, Usage
from processor.core.otlp.json_reader import read_json
from processor.core.pricing import Catalog, compile_catalog, parse_prices
from processor.core.providers import infer_provider, provider_id
from processor.core.semconv import ReadOptions
from processor.io.ledger import Ledger, Limits, SqliteStore

_ROWS = [
    json.loads(line)
    for line in Path(__file__).with_name("logs-coding-agents.jsonl").read_text("utf-8").splitlines()
]
"""The recorded ones are what a real tool of that version sent about one answer of a stand-in
provider, with logs and traces switched on; long texts are shortened or left out."""
_RECEIVED_NS = 1_795_383_000 * 10**9
_LARGE = 1 << 24


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """The prices that come along."""
    return compile_catalog(parse_prices("", "test"))


def payload_of(row: dict[str, Any], signal: Signal) -> bytes:
    body = row["logs" if signal == "logs" else "spans"]
    return read_json(signal, json.dumps(body).encode(), _LARGE)


def calls_of(row: dict[str, Any]) -> list[Call]:
    logs = wire.scan_logs(payload_of(row, "logs"), semconv.LOGS_WANTED)
    return semconv.read_logs(logs, _RECEIVED_NS, ReadOptions()).calls


def intake_of(row: dict[str, Any], signal: Signal, catalog: Catalog) -> Intake:
    payload = payload_of(row, signal)
    if signal == "logs":
        logs = wire.scan_logs(payload, semconv.LOGS_WANTED)
        found = semconv.read_logs(logs, _RECEIVED_NS, ReadOptions())
        charges = pricing.price(found.calls, catalog)
        return Intake(found.spans, charges, [], _RECEIVED_NS)
    spans = wire.scan(payload, semconv.WANTED)
    reading = semconv.read(spans, _RECEIVED_NS, ReadOptions())
    return Intake(spans, pricing.price(reading.calls, catalog), reading.marks, _RECEIVED_NS)


def total_of(row: dict[str, Any], signals: tuple[Signal, ...], catalog: Catalog, folder: Path):
    async def run() -> Totals:
        ledger = Ledger(SqliteStore(folder / "ledger.db"), Policy((), "p"), Limits())
        await ledger.start()
        for signal in signals:
            await ledger.post(intake_of(row, signal, catalog))
        total = await answers.total_of(ledger)
        await ledger.close()
        return total

    return asyncio.run(run())


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: row["id"])
def test_every_record_reads_as_expected(row) -> None:
    """Provider, model, quantities, owner, cost, tier and times of each call that is reported."""
    calls, expected = calls_of(row), row["expected"]["calls"]
    assert len(calls) == len(expected)
    for call, stated in zip(calls, expected, strict=True):
        mark = call.mark
        provider = provider_id(call.provider) or infer_provider(stated["model"])
        assert (provider, call.models) == (provider_id(stated["provider"]), (stated["model"],))
        assert call.usage == Usage(**stated["usage"])
        assert call.reported_nano_usd == stated.get("reported_nano_usd")
        assert call.response_id == stated.get("response_id", "")
        assert call.tier == stated.get("tier", "")
        owner = {name: stated.get(name) for name in ("session", "user", "org", "agent")}
        assert mark.own == Owner(**owner)
        assert (mark.service, mark.time_ns) == (stated["service"], stated["end_ns"])
        assert mark.time_ns - mark.start_ns == stated["duration_ms"] * 10**6


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: row["id"])
def test_records_are_charged_once(row, catalog, tmp_path) -> None:
    """A record that comes again, also written anew, adds nothing."""
    total = asdict(total_of(row, ("logs", "logs"), catalog, tmp_path))
    expected = row["expected"]["total"]
    assert {name: total[name] for name in expected} == expected
    assert (total["cost_nano_usd"] > 0) == (expected["calls"] > expected.get("unpriced", 0))


@pytest.mark.parametrize("signals", [("logs", "traces"), ("traces", "logs")], ids=str)
@pytest.mark.parametrize("row", [row for row in _ROWS if row["spans"]], ids=lambda row: row["id"])
def test_a_call_in_records_and_spans_is_charged_once(row, signals, catalog, tmp_path) -> None:
    """Whichever comes first, the total is what the records alone would come to."""
    alone = total_of(row, ("logs",), catalog, tmp_path)
    (tmp_path / "both").mkdir()
    both = total_of(row, signals, catalog, tmp_path / "both")
    kept = ("cost_nano_usd", "calls", "unpriced", "input_tokens", "output_tokens", "cached_tokens")
    assert {name: getattr(both, name) for name in kept} == {
        name: getattr(alone, name) for name in kept
    }


@pytest.mark.parametrize("row", [row for row in _ROWS if row["spans"]], ids=lambda row: row["id"])
def test_spans_alone_are_charged_as_one_call_or_its_sum(row, catalog, tmp_path) -> None:
    """A recorded answer is read from exactly one span, with everything that spans say of it."""
    alone = total_of(row, ("traces",), catalog, tmp_path)
    assert alone.unpriced == 0
    assert alone.input_tokens == row["expected"]["total"]["input_tokens"]
