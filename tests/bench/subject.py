"""One system under one kind of requests, and what was seen of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from conservation import Account
from payloads import Request, Workload
from systems import System
from traffic import Sink, send

_SMALL_MAX = 10
"""Spans of a request up to which its own cost outweighs that of its spans."""


@dataclass
class Subject:
    """A running system with the backend behind it."""

    kind: str
    workload: Workload
    sink: Sink
    system: System
    account: Account = field(default_factory=Account)
    cpu_us: list[float] = field(default_factory=list)
    """CPU time of each round, by `unit`."""
    spans_per_s: list[float] = field(default_factory=list)
    peak_rss_mib: float = 0.0
    booked_nano_usd: int | None = None
    """The grand total of its ledger; None without one."""

    @property
    def unit(self) -> str:
        """What CPU time is given for."""
        return "request" if self.workload.spans_per_request <= _SMALL_MAX else "span"

    async def warm_up(self, requests: Sequence[Request]) -> None:
        """Let it fill its caches; this is accounted for, but not measured."""
        await send(self.system.port, requests)
        self._settle(requests)

    async def measure(self, requests: Sequence[Request]) -> None:
        """Put it under load for one round."""
        spans = sum(request.spans for request in requests)
        begun_ns, begun_s = self.system.cpu_ns(), time.monotonic()
        await send(self.system.port, requests)
        took_ns, took_s = self.system.cpu_ns() - begun_ns, time.monotonic() - begun_s
        units = len(requests) if self.unit == "request" else spans
        self.cpu_us.append(took_ns / units / 1000)
        self.spans_per_s.append(spans / took_s)
        self.peak_rss_mib = self.system.peak_rss_mib()
        self._settle(requests)

    def _settle(self, requests: Sequence[Request]) -> None:
        """Write down what went in and what came out, and let go of it."""
        self.account.add_sent(requests)
        self.account.add_received(self.sink.payloads)
        self.sink.payloads.clear()
