"""Tools for agents, asked by the official client of their protocol."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

import mcp
from e2e.processes import ROOT
from e2e.scenario import Answer
from e2e.surfaces import reading
from e2e.surfaces.reading import Costs


class Agent:
    """A client of /mcp, or of ``llm-cost mcp`` where flags are given."""

    def __init__(self, *whom: object) -> None:
        flags = [str(each) for each in whom]
        self._server: str | mcp.StdioServerParameters = flags[0]
        if len(flags) > 1:
            self._server = mcp.StdioServerParameters(
                command=sys.executable,
                args=["-m", "processor.cli", "mcp", *flags],
                env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
            )

    def _ask(self, tool: str, **arguments: Any) -> Any:
        async def asked() -> Any:
            async with mcp.Client(self._server) as client:
                result = await client.call_tool(tool, arguments)
                assert not result.is_error, result.content
                return result.structured_content

        return asyncio.run(asked())

    def costs(self, asked: Costs, zone: str) -> Answer | None:
        """Of all time: an agent names a time by a word."""
        if asked.since or asked.is_series:
            return None
        found = self._ask(
            "get_cost_report",
            period="all",
            group_by=[asked.by] if asked.by else [],
            filters={name: [value] for name, value in asked.filters.items()},
            limit=100,
            time_zone=zone,
        )
        return reading.costs(found, asked.by)

    def today(self, zone: str) -> Answer:
        return {"": reading.totals(self._ask("get_cost_report", period="today", time_zone=zone))}

    def budgets(self, zone: str) -> Answer:
        return reading.budgets(self._ask("get_budget_status", time_zone=zone)["data"])
