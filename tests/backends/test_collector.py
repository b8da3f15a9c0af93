"""A real OpenTelemetry Collector before and behind the processor, with the files of deploy/.

Only addresses and waiting times differ from what is shipped: the former are variables there, the
latter a second setting that the Collector puts over the file.
"""

from __future__ import annotations

import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from backends.running import free_ports, made_by, running
from e2e.applications import BUDGETS, PRICES, chat, run_agents, tracer
from e2e.processes import attributes, total_nano_usd, wait_until
from opentelemetry.trace import Status, StatusCode

pytestmark = [pytest.mark.backend, pytest.mark.timeout(2700)]

SHIPPED = Path(__file__).parents[2] / "deploy" / "collector"

SESSION_BUDGET = """
version: 1
budgets: [{name: per-session, scope: session, limit_usd: 0.01}]
"""


@pytest.fixture(scope="session")
def otelcol():
    """The Collector, built once and kept in .cache/."""
    return made_by("build_collector.sh")


@pytest.fixture
def collector(otelcol):
    """Start Collectors with files of deploy/collector, changes over them, and variables."""
    with ExitStack() as ends:

        def start(name, *changes, **variables):
            grpc, http = free_ports(2)
            # Its own metrics would take a fixed port.
            over = ("service::telemetry::metrics::level: none", *changes)
            process = ends.enter_context(
                running(
                    otelcol,
                    f"--config={SHIPPED / name}.yaml",
                    *(f"--config=yaml:{change}" for change in over),
                    LISTEN_GRPC=f"127.0.0.1:{grpc}",
                    LISTEN_HTTP=f"127.0.0.1:{http}",
                    **variables,
                )
            )
            process.wait_for("Everything is ready")
            process.port = grpc
            return process

        yield start


@pytest.fixture
def files(tmp_path):
    """Flags for prices and budgets with known numbers."""
    pricing, budgets = tmp_path / "pricing.yaml", tmp_path / "budgets.yaml"
    pricing.write_text(PRICES)
    budgets.write_text(BUDGETS)
    return ["--pricing", pricing, "--budgets", budgets]


def at(process):
    return f"127.0.0.1:{process.port}"


def assert_agents_were_charged_once(backend):
    """Every span of `run_agents` is there, once, and the totals are those of one run."""
    names = sorted(span.name for _, _, span in backend.spans())
    assert names == sorted(backend.by_name())
    assert len(names) == 7
    spans = {name: attributes(span) for name, span in backend.by_name().items()}
    assert spans["chat plain"]["llm.cost_usd"] == 0.0045
    assert spans["invoke_agent planner"]["agent.total_cost_usd"] == 0.0105
    assert spans["POST /ask"]["trace.total_cost_usd"] == 0.01095
    assert spans["POST /ask"]["session.total_cost_usd"] == 0.01095


@pytest.mark.parametrize("name", ["front", "front-two", "behind"])
def test_the_collector_accepts_what_we_ship(otelcol, name):
    """Guarantees: the files are valid as they stand, without a single variable."""
    command = [otelcol, "validate", "--config", SHIPPED / f"{name}.yaml"]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert checked.returncode == 0, checked.stderr


def test_behind_a_collector_every_span_is_priced_and_arrives_once(collector, serve, backend, files):
    """Guarantees: an application that sends to a Collector loses and doubles nothing."""
    processor = serve("--forward-to", at(backend), *files)
    front = collector("front", PROCESSOR=at(processor))
    provider, app = tracer(front.port, batch=True)
    run_agents(app)
    provider.shutdown()
    assert_agents_were_charged_once(backend)


def test_what_the_collector_sends_again_is_charged_once(collector, serve, backend, files, tmp_path):
    """Guarantees: a batch that was charged, and not answered in time, is charged only then."""
    # With a queue on the disk the Collector would be answered, and send nothing again.
    settings = tmp_path / "settings.yaml"
    settings.write_text("exporters: {otlp: {sending_queue: {enabled: false}}}")
    processor = serve("--config", settings, "--forward-to", at(backend), *files)
    front = collector("front", "exporters::otlp::timeout: 2s", PROCESSOR=at(processor))
    provider, app = tracer(front.port, batch=True)
    backend.tell('{"delay_s": 30}')
    run_agents(app)
    with ThreadPoolExecutor(1) as sender:
        sent = sender.submit(provider.force_flush)
        front.wait_for("Will retry the request after interval")
        backend.tell("{}")
        assert sent.result(30)
    assert_agents_were_charged_once(backend)


