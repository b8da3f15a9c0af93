"""What type checkers see of both clients: checked by mypy, never run."""

from __future__ import annotations

from collections.abc import Coroutine
from decimal import Decimal
from typing import Any, assert_type

from processor.client import AsyncCostClient, CostClient, CostReport, CostSummary, ExecutionAnswer


async def answers(now: CostClient, later: AsyncCostClient) -> None:
    """Guarantees: one client gives answers, the other what is awaited for them."""
    assert_type(now.costs.get_summary(window="month"), CostSummary)
    awaited: Coroutine[Any, Any, CostSummary] = later.costs.get_agent_summary("planner")
    assert_type(await awaited, CostSummary)
    assert_type(await later.executions.get("1"), ExecutionAnswer)
    assert_type(now.executions.get("1")["data"]["cost"], Decimal)
    assert_type(now.calls.list(limit=3).data[0].cost_usd, Decimal | None)
    with now as entered:
        assert_type(entered.tracker().report(), CostReport)
    # Were this no error, mypy would say that the comment is not needed.
    now.costs.get_summary(windw="month")  # type: ignore[call-arg] # a mistake that has to be seen
