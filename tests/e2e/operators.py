"""What an operator does with a processor: start it, edit its files, type commands."""

from __future__ import annotations

import re
import subprocess
import sys

from e2e.applications import PRICES
from e2e.processes import ROOT, ask, export
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from processor.surfaces.grpc.generated.cost_service_pb2 import (
    GetJobProgressRequest,
    GetJobProgressResponse,
    GetTotalsRequest,
    GetTotalsResponse,
)

NEW_MODEL = """\
  - {provider: openai, model: brand-new, prices: [{input: 4.00, output: 20.00}]}
"""
WITH_BUDGETS = frozenset({"reprice", "exclude", "forget", "audit", "unpriced"})
SCOPES = [
    ("total", ""), ("session", "s-1"), ("session", "s-2"), ("user", "u-1"), ("model", "brand-new"),
    ("model", "gpt-4o"), ("provider", "openai"), ("service", "shop"), ("trace", f"{1:032x}"),
]  # fmt: skip


class Operator:
    def __init__(self, serve, backend, pricing, budgets, data):
        self.serve = serve
        self.backend = backend
        self.pricing = pricing
        self.budgets = budgets
        self.data = data
        self.processor = None

    @property
    def files(self):
        return ["--pricing", str(self.pricing), "--budgets", str(self.budgets)]

    def start(self, data=None):
        self.processor = self.serve(
            "--forward-to", f"127.0.0.1:{self.backend.port}", *self.files,
            data_dir=data or self.data,
        )  # fmt: skip
        return self.processor

    def run(self, command, *flags, code=0):
        """What ``llm-cost COMMAND`` prints."""
        files = [] if command == "backup" else ["--pricing", self.pricing]
        files += ["--budgets", self.budgets] if command in WITH_BUDGETS else []
        done = subprocess.run(
            [sys.executable, "-m", "processor.cli", command, "--data-dir", self.data,
             *files, *map(str, flags)],
            capture_output=True, text=True, cwd=ROOT, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 else done.stderr

    @property
    def there(self):
        """Where it is changed."""
        return ["--grpc-endpoint", f"127.0.0.1:{self.processor.port}"]

    @property
    def api(self):
        """Where it is asked."""
        return ["--endpoint", re.search(r"http://\S+:\d+", self.processor.wait_for("api "))[0]]

    def ask(self, method, question, answer):
        return ask(self.processor.port, method, question, answer)

    def totals(self):
        return {place: self.total(*place) for place in SCOPES}

    def total(self, scope, scope_id=""):
        question = GetTotalsRequest(scope=scope, id=scope_id)
        return self.ask("GetTotals", question, GetTotalsResponse)

    def started_reprice(self):
        """How far a reprice or an exclusion has come; None while it has changed nothing."""
        question = GetJobProgressRequest()
        found = self.ask("GetJobProgress", question, GetJobProgressResponse)
        return found if found.changed else None

    def send(self, payload):
        """Exports one batch; returns its spans as the backend got them, by name."""
        export(self.processor.port, payload)
        request = ExportTraceServiceRequest.FromString(self.backend.requests()[-1])
        return {span.name: span for span in request.resource_spans[0].scope_spans[0].spans}

    def add_price(self):
        """Edits the price file, and waits until it is in force."""
        self.pricing.write_text(PRICES + NEW_MODEL)
        self.processor.wait_for("has changed and is in force", 15)


def batch(*spans, trace=1, at_s=0):
    """Calls of one trace, side by side; each is (span, model, session)."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "shop"
    scope = resource.scope_spans.add()
    for number, model, session in spans:
        end_ns = (1_790_000_000 + at_s + number) * 10**9
        span = scope.spans.add(
            trace_id=trace.to_bytes(16), span_id=(100 * trace + number).to_bytes(8),
            parent_span_id=(100 * trace).to_bytes(8), name=f"call {number}",
            start_time_unix_nano=end_ns - 10**9, end_time_unix_nano=end_ns,
        )  # fmt: skip
        values = {
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
            "gen_ai.request.model": model, "session.id": session, "user.id": "u-1",
        }  # fmt: skip
        for key, value in values.items():
            span.attributes.add(key=key).value.string_value = value
        for key, count in (("input", 1000), ("output", 100)):
            span.attributes.add(key=f"gen_ai.usage.{key}_tokens").value.int_value = count
    return request.SerializeToString()
