"""A whole processor in the test's own process, spoken to over the wire, before a real backend."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import aiohttp
import grpc
from backends.recorder import Recorder
from google.protobuf import json_format
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # no py.typed
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from processor.app.application import App
from processor.core.otlp.varint import encode_varint

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
METHODS = {
    signal: f"/opentelemetry.proto.collector.{name.lower()}.v1.{name}Service/Export"
    for signal, name in (("traces", "Trace"), ("metrics", "Metrics"), ("logs", "Logs"))
}
REQUESTS: dict[str, Any] = {
    "traces": ExportTraceServiceRequest,
    "metrics": ExportMetricsServiceRequest,
    "logs": ExportLogsServiceRequest,
}
NOW_NS = 1_800_000_000 * 10**9


@dataclass
class Reply:
    """An answer over HTTP."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def type(self) -> str:
        return self.headers["Content-Type"]

    def error(self) -> Status:
        """The google.rpc.Status in it, in whichever encoding it has."""
        if self.type == JSON:
            status: Status = json_format.Parse(self.body, Status())
            return status
        return Status.FromString(self.body)


@dataclass
class Refusal:
    """A call over gRPC that did not succeed."""

    code: grpc.StatusCode
    message: str
    status: Status | None
    """From the trailers, where there is one."""


@dataclass
class Gateway:
    """A processor and the backend behind it."""

    app: App
    backend: Recorder

    def channel(self, **settings: Any) -> grpc.aio.Channel:
        return grpc.aio.insecure_channel(f"127.0.0.1:{self.app.port}", **settings)

    async def call(
        self, body: bytes, signal: str = "traces", *, timeout_s: float = 10.0, **settings: Any
    ) -> bytes | Refusal:
        """One export over gRPC: the bytes of the answer, or the refusal."""
        async with self.channel() as channel:
            return await ask(channel, METHODS[signal], body, timeout=timeout_s, **settings)

    async def post(
        self,
        body: bytes | dict[str, Any],
        signal: str = "traces",
        *,
        type: str = "",  # noqa: A002 - the header's name
        method: str = "POST",
        path: str = "",
        **headers: str,
    ) -> Reply:
        """One export over HTTP: JSON of a dict, protobuf of bytes; headers with underscores."""
        data = BytesIO(json.dumps(body).encode() if isinstance(body, dict) else body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named["Content-Type"] = type or (JSON if isinstance(body, dict) else PROTOBUF)
        url = f"http://127.0.0.1:{self.app.http_port}{path or f'/v1/{signal}'}"
        timeout = aiohttp.ClientTimeout(20)
        async with (
            aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as session,
            session.request(method, url, data=data, headers=named) as response,
        ):
            return Reply(response.status, response.headers.copy(), await response.read())

    def delivered(self, signal: str = "traces") -> list[bytes]:
        """What the backend took of a signal, as bytes."""
        return [each.payload for each in self.backend.records if each.signal == signal[0]]

    def last(self, signal: str = "traces") -> Any:
        """The last request that the backend took."""
        return REQUESTS[signal].FromString(self.delivered(signal)[-1])

    def spans(self) -> list[Span]:
        """Every span that the backend took."""
        return [
            span
            for payload in self.delivered()
            for resource in ExportTraceServiceRequest.FromString(payload).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


async def ask(
    channel: grpc.aio.Channel, method: str, body: bytes, **settings: Any
) -> bytes | Refusal:
    """One unary call, from bytes to bytes."""
    call: Any = channel.unary_unary(method, None, None)
    try:
        answer: bytes = await call(body, **settings)
    except grpc.aio.AioRpcError as error:
        trailers: Any = error.trailing_metadata() or ()
        details = dict(trailers).get("grpc-status-details-bin")
        status = Status.FromString(details) if details else None
        return Refusal(error.code(), error.details() or "", status)
    return answer


def a_span(name: str = "work", **fields: Any) -> Span:
    """A valid span that is no LLM call."""
    given = {"trace_id": b"t" * 16, "span_id": b"s" * 8, "name": name}
    times = {"start_time_unix_nano": NOW_NS, "end_time_unix_nano": NOW_NS + 10**9}
    return Span(**{**given, **times, **fields})


def a_call(name: str = "chat", **fields: Any) -> Span:
    """A valid span that is an LLM call with a price."""
    span = a_span(name, **fields)
    for key, value in (("gen_ai.operation.name", "chat"), ("gen_ai.request.model", "gpt-4o")):
        span.attributes.add(key=key).value.string_value = value
    span.attributes.add(key="gen_ai.usage.input_tokens").value.int_value = 1000
    span.attributes.add(key="gen_ai.usage.output_tokens").value.int_value = 100
    return span


def traces(*spans: Span) -> bytes:
    """A request with these spans."""
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.extend(spans)
    return request.SerializeToString()


def shown(*spans: dict[str, Any]) -> dict[str, Any]:
    """A request with these spans as JSON; those without ids get some."""
    ids = {"traceId": "74" * 16, "spanId": "73" * 8}
    return {"resourceSpans": [{"scopeSpans": [{"spans": [{**ids, **span} for span in spans]}]}]}


def record(number: int, body: bytes) -> bytes:
    """A length-delimited protobuf field."""
    return encode_varint(number << 3 | 2) + encode_varint(len(body)) + body
