"""The whole way as users run it: a real SDK exporter, the processor's process, a real backend."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from itertools import count
from pathlib import Path

import grpc
import pytest
from e2e.applications import BUDGETS, PRICES, chat, run_agents, tracer
from e2e.processes import Process, ask, attributes, export, is_serving, total_nano_usd, wait_until
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from processor.surfaces.grpc.generated.cost_service_pb2 import (
    CheckBudgetRequest,
    CheckBudgetResponse,
    GetTotalsRequest,
    GetTotalsResponse,
)

NUMBERS = count(1000)
"""Of calls whose ids do not matter."""


@pytest.fixture
def files(tmp_path):
    """Prices and budgets with known numbers."""
    pricing, budgets = tmp_path / "pricing.yaml", tmp_path / "budgets.yaml"
    pricing.write_text(PRICES)
    budgets.write_text(BUDGETS)
    return ["--pricing", pricing, "--budgets", budgets]


@pytest.fixture
def processor(serve, backend, files):
    """The processor in front of the recording backend."""
    return serve("--forward-to", f"127.0.0.1:{backend.port}", *files)


def test_every_attribute_arrives_at_the_backend(processor, backend):
    """Guarantees: what the design promises is on the spans, to the nano-dollar."""
    provider, app = tracer(processor.port)
    run_agents(app)
    provider.shutdown()
    spans = backend.by_name()
    plain = attributes(spans["chat plain"])
    # 1000 x 2.50 + 200 x 10.00 per million.
    assert plain["llm.cost_usd"] == 0.0045
    assert plain["llm.cost.input_usd"] == 0.0025
    assert plain["llm.cost.output_usd"] == 0.002
    assert plain["llm.cost.cache_read_usd"] == 0.0
    assert plain["llm.cost.cache_write_usd"] == 0.0
    assert plain["llm.cost.status"] == "exact"
    assert plain["llm.cost.model"] == "gpt-4o"
    assert plain["llm.cost.price_version"]
    assert plain["llm.tokens.input"] == 1000
    assert plain["llm.tokens.output"] == 200
    assert plain["llm.tokens.total"] == 1200
    assert "llm.cache.hit" not in plain
    cached = attributes(spans["chat cached"])
    # 1200 x 2.50 + 800 x 1.25 + 200 x 10.00 per million.
    assert cached["llm.cost_usd"] == 0.006
    assert cached["llm.cost.cache_read_usd"] == 0.001
    assert cached["llm.cache.hit"] is True
    assert cached["llm.cache.tokens_saved"] == 800
    assert cached["llm.cache.cost_saved_usd"] == 0.001
    unknown = attributes(spans["chat unknown"])
    assert "llm.cost_usd" not in unknown
    assert unknown["llm.cost.status"] == "unpriced"
    assert unknown["llm.cost.reason"]
    seed = attributes(spans["llm.call"])
    # 100 x 3.00 + 10 x 15.00 per million.
    assert seed["llm.cost_usd"] == 0.00045
    assert seed["llm.tokens.total"] == 110
    agent = attributes(spans["invoke_agent planner"])
    assert "llm.cost_usd" not in agent, "a parent that repeats its children costs nothing more"
    assert agent["agent.total_cost_usd"] == 0.0105
    assert agent["agent.total_tokens"] == 3400
    assert agent["agent.llm_calls"] == 2
    assert "llm.cost.status" not in attributes(spans["execute_tool search"])
    root = attributes(spans["POST /ask"])
    assert root["trace.total_cost_usd"] == 0.01095
    assert root["trace.cost_at_least"] is True, "an unknown call is inside"
    assert root["trace.llm_calls"] == 4
    assert root["trace.total_tokens"] == 1200 + 2200 + 1200 + 110
    assert root["session.total_cost_usd"] == 0.01095
    assert root["session.agent_runs"] == 1


def test_a_session_that_only_the_resource_names_stands_on_the_root(shared):
    """Guarantees: an application that sets session.id once, for all it sends, sees its total."""
    processor, backend = shared
    provider, app = tracer(processor.port, **{"session.id": "cli-7"})
    with app.start_as_current_span("run"):
        chat(app, "chat")
    provider.shutdown()
    root = attributes(backend.by_name()["run"])
    assert root["session.total_cost_usd"] == root["trace.total_cost_usd"] == 0.0045


def test_a_crossed_budget_is_an_event_on_the_span_that_crossed_it(processor, backend):
    """Guarantees: each crossing is there once, with its numbers, and where the cause is."""
    provider, app = tracer(processor.port)
    run_agents(app)
    chat(app, "chat later", session__id="s-1")
    chat(app, "chat expensive", tokens=(1000, 2000))
    provider.shutdown()
    events = [(span.name, event) for _, _, span in backend.spans() for event in span.events]
    found = {
        (name, event.name, attributes(event)["budget.name"]): attributes(event)
        for name, event in events
    }
    assert len(found) == len(events) == 3
    # The session is named by the root alone, which ends last: it brings the crossings with it.
    warning = found["POST /ask", "llm.budget.warning", "per-session"]
    assert warning["budget.threshold"] == 0.5
    exceeded = found["POST /ask", "llm.budget.exceeded", "per-session"]
    assert exceeded["budget.scope"] == "session"
    assert exceeded["budget.scope_id"] == "s-1"
    assert exceeded["budget.limit_usd"] == 0.01
    assert exceeded["budget.spent_usd"] >= 0.01
    assert exceeded["budget.ratio"] >= 1.0
    assert exceeded["budget.trigger"] == "attribution"
    per_call = found["chat expensive", "llm.budget.exceeded", "per-call"]
    assert per_call["budget.spent_usd"] == 0.0225
    spans = backend.by_name()
    assert attributes(spans["chat later"])["llm.budget.exceeded"] == "per-session"
    assert "llm.budget.exceeded" not in attributes(spans["chat plain"])
    answer = ask(
        processor.port,
        "CheckBudget",
        CheckBudgetRequest(scopes={"session": "s-1"}),
        CheckBudgetResponse,
    )
    assert not answer.allowed
    assert "per-session" in answer.message


def test_totals_by_scope_add_up_to_the_whole(processor):
    """Guarantees: CostService answers from any language, and no parent doubles the bill."""
    provider, app = tracer(processor.port, batch=True)
    run_agents(app)
    provider.shutdown()
    whole = total_nano_usd(processor.port, "total")
    assert whole == 10_950_000
    assert total_nano_usd(processor.port, "session", "s-1") == whole
    assert total_nano_usd(processor.port, "user", "u-1") == whole
    assert total_nano_usd(processor.port, "agent", "planner") == 10_500_000
    for dimension, name in (
        ("feature", "summary"), ("task", "T-9"), ("task_type", "review"), ("purpose", "explain"),
    ):  # fmt: skip
        assert total_nano_usd(processor.port, dimension, name) == 450_000, dimension
    question = GetTotalsRequest(scope="task", id="T-9")
    assert ask(processor.port, "GetTotals", question, GetTotalsResponse).label == "Fix the bug"


def test_an_own_dimension_has_totals_and_budgets(serve, backend, tmp_path, spawn):
    """Guarantees: an own dimension is used as a built-in one is, also across a restart."""
    config, budgets = tmp_path / "processor.yaml", tmp_path / "budgets.yaml"
    config.write_text(f"dimensions: {{team: [team, team.id]}}\nbudgets: {{file: {budgets}}}\n")
    budgets.write_text(
        "budgets:\n  - {name: teams, scope: team, window: month, limit_usd: 0.004}\n"
    )
    pricing = tmp_path / "pricing.yaml"
    pricing.write_text(PRICES)
    flags = ["--config", config, "--pricing", pricing, "--forward-to", f"127.0.0.1:{backend.port}"]
    processor = serve(*flags)
    export(processor.port, a_call(next(NUMBERS), **{"team.id": "search"}).SerializeToString())
    assert processor.stop() == 0
    processor = serve(*flags)
    for team in ("search", "other"):
        export(processor.port, a_call(next(NUMBERS), team=team).SerializeToString())
    assert total_nano_usd(processor.port, "team", "search") == 5_000_000
    assert total_nano_usd(processor.port, "team", "other") == 2_500_000
    found = [attributes(span) for span in backend.by_name().values()]
    exceeded = [(said["team"], said["llm.budget.exceeded"]) for said in found
                if "llm.budget.exceeded" in said]  # fmt: skip
    assert exceeded == [("search", "teams")]
    question = CheckBudgetRequest(scopes={"team": "search"})
    assert not ask(processor.port, "CheckBudget", question, CheckBudgetResponse).allowed
    process = spawn(Process, "-m", "processor.cli", "check-config", "--budgets", budgets)
    assert process.popen.wait(30) == 2
    process.wait_for("add dimensions: {team: [team, team.id]} to the settings")


def captured(backend):
    """What the processor forwarded, as one request that can be sent again."""
    return b"".join(backend.requests())


def request_of(spans):
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.extend(spans)
    return request.SerializeToString()


def a_call(number, tokens=1000, **more):
    """One call's span, as bytes would bring it."""
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(
        trace_id=number.to_bytes(16), span_id=number.to_bytes(8), name=f"call {number}",
        start_time_unix_nano=time.time_ns() - 10**9, end_time_unix_nano=time.time_ns(),
    )  # fmt: skip
    values = {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": tokens,
        "gen_ai.usage.output_tokens": 0,
    } | more  # fmt: skip
    for key, value in values.items():
        pair = span.attributes.add(key=key)
        if isinstance(value, str):
            pair.value.string_value = value
        elif isinstance(value, float):
            pair.value.double_value = value
        else:
            pair.value.int_value = value
    return request


