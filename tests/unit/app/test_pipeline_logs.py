"""Log batches in the pipeline: charged where they report calls, never changed."""

from __future__ import annotations

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from processor.core.errors import LedgerUnavailableError
from processor.core.model import Batch


def payload(body="claude_code.api_request"):
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=5)
    record.body.string_value = body
    for key in ("input_tokens", "output_tokens"):
        record.attributes.add(key=key).value.int_value = 7
    return request.SerializeToString()


def logs(data):
    return Batch("logs", data, 10)


async def test_a_record_of_a_call_is_charged_and_forwarded_as_it_came(pipeline, ledger, exporter):
    """Guarantees: one charge, and the very same bytes."""
    data = payload()
    await pipeline.handle(logs(data))
    (intake,) = ledger.intakes
    assert len(intake.charges) == 1
    assert exporter.payloads[0] is data


@pytest.mark.parametrize(
    "data", [b"", payload("hello"), b"\xff garbage", b"\xff claude_code.api_request"]
)
async def test_anything_else_goes_on_and_the_ledger_is_not_asked(pipeline, ledger, exporter, data):
    """Guarantees: other records, and bytes that are no logs at all, are forwarded as they came."""
    await pipeline.handle(logs(data))
    assert ledger.intakes == []
    assert exporter.payloads == [data]


async def test_metrics_are_never_counted(pipeline, ledger):
    """Guarantees: what repeats the records as numbers adds nothing."""
    await pipeline.handle(Batch("metrics", payload(), 10))
    assert ledger.intakes == []


async def test_counting_can_be_switched_off(pipeline, ledger, exporter):
    """Guarantees: then records only pass."""
    pipeline.counts_logs = False
    await pipeline.handle(logs(payload()))
    assert (ledger.intakes, len(exporter.payloads)) == ([], 1)


async def test_a_ledger_that_cannot_be_written_makes_the_sender_try_again(
    pipeline, ledger, exporter
):
    """Guarantees: the sender keeps its records until they are charged, and none goes on before."""
    ledger.is_broken = True
    with pytest.raises(LedgerUnavailableError):
        await pipeline.handle(logs(payload()))
    assert exporter.payloads == []


async def test_a_bug_in_reading_loses_no_record(pipeline, ledger, exporter, monkeypatch):
    """Guarantees: the records go on uncharged, and the log has the bug."""

    def fail(*_):
        raise RuntimeError("a bug")

    monkeypatch.setattr("processor.app.pipeline.semconv.read_logs", fail)
    await pipeline.handle(logs(payload()))
    assert (ledger.intakes, len(exporter.payloads)) == ([], 1)


async def test_records_that_cannot_be_read_are_logged_once(pipeline, ledger, exporter, caplog):
    """Guarantees: they go on as they are, and no sender can fill the log with them."""
    broken = b"\x0a\x7fclaude_code.api_request"
    for _ in range(3):
        await pipeline.handle(Batch("logs", broken, 0))
    assert exporter.payloads == [broken] * 3
    assert ledger.intakes == []
    said = [record for record in caplog.records if "could not be read" in record.message]
    assert [record.levelname for record in said if record.levelno >= 30] == ["WARNING"]
