"""``llm-cost serve`` on a terminal, with a real SDK: what a new user sees in the first minute."""

from __future__ import annotations

import re
import signal
import socket

import pytest
from e2e.applications import chat, run_agents, tracer
from e2e.processes import export
from e2e.terminals import Terminal
from e2e.test_logs import CLAUDE, payload_of, send_logs
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@pytest.fixture
def serve_on(files, tmp_path):
    """Start the processor on a terminal; it ends with the test."""
    started = []

    def start(*flags, columns=80, errors=None):
        pricing, budgets = files
        budgets.write_text(
            "budgets:\n  - {name: per-session, scope: session, limit_usd: 0.0100, warn_at: [0.5]}\n"
        )
        terminal = Terminal(
            "serve", "--listen", "127.0.0.1:0", "--data-dir", tmp_path / "data",
            "--pricing", pricing, "--budgets", budgets, *flags,
            columns=columns, errors=errors,
        )  # fmt: skip
        started.append(terminal)
        terminal.port = int(terminal.wait_for(r"OTLP/gRPC at 127.0.0.1:(\d+)")[1])
        terminal.wait_for("^metrics ")
        return terminal

    yield start
    for each in started:
        each.kill()


def run_once(port):
    provider, app = tracer(port, batch=True)
    trace_id = run_agents(app)
    provider.shutdown()
    return trace_id


def shown_traces(terminal):
    return [line for line in terminal.lines if re.match(r" \d\d:\d\d:\d\d  ", line)]


@pytest.mark.parametrize("columns", [80, 120])
def test_each_trace_is_a_line_with_its_cost_and_what_deserves_more(serve_on, columns):
    """Guarantees: what was charged is seen as it happens, whole, and nothing twice."""
    terminal = serve_on(columns=columns)
    trace_id = run_once(terminal.port)
    terminal.wait_for("planner")
    assert terminal.stop() == 0
    (line,) = shown_traces(terminal)
    assert " planner " in line
    assert " shop " in line
    assert " 4 calls " in line
    # 0.0045 + 0.0060 + 0.00045, and one model that nobody knows.
    assert "≥ $0.010950" in line
    assert (trace_id[:8] in line) == (columns == 120)
    below = "\n".join(terminal.lines)
    assert "■ budget per-session exceeded: session s-1 at 105%, $0.0105" in below
    assert "! 1 call of nobody-knows-this without a price" in below
    begins = terminal.lines.index(line)
    assert all(len(each) <= columns for each in terminal.lines[begins:])


def test_repeat_is_not_shown_again(serve_on):
    """Guarantees: what a sender sends again is no second cost on the terminal."""
    terminal = serve_on()
    provider, app = tracer(terminal.port)
    chat(app, "chat once")
    provider.shutdown()
    terminal.wait_for(r"\$0.004500")
    request = a_request(trace=7)
    for _ in range(3):
        export(terminal.port, request)
    terminal.stop()
    lines = shown_traces(terminal)
    assert len(lines) == 2
    assert all(line.endswith("$0.004500") for line in lines)


def test_verbose_shows_the_tree(serve_on):
    terminal = serve_on("--verbose", columns=100)
    run_once(terminal.port)
    terminal.wait_for("session s-1, so far")
    terminal.stop()
    text = "\n".join(terminal.lines)
    assert re.search(r"└─ llm.call +100 +10 +0.000450 +alias", text)
    assert re.search(r"│  └─ execute_tool search", text)
    assert re.search(r"POST /ask .* ≥ 0.010950  4 calls", text)


def test_quiet_shows_no_traces(serve_on):
    terminal = serve_on("--quiet")
    run_once(terminal.port)
    terminal.stop()
    assert shown_traces(terminal) == []
    assert "0.010950" not in terminal.raw


@pytest.mark.parametrize("flag", ["", "--verbose"])
def test_session_of_a_coding_agent_is_shown(serve_on, flag):
    """Guarantees: what log records report is shown as well, and a copy of them is not."""
    terminal = serve_on(*filter(None, [flag]), columns=120)
    for _ in range(2):
        send_logs(terminal.port, payload_of(CLAUDE))
    terminal.stop()
    text = "\n".join(terminal.lines)
    assert text.count("claude_code.api_request" if flag else "log records") == 1
    assert "3,352 tokens" in text or "3,301" in text


