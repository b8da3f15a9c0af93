"""Whether all that was sent arrived, once, and adds up to what stands in the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from payloads import Request

from processor.io.ledger import SqliteStore

_NANO_PER_USD = 10**9
_COST = "llm.cost_usd"
_COSTS = frozenset({_COST, "llm.cost.correction_usd"})


@dataclass
class Account:
    """What went into one system, and what came out of it."""

    sent: int = 0
    calls: int = 0
    received: int = 0
    ids: set[bytes] = field(default_factory=set)
    priced: int = 0
    """Spans that came out with a cost."""
    nano_usd: int = 0
    """Sum of the costs on spans, corrections included."""

    def add_sent(self, requests: Iterable[Request]) -> None:
        """Count what is sent."""
        for request in requests:
            self.sent += request.spans
            self.calls += request.calls

    def add_received(self, payloads: Iterable[bytes]) -> None:
        """Count what has arrived."""
        for span in _spans(payloads):
            self.received += 1
            self.ids.add(span.trace_id + span.span_id)
            for pair in span.attributes:
                if pair.key in _COSTS:
                    self.priced += pair.key == _COST
                    # The nearest double of an amount gives back exactly that amount.
                    self.nano_usd += round(pair.value.double_value * _NANO_PER_USD)

    def faults(self, booked_nano_usd: int | None) -> list[str]:
        """What does not add up; without a ledger (None) only the spans are asked after."""
        has_ledger = booked_nano_usd is not None
        faults = {
            "spans were lost or came twice": self.received != self.sent,
            "ids came twice": len(self.ids) != self.received,
            "calls are without a cost": has_ledger and self.priced != self.calls,
            "spans and ledger differ": has_ledger and self.nano_usd != booked_nano_usd,
        }
        return [fault for fault, is_so in faults.items() if is_so]


def booked_nano_usd(ledger: Path) -> int:
    """The grand total of a ledger that nobody has open."""
    store = SqliteStore(ledger)
    try:
        return store.total("total", "", 0, 0).cost_nano_usd
    finally:
        store.close()


def _spans(payloads: Iterable[bytes]) -> Iterator[Span]:
    for payload in payloads:
        for resource_spans in ExportTraceServiceRequest.FromString(payload).resource_spans:
            for scope_spans in resource_spans.scope_spans:
                yield from scope_spans.spans