def test_a_batch_sent_again_changes_nothing(serve, backend, files):
    """Guarantees: a repeat is stamped as the first time and never charged, restarts or not."""
    flags = ["--forward-to", f"127.0.0.1:{backend.port}", *files]
    processor = serve(*flags)
    payload = a_call(1).SerializeToString()
    export(processor.port, payload)
    export(processor.port, payload)
    assert processor.stop() == 0
    files[1].write_text(PRICES.replace("2.50", "99.0"))
    processor = serve(*flags)
    export(processor.port, payload)
    assert total_nano_usd(processor.port, "total") == 2_500_000
    first, second, third = backend.requests()
    assert first == second == third


def test_killed_between_commit_and_delivery(serve, backend, files):
    """Guarantees: kill -9 after the charge and before delivery loses and doubles nothing."""
    flags = ["--forward-to", f"127.0.0.1:{backend.port}", *files]
    processor = serve(*flags)
    backend.hold()
    payload = a_call(1).SerializeToString()

    def send():
        with pytest.raises(grpc.RpcError):
            export(processor.port, payload)

    sent = threading.Thread(target=send)
    sent.start()
    wait_until(lambda: total_nano_usd(processor.port, "total"))
    assert processor.stop(signal.SIGKILL) == -signal.SIGKILL
    sent.join()
    backend.release()
    processor = serve(*flags)
    export(processor.port, payload)
    assert total_nano_usd(processor.port, "total") == 2_500_000
    stamped = {attributes(span)["llm.cost_usd"] for _, _, span in backend.spans()}
    assert stamped == {0.0025}


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_link_that_was_acknowledged_is_there_after_a_restart(serve, backend, files, how):
    """Guarantees: call and agent are charged once, whenever the span between them came."""
    flags = ["--forward-to", f"127.0.0.1:{backend.port}", *files]
    call, agent, link = a_call(1), a_call(2), ExportTraceServiceRequest()
    link.resource_spans.add().scope_spans.add().spans.add(
        trace_id=(1).to_bytes(16), span_id=(3).to_bytes(8), parent_span_id=(2).to_bytes(8),
        name="step", start_time_unix_nano=time.time_ns() - 10**9,
        end_time_unix_nano=time.time_ns(),
    )  # fmt: skip
    call.resource_spans[0].scope_spans[0].spans[0].parent_span_id = (3).to_bytes(8)
    above = agent.resource_spans[0].scope_spans[0].spans[0]
    above.trace_id = (1).to_bytes(16)
    above.attributes[0].value.string_value = "invoke_agent"
    processor = serve(*flags)
    export(processor.port, link.SerializeToString())
    processor.stop(how)
    processor = serve(*flags)
    export(processor.port, call.SerializeToString())
    export(processor.port, agent.SerializeToString())
    assert total_nano_usd(processor.port, "total") == 2_500_000


