"""A receiver on a loopback port, with a pipeline and books that a test can set."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from processor.model import Batch, Receipt, Repricing, Standing, Totals, Unknown
from processor.receiver import Receiver


@dataclass
class Books:
    """Answers every question with what the test put here, and remembers the questions."""

    answer: tuple[Totals, int, int] = (Totals(), 0, 0)
    standings: list[Standing] = field(default_factory=list)
    unknowns: list[Unknown] = field(default_factory=list)
    repricing: Repricing = field(default_factory=lambda: Repricing(0, (), ()))
    gate: asyncio.Event | None = None
    """When given, a reprice waits for it."""
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once a reprice has been asked for."""
    error: Exception | None = None
    asked: list[tuple[object, ...]] = field(default_factory=list)

    async def totals(
        self, scope: str, scope_id: str, window: str, at_ns: int | None
    ) -> tuple[Totals, int, int]:
        self.asked.append((scope, scope_id, window, at_ns))
        if self.error is not None:
            raise self.error
        return self.answer

    async def standing(self, scopes: Mapping[str, str], at_ns: int | None) -> list[Standing]:
        self.asked.append((dict(scopes), at_ns))
        if self.error is not None:
            raise self.error
        return self.standings

    async def unpriced(self) -> list[Unknown]:
        self.asked.append(("unpriced",))
        if self.error is not None:
            raise self.error
        return self.unknowns

    async def reprice(self, start_ns: int, end_ns: int, *, is_dry_run: bool) -> Repricing:
        self.asked.append((start_ns, end_ns, is_dry_run))
        self.begun.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        return self.repricing


@dataclass
class House:
    """A started receiver and what stands behind it."""

    TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
    METRICS = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
    LOGS = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"

    books: Books = field(default_factory=Books)
    batches: list[Batch] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the first batch has come."""
    work: Callable[[Batch], Awaitable[Receipt]] | None = None
    receiver: Receiver | None = None
    port: int = 0

    async def handle(self, batch: Batch) -> Receipt:
        self.batches.append(batch)
        self.arrived.set()
        return Receipt() if self.work is None else await self.work(batch)

    async def open(self, listen: str = "127.0.0.1:0", **settings) -> int:
        self.receiver = Receiver(listen, self.handle, self.books, **settings)
        self.port = await self.receiver.start()
        return self.port

    def channel(self, **settings) -> grpc.aio.Channel:
        return grpc.aio.insecure_channel(f"127.0.0.1:{self.port}", **settings)

    def unary(self, channel: grpc.aio.Channel, method: str):
        return channel.unary_unary(method, None, None)  # bytes in, bytes out

    async def call(self, method: str, body: bytes, **settings):
        async with self.channel() as channel:
            return await self.unary(channel, method)(body, timeout=10, **settings)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    yield house
    if house.receiver is not None:
        await house.receiver.stop(0.1)


@pytest.fixture
def payload() -> bytes:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add()
    span.trace_id = b"t" * 16
    span.span_id = b"s" * 8
    span.name = "chat"
    return request.SerializeToString()
