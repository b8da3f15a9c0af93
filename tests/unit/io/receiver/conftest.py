"""A receiver on a loopback port, with a pipeline and cost queries that a test can set."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, cast
from zoneinfo import ZoneInfo

import aiohttp
import grpc
import pytest
from conformance.certificates import make_self_signed
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from processor.core.access import Access, ApiTokens
from processor.core.budgets.applicable import Unchecked
from processor.core.budgets.call_check import BudgetCheck
from processor.core.budgets.reservations import Estimate
from processor.core.model import (
    Batch,
    Calendar,
    JobProgress,
    Receipt,
    Repricing,
    Standing,
    Totals,
)
from processor.core.otlp.signals import SIGNALS
from processor.core.questions import UnknownAnswer
from processor.io.receiver import HttpListener, Receiver
from processor.surfaces.grpc.cost_service import CostService
from processor.surfaces.queries import (
    BudgetCheckAnswer,
    BudgetCheckRequest,
    BudgetChecks,
    CostChanges,
    CostQueries,
    Report,
    WindowTotals,
)
from processor.surfaces.queries.questions import check_call


@dataclass
class FakeCostQueries:
    """Answers every question with what the test put here, and remembers the questions."""

    calendar: ClassVar = Calendar(ZoneInfo("Asia/Tokyo"), 0)

    answer: WindowTotals = field(default_factory=lambda: WindowTotals(Totals(), 0, 0))
    standings: list[Standing] = field(default_factory=list)
    unknowns: UnknownAnswer = field(default_factory=lambda: UnknownAnswer([], 0, 0))
    repricing: Repricing = field(default_factory=lambda: Repricing(0, (), ()))
    job_progress: JobProgress | None = None
    error: Exception | None = None
    asked: list[tuple[object, ...]] = field(default_factory=list)

    @property
    def dimensions(self) -> tuple[str, ...]:
        return ("team",)

    async def totals(
        self, scope: str, scope_id: str, window: str, at_ns: int | None
    ) -> WindowTotals:
        self.asked.append((scope, scope_id, window, at_ns))
        if self.error is not None:
            raise self.error
        return self.answer

    async def check(self, request: BudgetCheckRequest) -> BudgetCheckAnswer:
        self.asked.append((request,))
        if self.error is not None:
            raise self.error
        check_call(request, self.dimensions)
        estimate = Estimate(request.cost_nano_usd, request.tokens)
        checks = [
            BudgetCheck(each, 0, request.cost_nano_usd if each.unit == "usd" else request.tokens)
            for each in self.standings
        ]
        held = (request.reservation_id, 10**9) if request.reserve else ("", 0)
        unchecked = [Unchecked("of agents", ("agent",))]
        return BudgetCheckAnswer(checks, unchecked, estimate, None, *held, 0)

    def release(self, reservation_id: str) -> bool:
        return reservation_id == "r-1"

    async def unpriced(self) -> UnknownAnswer:
        self.asked.append(("unpriced",))
        if self.error is not None:
            raise self.error
        return self.unknowns

    async def reprice(
        self, start_ns: int, end_ns: int, *, is_dry_run: bool, actor: str
    ) -> Repricing:
        assert actor
        self.asked.append((start_ns, end_ns, is_dry_run))
        if self.error is not None:
            raise self.error
        return self.repricing


@dataclass
class Reply:
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Gateway:
    """A receiver, and what it passes batches and questions to."""

    TRACES, METRICS, LOGS = (spec.method for spec in SIGNALS.values())

    queries: FakeCostQueries = field(default_factory=FakeCostQueries)
    batches: list[Batch] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the first batch has arrived."""
    work: Callable[[Batch], Awaitable[Receipt]] | None = None
    receiver: Receiver | None = None
    port: int = 0
    tokens: ApiTokens = field(default_factory=ApiTokens)
    is_loopback: bool = True
    health: Report = field(default_factory=lambda: Report("serving", ()))

    async def handle(self, batch: Batch) -> Receipt:
        self.batches.append(batch)
        self.arrived.set()
        return Receipt() if self.work is None else await self.work(batch)

    async def open(self, listen: str = "127.0.0.1:0", **settings) -> int:
        services = [
            CostService(
                cast("CostQueries", self.queries),
                cast("BudgetChecks", self.queries),
                cast("CostChanges", self.queries),
                lambda: self.health,
                Access(self.tokens, is_loopback=self.is_loopback),
            )
        ]
        self.receiver = Receiver(listen, self.handle, services, **settings)
        self.port = await self.receiver.start()
        return self.port

    async def open_http(self, listen: str = "127.0.0.1:0", **settings) -> int:
        """Open OTLP/HTTP as well, and return its port; the receiver's own settings are `more`."""
        more = settings.pop("more", {})
        await self.open(http=HttpListener(listen, **settings), **more)
        assert self.receiver is not None
        return self.receiver.http_port

    async def post(
        self, path: str = "/v1/traces", body: object = b"", *, method: str = "POST", **headers: str
    ) -> Reply:
        """One HTTP request, by default of protobuf; headers are given with underscores."""
        assert self.receiver is not None
        url = f"http://127.0.0.1:{self.receiver.http_port}{path}"
        named = {name.replace("_", "-"): value for name, value in headers.items() if value}
        if "content_type" not in headers:
            named["content-type"] = "application/x-protobuf"
        timeout = aiohttp.ClientTimeout(20)
        async with (
            aiohttp.ClientSession(timeout=timeout, skip_auto_headers=["Content-Type"]) as session,
            session.request(method, url, data=body, headers=named, compress=None) as response,
        ):
            return Reply(response.status, response.headers.copy(), await response.read())

    async def raw(self, request: bytes, *, then: float = 5.0) -> bytes:
        """The answer to bytes on the HTTP port, until it is closed or `then` s have passed."""
        assert self.receiver is not None
        reader, writer = await asyncio.open_connection("127.0.0.1", self.receiver.http_port)
        writer.write(request)
        answer = b""
        try:
            async with asyncio.timeout(then):
                while chunk := await reader.read(65536):
                    answer += chunk
        except (TimeoutError, ConnectionError):
            pass
        writer.close()
        return answer

    def channel(self, **settings) -> grpc.aio.Channel:
        return grpc.aio.insecure_channel(f"127.0.0.1:{self.port}", **settings)

    def unary(self, channel: grpc.aio.Channel, method: str):
        return channel.unary_unary(method, None, None)  # bytes in, bytes out

    async def call(self, method: str, body: bytes, **settings):
        async with self.channel() as channel:
            return await self.unary(channel, method)(body, timeout=10, **settings)


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    gateway = Gateway()
    yield gateway
    if gateway.receiver is not None:
        await gateway.receiver.stop(0.1)


@pytest.fixture
def payload() -> bytes:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add()
    span.trace_id = b"t" * 16
    span.span_id = b"s" * 8
    span.name = "chat"
    return request.SerializeToString()


@pytest.fixture(scope="session")
def certificate_files(tmp_path_factory) -> tuple[Path, Path]:
    """A self-signed certificate for localhost, and its key."""
    return make_self_signed(tmp_path_factory.mktemp("certificate"))
