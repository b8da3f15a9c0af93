"""Every batch takes the same steps; each of its spans ends in exactly one outcome."""

from __future__ import annotations

import dataclasses
from collections import Counter

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from processor.app import pipeline as pipeline_module
from processor.core import wire
from processor.core.errors import LedgerUnavailableError, SignalNotTakenError, UndecodableError
from processor.core.flow import OutcomeCounts, SpanOutcomes
from processor.core.model import Batch, Receipt


def a_batch():
    """Two good spans, one of them an LLM call, and one span without an id."""
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for span_id in (b"1" * 8, b"2" * 8, b""):
        spans.add(trace_id=b"t" * 16, span_id=span_id, name="work")
    for key, value in (("gen_ai.operation.name", "chat"), ("gen_ai.request.model", "gpt-4o")):
        spans[0].attributes.add(key=key).value.string_value = value
    return Batch("traces", request.SerializeToString(), 0)


def fail(*_):
    raise RuntimeError("a bug")


async def test_spans_without_ids_are_left_out_and_the_others_untouched(pipeline):
    receipt = await pipeline.handle(a_batch())
    assert receipt.rejected == 1
    assert pipeline.flow.outcomes == SpanOutcomes(untouched=2, rejected=1)


async def test_a_batch_that_cannot_be_read_is_unread_and_nothing_else(pipeline, monkeypatch):
    monkeypatch.setattr(pipeline_module.semconv, "read", fail)
    assert await pipeline.handle(a_batch()) == Receipt()
    assert pipeline.flow.outcomes == SpanOutcomes(unread=3)
    assert sum(dataclasses.astuple(pipeline.flow.outcomes)) == 3


@pytest.mark.parametrize(("module", "function"), [(wire, "splice"), (pipeline_module, "enrich")])
async def test_a_batch_that_cannot_be_written_is_unwritten_and_nothing_else(
    pipeline, monkeypatch, module, function
):
    """Guarantees: it has been charged by then, so it goes on, whatever fails."""
    monkeypatch.setattr(module, function, fail)
    await pipeline.handle(a_batch())
    assert pipeline.flow.outcomes == SpanOutcomes(unwritten=3)


async def test_spans_that_are_not_forwarded_are_charged_like_forwarded_ones(
    make_pipeline, exporter, ledger
):
    """Guarantees: the ledger is given the same; only the delivery is missing."""
    for forwarded in (["traces"], ["metrics", "logs"]):
        receipt = await make_pipeline(forwarded=forwarded).handle(a_batch())
        assert receipt.rejected == 1
    with_delivery, without = ledger.intakes
    assert len(without.charges) == 1
    assert without == with_delivery
    assert len(exporter.payloads) == 1


async def test_spans_that_are_not_forwarded_are_counted_as_dropped(make_pipeline):
    pipeline = make_pipeline(forwarded=[])
    with pipeline.flow.arrive("traces", "grpc"):
        pass
    await pipeline.handle(a_batch())
    dropped = Counter(switched_off=1)
    assert pipeline.flow.requests["traces", "grpc"] == OutcomeCounts(
        received=1, accepted=1, dropped=dropped
    )
    assert pipeline.flow.spans["traces", "grpc"].dropped == Counter(switched_off=2)
    assert sum(dataclasses.astuple(pipeline.flow.outcomes)) == 3


async def test_signal_that_no_backend_has_is_acknowledged_and_counted(make_pipeline, exporter):
    """Guarantees: a sender of metrics is not told of errors that it can do nothing about."""
    exporter.error = SignalNotTakenError(12, "takes no metrics")
    pipeline = make_pipeline()
    with pipeline.flow.arrive("metrics", "grpc"):
        pass
    assert await pipeline.handle(Batch("metrics", b"", 0)) == Receipt()
    assert pipeline.flow.requests["metrics", "grpc"] == OutcomeCounts(
        received=1, accepted=1, dropped=Counter(signal_not_taken=1)
    )


async def test_what_is_not_forwarded_is_bounded_and_refused_like_everything_else(
    make_pipeline, exporter, ledger
):
    """Guarantees: it takes part in the limit on memory, and errors before the charge are answered.

    A sender whose spans are dropped still has to keep them until they are charged.
    """
    pipeline = make_pipeline(forwarded=[])
    with pytest.raises(UndecodableError):
        await pipeline.handle(Batch("traces", b"\xff garbage", 0))
    ledger.is_broken = True
    with pytest.raises(LedgerUnavailableError):
        await pipeline.handle(a_batch())
    assert exporter.reserved == 2
    assert exporter.payloads == []