@pytest.mark.parametrize("has_queue", [False, True], ids=["sender waits", "queue"])
def test_a_collector_waits_out_a_crash_of_the_processor(
    collector, serve, backend, files, has_queue, tmp_path
):
    """Guarantees: killed after it has charged a batch, the processor charges it no second time."""
    # Where the port is named, its own metrics would take one that may be in use.
    (tmp_path / "settings.yaml").write_text("telemetry: {metrics: {endpoint: ''}}")
    quiet = ["--config", tmp_path / "settings.yaml"]
    processor = serve("--forward-to", at(backend), *files)
    queue = f"exporters::otlp::sending_queue::enabled: {has_queue}".lower()
    front = collector("front", queue, PROCESSOR=at(processor))
    provider, app = tracer(front.port, batch=True)
    backend.tell('{"delay_s": 30}')
    run_agents(app)
    with ThreadPoolExecutor(1) as sender:
        sent = sender.submit(provider.force_flush)
        wait_until(lambda: total_nano_usd(processor.port, "total") == 10_950_000)
        assert sent.done() == has_queue
        processor.stop(signal.SIGKILL)
        front.wait_for("Will retry the request after interval")
        backend.tell("{}")
        serve("--listen", at(processor), *quiet, "--forward-to", at(backend), *files)
        assert sent.result(30)
    wait_until(lambda: len(backend.by_name()) == 7)
    assert_agents_were_charged_once(backend)


def test_two_processors_share_the_traces_and_split_none(
    collector, serve, start_backend, files, tmp_path
):
    """Guarantees: each trace is in one ledger, as a whole, with its own total."""
    backends = [start_backend(), start_backend()]
    processors = [
        serve("--forward-to", at(each), *files, data_dir=tmp_path / f"ledger-{number}")
        for number, each in enumerate(backends)
    ]
    front = collector("front-two", PROCESSOR_0=at(processors[0]), PROCESSOR_1=at(processors[1]))
    provider, app = tracer(front.port, batch=True)
    sent = {run_agents(app) for _ in range(20)}
    provider.shutdown()
    seen = []
    for number, each in enumerate(backends):
        traces = {}
        for _, _, span in each.spans():
            traces.setdefault(span.trace_id.hex(), []).append(span)
        assert traces, "twenty traces, and all of them went to the other one"
        assert {int(trace_id[0], 16) // 8 for trace_id in traces} == {number}
        for spans in traces.values():
            assert len(spans) == len({span.span_id for span in spans}) == 7
            (root,) = (span for span in spans if not span.parent_span_id)
            assert attributes(root)["trace.total_cost_usd"] == 0.01095
        seen += traces
    assert sorted(seen) == sorted(sent)


def trace(app, name, *, calls=1, tokens=(1000, 200), model="gpt-4o", root=(), call=(), fails=False):
    """One trace of a root and its calls; attributes as (key, value) pairs."""
    with app.start_as_current_span(name) as span:
        span.set_attributes(dict(root))
        for _ in range(calls):
            chat(app, f"chat {name}", model=model, tokens=tokens, **dict(call))
        if fails:
            span.set_status(Status(StatusCode.ERROR))


def test_a_sampler_behind_keeps_what_is_dear_and_the_books_keep_all(
    collector, serve, backend, files, tmp_path
):
    """Guarantees: traces are kept for cost, budget, status and error, and dropped ones counted."""
    (tmp_path / "budgets.yaml").write_text(SESSION_BUDGET)
    behind = collector(
        "behind", "processors::tail_sampling::decision_wait: 1s",
        BACKEND=at(backend), KEEP_PERCENT=0,
    )  # fmt: skip
    processor = serve("--forward-to", at(behind), *files)
    # In batches, so that no trace is decided on before all of it has come.
    provider, app = tracer(processor.port, batch=True)
    for _ in range(5):
        trace(app, "cheap", root=[("session.id", "s-1")], tokens=(100, 20))
    trace(app, "expensive", tokens=(90_000, 2_500))
    trace(app, "expensive together", calls=5, tokens=(1, 20_000))
    trace(app, "many tokens", calls=4, tokens=(49_999, 1))
    # 0.0045 for each call, against 0.01 for a session.
    in_session = [("session__id", "s-2")]
    trace(app, "over budget", calls=3, call=in_session)
    trace(app, "still over budget", tokens=(100, 20), call=in_session)
    trace(app, "over budget by its root", calls=3, root=[("session.id", "s-3")])
    trace(app, "still over by its root", tokens=(100, 20), root=[("session.id", "s-3")])
    trace(app, "failed", fails=True)
    trace(app, "unpriced", model="nobody-knows-this", root=[("session.id", "s-1")])
    provider.force_flush()
    kept = {
        "expensive", "expensive together", "many tokens", "over budget", "still over budget",
        "over budget by its root", "still over by its root", "failed", "unpriced",
    }  # fmt: skip
    wait_until(lambda: kept <= backend.by_name().keys())
    # Once a later one has come, all that were to come before have come.
    trace(app, "failed later", fails=True)
    provider.shutdown()
    wait_until(lambda: "failed later" in backend.by_name())
    spans = backend.by_name()
    roots = {name for name in spans if not name.startswith("chat")}
    assert roots == kept | {"failed later"}
    assert attributes(spans["chat expensive"])["llm.cost_usd"] == 0.25
    assert attributes(spans["chat still over budget"])["llm.budget.exceeded"] == "per-session"
    # The five that were dropped, at 0.00045 each, are in the total of their session.
    assert attributes(spans["unpriced"])["session.total_cost_usd"] == 0.00225
    assert attributes(spans["unpriced"])["session.cost_at_least"] is True
