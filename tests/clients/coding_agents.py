# mypy: allow-untyped-calls
# (The processes that these tests share with others carry no types.)
"""Coding agents, each run once without a terminal against a stand-in of its provider.

Each has a home of its own, in which the test writes what its users would; whatever it asks for
beside the stand-in and the processor gets no connection.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from clients.answers import Answer, Tokens, ToolUse
from clients.environments import node_package
from clients.providers import Providers
from clients.runs import processing, recording, totals
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from processor.surfaces.grpc.generated.cost_service_pb2 import GetTotalsResponse

AGENT_TIMEOUT_S = 120
_NO_PROXY = "http://127.0.0.1:9"
"""Nobody listens there."""


class Place(NamedTuple):
    """Where an agent runs, and what it talks to."""

    home: Path
    provider: str
    """Address of the stand-in."""
    otlp: str
    """Address of the processor."""
    has_traces: bool
    is_grpc: bool


@dataclass(frozen=True)
class Agent:
    """One tool, how it learns where to send things, and what it is answered."""

    name: str
    model: str
    prepare: Callable[[Place], tuple[Sequence[str], Mapping[str, str]]]
    """Writes settings into the home; gives a command and its environment."""
    tool: ToolUse


@dataclass
class Outcome:
    """What came of a run."""

    billed: list[Answer]
    total: GetTotalsResponse
    session: GetTotalsResponse
    records: list[dict[str, Any]]
    """Attributes of the log records at the backend."""
    spans: list[Any]
    """Spans at the backend."""
    output: str


def _claude_code(place: Place) -> tuple[Sequence[str], Mapping[str, str]]:
    command = node_package("@anthropic-ai/claude-code/cli-wrapper.cjs")
    flags = ["-p", "Say hello", "--model", "claude-sonnet-4-5", "--allowedTools", "Read"]
    return [*command, *flags], {
        "ANTHROPIC_BASE_URL": place.provider,
        "ANTHROPIC_API_KEY": "sk-ant-none",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc" if place.is_grpc else "http/protobuf",
        "OTEL_EXPORTER_OTLP_ENDPOINT": place.otlp,
    } | (
        {"CLAUDE_CODE_ENHANCED_TELEMETRY_BETA": "1", "OTEL_TRACES_EXPORTER": "otlp"}
        if place.has_traces
        else {}
    )


def _codex(place: Place) -> tuple[Sequence[str], Mapping[str, str]]:
    folder = place.home / ".codex"
    folder.mkdir()
    lines = [
        'model = "gpt-5-mini"',
        'model_provider = "stand-in"',
        "[model_providers.stand-in]",
        'name = "stand-in"',
        f'base_url = "{place.provider}/v1"',
        'wire_api = "responses"',
        'env_key = "STAND_IN_KEY"',
        "[otel]",
        _codex_exporter("exporter", place, "/v1/logs"),
    ]
    if place.has_traces:
        lines.append(_codex_exporter("trace_exporter", place, "/v1/traces"))
    (folder / "config.toml").write_text("\n".join(lines) + "\n")
    command = node_package("@openai/codex/bin/codex.js")
    flags = ["exec", "--skip-git-repo-check", "--sandbox", "read-only", "Say hello"]
    return [*command, *flags], {"CODEX_HOME": str(folder), "STAND_IN_KEY": "sk-none"}


def _codex_exporter(name: str, place: Place, path: str) -> str:
    if place.is_grpc:
        return f'{name} = {{ otlp-grpc = {{ endpoint = "{place.otlp}" }} }}'
    endpoint = f"{place.otlp}{path}"
    return f'{name} = {{ otlp-http = {{ endpoint = "{endpoint}", protocol = "binary" }} }}'


def _gemini_cli(place: Place) -> tuple[Sequence[str], Mapping[str, str]]:
    folder = place.home / ".gemini"
    folder.mkdir()
    settings = {
        "telemetry": {
            "enabled": True,
            "target": "local",
            "otlpEndpoint": place.otlp,
            "otlpProtocol": "grpc" if place.is_grpc else "http",
            "logPrompts": False,
            "traces": place.has_traces,
        },
        "privacy": {"usageStatisticsEnabled": False},
        "security": {"auth": {"selectedType": "gemini-api-key"}},
        "general": {"enableAutoUpdate": False},
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    command = node_package(".bin/gemini")
    return [*command, "-m", "gemini-2.5-pro", "-p", "Say hello"], {
        "GEMINI_API_KEY": "none",
        "GOOGLE_GEMINI_BASE_URL": place.provider,
        "GEMINI_CLI_TRUST_WORKSPACE": "true",
    }


AGENTS = (
    Agent(
        "claude-code",
        "claude-sonnet-4-5",
        _claude_code,
        ToolUse("Read", {"file_path": "notes.txt"}),
    ),
    Agent("codex", "gpt-5-mini", _codex, ToolUse("exec_command", {"cmd": "true"})),
    Agent(
        "gemini-cli", "gemini-2.5-pro", _gemini_cli, ToolUse("list_directory", {"dir_path": "."})
    ),
)


def answers(agent: Agent) -> list[Answer]:
    """A tool, and then an answer, each with its own count of everything that is billed."""
    thoughts = 0 if agent.name == "claude-code" else 29
    written = 307 if agent.name == "claude-code" else 0
    return [
        Answer(Tokens(1_013, 131, 409, written, reasoning=thoughts), tool=agent.tool),
        Answer(Tokens(1_117, 137, 1_801, reasoning=thoughts), text="Hello."),
    ]


def run_agent(agent: Agent, folder: Path, *, has_traces: bool, is_grpc: bool) -> Outcome:
    """Run an agent between a stand-in, the processor and a recording backend.

    Raises NoEnvironmentError when the tool cannot be had.
    """
    with ExitStack() as stack:
        home = folder / "home"
        (home / "work").mkdir(parents=True)
        (home / "work" / "notes.txt").write_text("Nothing of note.\n")
        backend = stack.enter_context(recording())
        processor = stack.enter_context(processing(folder, backend.port))
        providers = stack.enter_context(Providers({"it": answers(agent)}))
        way = processor.wait_for("OTLP/gRPC at" if is_grpc else "OTLP/HTTP at")
        otlp = f"http://127.0.0.1:{way.rpartition(':')[2]}"
        place = Place(home, f"{providers.url}/it", otlp, has_traces, is_grpc)
        command, environ = agent.prepare(place)
        done = subprocess.run(
            command,
            cwd=home / "work",
            env={**_environ(home), **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=AGENT_TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-3000:]
        records = _records(backend.requests("l"))
        sessions = {
            record.get("session.id") or record.get("conversation.id") for record in records
        } - {None}
        session = str(next(iter(sessions))) if len(sessions) == 1 else ""
        return Outcome(
            [served.answer for served in providers.served if served.is_billed],
            totals(processor.port, "total", ""),
            totals(processor.port, "session", session),
            records,
            [span for _, _, span in backend.spans()],
            done.stdout,
        )


def _environ(home: Path) -> dict[str, str]:
    """The least that a program needs, and no network beyond this machine."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "HTTP_PROXY": _NO_PROXY,
        "HTTPS_PROXY": _NO_PROXY,
        "NO_PROXY": "127.0.0.1,localhost",
    }


def _records(payloads: Sequence[bytes]) -> list[dict[str, Any]]:
    return [
        {pair.key: pair.value.string_value or pair.value.int_value for pair in record.attributes}
        for payload in payloads
        for resource in ExportLogsServiceRequest.FromString(payload).resource_logs
        for scope in resource.scope_logs
        for record in scope.log_records
    ]
