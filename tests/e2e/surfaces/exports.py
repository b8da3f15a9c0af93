"""``llm-cost export``: calls, what they used, and FOCUS, as CSV files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from e2e.scenario import Answer, Money, day_of
from e2e.surfaces import reading
from e2e.surfaces.commands import Commands
from e2e.surfaces.reading import Costs

_Row = Mapping[str, str]


class Exports:
    """Files of some days, read again; they are of the ledger's file."""

    dataset = "calls"
    moment, cost, at_least = "ended_at", "cost_usd", "at_least"
    groups = frozenset({"", "day", "model", "session"})

    def __init__(self, commands: Commands, folder: Path, *whom: object) -> None:
        self._commands = commands
        self._folder = folder
        self._whom = whom

    def costs(self, asked: Costs, zone: str) -> Answer | None:
        if not asked.since or asked.filters or asked.by not in self.groups:
            return None
        folder = self._folder / self.dataset / zone.replace("/", "-")
        self._commands.run(
            "export", "--dataset", self.dataset, "--out", folder, "--since", asked.since,
            "--until", asked.until, *self.zone(zone), *self._whom,
        )  # fmt: skip
        days = {f"{day}" for day in asked.days}
        found: dict[str, list[Money]] = {}
        for path in folder.glob("*.csv"):
            for row in reading.csv_rows(path.read_text(encoding="utf-8")):
                day = day_of(datetime.fromisoformat(row[self.moment]), zone)
                if day in days:
                    name = day if asked.by == "day" else row[asked.by] if asked.by else ""
                    cost = reading.nano(row[self.cost] or 0), row[self.at_least] == "true"
                    found.setdefault(name, []).append(cost)
        return {name: reading.added(each) for name, each in found.items()}

    def zone(self, zone: str) -> list[str]:
        """The flags for a time zone."""
        return ["--time-zone", zone]


class UsageExports(Exports):
    """Sums of every combination of dimensions by day."""

    dataset, moment = "usage", "starting_at"
    groups = frozenset({"", "day", "model"})


class FocusExports(Exports):
    """FOCUS 1.2, which has days of UTC only."""

    dataset, moment, cost, at_least = "focus", "ChargePeriodStart", "BilledCost", "x_AtLeast"
    groups = frozenset({"", "day"})

    def costs(self, asked: Costs, zone: str) -> Answer | None:
        return super().costs(asked, zone) if zone == "UTC" else None

    def zone(self, _zone: str) -> list[str]:
        return []
