"""Turns of the ledger, by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from processor.core.model import (
    NO_PARTS,
    NOBODY,
    ChargeRow,
    Crossing,
    DimensionSet,
    Entry,
    Intake,
    Owner,
    Plan,
    SpanRow,
    Spans,
    Stamp,
    Status,
    Sums,
    Totals,
    TraceOwner,
    TraceSummary,
    Usage,
)
from processor.core.money import Amount

_SET = DimensionSet("openai", "gpt-4o", "shop", "", "", "", "", "", "llm", "exact")
_RATES = (0,) * len(Usage._fields)


class Turns:
    """Makes turns of one call or one root; of each trace it remembers the total."""

    def __init__(self) -> None:
        self.totals: dict[bytes, Totals] = {}
        self._spans = 0

    def call(
        self, trace_id: bytes, nano_usd: int | None = 1_000_000, **changes: Any
    ) -> tuple[Intake, Plan]:
        """A call of 100 tokens; without a cost one that has no price."""
        totals = Totals(cost_nano_usd=nano_usd or 0, input_tokens=100, calls=1)
        status: Status = "exact"
        if nano_usd is None:
            totals.unpriced, status = 1, "unpriced"
        entry = Entry(
            status, "" if nano_usd else "no such model", "openai", "gpt-4o", "shop", "1",
            Usage(input=100), None if nano_usd is None else Amount(nano_usd, nano_usd), _RATES,
        )  # fmt: skip
        return self._turn(trace_id, totals, entry, b"parent..", **changes)

    def agent(self, trace_id: bytes, name: str = "planner", **changes: Any) -> tuple[Intake, Plan]:
        """An agent that is the root of its trace."""
        own = Owner(agent=name)
        totals = Totals(agent_runs=1)
        return self._turn(trace_id, totals, None, b"", own=own, is_agent=True, **changes)

    def _turn(
        self,
        trace_id: bytes,
        totals: Totals,
        entry: Entry | None,
        parent_id: bytes,
        *,
        own: Owner = NOBODY,
        is_agent: bool = False,
        crossings: tuple[Crossing, ...] = (),
        name: str = "POST /ask",
    ) -> tuple[Intake, Plan]:
        self._spans += 1
        span_id = self._spans.to_bytes(8, "big")
        stamp = Stamp(entry, crossings=crossings)
        row = SpanRow(
            trace_id, span_id, parent_id, self._spans, is_agent, not parent_id, own, NOBODY,
            "shop", entry, stamp,
        )  # fmt: skip
        whole = self.totals[trace_id] = self.totals.get(trace_id, Totals()).plus(totals)
        charge = ChargeRow(
            trace_id, span_id, 0, 0, 1, _SET, "", "", "", Sums(totals, NO_PARTS), entry
        )
        owner = TraceOwner(user="ada", service="shop")
        spans = Spans(
            b"", [trace_id], [span_id], [parent_id], [name], [1], [2], [1], [0], [False], [0], [0]
        )
        plan = Plan(
            rows=[row],
            charges=[charge],
            traces=[TraceSummary(trace_id, 1, 2, owner, whole)],
            stamps={0: stamp},
        )
        return Intake(spans, [], [], 1), plan


@pytest.fixture
def turns() -> Turns:
    """Turns by hand."""
    return Turns()


@pytest.fixture
def repeat() -> Callable[[tuple[Intake, Plan]], tuple[Intake, Plan]]:
    """From a turn, that of the same batch when it comes again: nothing is charged."""

    def again(turn: tuple[Intake, Plan]) -> tuple[Intake, Plan]:
        return turn[0], Plan(stamps=turn[1].stamps, repeats=1)

    return again
