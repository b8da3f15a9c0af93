"""The application starts whole or not at all, stops everything, and reads files again."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest
from answers import total_of
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from processor.app.application import App
from processor.config import load_settings
from processor.core.errors import ConfigError
from processor.core.model import Batch
from processor.io.exporter import Fanout
from processor.io.ledger import Ledger
from processor.surfaces.http import HttpServer

ANY_PORT = "127.0.0.1:0"
PRICES = """
version: 1
models: [{{model: gpt-4o, provider: openai, prices: {{input: {usd}, output: 10}}}}]
"""
BUDGETS = "version: 1\nbudgets: [{{name: all, scope: total, limit_usd: {usd}}}]\n"


@pytest.fixture
def make_app(tmp_path):
    """Builds an application that exports to a file; keywords name settings, ``__`` for a dot."""

    def make(**more):
        flags = {
            "data_dir": str(tmp_path / "data"),
            "receivers.otlp.protocols.grpc.endpoint": ANY_PORT,
            "receivers.otlp.protocols.http.endpoint": ANY_PORT,
            "exporters.file.path": str(tmp_path / "exported"),
            "telemetry.metrics.endpoint": ANY_PORT,
            "reload.interval": "10ms",
        }
        flags |= {name.replace("__", "."): value for name, value in more.items()}
        return App(load_settings(None, flags, {}))

    return make


@contextlib.asynccontextmanager
async def running(app):
    await app.start()
    try:
        yield app.running
    finally:
        await app.stop()


async def until(is_true):
    """Wait for a condition."""
    async with asyncio.timeout(30):
        while not is_true():  # noqa: ASYNC110 - nothing signals what is waited for
            await asyncio.sleep(0.01)


def a_call(span_id: bytes = b"s" * 8) -> Batch:
    """A call of gpt-4o with 1000 tokens of input, in a trace of its own."""
    request = ExportTraceServiceRequest()
    span = (
        request.resource_spans.add()
        .scope_spans.add()
        .spans.add(
            trace_id=b"t" * 8 + span_id, span_id=span_id, name="chat", end_time_unix_nano=10**18
        )
    )
    for key, text in (
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", "openai"),
        ("gen_ai.request.model", "gpt-4o"),
    ):
        span.attributes.add(key=key).value.string_value = text
    for key, count in (("gen_ai.usage.input_tokens", 1000), ("gen_ai.usage.output_tokens", 0)):
        span.attributes.add(key=key).value.int_value = count
    return Batch("traces", request.SerializeToString(), 10**18)


async def test_spans_that_are_not_forwarded_cost_what_forwarded_ones_cost(make_app, tmp_path):
    """Guarantees: `forward.traces` decides about the delivery, and about no total."""
    totals = []
    for is_forwarded in ("true", "false"):
        folder = tmp_path / is_forwarded
        app = make_app(
            forward__traces=is_forwarded, data_dir=str(folder), exporters__file__path=str(folder)
        )
        async with running(app) as parts:
            await parts.pipeline.handle(a_call())
            totals.append(await total_of(parts.ledger))
        exported = b"".join(path.read_bytes() for path in folder.glob("*.jsonl*"))
        assert (b"gpt-4o" in exported) == (is_forwarded == "true")
    assert totals[0] == totals[1]
    assert (totals[0].calls, totals[0].cost_nano_usd) == (1, 2_500_000)


async def test_a_part_that_fails_to_close_is_logged_and_the_others_are_closed(
    make_app, monkeypatch, caplog
):
    """Guarantees: a failing exporter costs neither the ledger nor the telemetry their close."""
    closed = []

    def record(cls, method, error=None):
        close = getattr(cls, method)

        async def wrapped(self, *arguments):
            await close(self, *arguments)
            closed.append(cls)
            if error:
                raise error

        monkeypatch.setattr(cls, method, wrapped)

    record(Fanout, "close", OSError("disk full"))
    record(Ledger, "close")
    record(HttpServer, "stop")
    app = make_app()
    await app.start()
    await app.stop()
    assert closed == [Fanout, Ledger, HttpServer]
    assert [record.message for record in caplog.records] == ["the exporter could not be closed"]
    assert "disk full" in caplog.text


async def test_a_start_that_fails_leaves_nothing_running(make_app):
    """Guarantees: the error is that of the start, and the next start finds everything free."""
    tasks = len(asyncio.all_tasks())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        app = make_app(receivers__otlp__protocols__grpc__endpoint=address)
        with pytest.raises(ConfigError, match="in use"):
            await app.start()
    assert len(asyncio.all_tasks()) == tasks
    with pytest.raises(RuntimeError, match="not running"):
        app.describe()
    async with running(app) as parts:
        assert parts.port == int(address.rpartition(":")[2])


async def test_health_says_that_it_stops(make_app):
    app = make_app()
    async with running(app) as parts:
        assert parts.telemetry.health.report().status == "serving"
    assert parts.telemetry.health.report().status == "stopping"


async def test_prices_and_budgets_are_read_again(make_app, tmp_path):
    """Guarantees: the next call has the new price, the budgets are in force, no task is added."""
    prices, budgets = tmp_path / "prices.yaml", tmp_path / "limits.yaml"
    prices.write_text(PRICES.format(usd=1))
    budgets.write_text(BUDGETS.format(usd=1))
    app = make_app(pricing__file=str(prices), budgets__file=str(budgets))
    async with running(app) as parts:
        await parts.pipeline.handle(a_call())
        tasks = len(asyncio.all_tasks())
        for usd in (2, 3, 4):
            before = parts.pipeline.catalog.version, parts.ledger.policy.version
            prices.write_text(PRICES.format(usd=usd))
            budgets.write_text(BUDGETS.format(usd=usd))
            await until(lambda b=before: parts.pipeline.catalog.version != b[0])
            await until(lambda b=before: parts.ledger.policy.version != b[1])
        await parts.pipeline.handle(a_call(b"2" * 8))
        assert (await total_of(parts.ledger)).cost_nano_usd == 1_000_000 + 4_000_000
        assert parts.ledger.policy.budgets[0].limit == 4 * 10**9
        assert len(asyncio.all_tasks()) == tasks


async def test_what_runs_is_described_in_plain_words(make_app, tmp_path):
    app = make_app()
    async with running(app) as parts:
        lines = app.describe()
        assert f"listens on   OTLP/gRPC at 127.0.0.1:{parts.port}" in lines
        assert f"listens on   OTLP/HTTP at 127.0.0.1:{app.http_port}" in lines
        said = " ".join(line.removeprefix(" " * 13) for line in lines)
        assert f"forwards to  files in {tmp_path / 'exported'}" in said
        assert f"metrics      http://127.0.0.1:{app.metrics_port}/metrics, and /health" in lines
        assert any(line.startswith("prices       the bundled defaults, above") for line in lines)
        assert any(line.startswith("budgets      the bundled defaults (") for line in lines)
        assert any(line.startswith("memory       ") for line in lines)


async def test_what_runs_is_described_in_eighty_columns(make_app, tmp_path):
    """Guarantees: the lines of the longest words fit, and one limit is not several."""
    path = tmp_path / "b.yaml"
    path.write_text(BUDGETS.format(usd=1))
    app = make_app(exporters__otlp__endpoint="localhost:1", budgets__file=str(path))
    async with running(app):
        lines = app.describe()
        assert "(1 limit)" in " ".join(lines)
        long = [line for line in lines if len(line) > 80 and str(tmp_path) not in line]
        assert not long
        assert any(line.startswith("acknowledges what has been delivered, or") for line in lines)
