"""Sources whose every value differs, so that a test sees which one is shown."""

from __future__ import annotations

import asyncio
from collections import Counter
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from processor.core.budgets import Budget, Policy
from processor.core.counters import (
    Backlog,
    ChannelState,
    DestinationCounters,
    DestinationState,
    ExporterState,
    ExportState,
    FileState,
    InFlight,
    LedgerCounters,
    LedgerState,
    MemoryHeld,
    MemoryUse,
    OpenConnections,
)
from processor.core.errors import LastFailure
from processor.core.flow import FlowCounters, SpanOutcomes
from processor.core.model import NOTHING, Calendar, Standing, Totals
from processor.core.questions import CrossingCount, CrossingCounts, Spend, SpendRow
from processor.surfaces.metrics import Build, CostReadings, Sources
from processor.surfaces.queries.answers import BudgetState

UTC = Calendar(ZoneInfo("UTC"))

BACKLOG = Backlog(
    waiting=3,
    size_bytes=900,
    max_bytes=1000,
    is_away=True,
    found=1,
    kept=4,
    failed=0,
    delivered=1,
    set_aside={"invalid_argument": 1},
    not_set_aside=0,
    dropped={"too_old": 2},
    lost=0,
    torn_bytes=0,
    corrupt_segments=0,
    other_version_segments=0,
)


class States:
    """The states that exporter and ledger report; a test replaces what it is about."""

    def __init__(self) -> None:
        counters = DestinationCounters(refused_for=Counter(permission_denied=2))
        self.destinations = [
            DestinationState("127.0.0.1:5317", counters, BACKLOG, True, {"ca": 9.5})
        ]
        self.ledger = LedgerState(
            LedgerCounters(charged=7), MemoryUse(1, 2, 3, 4, 5), 6, 4096, None
        )

    def exporter(self) -> ExporterState:
        return ExporterState(InFlight(1, 2, 3, 4), tuple(self.destinations))

    def fail(self, message: str, at_s: float, times: int = 1) -> None:
        """The only destination has no queue, and fails."""
        self.destinations = [self.destinations[0]._replace(backlog=None)]
        self.destinations[0].counters.last_failure = LastFailure(message, at_s, times)


@pytest.fixture
def states() -> States:
    return States()


class Costs:
    """What the ledger answers; a test replaces what it is about."""

    def __init__(self) -> None:
        first = Totals(1_500_000_000, 70, 7, 30, 9, 2, 250_000_000, 4, 0, 0, 3, 10**9)
        up, down = Totals(5 * 10**8, calls=1), Totals(10**9, input_tokens=8, unpriced=1)
        self.rows = [
            SpendRow(("gpt", "openai"), first, up, down), SpendRow(None, up, NOTHING, NOTHING),
        ]  # fmt: skip
        self.policy = Policy((
            Budget("month", "total", "month", 10**10, "usd", UTC, (Decimal("0.8"),)),
            Budget("user-day", "user", "day", 1000, "tokens", UTC),
            Budget("session", "session", "none", 10**9, "usd", UTC),
        ), "cd34")  # fmt: skip
        self.states = [self.state("month", "total", 10**10, "usd", 9 * 10**9, at_least=True)]
        self.crossings: list[CrossingCount] = []
        self.error: Exception | None = None
        self.asked = 0
        self.delay_s = 0.0

    def state(
        self, budget: str, scope: str, limit: int, unit: Any, spent: int, *, at_least: bool = False
    ) -> BudgetState:
        standing = Standing(budget, scope, "id", "day", 0, 1, limit, unit, spent, at_least, False)
        return BudgetState(standing, 1.0)

    async def spend(self) -> Spend:
        self.asked += 1
        await asyncio.sleep(self.delay_s)
        if self.error is not None:
            raise self.error
        return Spend(("model", "provider"), self.rows)

    async def budgets(self, *, ids: int) -> Any:
        assert ids
        return SimpleNamespace(states=self.states)

    async def crossing_counts(self, after: int) -> CrossingCounts:
        return CrossingCounts(self.crossings[after:], len(self.crossings))


@pytest.fixture
def costs() -> Costs:
    return Costs()


@pytest.fixture
def readings(costs: Costs) -> CostReadings:
    return CostReadings(costs, lambda: costs.policy)  # type: ignore[arg-type]


@pytest.fixture
def sources(states: States, readings: CostReadings) -> Sources:
    """Everything that can be shown, at least once."""
    asyncio.run(readings.renew())
    catalog: Any = SimpleNamespace(
        version="ab12",
        catalogue_version="0.2.3",
        age_days=lambda _now_ns: 2,
        is_stale=lambda _now_ns: True,
    )
    policy: Any = SimpleNamespace(version="cd34")
    flow = FlowCounters()
    flow.outcomes = SpanOutcomes(stamped=9)
    flow.unreadable["http", "headers_too_large"] = 1
    return Sources(
        flow=flow,
        exporter=states.exporter,
        ledger=lambda: states.ledger,
        memory=lambda: MemoryHeld(12, 13),
        grpc_connections=lambda: OpenConnections(14, 15),
        answers=lambda: Counter(OK=11),
        catalog=lambda: catalog,
        policy=lambda: policy,
        files={"pricing": FileState(1, 2, "broken", 12.5)},
        certificates=lambda: {("grpc", "certificate"): 1.8e9},
        build=Build("0.1", "3.11", 1.5),
        costs=readings,
        exports=lambda: [ExportState("finance", 3, 1, 1.7e9, "disk full")],
        channels=lambda: [ChannelState("ops", 4, 2, 1, 3, "HTTP 500")],
    )
