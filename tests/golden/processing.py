"""The pipeline in the test's own process; what it would send on is kept in a list."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from processor.app.pipeline import Pipeline
from processor.config import bundled
from processor.core import pricing
from processor.core.budgets import Policy, parse_budgets
from processor.core.model import Batch, Receipt
from processor.core.semconv import ReadOptions
from processor.io.ledger import Ledger, Limits, SqliteStore

RECEIVED_NS = 1_796_100_000 * 10**9
"""After everything that was recorded, and within what catalogues know."""


class Captured:
    """An exporter that keeps what it is given."""

    def __init__(self) -> None:
        self.payloads: list[bytes] = []

    @contextmanager
    def reserve(self, _batch: Batch) -> Iterator[Captured]:
        yield self

    async def deliver(self, payload: bytes) -> Receipt:
        self.payloads.append(payload)
        return Receipt()

    async def start(self) -> None: ...

    async def close(self) -> None: ...


class Processing:
    """A pipeline with the bundled prices, or those given, and an empty ledger."""

    def __init__(self, folder: Path, *, prices: str = "", budgets: str = "") -> None:
        self.captured = Captured()
        policy = parse_budgets(budgets, "budgets.yaml") if budgets else Policy()
        file = pricing.parse_prices(prices or bundled("pricing.yaml"), "pricing.yaml")
        self.ledger = Ledger(SqliteStore(folder / "ledger.db"), policy, Limits())
        self.catalog = pricing.compile_catalog(file)
        self.pipeline = Pipeline(self.captured, self.ledger, self.catalog, ReadOptions())

    async def __aenter__(self) -> Self:
        await self.ledger.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.ledger.close()

    async def export(self, payload: bytes) -> None:
        """One request as a sender would make it."""
        await self.pipeline.handle(Batch("traces", payload, RECEIVED_NS))

    def spans(self) -> Iterator[Span]:
        """All that has come out, in the order in which it was sent."""
        for payload in self.captured.payloads:
            for resource in ExportTraceServiceRequest.FromString(payload).resource_spans:
                for scope in resource.scope_spans:
                    yield from scope.spans


def attributes_of(span: Span) -> dict[str, Any]:
    """A span's attributes as Python values; the last one of a name that stands twice."""
    return {pair.key: value_of(pair.value) for pair in span.attributes}


def value_of(value: AnyValue) -> Any:
    """An OTLP value as a Python value."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [value_of(item) for item in value.array_value.values]
    return None if kind is None else getattr(value, kind)
