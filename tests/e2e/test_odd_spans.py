"""Spans with impossible ids, times, texts and counts, through the real process."""

from __future__ import annotations

import json
import time
import urllib.request

import pytest
from e2e.applications import PRICES
from e2e.processes import ask, attributes, export, is_serving
from e2e.test_telemetry import base_url, get
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from processor.core.otlp.json_writer import encode_line
from processor.surfaces.grpc.generated.cost_service_pb2 import (
    CheckBudgetRequest,
    CheckBudgetResponse,
    GetTotalsRequest,
    GetTotalsResponse,
)

CALL = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 1000,
    "gen_ai.usage.output_tokens": 0,
}
COST_USD = 0.0025


def a_call(number: int, name: str = "chat", end_ns: int | None = None, **more: object) -> Span:
    """One call of 1000 input tokens in a trace of its own, that ended just now or at `end_ns`."""
    end_ns = time.time_ns() if end_ns is None else end_ns
    start_ns = max(end_ns - 10**6, 0)
    span = Span(
        trace_id=number.to_bytes(16, "big"),
        span_id=number.to_bytes(8, "big"),
        name=name,
        start_time_unix_nano=start_ns,
        end_time_unix_nano=end_ns,
    )
    pairs: dict[str, object] = {**CALL, **more}
    for key, value in pairs.items():
        pair = span.attributes.add(key=key)
        if isinstance(value, str):
            pair.value.string_value = value
        elif isinstance(value, int):
            pair.value.int_value = value
        elif isinstance(value, float):
            pair.value.double_value = value
    return span


def request_of(*spans: Span) -> bytes:
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.extend(spans)
    return request.SerializeToString()


def total(port: int, scope: str = "total", scope_id: str = "") -> GetTotalsResponse:
    question = GetTotalsRequest(scope=scope, id=scope_id)
    found: GetTotalsResponse = ask(port, "GetTotals", question, GetTotalsResponse)
    return found


@pytest.fixture
def flags(tmp_path, backend):
    """Prices with known numbers, and the backend."""
    pricing = tmp_path / "pricing.yaml"
    pricing.write_text(PRICES)
    return ["--pricing", pricing, "--forward-to", f"127.0.0.1:{backend.port}"]


def test_a_parent_of_zeros_or_of_another_size_makes_a_root(serve, flags, backend):
    """Guarantees: such a span shows its trace's totals as any root does; its bytes pass."""
    parents = {"zeros": bytes(8), "short": b"abc", "long": b"p" * 16, "own": (44).to_bytes(8)}
    processor = serve(*flags)
    for number, (name, parent) in enumerate(parents.items(), 41):
        span = a_call(number, name)
        span.parent_span_id = parent
        export(processor.port, request_of(span))
    for name, parent in parents.items():
        written = backend.by_name()[name]
        assert written.parent_span_id == parent
        assert attributes(written)["trace.total_cost_usd"] == COST_USD


def test_times_in_other_units_count_now_and_impossible_ones_are_assumed(serve, flags, backend):
    """Guarantees: both are marked; the month's total has them all."""
    now_ns = time.time_ns()
    ends = {
        "exact": now_ns, "us": now_ns // 10**3, "ms": now_ns // 10**6, "s": now_ns // 10**9,
        "none": 0, "1970": 10**9, "2014": 1_400_000_000 * 10**9, "ahead": now_ns + 7200 * 10**9,
        "end of time": 2**64 - 1,
    }  # fmt: skip
    processor = serve(*flags)
    export(
        processor.port,
        request_of(*(a_call(60 + at, *end) for at, end in enumerate(ends.items()))),
    )
    marks = {
        name: [key for key in attributes(span) if key.startswith("llm.cost.time_")]
        for name, span in backend.by_name().items()
    }
    assumed, rescaled = ["llm.cost.time_assumed"], ["llm.cost.time_rescaled"]
    assert marks == {
        "exact": [], "us": rescaled, "ms": rescaled, "s": rescaled,
        "none": assumed, "1970": assumed, "2014": assumed, "ahead": assumed,
        "end of time": assumed,
    }  # fmt: skip
    question = GetTotalsRequest(scope="total", window="month", at_unix_nano=now_ns)
    answer = ask(processor.port, "GetTotals", question, GetTotalsResponse)
    assert answer.calls == len(ends)


BAD = b"caf\xe9 \xff"
READ = BAD.decode(errors="replace")


