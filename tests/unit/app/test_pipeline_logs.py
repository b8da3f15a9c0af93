"""Log batches on the way through the spine: charged where they tell of calls, never touched."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from processor.app.pipeline import Pipeline
from processor.core.errors import LedgerUnavailableError
from processor.core.model import Batch, Intake, Receipt
from processor.core.pricing import compile_catalog, parse_prices
from processor.core.semconv import ReadOptions


class Exporter:
    """Takes everything, and keeps it."""

    def __init__(self):
        self.taken = []

    @contextmanager
    def reserve(self, _batch):
        yield self

    def fill(self, payload):
        self.taken.append(payload)

    async def settled(self):
        return Receipt()


class WorkingSet:
    """Keeps what it is given, or cannot be written."""

    def __init__(self):
        self.intakes: list[Intake] = []
        self.is_broken = False

    async def post(self, intake):
        if self.is_broken:
            raise LedgerUnavailableError("disk full")
        self.intakes.append(intake)
        return {}


@pytest.fixture
def books():
    return WorkingSet()


@pytest.fixture
def exporter():
    return Exporter()


@pytest.fixture
def pipeline(exporter, books):
    catalog = compile_catalog(parse_prices("version: 1\nmodels: []\n", "p.yaml"))
    return Pipeline(exporter, books, catalog, ReadOptions())


def payload(body="claude_code.api_request"):
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=5)
    record.body.string_value = body
    for key in ("input_tokens", "output_tokens"):
        record.attributes.add(key=key).value.int_value = 7
    return request.SerializeToString()


def logs(data):
    return Batch("logs", data, 10)


async def test_a_record_of_a_call_is_charged_and_goes_on_as_it_came(pipeline, books, exporter):
    """Guarantees: one charge, and the very same bytes."""
    data = payload()
    await pipeline.handle(logs(data))
    (intake,) = books.intakes
    assert len(intake.charges) == 1
    assert exporter.taken[0] is data


@pytest.mark.parametrize(
    "data", [b"", payload("hello"), b"\xff garbage", b"\xff claude_code.api_request"]
)
async def test_anything_else_goes_on_without_a_turn(pipeline, books, exporter, data):
    """Guarantees: other records, and bytes that are no logs at all, go their way as ever."""
    await pipeline.handle(logs(data))
    assert books.intakes == []
    assert exporter.taken == [data]


async def test_metrics_are_never_counted(pipeline, books):
    """Guarantees: what repeats the records as numbers adds nothing."""
    await pipeline.handle(Batch("metrics", payload(), 10))
    assert books.intakes == []


async def test_counting_can_be_switched_off(pipeline, books, exporter):
    """Guarantees: then records only pass."""
    pipeline.counts_logs = False
    await pipeline.handle(logs(payload()))
    assert (books.intakes, len(exporter.taken)) == ([], 1)


async def test_books_that_cannot_be_written_are_a_reason_to_try_again(pipeline, books, exporter):
    """Guarantees: the sender keeps its records until they are charged, and none goes on before."""
    books.is_broken = True
    with pytest.raises(LedgerUnavailableError):
        await pipeline.handle(logs(payload()))
    assert exporter.taken == []


async def test_a_bug_in_reading_costs_nobody_a_record(pipeline, books, exporter, monkeypatch):
    """Guarantees: the records go on, loudly uncharged."""

    def fail(*_):
        raise RuntimeError("a bug")

    monkeypatch.setattr("processor.app.pipeline.semconv.read_logs", fail)
    await pipeline.handle(logs(payload()))
    assert (books.intakes, len(exporter.taken)) == ([], 1)


async def test_records_that_cannot_be_read_are_mentioned_once(pipeline, books, exporter, caplog):
    """Guarantees: they go on as they are, and no sender can fill the log with them."""
    broken = b"\x0a\x7fclaude_code.api_request"
    for _ in range(3):
        await pipeline.handle(Batch("logs", broken, 0))
    assert exporter.taken == [broken] * 3
    assert books.intakes == []
    said = [record for record in caplog.records if "could not be read" in record.message]
    assert [record.levelname for record in said if record.levelno >= 30] == ["WARNING"]
