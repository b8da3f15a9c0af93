# mypy: allow-untyped-calls
# (The processes that these tests share with others carry no types.)
"""One client program, run against the stand-ins, the processor and a recording backend."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from clients.answers import Answer, cost_nano_usd, price_file
from clients.environments import python_of
from clients.providers import Providers, ServiceTier
from e2e.processes import ROOT, Backend, Process

from processor.surfaces.grpc.generated.cost_service_pb2 import GetTotalsRequest, GetTotalsResponse

HERE = Path(__file__).parent
PROGRAMS = HERE / "programs"
PROGRAM_TIMEOUT_S = 120


@dataclass(frozen=True)
class Found:
    """A span as the backend got it."""

    scope: str
    scope_version: str
    span: Any
    attributes: Mapping[str, Any]

    @property
    def cost_nano_usd(self) -> int | None:
        """What is written on it; None when nothing is."""
        cost = self.attributes.get("llm.cost_usd")
        return None if cost is None else round(cost * 10**9)

    @property
    def status(self) -> str:
        """How its cost came about, ``""`` for a span that is no call."""
        return str(self.attributes.get("llm.cost.status", ""))


@dataclass
class Run:
    """What came of a run, by scenario."""

    served: list[ServiceTier] = field(default_factory=list)
    surprises: list[str] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    totals: dict[tuple[str, str], GetTotalsResponse] = field(default_factory=dict)
    output: str = ""

    def spans(self, scenario: str) -> list[Found]:
        """The spans of a scenario's trace."""
        trace_id = self.root(scenario).span.trace_id
        return [found for found in self.found if found.span.trace_id == trace_id]

    def root(self, scenario: str) -> Found:
        """The span that the application opened for the scenario."""
        (root,) = (
            found for found in self.found if found.attributes.get("app.scenario") == scenario
        )
        return root

    def billed(self, scenario: str) -> list[ServiceTier]:
        """The requests that the provider puts on the bill."""
        return [
            served for served in self.served if served.scenario == scenario and served.is_billed
        ]


def bill_nano_usd(billed: Sequence[ServiceTier], *, knows_1h: bool) -> int:
    """What the provider asks for these requests."""
    return sum(
        cost_nano_usd(served.request["model"], served.answer.tokens, knows_1h=knows_1h)
        for served in billed
    )


def play(
    environment: str,
    program: str,
    instrumentations: str,
    scenarios: Mapping[str, Sequence[Answer]],
    folder: Path,
) -> Run:
    """Run a client program of Python through its scenarios, and gather what became of them.

    Raises NoEnvironmentError when the program's libraries cannot be had.
    """
    command = [str(python_of(HERE / f"{environment}.txt")), str(PROGRAMS / f"{program}.py")]
    return play_command(command, instrumentations, scenarios, folder)


def play_command(
    command: Sequence[str],
    instrumentations: str,
    scenarios: Mapping[str, Sequence[Answer]],
    folder: Path,
) -> Run:
    """The same for any program; it gets instrumentations and scenarios as arguments."""
    run = Run()
    with ExitStack() as stack:
        backend = stack.enter_context(recording())
        processor = stack.enter_context(processing(folder, backend.port))
        providers = stack.enter_context(Providers(scenarios))
        client = subprocess.run(
            [*command, instrumentations, *scenarios],
            env=_environ(
                instrumentations,
                PROVIDERS=providers.url,
                PROCESSOR=f"http://127.0.0.1:{processor.port}",
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PROGRAM_TIMEOUT_S,
            check=False,
        )
        run.output = client.stdout
        assert client.returncode == 0, client.stdout[-3000:]
        run.served, run.surprises = providers.served, providers.surprises
        unique = {
            (span.trace_id, span.span_id): Found(scope.name, scope.version, span, plain(span))
            for _, scope, span in backend.spans()
        }
        run.found = list(unique.values())
        ask = [("total", "")]
        for scenario in scenarios:
            ask += [("session", f"s-{scenario}"), ("user", f"u-{scenario}")]
        names = {found.attributes.get("gen_ai.agent.name") for found in run.found}
        ask += [("agent", str(name)) for name in names if name]
        run.totals = {(scope, name): totals(processor.port, scope, name) for scope, name in ask}
    return run


def plain(item: Any) -> dict[str, Any]:
    """Attributes as Python values; real emitters also write arrays, and values that are not set."""
    keys = [pair.key for pair in item.attributes]
    assert len(keys) == len(set(keys)), f"a key stands twice: {keys}"
    return {pair.key: _plain_value(pair.value) for pair in item.attributes}


def _plain_value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_plain_value(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return {pair.key: _plain_value(pair.value) for pair in value.kvlist_value.values}
    return None if kind is None else getattr(value, kind)


def totals(port: int, scope: str, name: str) -> GetTotalsResponse:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.unary_unary(
            "/llm_cost.v1.CostService/GetTotals",
            request_serializer=GetTotalsRequest.SerializeToString,
            response_deserializer=GetTotalsResponse.FromString,
        )
        answer: GetTotalsResponse = call(GetTotalsRequest(scope=scope, id=name), timeout=10)
        return answer


def _environ(instrumentations: str, **more: str) -> dict[str, str]:
    """Our environment without what would lead a client elsewhere."""
    away = ("OTEL_", "OPENAI_", "ANTHROPIC_", "LANGSMITH_", "LANGCHAIN_", "LOGFIRE_", "PYTHON")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(away)}
    kept = {name: value for name, value in kept.items() if not name.lower().endswith("_proxy")}
    keys = {"OPENAI_API_KEY": "sk-none", "ANTHROPIC_API_KEY": "sk-none"}
    # The Anthropic SDK writes spans of its own, unless a variable says no.
    native = {"ANTHROPIC_OPEN_TELEMETRY": str("native-anthropic" in instrumentations).lower()}
    exporter = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": more["PROCESSOR"],
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
    }
    return kept | keys | native | exporter | more


@contextmanager
def _running(process: Process) -> Iterator[Process]:
    process.watch()
    try:
        yield process
    finally:
        process.stop()


def _start(*command: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
        | {"PYTHONUNBUFFERED": "1"},
    )


@contextmanager
def recording() -> Iterator[Backend]:
    """A backend that keeps what it takes, and misbehaves on demand."""
    backend = Backend().start()
    try:
        yield backend
    finally:
        backend.stop()


@contextmanager
def processing(folder: Path, backend_port: int, *flags: object) -> Iterator[Process]:
    """The processor with the prices of `PRICES` and no budgets, between senders and a backend."""
    pricing, budgets = folder / "pricing.yaml", folder / "budgets.yaml"
    pricing.write_text(price_file())
    budgets.write_text("version: 1\nbudgets: []\n")
    processor = Process(
        _start(
            "-m", "processor.cli", "serve", "--listen", "127.0.0.1:0",
            "--data-dir", folder / "data", "--forward-to", f"127.0.0.1:{backend_port}",
            "--pricing", pricing, "--budgets", budgets, *flags,
        )
    )  # fmt: skip
    with _running(processor):
        line = processor.wait_for("listens on")
        processor.port = int(line.rsplit(":", 1)[1].split()[0])
        yield processor
