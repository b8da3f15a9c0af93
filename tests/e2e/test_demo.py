"""The demo as a user runs it, in a process of its own."""

import os
import re
import signal
import socket
import subprocess
import sys

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

DEMO = [sys.executable, "-m", "processor.cli", "demo"]
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


@pytest.fixture
def environment():
    """A terminal of 100 columns, on a machine whose own telemetry settings lead nowhere."""
    misleading = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
        "OTEL_SDK_DISABLED": "true",
        "http_proxy": "http://127.0.0.1:1",
    }
    return {**os.environ, "COLUMNS": "100", "PYTHONUTF8": "1", **misleading}


@pytest.fixture
def shown(environment):
    """What the demo prints when it runs once."""
    done = subprocess.run(
        [*DEMO, "--once", "--listen", "127.0.0.1:0"],
        capture_output=True, encoding="utf-8", env=environment, timeout=60, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout


def test_it_answers_what_a_run_cost_and_why(shown):
    # Money depends on the catalogue of the day; what is said about it does not.
    for pattern in (
        r"session trip-42 · user ada · org acme",
        r"└─ invoke_agent trip-planner +58,796 tokens +\d\.\d{6}  4 calls",
        r"repeats the tokens of its calls, which are counted once",
        r"chat claude-sonnet-4-5 +9,870 +4,096 +780 +0\.\d{6} +exact\n +the cache saved \$0",
        r"of it for writing to the cache",
        r"chat gpt-5-mini +none +failed\n.*failed: 429 rate limit",
        r"ChatCompletion +3,985 +301 +0\.\d{6} +exact\n +model gpt-4\.1-mini",
        r"summarise_trip +5,120 +640 +0\.\d{6} +alias\n.*provider inferred from the model",
        r"chat house-translator-v2 +640 +655 +unknown +unpriced\n +unpriced \(",
        r"invoke_agent writer +7,055 tokens +≥ 0\.\d{6}  2 calls",
        r"chat claude-opus-4-5 .*\n.*▲ budget per-user-daily: user bob at",
        r"■ budget per-user-daily exceeded: user bob at",
        r"chat gpt-5\.1 (.*\n)+?.*■ budget per-user-daily stays exceeded",
        r"session audit-7, so far: 2 agent runs",
        r"12 spans carry a cost; together \$0\.\d{6}, exactly the total above\.",
        r"1 call has no known price",
        r"May bob make another call\? no\. Budget exceeded: per-user-daily of user bob",
        r"May ada make another call\? yes",
        r"OTEL_EXPORTER_OTLP_ENDPOINT=http://127\.0\.0\.1:4317",
    ):
        assert re.search(pattern, shown), pattern


def test_it_fits_a_terminal_and_sends_no_codes_to_a_pipe(shown):
    assert max(map(len, shown.splitlines())) <= 100
    assert "\x1b" not in shown


def test_a_port_that_was_asked_for_and_is_taken_is_one_line(environment):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        done = subprocess.run(
            [*DEMO, "--once", "--listen", address],
            capture_output=True, encoding="utf-8", env=environment, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert address in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_goes_on_to_show_the_spans_one_sends_until_it_is_told_to_stop(number, environment):
    with subprocess.Popen(
        [*DEMO, "--listen", "127.0.0.1:0"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", env=environment,
    ) as demo:  # fmt: skip
        try:
            endpoint = read_until(demo, r"ENDPOINT=http://(\S+)")
            question = read_until(demo, r"today (--endpoint http://\S+)$")
            read_until(demo, r"Ctrl-C ends it")
            with grpc.insecure_channel(
                endpoint, options=[("grpc.enable_http_proxy", 0)]
            ) as channel:
                answer = channel.unary_unary(EXPORT)(a_call(), timeout=10)
            assert ExportTraceServiceResponse.FromString(answer) == ExportTraceServiceResponse()
            read_until(demo, r" my own call +1,000 +10 +0\.\d{6} +0\.\d{6}  exact")
            assert " trip-planner " in answer_of_today(question.split(), environment)
            demo.send_signal(number)
            _, errors = demo.communicate(timeout=30)
        finally:
            demo.kill()
    assert errors == ""
    assert demo.returncode == 0


def answer_of_today(flags, environment):
    return subprocess.run(
        [sys.executable, "-m", "processor.cli", "today", *flags],
        capture_output=True, encoding="utf-8", env=environment, timeout=60, check=True,
    ).stdout  # fmt: skip


def read_until(demo, pattern):
    """The first group, or all, of the first line of output that fits."""
    for line in demo.stdout:
        found = re.search(pattern, line)
        if found:
            return found[found.re.groups]
    raise AssertionError(f"it ended without {pattern!r}: {demo.stderr.read()}")


def a_call():
    texts = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
             "gen_ai.request.model": "gpt-4o"}  # fmt: skip
    counts = {"gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 10}
    attributes = [KeyValue(key=k, value=AnyValue(string_value=v)) for k, v in texts.items()]
    attributes += [KeyValue(key=k, value=AnyValue(int_value=v)) for k, v in counts.items()]
    span = Span(
        trace_id=b"\x01" * 16, span_id=b"\x02" * 8, name="my own call",
        start_time_unix_nano=10**18, end_time_unix_nano=10**18 + 10**9, attributes=attributes,
    )  # fmt: skip
    return ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=[span])])]
    ).SerializeToString()


def test_a_history_is_ready_to_be_asked_and_proved(environment, tmp_path):
    """Guarantees: the folder that it names is one that other commands take as it is."""
    folder = {"TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [*DEMO, "--history", "1d"],
        capture_output=True, encoding="utf-8", env=environment | folder, timeout=60, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.returncode == 0
    sentences = [line for line in done.stdout.splitlines() if not line.startswith("   ")]
    assert max(map(len, sentences)) <= 100
    [config] = set(re.findall(r"--config (\S+)", done.stdout))
    assert config.startswith(f"{tmp_path}/llm-cost-demo-")
    verified = subprocess.run(
        [*DEMO[:-1], "verify", "--config", config],
        capture_output=True, encoding="utf-8", env=environment, timeout=60, check=False,
    )  # fmt: skip
    assert "everything agrees" in verified.stdout