def test_a_backend_that_is_down_costs_an_application_nothing(serve, backend, files):
    """Guarantees: acknowledged once it is on the disk, delivered once, charged once."""
    processor = serve("--forward-to", f"127.0.0.1:{backend.port}", *files)
    backend.tell('{"answer": "UNAVAILABLE"}')
    payload = a_call(1).SerializeToString()
    assert export(processor.port, payload, timeout_s=10.0) == b""
    processor.wait_for("are kept in")
    assert backend.requests() == []
    backend.tell("{}")
    wait_until(backend.requests)
    assert total_nano_usd(processor.port, "total") == 2_500_000
    assert len(backend.requests()) == 1


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_a_script_ends_as_usual_while_the_backend_is_away(serve, start_backend, files, protocol):
    """Guarantees: the real SDK's only export succeeds, and nothing is tried again or given up."""
    backend = start_backend()
    backend.stop()
    processor = serve("--forward-to", f"127.0.0.1:{backend.port}", *files)
    listens = processor.wait_for(f"OTLP/{'gRPC' if protocol == 'grpc' else 'HTTP'} at")
    script = Path(__file__).with_name("sdk_script.py")
    command = [sys.executable, script, protocol, listens.rpartition(":")[2]]
    # Where its export is not taken, the SDK itself tries again for longer than this.
    ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert (ended.stdout, ended.stderr) == ("SUCCESS 1\n", "")
    backend = start_backend(port=backend.port)
    wait_until(backend.requests)
    assert total_nano_usd(processor.port, "total") == 2_500_000


