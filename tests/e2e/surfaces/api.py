"""The HTTP API, as JSON and as CSV."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping
from typing import Any

from e2e.scenario import OF_BUDGETS, Answer, Money, trace_id
from e2e.surfaces import reading
from e2e.surfaces.reading import SESSIONS, TRACES, Costs


class Api:
    """Totals, owners and trees of traces."""

    def __init__(self, url: str) -> None:
        self._url = url

    def _text(self, path: str, *query: tuple[str, str]) -> str:
        address = f"{self._url}/api/v1{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(address, timeout=20) as response:
            text: str = response.read().decode()
            return text

    def _get(self, path: str, *query: tuple[str, str]) -> Any:
        return json.loads(self._text(path, *query))

    def costs(self, asked: Costs, zone: str) -> Answer | None:
        return reading.costs(self._get("/costs", *asked.query(zone)), asked.by)

    def sessions(self, zone: str) -> Answer:
        return {
            name: reading.totals(self._get(f"/sessions/{name}", ("time_zone", zone))["costs"])
            for name in SESSIONS
        }

    def traces(self, zone: str) -> Answer:
        return {
            name: reading.totals(self._get(f"/traces/{trace_id(name)}", ("time_zone", zone)))
            for name in TRACES
        }

    def today(self, zone: str) -> Answer:
        return {"": reading.totals(self._get("/costs", ("window", "today"), ("time_zone", zone)))}

    def budgets(self, zone: str) -> Answer:
        return reading.budgets(self._get("/budgets", ("time_zone", zone))["data"])


class ApiLists(Api):
    """The same by other endpoints: calls one by one, owners by dimension, executions."""

    def costs(self, asked: Costs, zone: str) -> Answer | None:
        """Calls, added up here."""
        if asked.is_series:
            return None
        query = [pair for pair in asked.query(zone) if pair[0] != "group_by"]
        return _by(asked.by, self._get("/calls", *query, ("limit", "200"))["data"])

    def sessions(self, zone: str) -> Answer:
        asked = ("time_zone", zone), ("group_by", "model"), ("group_by", "status")
        return {
            name: reading.totals(self._get(f"/owners/session/{name}", *asked)["costs"])
            for name in SESSIONS
        }

    def traces(self, zone: str) -> Answer:
        rows = self._get("/traces", ("time_zone", zone))["data"]
        listed = {str(int(row["trace_id"], 16)): reading.sums(row) for row in rows}
        found = {}
        for name in TRACES:
            execution = self._get(f"/executions/{trace_id(name)}", ("time_zone", zone))["data"]
            found[name] = reading.nano(execution["cost"]), execution["at_least"]
        assert listed == found
        return found


def _by(dimension: str, calls: Iterable[Mapping[str, Any]]) -> Answer:
    """Calls one by one, added up."""
    found: dict[str, list[Money]] = {}
    for row in calls:
        name = row[dimension] or "" if dimension else ""
        cost = reading.nano(row["cost_usd"] or 0)
        found.setdefault(name, []).append((cost, row["at_least"]))
    return {name: reading.added(each) for name, each in found.items()}


class Stream:
    """What is new since the beginning of the ledger, in the time zone of the budgets."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/api/v1/stream"

    def _events(self) -> dict[str, Any]:
        """The data of the first events, up to that of the totals."""
        found: dict[str, Any] = {}
        request = urllib.request.Request(self._url, headers={"Last-Event-ID": "0.0"})
        with urllib.request.urlopen(request, timeout=20) as lines:
            while "totals" not in found:
                name, _, value = lines.readline().decode().partition(": ")
                if name == "event":
                    event = value.strip()
                elif name == "data":
                    found[event] = json.loads(value)
        return found

    def costs(self, asked: Costs, _zone: str) -> Answer | None:
        if asked.since or asked.filters:
            return None
        calls = self._events()["calls"]["data"]
        # One that is charged anew replaces the one before.
        return _by(asked.by, {each["span_id"]: each for each in calls}.values())

    def today(self, zone: str) -> Answer | None:
        totals = self._events()["totals"]["today"]
        return {"": reading.sums(totals)} if zone == OF_BUDGETS else None


class ApiCsv(Api):
    """The same tables as CSV."""

    def _text(self, path: str, *query: tuple[str, str]) -> str:
        return super()._text(path, *query, ("format", "csv"))

    def costs(self, asked: Costs, zone: str) -> Answer | None:
        return reading.csv_costs(self._text("/costs", *asked.query(zone)), asked.by)

    def sessions(self, zone: str) -> Answer:
        asked = ("time_zone", zone)
        return {
            name: reading.csv_total(self._text(f"/sessions/{name}", asked)) for name in SESSIONS
        }

    def traces(self, zone: str) -> Answer:
        asked = ("time_zone", zone)
        texts = {name: self._text(f"/traces/{trace_id(name)}", asked) for name in TRACES}
        return {name: reading.csv_trace(text) for name, text in texts.items()}

    def today(self, zone: str) -> Answer:
        return {
            "": reading.csv_total(self._text("/costs", ("window", "today"), ("time_zone", zone)))
        }

    def budgets(self, zone: str) -> Answer:
        return reading.budgets(reading.csv_rows(self._text("/budgets", ("time_zone", zone))))
