"""Each span of a batch that goes on ends in exactly one outcome, whatever goes wrong in between."""

from __future__ import annotations

import dataclasses
from contextlib import contextmanager

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from processor.app import pipeline as spine
from processor.app.pipeline import Outcomes, Pipeline
from processor.core import wire
from processor.core.model import Batch, Receipt
from processor.core.pricing import compile_catalog, parse_prices
from processor.core.semconv import ReadOptions


class Reservation:
    payload = b""

    def fill(self, payload):
        self.payload = payload

    async def settled(self):
        return Receipt()


class Exporter:
    @contextmanager
    def reserve(self, _batch):
        yield Reservation()


class WorkingSet:
    async def post(self, _intake):
        return {}


@pytest.fixture
def pipeline():
    catalog = compile_catalog(parse_prices("version: 1\nmodels: []\n", "p.yaml"))
    return Pipeline(Exporter(), WorkingSet(), catalog, ReadOptions())


def a_batch():
    """Two good spans, and one without an id."""
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for span_id in (b"1" * 8, b"2" * 8, b""):
        spans.add(trace_id=b"t" * 16, span_id=span_id, name="work")
    return Batch("traces", request.SerializeToString(), 0)


def fail(*_):
    raise RuntimeError("a bug")


async def test_spans_without_ids_are_left_out_and_the_others_untouched(pipeline):
    receipt = await pipeline.handle(a_batch())
    assert receipt.rejected == 1
    assert pipeline.outcomes == Outcomes(untouched=2, rejected=1)


async def test_a_batch_that_cannot_be_read_is_unread_and_nothing_else(pipeline, monkeypatch):
    monkeypatch.setattr(spine.semconv, "read", fail)
    assert await pipeline.handle(a_batch()) == Receipt()
    assert pipeline.outcomes == Outcomes(unread=3)
    assert sum(dataclasses.astuple(pipeline.outcomes)) == 3


@pytest.mark.parametrize(("room", "function"), [(wire, "splice"), (spine, "enrich")])
async def test_a_batch_that_cannot_be_written_is_unwritten_and_nothing_else(
    pipeline, monkeypatch, room, function
):
    """Guarantees: it is on the books by then, so it goes on, whatever fails."""
    monkeypatch.setattr(room, function, fail)
    await pipeline.handle(a_batch())
    assert pipeline.outcomes == Outcomes(unwritten=3)
