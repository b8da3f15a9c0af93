"""``llm-cost report | session | trace | today | budget``, as a picture, JSON and CSV."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from e2e import scenario
from e2e.processes import ROOT
from e2e.scenario import Answer, Money, trace_id
from e2e.surfaces import reading
from e2e.surfaces.reading import SESSIONS, TRACES, Costs

_ONE_AFTER_THE_OTHER = """
import io, json, sys
from processor.cli import main
answers = sys.stdout
for line in sys.stdin:
    sys.stdout = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    code = main(json.loads(line))
    print(json.dumps([code, sys.stdout.buffer.getvalue().decode()]), file=answers, flush=True)
"""
"""A process for all commands, since its start takes longer than any of them."""


_NAME = r"(?P<name>[^\s≥]\S*) +"
_HOUR = r"(?P<name>\d[-\d]+ \d\d:\d\d(?: [-+]\d\d:\d\d)?) +"


class Commands:
    """A process that runs commands."""

    def __init__(self) -> None:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
        self._popen = subprocess.Popen(
            [sys.executable, "-c", _ONE_AFTER_THE_OTHER], cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=kept | {"COLUMNS": "200"},
        )  # fmt: skip

    def run(self, *command: object) -> str:
        """What a command prints."""
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        print(json.dumps([*map(str, command)]), file=self._popen.stdin, flush=True)
        code, text = json.loads(self._popen.stdout.readline())
        assert code == 0, (command, text)
        return str(text)

    def stop(self) -> None:
        """End it."""
        self._popen.communicate(timeout=20)


class CommandJson:
    """With ``--json``."""

    form: tuple[str, ...] = ("--json",)

    def __init__(self, commands: Commands, *whom: object) -> None:
        """`whom` are the flags that say who answers: a processor, or a ledger's file."""
        self._commands = commands
        self._whom = whom

    def _run(self, zone: str, *command: str) -> str:
        return self._commands.run(*command, "--time-zone", zone, *self.form, *self._whom)

    def costs(self, asked: Costs, zone: str) -> Answer | None:
        return self.read_costs(self._run(zone, *_report(asked)), asked.by, zone)

    def sessions(self, zone: str) -> Answer:
        return {name: self.read_session(self._run(zone, "session", name)) for name in SESSIONS}

    def traces(self, zone: str) -> Answer:
        texts = {name: self._run(zone, "trace", trace_id(name)) for name in TRACES}
        return {name: self.read_trace(text) for name, text in texts.items()}

    def today(self, zone: str) -> Answer:
        return {"": self.read_today(self._run(zone, "today"))}

    def top(self, zone: str) -> Answer:
        return {"": self.read_top(self._run(zone, "top", "--once"))}

    def budgets(self, zone: str) -> Answer:
        return self.read_budgets(self._run(zone, "budget"))

    def read_costs(self, text: str, by: str, _zone: str) -> Answer:
        return reading.costs(json.loads(text), by)

    def read_session(self, text: str) -> Money:
        return reading.totals(json.loads(text)["costs"])

    def read_trace(self, text: str) -> Money:
        return reading.totals(json.loads(text))

    def read_today(self, text: str) -> Money:
        return reading.totals(json.loads(text)["today"])

    def read_top(self, text: str) -> Money:
        figures = json.loads(text)
        assert figures["today"]["totals"]["cost_usd"] == figures["today_usd"]
        return reading.nano(figures["today_usd"]), figures["at_least"]

    def read_budgets(self, text: str) -> Answer:
        return reading.budgets(json.loads(text)["data"])


class CommandCsv(CommandJson):
    """With ``--csv``."""

    form = ("--csv",)

    def read_costs(self, text: str, by: str, _zone: str) -> Answer:
        return reading.csv_costs(text, by)

    def read_session(self, text: str) -> Money:
        return reading.csv_total(text)

    def read_trace(self, text: str) -> Money:
        return reading.csv_trace(text)

    def read_today(self, text: str) -> Money:
        return reading.sums(reading.csv_rows(text)[0])

    def read_top(self, text: str) -> Money:
        [row] = reading.csv_rows(text)
        return reading.nano(row["today_usd"]), row["at_least"] == "true"

    def read_budgets(self, text: str) -> Answer:
        return reading.budgets(reading.csv_rows(text))


class CommandText(CommandJson):
    """As people read them: amounts are rounded, and what is unknown is marked."""

    form = ()

    def read_costs(self, text: str, by: str, zone: str) -> Answer:
        total = reading.shown("", text)
        if not by:
            return total
        rows = reading.shown(_HOUR if by == "hour" else _NAME, text)
        assert reading.shown("(?P<name>all) +", text)["all"][1] == total[""][1]
        if by == "hour":
            return {_with_offset(name, zone): cost for name, cost in rows.items()}
        del rows["all"]
        return rows

    def read_session(self, text: str) -> Money:
        return self._total(text)

    def read_trace(self, text: str) -> Money:
        return self._total(text)

    def read_today(self, text: str) -> Money:
        cost: Money = reading.shown("(?P<name>today) +", text)["today"]
        return cost

    read_top = read_today

    @staticmethod
    def _total(text: str) -> Money:
        total: Money
        [total] = reading.shown("", text).values()
        return total

    def read_budgets(self, text: str) -> Answer:
        rows = reading.shown(r"(?P<name>\S+ +\S+)  .*[%a-z] +(?=(?:≥ )?<?\$)", text)
        return {re.sub(" +(everything)?", " ", name).strip(): cost for name, cost in rows.items()}


def _with_offset(hour: str, zone: str) -> str:
    """A picture has offsets only where there are two of them."""
    if len(hour) > len("2025-10-26 02:00"):
        return hour
    return scenario.hour_of(datetime.fromisoformat(hour).replace(tzinfo=ZoneInfo(zone)), zone)


def _report(asked: Costs) -> list[Any]:
    if asked.since is None and asked.until is None:
        command = ["report", "--period", "all"]
    else:
        command = ["report", "--since", f"{asked.since}", "--until", f"{asked.until}"]
    command += ["--bucket" if asked.is_series else "--by", asked.by] if asked.by else []
    for name, value in asked.filters.items():
        command += ["--filter", f"{name}={value}"]
    return command