def test_without_a_queue_a_backend_that_is_down_is_the_senders_to_retry(
    serve, backend, files, tmp_path
):
    """Guarantees: no acknowledgement before delivery; the retry is charged once."""
    config = tmp_path / "processor.yaml"
    config.write_text("exporters: {otlp: {sending_queue: {enabled: false}}}")
    forward = ("--forward-to", f"127.0.0.1:{backend.port}", "--config", config)
    processor = serve(*forward, *files)
    backend.tell('{"answer": "UNAVAILABLE"}')
    payload = a_call(1).SerializeToString()
    with pytest.raises(grpc.RpcError) as refused:
        export(processor.port, payload, timeout_s=3.0)
    assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
    backend.tell("{}")
    export(processor.port, payload)
    assert total_nano_usd(processor.port, "total") == 2_500_000
    assert len(backend.requests()) == 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1000", 0.0025), (1000.0, 0.0025), (-1, "usage_missing"), (float("nan"), "usage_missing"),
        (float("inf"), "implausible"), ("12,345", "usage_missing"), (2**63 - 1, "implausible"),
    ],
)  # fmt: skip
def test_odd_numbers_of_tokens(shared, value, expected):
    """Guarantees: what can be read is priced; what cannot is unknown, which is not zero.

    A number that is far above any context was read, and is no money: it is implausible.
    """
    processor, backend = shared
    request = a_call(next(NUMBERS), **{"gen_ai.usage.input_tokens": value})
    if isinstance(expected, str):
        pairs = request.resource_spans[0].scope_spans[0].spans[0].attributes
        del pairs[-1]
    export(processor.port, request.SerializeToString())
    span = attributes(backend.spans()[0][2])
    if isinstance(expected, str):
        assert "llm.cost_usd" not in span
        assert span["llm.cost.status"] == expected
    else:
        assert span["llm.cost_usd"] == expected
    assert is_serving(processor.port)


def test_bytes_that_are_no_otlp_are_refused_and_the_server_lives(shared):
    """Guarantees: INVALID_ARGUMENT, and the next request is served."""
    processor, backend = shared
    with pytest.raises(grpc.RpcError) as refused:
        export(processor.port, b"\xff\xff not a request")
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    export(processor.port, a_call(next(NUMBERS)).SerializeToString())
    assert len(backend.requests()) == 1


