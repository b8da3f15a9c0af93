"""The processor as a process of its own, as users run it, and a backend that records beside it."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from backends.recorder import Behaviour, Recorder
from grpc_health.v1 import health_pb2, health_pb2_grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from processor.surfaces.grpc.generated.cost_service_pb2 import GetTotalsRequest, GetTotalsResponse

ROOT = Path(__file__).parents[2]
START_TIMEOUT_S = 30.0
SIDECAR_MIB = 512
"""The container that `SIDECAR_SETTINGS` are for."""
SIDECAR_SETTINGS = f"memory_limiter: {{limit_mib: {SIDECAR_MIB * 4 // 5}}}\n"
POLL_S = 0.02


def wait_until(condition, timeout_s=START_TIMEOUT_S, what="what was waited for did not happen"):
    """Wait until a condition holds; returns its value, and fails the test after the time."""
    end_s = time.monotonic() + timeout_s
    while not (met := condition()):
        assert time.monotonic() < end_s, what
        time.sleep(POLL_S)
    return met


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

        self._reader = threading.Thread(target=read, daemon=True)
        self._reader.start()

    def wait_for(self, text, timeout_s=START_TIMEOUT_S):
        """The first printed line that contains `text`."""
        end_s = time.monotonic() + timeout_s
        while time.monotonic() < end_s:
            for line in tuple(self.lines):
                if text in line:
                    return line
            if self.popen.poll() is not None:
                # What it printed last may still be on its way through the pipe.
                self._reader.join(5.0)
                break
            time.sleep(POLL_S)
        found = next((line for line in self.lines if text in line), None)
        assert found, f"{text!r} was not printed:\n" + "\n".join(self.lines)
        return found

    def peak_mib(self) -> int:
        """The most memory that it has had, in MiB."""
        status = Path(f"/proc/{self.popen.pid}/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) // 1024

    def stop(self, how=signal.SIGTERM, timeout_s=20.0):
        """End the process and return its exit code."""
        if self.popen.poll() is None:
            self.popen.send_signal(how)
        code = self.popen.wait(timeout_s)
        self.popen.stdout.close()
        return code


class Backend:
    """An OTLP backend that keeps what it took, in a thread of the test's own process.

    It has an event loop of its own, so it answers while a test blocks; starting one takes
    milliseconds, where a process would take half a second of imports.
    """

    def __init__(self):
        self.recorder = Recorder()
        self.port = 0
        self._loop = None
        self._ended = asyncio.Event()
        self._is_ready = threading.Event()
        self._thread = None

    def start(self, *, is_http=False, tls=None, port=0):
        """Listen for OTLP/gRPC or OTLP/HTTP, the latter with `tls` for HTTPS.

        Returns when `port` is known.
        """
        self.port = port
        self._thread = threading.Thread(
            target=asyncio.run, args=(self._serve(is_http, tls),), daemon=True
        )
        self._thread.start()
        assert self._is_ready.wait(START_TIMEOUT_S), "the backend did not start"
        return self

    def stop(self):
        """Close all connections, answered or not, and end the thread; again is allowed."""
        if not self._thread.is_alive():
            return
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(START_TIMEOUT_S)
        assert not self._thread.is_alive(), "the backend did not stop"

    async def _serve(self, is_http, tls):
        self._loop = asyncio.get_running_loop()
        begin = self.recorder.start_http if is_http else self.recorder.start
        self.port = await begin(f"127.0.0.1:{self.port}", tls)
        self._is_ready.set()
        await self._ended.wait()
        await self.recorder.stop()
        if tls is not None:
            await asyncio.sleep(0.2)  # TLS closes a connection in several turns of the loop.

    def behave(self, **behaviour):
        """Change how it answers from the next request on; see `Behaviour`."""
        self.recorder.behaviour = Behaviour(**behaviour)

    def hold(self):
        """Let requests arrive and wait, until they are released."""
        self.recorder.held = asyncio.Event()

    def release(self):
        """Go on with the requests that wait, and with those to come."""
        held, self.recorder.held = self.recorder.held, None
        self._loop.call_soon_threadsafe(held.set)

    @property
    def attempts(self):
        """Requests that have arrived, answered or not."""
        return self.recorder.attempts

    def tell(self, text):
        """The same, as JSON."""
        self.behave(**json.loads(text))

    def requests(self, signal_letter="t"):
        """Payloads in the order in which they came."""
        return [
            record.payload
            for record in tuple(self.recorder.records)
            if record.signal == signal_letter
        ]

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


def ask(port, method, request, answer, token=""):
    """One question to CostService, with a token where the settings name some."""
    metadata = [("authorization", f"Bearer {token}")] if token else []
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.unary_unary(
            f"/llm_cost.v1.CostService/{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=answer.FromString,
        )
        return call(request, timeout=10, metadata=metadata)


def total_nano_usd(port, scope, scope_id="", token=""):
    """What something has cost, as the ledger has it."""
    question = GetTotalsRequest(scope=scope, id=scope_id)
    return ask(port, "GetTotals", question, GetTotalsResponse, token).cost_nano_usd


def is_serving(port):
    """What the gRPC health service says; False also when nobody answers any more."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        try:
            answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=5)
        except grpc.RpcError:
            return False
        return answer.status == health_pb2.HealthCheckResponse.SERVING
