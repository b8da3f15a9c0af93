"""What goes out, as lines in the log."""

import logging

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from processor.core.model import Receipt
from processor.io.exporter import DebugDestination


def request(*spans):
    message = ExportTraceServiceRequest()
    scope = message.resource_spans.add().scope_spans.add()
    for name, attributes in spans:
        span = scope.spans.add(name=name, trace_id=b"t" * 16, span_id=b"s" * 8)
        for key, value in attributes.items():
            pair = span.attributes.add(key=key)
            field = {str: "string_value", int: "int_value", float: "double_value"}[type(value)]
            setattr(pair.value, field, value)
    return message.SerializeToString()


CALL = {"gen_ai.prompt": "secret", "llm.cost_usd": 0.0025, "llm.cost.status": "exact"}
UNPRICED = {"llm.cost.status": "unpriced"}


async def lines(caplog, payload, signal="traces", *, is_detailed=True):
    caplog.set_level(logging.INFO)
    out = DebugDestination(is_detailed=is_detailed)
    assert await out.deliver(signal, payload, None) == Receipt()
    assert out.counters.delivered == 1
    return [record.getMessage() for record in caplog.records]


async def test_basic_is_a_line_for_each_batch(caplog):
    payload = request(("chat", CALL), ("chat", CALL), ("GET /", {}))
    (line,) = await lines(caplog, payload, is_detailed=False)
    assert line.endswith("3 spans, 2 with a cost, together 0.005000000 USD")


async def test_detailed_is_also_a_line_for_each_llm_call_and_never_a_prompt(caplog):
    found = await lines(caplog, request(("chat", CALL), ("chat", UNPRICED), ("GET /", {})))
    assert found[1:] == [
        f"  'chat' trace={'74' * 16} span={'73' * 8} llm.cost_usd=0.0025 llm.cost.status='exact'",
        f"  'chat' trace={'74' * 16} span={'73' * 8} llm.cost.status='unpriced'",
    ]


async def test_a_senders_text_can_neither_break_a_line_nor_fill_the_log(caplog):
    nasty = {"llm.cost_usd": "no number", "llm.cost.status": "a\nb\x1b[31m" + "x" * 10**6}
    found = await lines(caplog, request(("n\nm" * 1000, nasty)))
    assert len(found) == 2
    assert found[1].isprintable()
    assert len(found[1]) < 500


async def test_many_calls_are_cut_short(caplog):
    found = await lines(caplog, request(*[("chat", CALL)] * 1500))
    assert len(found) == 1002
    assert found[-1] == "  … and 500 more"


@pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
async def test_it_never_fails_whatever_it_gets(caplog, signal):
    (line,) = await lines(caplog, b"\xff\xff", signal)
    assert line.startswith(f"{signal}: 2 bytes")