def test_spans_without_valid_ids_are_left_out_and_reported(shared):
    """Guarantees: one bad span poisons nothing, and the sender hears of it."""
    processor, backend = shared
    request = a_call(next(NUMBERS))
    bad = request.resource_spans[0].scope_spans[0].spans.add()
    bad.CopyFrom(request.resource_spans[0].scope_spans[0].spans[0])
    bad.trace_id = bytes(16)
    answer = ExportTraceServiceResponse.FromString(
        export(processor.port, request.SerializeToString())
    )
    assert answer.partial_success.rejected_spans == 1
    assert answer.partial_success.error_message
    assert len(backend.spans()) == 1


def test_what_is_not_ours_passes_byte_for_byte(shared):
    """Guarantees: batches without calls, metrics and logs leave as they came."""
    processor, backend = shared
    request = ExportTraceServiceRequest()
    span = (
        request.resource_spans.add()
        .scope_spans.add()
        .spans.add(trace_id=b"t" * 16, span_id=b"s" * 8, name="GET /")
    )
    span.links.add(trace_id=b"l" * 16, span_id=b"l" * 8)
    payload = request.SerializeToString() + bytes([0xFA, 0x3F, 0x02]) + b"hi"  # field 1023
    assert export(processor.port, payload) == b""
    assert backend.requests() == [payload]
    other = b"\x0a\x04\x12\x02\x0a\x00"
    with grpc.insecure_channel(f"127.0.0.1:{processor.port}") as channel:
        for kind, letter in (("metrics", "m"), ("logs", "l")):
            service = f"opentelemetry.proto.collector.{kind}.v1.{kind.title()}Service"
            channel.unary_unary(f"/{service}/Export")(other, timeout=10)
            assert backend.requests(letter) == [other]


def test_prices_edited_while_it_runs(processor, backend, files):
    """Guarantees: a new price is used within seconds; a broken file keeps the last good one."""
    export(processor.port, a_call(1).SerializeToString())
    files[1].write_text(PRICES.replace("2.50", "5.00"))
    processor.wait_for("has changed and is in force")
    export(processor.port, a_call(2).SerializeToString())
    assert attributes(backend.spans()[-1][2])["llm.cost_usd"] == 0.005
    files[1].write_text("models: [{provider: openai, model: gpt-4o, prices: [{input: -1}]}]")
    processor.wait_for("stays in force")
    export(processor.port, a_call(3).SerializeToString())
    assert attributes(backend.spans()[-1][2])["llm.cost_usd"] == 0.005


def test_without_a_backend_spans_go_to_a_file(serve, tmp_path, files):
    """Guarantees: it runs with nothing behind it, and what it acknowledged is on the disk."""
    processor = serve(*files)
    export(processor.port, a_call(1).SerializeToString())
    written = list((tmp_path / "data").rglob("traces*.jsonl"))
    assert len(written) == 1
    text = written[0].read_text()
    assert '"llm.cost_usd"' in text
    assert f'"traceId":"{1:032x}"' in text.replace(" ", "")


def test_a_wrong_budget_file_names_the_line_and_the_mend(spawn, tmp_path):
    """Guarantees: a typo ends the start with one clear line, not with a traceback."""
    budgets = tmp_path / "budgets.yaml"
    budgets.write_text("budgets:\n  - name: a\n    scope: user\n    limit_uds: 5\n")
    process = spawn(Process, "-m", "processor.cli", "serve", "--listen", "127.0.0.1:0",
                    "--data-dir", tmp_path / "d", "--budgets", budgets)  # fmt: skip
    assert process.popen.wait(30) == 2
    process.wait_for("budgets.yaml:4")
    process.wait_for("limit_usd")
    assert not any("Traceback" in line for line in process.lines)


def test_it_does_not_forward_to_itself(spawn, tmp_path):
    """Guarantees: a backend that is our own listener is refused at the start."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    process = spawn(Process, "-m", "processor.cli", "serve", "--listen", address,
                    "--data-dir", tmp_path / "d", "--forward-to", address)  # fmt: skip
    assert process.popen.wait(30) == 2
    process.wait_for("itself")
