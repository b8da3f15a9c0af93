"""An exporter, opened towards a port on this machine, with pauses that are noted and not waited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from conformance.scripted_backend import GrpcScript, HttpScript, Script
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from processor.core.otlp.addresses import parse_backend, read_endpoints
from processor.io.exporter import (
    Backend,
    GrpcTransport,
    HttpTransport,
    RetryPolicy,
)

QUICK = RetryPolicy(initial_s=0.01, max_s=0.02)
WIRE = (
    "headers",
    "compression",
    "tls",
    "server_name",
    "token",
    "max_connection_age_s",
    "now",
    "retryable_statuses",
    "final_statuses",
    "retryable_codes",
)
PROTOCOLS = ("grpc", "http")


def scripted(protocol: str, *scripts: Script) -> GrpcScript | HttpScript:
    """A backend that plays these scripts."""
    return GrpcScript(*scripts) if protocol == "grpc" else HttpScript(*scripts)


@asynccontextmanager
async def sending(
    protocol: str, port: int, *, host: str = "127.0.0.1", scheme: str = "http", **settings: Any
) -> AsyncIterator[Backend]:
    """A destination that speaks `protocol`; settings are those of its transport or its own."""
    wire = {name: settings.pop(name) for name in WIRE if name in settings}
    address = f"{scheme}://{host}:{port}"
    transport = (
        GrpcTransport(parse_backend(address), **wire)
        if protocol == "grpc"
        else HttpTransport(read_endpoints(address, {}), **wire)
    )
    backend = Backend(transport, **{"retry": QUICK, **settings})
    await backend.start()
    try:
        yield backend
    finally:
        await backend.close()


class Pauses(list[float]):
    """Notes how long somebody wanted to sleep, and lets them go on at once."""

    async def sleep(self, pause_s: float) -> None:
        self.append(pause_s)
        await asyncio.sleep(0)


def request(*names: str, size: int = 0) -> bytes:
    """A request with one span for each name, of about `size` bytes each."""
    message = ExportTraceServiceRequest()
    group = message.resource_spans.add(schema_url="resource")
    group.resource.attributes.add(key="service.name").value.string_value = "shop"
    scope = group.scope_spans.add(schema_url="scope")
    scope.scope.name = "library"
    for number, name in enumerate(names, 1):
        span = scope.spans.add(name=name, trace_id=b"t" * 16, span_id=number.to_bytes(8, "big"))
        span.attributes.add(key="text").value.string_value = "x" * size
    return message.SerializeToString()
