# mypy: allow-untyped-calls
# (The processes that these tests share with others carry no types.)
"""Senders in front of the processor, and what arrived behind it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from clients.runs import Found, plain, processing, recording, totals
from e2e.processes import Backend, Process
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from senders.build import RECIPES, built
from senders.table import GRPC, Sender

from processor.surfaces.grpc.generated.cost_service_pb2 import GetTotalsResponse

PROGRAM_TIMEOUT_S = 90
_LEADS_ELSEWHERE = (
    "OTEL_",
    # These stand above OTEL_EXPORTER_OTLP_CERTIFICATE in some HTTP libraries.
    "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_", "NODE_EXTRA_CA",
    # Java says on stderr that it has found one of these.
    "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS",
)  # fmt: skip
TEAM = "Ümläut & Söhne, a=b"
"""A value that has to be quoted in the environment."""


@dataclass
class Line:
    """The processor with a recording backend behind it."""

    processor: Process
    backend: Backend
    http_port: int
    scheme: str = "http"

    def endpoint(self, protocol: str) -> str:
        """Where the senders of a protocol have to send."""
        port = self.processor.port if protocol == GRPC else self.http_port
        return f"{self.scheme}://127.0.0.1:{port}"

    def behave(self, **behaviour: Any) -> None:
        """Tell the backend how to answer; see tests/backends/recorder.py."""
        self.backend.tell(json.dumps(behaviour))


@dataclass
class Run:
    """What a sender said, and what became of what it sent."""

    line: Line
    session: str
    exit_code: int
    output: str
    errors: str

    @property
    def ids(self) -> dict[str, Any]:
        """The ids of its trace and spans."""
        ids: dict[str, Any] = json.loads(self.output)
        return ids

    @cached_property
    def arrivals(self) -> list[tuple[Any, Found]]:
        """Every span of its trace that the backend took, repeats included, with its resource."""
        return [
            (resource, Found(scope.name, scope.version, span, plain(span)))
            for resource, scope, span in self.line.backend.spans()
            if span.trace_id.hex() == self.ids["trace_id"]
        ]

    @cached_property
    def found(self) -> dict[str, Found]:
        """The last copy of each of its spans, by name."""
        return {found.span.name: found for _, found in self.arrivals}

    @cached_property
    def session_totals(self) -> GetTotalsResponse:
        """What the ledger says about it."""
        return totals(self.line.processor.port, "session", self.session)

    def metrics(self) -> list[Any]:
        """Its metrics."""
        requests = map(ExportMetricsServiceRequest.FromString, self.line.backend.requests("m"))
        return [
            metric
            for request in requests
            for resource in request.resource_metrics
            if plain(resource.resource).get("session.id") == self.session
            for scope in resource.scope_metrics
            for metric in scope.metrics
        ]

    def logs(self) -> list[Any]:
        """Its log records."""
        requests = map(ExportLogsServiceRequest.FromString, self.line.backend.requests("l"))
        return [
            record
            for request in requests
            for resource in request.resource_logs
            if plain(resource.resource).get("session.id") == self.session
            for scope in resource.scope_logs
            for record in scope.log_records
        ]


@contextmanager
def line(folder: Path, settings: str = "") -> Iterator[Line]:
    """A running line; `settings` are lines of the processor's file."""
    file = folder / "settings.yaml"
    file.write_text(settings or "{}\n")
    with (
        recording() as backend,
        processing(folder, backend.port, "--config", file) as processor,
    ):
        printed = processor.wait_for("OTLP/HTTP at")
        yield Line(processor, backend, int(printed.rsplit(":", 1)[1]))


def send(line: Line, sender: Sender, **more: str) -> Run:
    """Run a sender to its end, configured by its environment alone; `more` are OTEL_… variables.

    Raises what `built` raises.
    """
    folder = built(sender.language)
    session = f"{sender}-{os.urandom(4).hex()}"
    program = subprocess.run(
        RECIPES[sender.language].run,
        cwd=folder,
        env=_environ(line, sender, session) | more,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PROGRAM_TIMEOUT_S,
        check=False,
    )
    return Run(line, session, program.returncode, program.stdout, program.stderr)


def _environ(line: Line, sender: Sender, session: str) -> dict[str, str]:
    """Our environment without what would lead a sender elsewhere, and its settings."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(_LEADS_ELSEWHERE)
    }
    kept = {name: value for name, value in kept.items() if not name.lower().endswith("_proxy")}
    attributes = {"session.id": session, "deployment.environment.name": "test", "team": TEAM}
    settings = {
        "OTEL_SERVICE_NAME": "shop",
        "OTEL_RESOURCE_ATTRIBUTES": ",".join(
            f"{name}={quote(value)}" for name, value in attributes.items()
        ),
        "OTEL_EXPORTER_OTLP_ENDPOINT": line.endpoint(sender.protocol),
        "OTEL_EXPORTER_OTLP_PROTOCOL": sender.protocol,
        "OTEL_EXPORTER_OTLP_COMPRESSION": sender.compression,
    }
    return kept | {name: value for name, value in settings.items() if value}