def test_terminal_that_stands_still_holds_up_nobody(serve_on):
    """Guarantees: after Ctrl-S batches are acknowledged as before, and a stop is one."""
    terminal = serve_on()
    terminal.stand_still()
    for number in range(1, 101):
        export(terminal.port, a_request(trace=number))
    terminal.popen.send_signal(signal.SIGTERM)
    assert terminal.popen.wait(30) == 0
    assert shown_traces(terminal) == []


def test_more_than_can_be_drawn_is_summed(serve_on):
    """Guarantees: what is drawn and the sum of what is not are what was charged."""
    terminal = serve_on(columns=120)
    export(terminal.port, b"".join(a_request(trace=number) for number in range(1, 301)))
    terminal.stop()
    text = "\n".join(terminal.lines)
    drawn = len(shown_traces(terminal))
    left_out = sum(map(int, re.findall(r"… (\d+) more traces? not drawn", text)))
    assert drawn + left_out == 300
    assert left_out > 0
    sums = [float(each) for each in re.findall(r"not drawn: .*\$(\d+\.\d+)", text)]
    assert round(sum(sums) + drawn * 0.0045, 6) == 1.35


def test_start_says_whether_the_backend_answers(serve_on, start_backend):
    backend = start_backend()
    terminal = serve_on("--forward-to", f"127.0.0.1:{backend.port}")
    terminal.wait_for(f"^backend      127.0.0.1:{backend.port} answers, in plain text")
    run_once(terminal.port)
    terminal.wait_for("planner")
    assert "llm.call" in backend.by_name()


def test_backend_that_comes_later_is_said(serve_on, start_backend):
    """Guarantees: the start does not wait for a backend, and says what becomes of spans."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    terminal = serve_on("--forward-to", f"127.0.0.1:{port}", columns=120)
    terminal.wait_for(f"127.0.0.1:{port} is not answering yet, spans are kept on disk until it")
    start_backend(port=port)
    terminal.wait_for(f"127.0.0.1:{port} answers, in plain text")


def test_calls_without_usage_are_said_on_the_terminal_and_in_the_log(serve_on, tmp_path):
    """Guarantees: once, with the service and the fix."""
    log = tmp_path / "log"
    terminal = serve_on(errors=log, columns=120)
    provider, app = tracer(terminal.port)
    for _ in range(3):
        with app.start_as_current_span("chat gpt-4o") as call:
            call.set_attribute("gen_ai.operation.name", "chat")
            call.set_attribute("gen_ai.request.model", "gpt-4o")
    provider.shutdown()
    terminal.wait_for(r"stream_options=\{")
    assert terminal.stop() == 0
    said = "a call of gpt-4o from service 'shop' has no usage"
    assert "\n".join(terminal.lines).count(said) == 1
    assert log.read_text().count(said) == 1
    assert [line for line in terminal.lines if "1 call of gpt-4o without usage" in line]


def test_pipe_gets_what_it_always_got(serve, files):
    """Guarantees: where stdout is no terminal, only the start and the end are printed."""
    pricing, budgets = files
    process = serve("--pricing", pricing, "--budgets", budgets)
    run_once(process.port)
    process.wait_for("metrics")
    process.popen.send_signal(2)
    process.wait_for("stopped")
    assert not [line for line in process.lines if "planner" in line or "\x1b" in line]


def a_request(trace):
    """A call as one request, which can be sent again byte for byte."""
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(
        trace_id=trace.to_bytes(16, "big"), span_id=b"span...1", name="chat again",
        start_time_unix_nano=1, end_time_unix_nano=2,
    )  # fmt: skip
    texts = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
    }
    for key, text in texts.items():
        span.attributes.add(key=key).value.string_value = text
    for key, number in (("input", 1000), ("output", 200)):
        span.attributes.add(key=f"gen_ai.usage.{key}_tokens").value.int_value = number
    return request.SerializeToString()
