"""A hundred questions at once to a real process, while batches flow."""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from collections import Counter
from dataclasses import dataclass, field

import grpc
import pytest
from conformance.durable import PRICES
from e2e.processes import Process, ask
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from processor.core.otlp.signals import SIGNALS
from processor.surfaces.grpc.generated.cost_service_pb2 import (
    CheckBudgetRequest,
    GetTotalsRequest,
    GetTotalsResponse,
    ListUnpricedRequest,
)

MIB = 1024 * 1024
LOG_LIMIT_BYTES = 4 * MIB
WITH_A_SMALL_LOG = f"""
import sys
from processor.cli import main
from processor.io.ledger.reading import pool
pool.SqliteReader.__init__.__kwdefaults__["log_limit_bytes"] = {LOG_LIMIT_BYTES}
sys.exit(main())
"""
"""The command with a limit that a test reaches."""
BUDGETS = """
version: 1
budgets:
  - {name: each-user, scope: user, window: day, limit_usd: 5}
  - {name: each-agent, scope: agent, window: month, limit_usd: 5}
"""
CALLS = 50
"""Of one batch."""
ASKERS = 100
QUESTIONS = {
    "GetTotals": [
        GetTotalsRequest(scope="total"),
        GetTotalsRequest(scope="user", id="u1", window="day"),
        GetTotalsRequest(scope="agent", id="a1", window="month"),
        GetTotalsRequest(scope="session", id="s1", window="day"),
    ],
    "CheckBudget": [CheckBudgetRequest(scopes={"user": "u1", "agent": "a1"})],
    "ListUnpriced": [ListUnpricedRequest()],
}


@pytest.fixture
def process(spawn, backend, tmp_path):
    """A processor whose readers begin its log again early."""
    pricing, budgets = tmp_path / "pricing.yaml", tmp_path / "budgets.yaml"
    pricing.write_text(PRICES)
    budgets.write_text(BUDGETS)
    process = spawn(
        Process, "-c", WITH_A_SMALL_LOG, "serve", "--listen", "127.0.0.1:0",
        "--data-dir", tmp_path / "data", "--forward-to", f"127.0.0.1:{backend.port}",
        "--pricing", pricing, "--budgets", budgets,
    )  # fmt: skip
    process.port = int(process.wait_for("listens on").rsplit(":", 1)[1].split()[0])
    process.log = tmp_path / "data" / "ledger.db-wal"
    return process


def batch(number):
    """Calls of new traces: of 9 users and agents, every tenth of a model without a price."""
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    for at in range(number * CALLS + 1, (number + 1) * CALLS + 1):
        end_ns = time.time_ns()
        span = scope.spans.add(
            trace_id=at.to_bytes(16), span_id=at.to_bytes(8), name="call",
            start_time_unix_nano=end_ns - 10**9, end_time_unix_nano=end_ns,
        )  # fmt: skip
        for key, value in {
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o" if at % 10 else f"unknown-{at % 400}",
            "user.id": f"u{at % 9}", "gen_ai.agent.name": f"a{at % 9}", "session.id": f"s{at % 99}",
        }.items():  # fmt: skip
            span.attributes.add(key=key).value.string_value = value
        span.attributes.add(key="gen_ai.usage.input_tokens").value.int_value = 1000
    return request.SerializeToString()


@dataclass
class Seen:
    """What senders and askers got."""

    batches_s: list[float] = field(default_factory=list)
    answers: Counter = field(default_factory=Counter)
    refusals: set[str] = field(default_factory=set)
    log_bytes: int = 0


async def send_on(process, channel, numbers, seen, ends_s):
    export = channel.unary_unary(SIGNALS["traces"].method)
    while time.monotonic() < ends_s:
        payload, start_s = batch(next(numbers)), time.monotonic()
        await export(payload, timeout=30)
        seen.batches_s.append(time.monotonic() - start_s)
        seen.log_bytes = max(seen.log_bytes, process.log.stat().st_size)


async def ask_on(channel, asker, seen, ends_s):
    asked = [(name, each) for name, some in QUESTIONS.items() for each in some]
    for at in itertools.count(asker):
        if time.monotonic() > ends_s:
            return
        name, question = asked[at % len(asked)]
        call = channel.unary_unary(f"/llm_cost.v1.CostService/{name}")
        try:
            await call(question.SerializeToString(), timeout=30)
            seen.answers["OK"] += 1
        except grpc.aio.AioRpcError as error:
            has_delay = any(
                key == "grpc-status-details-bin" for key, _ in error.trailing_metadata()
            )
            seen.answers[error.code().name if has_delay else "without a delay"] += 1
            seen.refusals.add(error.details())
            await asyncio.sleep(0.05)


async def load(process, numbers, duration_s, askers):
    """Four senders, and so many askers, each of whom asks again once it is answered."""
    seen, ends_s = Seen(), time.monotonic() + duration_s
    own = (("grpc.use_local_subchannel_pool", 1),)
    address = f"127.0.0.1:{process.port}"
    async with (
        grpc.aio.insecure_channel(address, own) as sending,
        grpc.aio.insecure_channel(address, own) as asking,
    ):
        senders = [send_on(process, sending, numbers, seen, ends_s) for _ in range(4)]
        asked = [ask_on(asking, asker, seen, ends_s) for asker in range(askers)]
        await asyncio.gather(*senders, *asked)
    return seen


@pytest.mark.parametrize("duration_s", [3, pytest.param(30, marks=pytest.mark.heavy)])
async def test_a_hundred_askers_hold_no_batch_up(process, duration_s):
    """Guarantees: every batch is charged, about as soon as without them; each question is answered,
    or refused for now with the reason; the log stays within its limit and what is written during
    one question."""
    numbers = itertools.count()
    alone = await load(process, numbers, duration_s / 3, 0)
    asked = await load(process, numbers, duration_s, ASKERS)
    assert asked.answers["OK"] > ASKERS
    assert set(asked.answers) <= {"OK", "UNAVAILABLE"}
    assert asked.refusals <= {"64 questions are waiting for the ledger already"}
    assert asked.log_bytes < 4 * LOG_LIMIT_BYTES
    # Both share the processors of this machine with those who ask.
    assert statistics.median(asked.batches_s) < 8 * statistics.median(alone.batches_s) + 1
    total = ask(process.port, "GetTotals", GetTotalsRequest(scope="total"), GetTotalsResponse)
    assert total.calls == next(numbers) * CALLS
    assert process.stop() == 0