def broken(*spans: Span, service: str = "MARK shop") -> bytes:
    """A request in which the word MARK of any text is as many bytes that are not UTF-8."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = service
    resource.scope_spans.add().spans.extend(spans)
    return request.SerializeToString().replace(b"MARK", BAD[:4])


@pytest.mark.parametrize("is_http", [False, True], ids=["grpc", "http"])
def test_texts_that_are_not_utf_8_are_carried_and_charged(serve, flags, backend, is_http):
    """Guarantees: names, keys, values and services; the ledger reads them with replacement."""
    processor = serve(*flags)
    more = {"MARK": "MARK", "user.id": "MARK", "session.id": "s", "llm.cost.model": "MARK"}
    payload = broken(a_call(81, "MARK", **more), a_call(82))
    if is_http:
        port = int(processor.wait_for("OTLP/HTTP at").rpartition(":")[2])
        url, kind = f"http://127.0.0.1:{port}/v1/traces", "application/x-protobuf"
        request = urllib.request.Request(url, payload, {"Content-Type": kind})
        assert urllib.request.urlopen(request, timeout=20).status == 200
    else:
        export(processor.port, payload)
    (sent,) = backend.requests()
    assert sent.count(BAD[:4]) == payload.count(BAD[:4])
    for scope, name in (("user", BAD[:4]), ("service", BAD[:4] + b" shop"), ("session", b"s")):
        expected = 2 if scope == "service" else 1
        found = total(processor.port, scope, name.decode(errors="replace"))
        assert (found.calls, found.cost_usd) == (expected, expected * COST_USD), scope


def test_json_that_is_not_utf_8_is_carried(serve, flags, backend):
    """Guarantees: a body in Latin-1 costs nothing, and half a surrogate pair neither."""
    processor = serve(*flags)
    port = int(processor.wait_for("OTLP/HTTP at").rpartition(":")[2])
    span = a_call(91, "MARK", **{"user.id": "half"})
    body = json.dumps(
        json.loads(encode_line("traces", request_of(span))), ensure_ascii=False
    ).encode()
    body = body.replace(b"MARK", BAD).replace(b'"half"', rb'"half \ud83d"')
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/traces", body, {"Content-Type": "application/json"}
    )
    assert urllib.request.urlopen(request, timeout=20).status == 200
    (sent,) = backend.requests()
    assert BAD in sent
    assert total(processor.port, "user", "half \ufffd").calls == 1


def test_half_a_surrogate_pair_in_a_value_that_is_json_is_stored(serve, flags):
    """Guarantees: no text that the ledger cannot store, wherever it comes from."""
    processor = serve(*flags)
    metadata = r'{"user_api_key_end_user_id": "u\ud800", "model": "\udc00", "session_id": "\ud83d"}'
    more = {"metadata": metadata, "user.id": r'"u\ud800"', "session.id": r'"\ud83d"'}
    export(processor.port, request_of(a_call(95, **more)))
    assert total(processor.port).calls == 1
    assert total(processor.port, "user", "u?").calls == 1


HUGE = {"gen_ai.usage.input_tokens": 10**12, "gen_ai.usage.output_tokens": 10**12}
MONTHLY = "budgets: [{name: month, scope: total, window: month, limit_usd: 100, warn_at: [0.5]}]\n"


def exact(answer, name):
    """A number of an answer, whatever its size."""
    return int(answer.beyond_64_bits.get(name, getattr(answer, name)))


def test_implausible_usage_is_a_status_and_no_money(serve, flags, backend, tmp_path):
    """Guarantees: fifty calls of 10^12 tokens cross no budget, and the next call is charged."""
    budgets = tmp_path / "budgets.yaml"
    budgets.write_text(MONTHLY)
    processor = serve(*flags, "--budgets", budgets)
    for number in range(50):
        export(processor.port, request_of(a_call(200 + number, "huge", **HUGE)))
    written = attributes(backend.by_name()["huge"])
    assert written["llm.cost.status"] == "implausible"
    assert written["llm.cost.reason"] == "more than 100000000 tokens reported"
    assert written["trace.cost_at_least"] is True
    assert not {"llm.cost_usd", "llm.tokens.input", "llm.budget.exceeded"} & written.keys()
    export(processor.port, request_of(a_call(300)))
    found = total(processor.port)
    assert (found.calls, found.unpriced_calls, found.cost_usd) == (51, 50, COST_USD)
    assert (found.input_tokens, found.at_least) == (1000, True)


def test_sums_beyond_64_bits_are_exact_and_poison_nothing(serve, flags, backend, tmp_path):
    """Guarantees: totals, budgets and events go on, also after a restart, and health is good."""
    budgets, prices = tmp_path / "budgets.yaml", tmp_path / "dear.yaml"
    budgets.write_text(MONTHLY.replace("100,", "9000000000,"))
    prices.write_text(PRICES.replace("2.50", "2500").replace("10.00", "2500"))
    settings = tmp_path / "processor.yaml"
    settings.write_text(f"pricing: {{implausible_above: {{tokens: {10**12}}}}}\n")
    half = dict.fromkeys(HUGE, 4 * 10**11)
    each_nano_usd = 2 * 10**18
    flags += ["--budgets", budgets, "--pricing", prices, "--config", settings]
    processor = serve(*flags)
    for number in range(50):
        if number == 25:
            processor.stop()
            processor = serve(*flags)
        export(processor.port, request_of(a_call(400 + number, f"huge {number}", **half)))
    found = total(processor.port)
    assert exact(found, "cost_nano_usd") == 50 * each_nano_usd > 2**63
    assert found.cost_nano_usd == 2**63 - 1
    assert found.cost_usd == 50 * each_nano_usd / 10**9
    events = [event for _, _, span in backend.spans() for event in span.events]
    assert [event.name for event in events] == ["llm.budget.warning", "llm.budget.exceeded"]
    assert attributes(events[1])["budget.spent_usd"] == 5 * each_nano_usd / 10**9
    question = CheckBudgetRequest(scopes={"user": "u"})
    (standing,) = ask(processor.port, "CheckBudget", question, CheckBudgetResponse).standings
    assert exact(standing, "spent") == 50 * each_nano_usd
    assert get(f"{base_url(processor)}/health")[0] == 200
    assert is_serving(processor.port)
