"""Sources with numbers of their own, as the rooms would give them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from processor.core.flow import FlowCounters, SpanOutcomes
from processor.io.exporter import Counters, InFlightLimiter
from processor.io.exporter.destination import Backlog
from processor.io.ledger.working_set import Counters as LedgerCounters
from processor.io.ledger.working_set import MemoryUse
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
    dropped={"BackendRefused": 1},
    lost=0,
    torn_bytes=0,
    corrupt_segments=0,
    other_version_segments=0,
)


@dataclass
class Way:
    """A way out that counts."""

    name: str = "127.0.0.1:5317"
    counters: Counters = field(default_factory=Counters)


class Prices:
    """Prices of a certain age."""

    version, catalogue_version = "ab12", "0.2.3"

    def age_days(self, _now_ns: int) -> int | None:
        return 2

    def is_stale(self, _now_ns: int) -> bool:
        return True


@pytest.fixture
def way() -> Way:
    return Way()


@pytest.fixture
def sources(way: Way) -> Sources:
    """Everything that can be shown, at least once."""
    way.counters.refused_for["permission_denied"] = 2
    way.counters.backlog = lambda: BACKLOG
    ledger: Any = SimpleNamespace(
        counters=LedgerCounters(charged=7),
        memory_use=MemoryUse(1, 2, 3, 4, 5),
        jobs_waiting=6,
        size_bytes=4096,
        last_failure=None,
    )
    exporter: Any = SimpleNamespace(in_flight=InFlightLimiter(), destinations=(way,))
    watched: Any = SimpleNamespace(reloads=1, failures=2, last_error="broken", loaded_s=12.5)
    return Sources(
        flow=FlowCounters(),
        outcomes=SpanOutcomes(stamped=9),
        exporter=exporter,
        ledger=ledger,
        answers=lambda: Counter(OK=11),
        prices=Prices,
        budgets_version=lambda: "cd34",
        watched={"pricing": watched},
        build=Build("0.1", "3.11", 1.5),
    )
