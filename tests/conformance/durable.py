"""Senders that note what was acknowledged, for tests that end or starve a real process."""

from __future__ import annotations

import resource
import socket
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import grpc
from e2e.processes import Backend, Process, wait_until
from grpc_health.v1 import health_pb2, health_pb2_grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from processor.surfaces.grpc.generated.cost_service_pb2 import GetTotalsRequest, GetTotalsResponse

PRICES = """
version: 1
models: [{provider: openai, model: gpt-4o, prices: [{input: 2.50, output: 10.00}]}]
"""
COST_NANO_USD = 2_500_000
"""Of each call that `call` makes."""

_HASTY = """
telemetry: {metrics: {endpoint: ''}}
exporters:
  otlp:
    timeout: 10s
    retry_on_failure: {initial_interval: 50ms, max_interval: 100ms}
"""
QUICK = _HASTY + "    sending_queue: {enabled: false}\n"
QUEUE = _HASTY + "    sending_queue: {enabled: true, spill_after: 100ms, max_megabytes: 64}\n"

_EXPORT = "/opentelemetry.proto.collector.{0}.v1.{1}Service/Export"


def call(number: int, session: str = "s", padding: int = 0) -> bytes:
    """A request with one LLM call whose ids are this number."""
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(
        trace_id=number.to_bytes(16), span_id=number.to_bytes(8), name=f"call {number}",
        start_time_unix_nano=time.time_ns() - 10**9, end_time_unix_nano=time.time_ns(),
    )  # fmt: skip
    texts = {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o", "session.id": session, "padding": "x" * padding,
    }  # fmt: skip
    for key, value in texts.items():
        span.attributes.add(key=key).value.string_value = value
    for key, count in (("input", 1000), ("output", 0)):
        span.attributes.add(key=f"gen_ai.usage.{key}_tokens").value.int_value = count
    return request.SerializeToString()


def numbers(backend: Backend) -> list[int]:
    """Every call that the backend has taken, repeats included."""
    return [int.from_bytes(span.span_id, "big") for _, _, span in backend.spans()]


class Line:
    """One connection to a processor, which outlives what happens to its files."""

    def __init__(self, port: int) -> None:
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self._health = health_pb2_grpc.HealthStub(self.channel)

    def send(self, payload: bytes, signal: str = "trace", timeout_s: float = 10.0) -> str:
        """Send a request; the name of the status that came back."""
        method = _EXPORT.format("trace" if signal == "trace" else signal, signal.title())
        try:
            self._call(method, payload, timeout_s)
        except grpc.RpcError as error:
            return str(error.code().name)
        return "OK"

    def is_serving(self) -> bool:
        """What the health service says."""
        answer = self._health.Check(health_pb2.HealthCheckRequest(), timeout=5)
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    def watch(self) -> list[str]:
        """Every state of health from now on, in a list that grows until the process ends."""
        seen: list[str] = []

        def look() -> None:
            with suppress(grpc.RpcError):
                answers = self._health.Watch(health_pb2.HealthCheckRequest())
                name = health_pb2.HealthCheckResponse.ServingStatus.Name
                seen.extend(name(answer.status) for answer in answers)

        threading.Thread(target=look, daemon=True).start()
        wait_until(lambda: seen)
        return seen

    def total_nano_usd(self, scope: str = "total", scope_id: str = "") -> int:
        """What the ledger says."""
        request = GetTotalsRequest(scope=scope, id=scope_id).SerializeToString()
        answer = self._call("/llm_cost.v1.CostService/GetTotals", request, 10.0)
        return int(GetTotalsResponse.FromString(answer).cost_nano_usd)

    def _call(self, method: str, request: bytes, timeout_s: float) -> bytes:
        call = self.channel.unary_unary(
            method, request_serializer=bytes, response_deserializer=bytes
        )
        return bytes(call(request, timeout=timeout_s))


class Load:
    """Threads that send calls one after the other, as good senders do: again until it is OK."""

    def __init__(
        self,
        port: int,
        senders: int,
        *,
        pause_s: float = 0.0,
        padding: int = 0,
        timeout_s: float = 10.0,
    ) -> None:
        self.acknowledged: set[int] = set()
        self.refusals: set[str] = set()
        self._port = port
        self._pause_s = pause_s
        self._padding = padding
        self._timeout_s = timeout_s
        self._ended = threading.Event()
        self._gone = threading.Event()
        self._threads = [
            threading.Thread(target=self._send, args=(row + 1, senders), daemon=True)
            for row in range(senders)
        ]
        for thread in self._threads:
            thread.start()

    def end(self, *, give_up: bool = False) -> set[int]:
        """Begin nothing new and, unless giving up, wait for the last answers."""
        self._ended.set()
        if give_up:
            self._gone.set()
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive(), "a sender never got its answer"
        return self.acknowledged

    def _send(self, number: int, step: int) -> None:
        line = Line(self._port)
        while not self._ended.is_set():
            payload = call(number, f"s-{number % 3}", self._padding)
            while not self._gone.is_set():
                answer = line.send(payload, timeout_s=self._timeout_s)
                if answer == "OK":
                    self.acknowledged.add(number)
                    break
                self.refusals.add(answer)
                time.sleep(0.05)  # as a sender waits before it tries again
            number += step
            time.sleep(self._pause_s)  # sets the rate of the load
        line.channel.close()


def free_port() -> int:
    """A port that a process can be started on more than once."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def limited(process: Process, kind: int, limit: int):
    """A resource limit of a running process, for a while."""
    before = resource.prlimit(process.popen.pid, kind)
    resource.prlimit(process.popen.pid, kind, (limit, before[1]))
    try:
        yield
    finally:
        resource.prlimit(process.popen.pid, kind, before)


def resident_mib(process: Process) -> float:
    """The memory that a process has at the moment."""
    for line in Path(f"/proc/{process.popen.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("it does not run")


def queued_bytes(folder: Path) -> int:
    """What lies in the queue."""
    return sum(path.stat().st_size for path in folder.rglob("*.spool"))
