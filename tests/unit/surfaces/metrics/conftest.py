"""Sources whose every value differs, so that a test sees which one is shown."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from processor.core.counters import (
    Backlog,
    DestinationCounters,
    DestinationState,
    ExporterState,
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
from processor.surfaces.metrics import Build, Sources

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


@pytest.fixture
def sources(states: States) -> Sources:
    """Everything that can be shown, at least once."""
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
    )
