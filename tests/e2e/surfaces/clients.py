"""What programs ask: the Python client, CostService, and a scrape of the metrics."""

from __future__ import annotations

import asyncio
import urllib.request
from datetime import datetime
from typing import Any, cast

import pytest
from e2e.processes import ask
from e2e.scenario import OF_BUDGETS, Answer, trace_id
from e2e.surfaces.reading import SESSIONS, TRACES, Costs, Part, nano
from prometheus_client.parser import text_string_to_metric_families

from processor.client import AsyncCostClient, CostClient
from processor.surfaces.grpc.generated.cost_service_pb2 import (
    CheckBudgetRequest,
    CheckBudgetResponse,
    GetTotalsRequest,
    GetTotalsResponse,
)


class Client:
    """The Python client that waits."""

    def __init__(self, url: str) -> None:
        self._url = url

    def _ask(self, resource: str, method: str, *given: Any, **more: Any) -> Any:
        with CostClient(self._url) as client:
            return getattr(getattr(client, resource), method)(*given, **more)

    def costs(self, asked: Costs, zone: str) -> Answer | None:
        if asked.by not in {"", "day", "model", "agent"}:
            return None
        period: dict[str, Any] = {"time_zone": zone, "filters": asked.filters}
        if asked.by == "day":
            days = zip(asked.days, [*asked.days[1:], asked.until], strict=True)
            return {
                f"{day}": self._summary(starting_at=day, ending_at=after, **period)
                for day, after in days
            }
        if asked.since:
            period |= {"starting_at": asked.since, "ending_at": asked.until}
        if not asked.by:
            return {"": self._summary(**period)}
        report = self._ask("costs", "get_report", by=[asked.by], **period)
        groups = getattr(report, f"by_{asked.by}")
        return {each.name or "": (nano(each.cost), each.at_least) for each in groups}

    def _summary(self, **given: Any) -> tuple[int, bool]:
        found = self._ask("costs", "get_summary", **given)
        return nano(found.total_cost), found.at_least

    def sessions(self, zone: str) -> Answer:
        found = {name: self._ask("sessions", "get", name, time_zone=zone) for name in SESSIONS}
        sums = {name: document["costs"]["totals"] for name, document in found.items()}
        return {name: (nano(each["cost_usd"]), each["at_least"]) for name, each in sums.items()}

    def traces(self, _zone: str) -> Answer:
        answer = {}
        for name in TRACES:
            whole = self._ask("executions", "get", trace_id(name))["data"]
            calls = self._ask("traces", "list", execution_id=trace_id(name), kind="")["data"]
            assert sum(each["cost"] or 0 for each in calls) == whole["cost"]
            assert any(each["at_least"] for each in calls) == whole["at_least"]
            answer[name] = nano(whole["cost"]), whole["at_least"]
        return answer

    def today(self, zone: str) -> Answer:
        return {"": self._summary(window="today", time_zone=zone)}

    def budgets(self, _zone: str) -> Answer:
        return {
            f"{each.budget} {each.scope_id or ''}".strip(): (nano(each.spent_usd), each.at_least)
            for each in self._ask("budgets", "list")
        }


class AsyncClient(Client):
    """The Python client for asyncio."""

    def _ask(self, resource: str, method: str, *given: Any, **more: Any) -> Any:
        async def asked() -> Any:
            async with AsyncCostClient(self._url) as client:
                return await getattr(getattr(client, resource), method)(*given, **more)

        return asyncio.run(asked())


class Grpc:
    """CostService, which knows the time zone of the budgets only."""

    def __init__(self, port: int) -> None:
        self._port = port

    def _total(
        self, scope: str, scope_id: str = "", window: str = "none", at: datetime | None = None
    ) -> tuple[int, bool]:
        at_ns = int(at.timestamp()) * 10**9 if at else 0
        question = GetTotalsRequest(scope=scope, id=scope_id, window=window, at_unix_nano=at_ns)
        found = ask(self._port, "GetTotals", question, GetTotalsResponse)
        return found.cost_nano_usd, found.at_least

    def costs(self, asked: Costs, zone: str) -> Answer | None:
        if asked.is_series and zone == OF_BUDGETS and not asked.filters:
            return {
                name: self._total("total", "", asked.by, start)
                for name, start in asked.starts(zone).items()
            }
        if asked.since or asked.by:
            return None
        [[scope, scope_id]] = asked.filters.items() or [("total", "")]
        return {"": self._total(scope, scope_id)}

    def sessions(self, _zone: str) -> Answer:
        return {name: self._total("session", name) for name in SESSIONS}

    def traces(self, _zone: str) -> Answer:
        return {name: self._total("trace", trace_id(name)) for name in TRACES}

    def today(self, zone: str) -> Answer | None:
        return {"": self._total("total", "", "day")} if zone == OF_BUDGETS else None

    def budgets(self, _zone: str) -> Answer:
        found: Answer = Part()
        for session, user in (("s-1", "ada"), ("s-2", "bob")):
            question = CheckBudgetRequest(scopes={"session": session, "user": user})
            for each in ask(self._port, "CheckBudget", question, CheckBudgetResponse).standings:
                found[f"{each.budget} {each.scope_id}".strip()] = each.spent, each.at_least
        return found


class Metrics:
    """A scrape by Prometheus, whose numbers are doubles; it has the sums of all time."""

    def __init__(self, url: str) -> None:
        self._url = url

    def _samples(self) -> list[Any]:
        with urllib.request.urlopen(f"{self._url}/metrics", timeout=10) as response:
            families = text_string_to_metric_families(response.read().decode())
            return [sample for family in families for sample in family.samples]

    def costs(self, asked: Costs, _zone: str) -> Answer | None:
        if asked.since or asked.filters or asked.by not in {"", "model"}:
            return None
        found: dict[str, list[float]] = {}
        for sample in self._samples():
            place, per_unit = _SPEND.get(sample.name, (None, 0))
            if place is not None:
                sign = -1 if sample.labels.get("direction") == "down" else 1
                sums = found.setdefault(sample.labels["model"] if asked.by else "", [0.0, 0.0])
                sums[place] += sign * per_unit * sample.value
        return {
            name: (cast("int", pytest.approx(cost, rel=1e-12, abs=1e-6)), unknown > 0)
            for name, (cost, unknown) in found.items()
        }

    def budgets(self, _zone: str) -> Answer:
        """Of a budget with many scope ids only the one that is nearest to its limit."""
        found: Answer = Part()
        values = {(each.name, each.labels.get("budget")): each.value for each in self._samples()}
        for budget in ("in-all", "daily"):
            spent = values["llm_budget_spent_dollars", budget] * 10**9
            least = values["llm_budget_at_least", budget] > 0
            found[budget] = cast("int", pytest.approx(spent, rel=1e-12)), least
        return found


_SPEND = {
    "llm_cost_total_dollars_total": (0, 10**9),  # The parser appends what Prometheus does not.
    "llm_cost_corrections_dollars_total": (0, 10**9),
    "llm_unpriced_calls_total": (1, 1),
    "llm_unpriced_calls_corrections_total": (1, 1),
}
