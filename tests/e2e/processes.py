"""The processor and a backend, each as a process of its own, as users run them."""

from __future__ import annotations

import signal
import struct
import subprocess
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from processor.surfaces.grpc.generated.cost_service_pb2 import GetTotalsRequest, GetTotalsResponse

ROOT = Path(__file__).parents[2]
START_TIMEOUT_S = 30.0


@dataclass
class Process:
    """A program that says where it listens, and what it printed."""

    popen: subprocess.Popen
    lines: deque = field(default_factory=lambda: deque(maxlen=500))
    port: int = 0

    def watch(self):
        def read():
            for line in self.popen.stdout:
                self.lines.append(line.rstrip("\n"))

        threading.Thread(target=read, daemon=True).start()

    def wait_for(self, text, timeout_s=START_TIMEOUT_S):
        """The first printed line that contains `text`."""
        end_s = time.monotonic() + timeout_s
        while time.monotonic() < end_s:
            for line in tuple(self.lines):
                if text in line:
                    return line
            if self.popen.poll() is not None and not any(text in line for line in self.lines):
                time.sleep(0.1)
                break
            time.sleep(0.02)
        found = next((line for line in self.lines if text in line), None)
        assert found, f"{text!r} was not printed:\n" + "\n".join(self.lines)
        return found

    def stop(self, how=signal.SIGTERM, timeout_s=20.0):
        """End the process and return its exit code."""
        if self.popen.poll() is None:
            self.popen.send_signal(how)
        code = self.popen.wait(timeout_s)
        self.popen.stdout.close()
        return code


@dataclass
class Backend(Process):
    """An OTLP backend that keeps what it took."""

    out: Path = Path()
    control: Path = Path()

    def tell(self, text):
        """Change how it answers; see tests/backends/recorder.py."""
        fresh = self.control.with_suffix(".new")
        fresh.write_text(text)
        fresh.rename(self.control)

    def requests(self, signal_letter="t"):
        """Payloads in the order in which they came."""
        data = self.out.read_bytes() if self.out.exists() else b""
        found, at = [], 0
        while at + 5 <= len(data):
            (size,) = struct.unpack_from(">I", data, at)
            if data[at + 4 : at + 5].decode() == signal_letter:
                found.append(data[at + 5 : at + 5 + size])
            at += 5 + size
        return found

    def spans(self):
        """Every span it took, repeats included, as (resource, scope, span)."""
        found = []
        for payload in self.requests():
            for resource in ExportTraceServiceRequest.FromString(payload).resource_spans:
                for scope in resource.scope_spans:
                    found += [(resource.resource, scope.scope, span) for span in scope.spans]
        return found

    def by_name(self):
        """The last copy of each span, by its name."""
        return {span.name: span for _, _, span in self.spans()}


def attributes(item):
    """Attributes of a span or event as a dict; asserts that no key stands twice."""
    keys = [pair.key for pair in item.attributes]
    assert len(keys) == len(set(keys)), f"a key stands twice: {keys}"
    return {
        pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in item.attributes
    }


def export(port, payload, timeout_s=20.0, metadata=()):
    """Send one raw OTLP trace request; returns the raw answer."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        method = channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export")
        return method(payload, timeout=timeout_s, metadata=metadata)


def ask(port, method, request, answer):
    """One question to CostService."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.unary_unary(
            f"/llm_cost.v1.CostService/{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=answer.FromString,
        )
        return call(request, timeout=10)


def total_nano_usd(port, scope, scope_id=""):
    """What the books say that something has cost."""
    question = GetTotalsRequest(scope=scope, id=scope_id)
    return ask(port, "GetTotals", question, GetTotalsResponse).cost_nano_usd


def is_serving(port):
    """What the gRPC health service says."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=5)
        return answer.status == health_pb2.HealthCheckResponse.SERVING
