import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from processor.cli.demo import backend as module
from processor.cli.demo.backend import Backend, read
from processor.core.model import Event

EXPORT = "/opentelemetry.proto.collector.{0}.v1.{1}Service/Export"


def request(*spans):
    scope = ScopeSpans(spans=spans)
    return ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(scope_spans=[scope])]
    ).SerializeToString()


def span(trace, number=1, **fields):
    return Span(trace_id=bytes([trace]) * 16, span_id=bytes([number]) * 8, name="s", **fields)


@pytest.fixture
async def backend():
    backend = Backend()
    port = await backend.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:

        async def export(payload, kind=("trace", "Trace")):
            return await channel.unary_unary(EXPORT.format(*kind))(payload, timeout=10)

        yield backend, export
    await backend.stop()


def test_a_span_is_read_with_what_a_tree_needs():
    sent = span(
        1,
        parent_span_id=b"\x02" * 8,
        start_time_unix_nano=5,
        end_time_unix_nano=9,
        status=Status(code=Status.STATUS_CODE_ERROR, message="too slow"),
        attributes=[
            KeyValue(key="text", value=AnyValue(string_value="x")),
            KeyValue(key="cost", value=AnyValue(double_value=0.5)),
            KeyValue(key="list", value=AnyValue(array_value=ArrayValue())),
            KeyValue(key="nothing", value=AnyValue()),
        ],
        events=[Span.Event(time_unix_nano=7, name="happened")],
    )
    [seen] = read(request(sent))
    assert seen.trace_id == "01" * 16
    assert seen.parent_id == "02" * 8
    assert (seen.start_ns, seen.end_ns) == (5, 9)
    assert (seen.failed, seen.message) == (True, "too slow")
    assert seen.attributes == {"text": "x", "cost": 0.5, "list": None, "nothing": None}
    assert seen.events == (Event(7, "happened", {}),)
    assert (seen.text("text"), seen.text("cost"), seen.text("none")) == ("x", "", "")
    assert (seen.number("cost"), seen.number("text"), seen.number("none")) == (0.5, None, None)


async def test_a_trace_is_handed_out_once_and_again_in_full_when_more_of_it_comes(backend):
    books, export = backend
    await export(request(span(1, 1)))
    assert [[seen.span_id[:2] for seen in trace] for trace in books.take()] == [["01"]]
    assert books.take() == []
    await export(request(span(1, 2)))
    assert [[seen.span_id[:2] for seen in trace] for trace in books.take()] == [["01", "02"]]


async def test_a_span_that_comes_twice_is_kept_once(backend):
    books, export = backend
    await export(request(span(1)))
    await export(request(span(1)))
    assert [len(trace) for trace in books.take()] == [1]


async def test_a_trace_that_is_not_quiet_yet_is_kept_back(backend):
    books, export = backend
    await export(request(span(1)))
    assert books.take(quiet_s=3600) == []
    assert len(books.take()) == 1


async def test_memory_is_bounded_in_traces_and_in_spans_of_a_trace(backend, monkeypatch):
    monkeypatch.setattr(module, "_TRACES_MAX", 3)
    monkeypatch.setattr(module, "_SPANS_MAX", 2)
    books, export = backend
    for trace in range(1, 6):
        await export(request(*(span(trace, number) for number in range(1, 6))))
    found = books.take()
    assert [trace[0].trace_id[:2] for trace in found] == ["03", "04", "05"]
    assert [len(trace) for trace in found] == [2, 2, 2]


async def test_logs_and_metrics_are_taken_and_dropped(backend):
    books, export = backend
    for kind in (("logs", "Logs"), ("metrics", "Metrics")):
        assert await export(b"whatever", kind) == b""
    answer = await export(request())
    assert ExportTraceServiceResponse.FromString(answer) == ExportTraceServiceResponse()
    assert books.take() == []
