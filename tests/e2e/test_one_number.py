"""One question has one answer, whoever asks: every surface, over time zones, after all that moves
money."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from e2e import scenario
from e2e.processes import attributes, export
from e2e.scenario import CHARGES, SINCE, UNTIL, ZONES, Answer, between, day_of, grouped, hour_of
from e2e.surfaces.agents import Agent
from e2e.surfaces.api import Api, ApiCsv, ApiLists, Stream
from e2e.surfaces.clients import AsyncClient, Client, Grpc, Metrics
from e2e.surfaces.commands import CommandCsv, CommandJson, Commands, CommandText
from e2e.surfaces.exports import Exports, FocusExports, UsageExports
from e2e.surfaces.reading import SESSIONS, Costs, Part
from e2e.terminals import Terminal

DAYS: dict[str, Any] = {"since": SINCE, "until": UNTIL}
ANY = (scenario.OF_BUDGETS,)
SUNDAY: dict[str, Any] = {"since": SINCE + timedelta(days=1), "until": SINCE + timedelta(days=2)}


class Question(NamedTuple):
    """What surfaces are asked, by which method, and what the answer is in a time zone."""

    text: str
    method: str
    expected: Callable[[str], Answer]
    costs: Costs | None = None
    zones: Sequence[str] = ZONES
    """One is enough where it only says how times are written."""


def costs(text: str, asked: Costs) -> Question:
    """A question for costs."""

    def expected(zone: str) -> Answer:
        found = between(asked.since, asked.until, zone)
        for name, value in asked.filters.items():
            found = [each for each in found if getattr(each, name) == value]
        if asked.by == "day":
            return grouped(found, lambda each: day_of(each.ended_at, zone))
        if asked.by == "hour":
            return grouped(found, lambda each: hour_of(each.ended_at, zone))
        return grouped(found, lambda each: getattr(each, asked.by) if asked.by else "")

    return Question(text, "costs", expected, asked, ZONES if asked.since else ANY)


def today(zone: str) -> Answer:
    """What the calls of this day cost."""
    day = datetime.now(ZoneInfo(zone)).date()
    return {"": scenario.total(between(day, day + timedelta(days=1), zone))}


def budgets(_zone: str) -> Answer:
    """What was spent of each budget; of those for each session, of the sessions that reached it."""
    by_session = grouped(CHARGES, lambda each: f"each-session {each.session}")
    return {
        "in-all": scenario.total(CHARGES),
        "daily": today(scenario.OF_BUDGETS)[""],
        **grouped(CHARGES, lambda each: f"each-user {each.user}"),
        **{name: by_session[name] for name in ("each-session s-1", "each-session s-2")},
    }


QUESTIONS = [
    costs("all time", Costs()),
    costs("all time by model", Costs("model")),
    costs("all time by agent", Costs("agent")),
    costs("all time by session", Costs("session")),
    costs("all time by user", Costs("user")),
    costs("the days", Costs(**DAYS)),
    costs("each day", Costs("day", **DAYS)),
    costs("each hour", Costs("hour", **DAYS)),
    costs("each day of ada", Costs("day", **DAYS, filters={"user": "ada"})),
    costs("the Sunday by model", Costs("model", **SUNDAY)),
    costs("the Sunday by session", Costs("session", **SUNDAY)),
    costs("ada", Costs(filters={"user": "ada"})),
    costs("the writer's Sunday", Costs(**SUNDAY, filters={"agent": "writer"})),
    Question("sessions", "sessions", lambda _: {
        name: cost for name, cost in grouped(CHARGES, lambda each: each.session).items()
        if name in SESSIONS
    }, zones=ANY),
    Question("traces", "traces", lambda _: grouped(CHARGES, lambda each: each.trace), zones=ANY),
    Question("today", "today", today),
    Question("today, as it is followed", "top", today),
    Question("budgets", "budgets", budgets, zones=ANY),
]  # fmt: skip


@pytest.fixture
def terminal(backend, tmp_path):
    """A processor on a terminal, with a backend behind it."""
    (tmp_path / "pricing.yaml").write_text(scenario.PRICES)
    (tmp_path / "budgets.yaml").write_text(scenario.BUDGETS)
    settings = (
        f"data_dir: '{tmp_path}/data'\n"
        f"pricing: {{file: '{tmp_path}/pricing.yaml'}}\n"
        f"budgets: {{file: '{tmp_path}/budgets.yaml'}}\n"
        "ledger: {retention: {calls: never, keys: never, traces: never, hours: never}}\n"
        "reload: {interval: 100ms}\n"
    )
    (tmp_path / "serve.yaml").write_text(settings)
    (tmp_path / "file.yaml").write_text(f"{settings}telemetry: {{metrics: {{endpoint: ''}}}}\n")
    terminal = Terminal(
        "serve", "--config", tmp_path / "serve.yaml", "--listen", "127.0.0.1:0",
        "--forward-to", f"127.0.0.1:{backend.port}", columns=120,
    )  # fmt: skip
    try:
        yield terminal
    finally:
        terminal.kill()


@pytest.fixture
def commands():
    """A process that runs commands."""
    commands = Commands()
    yield commands
    commands.stop()


def test_every_surface_gives_the_same_number(terminal, backend, commands, tmp_path):
    """Guarantees: the nano-dollars of one ledger, wherever they are asked for, in every time zone;
    after calls of unknown cost, a late call of an aggregate, a late owner, repeats, a reprice and
    an exclusion. On a terminal to the digits that are shown, in metrics to those of a double."""
    port = int(terminal.wait_for(r"OTLP/gRPC at 127.0.0.1:(\d+)")[1])
    url = terminal.wait_for(r"^api +(http://\S+)/api/v1")[1]
    for request in scenario.requests():
        export(port, request)
    assert_stamps(backend)
    (tmp_path / "pricing.yaml").write_text(scenario.PRICES_LATER)
    terminal.wait_for("has changed and is in force")
    there = "--grpc-endpoint", f"127.0.0.1:{port}"
    commands.run("reprice", "--since", f"{SINCE}", *there)
    commands.run("exclude", "--session", "load-7", "--reason", "a test", *there)
    export(port, scenario.requests()[-1])

    whom, file = ("--endpoint", url), ("--config", tmp_path / "file.yaml")
    surfaces = {
        "API": Api(url),
        "API, lists": ApiLists(url),
        "API, CSV": ApiCsv(url),
        "API, stream": Stream(url),
        "commands": CommandText(commands, *whom),
        "commands --json": CommandJson(commands, *whom),
        "commands --csv": CommandCsv(commands, *whom),
        "commands --json, of the file": CommandJson(commands, *file),
        "export of calls": Exports(commands, tmp_path, *file),
        "export of usage": UsageExports(commands, tmp_path, *file),
        "export of FOCUS": FocusExports(commands, tmp_path, *file),
        "Python": Client(url),
        "Python, asyncio": AsyncClient(url),
        "agents, /mcp": Agent(f"{url}/mcp"),
        "agents, llm-cost mcp": Agent(*whom),
        "agents, llm-cost mcp of the file": Agent(*file),
        "gRPC": Grpc(port),
        "metrics": Metrics(url),
    }
    assert not list(differences(surfaces))
    commands.run("verify", *file)
    assert terminal.stop() == 0
    assert_terminal(terminal.lines)


def differences(surfaces):
    """Each question that a surface answers otherwise, with both answers."""
    for question in QUESTIONS:
        for zone in question.zones:
            expected = known(question.expected(zone))
            asked = [] if question.costs is None else [question.costs]
            for name, surface in surfaces.items():
                answer = getattr(surface, question.method, lambda *_: None)(*asked, zone)
                if answer is None:
                    continue
                wanted = expected
                if isinstance(answer, Part):
                    wanted = {key: cost for key, cost in expected.items() if key in answer}
                if known(answer) != wanted and expected == known(question.expected(zone)):
                    yield f"{question.text}, {zone}: {name} has {known(answer)}, not {wanted}"


def known(answer):
    """An answer without the rows of which nothing was spent: not every surface has these."""
    return {name: cost for name, cost in answer.items() if cost != (0, False)}


def assert_stamps(backend):
    """What the backend has got says the same as the ledger said then, also when sent again."""
    charged, corrected = {}, {}
    for _, _, span in backend.spans():
        said = attributes(span)
        number = int(span.name)
        if "llm.cost_usd" in said:
            cost = nano(said["llm.cost_usd"])
            assert charged.setdefault(number, cost) == cost
        if "llm.cost.correction_usd" in said:
            change = nano(said["llm.cost.correction_usd"])
            corrected[number] = change, int(said["llm.cost.corrects"], 16)
        for name, nano_usd in scenario.STAMPED_TOTALS.get(number, {}).items():
            assert nano(said[f"{name}.total_cost_usd"]) == nano_usd
    assert charged == scenario.STAMPED
    assert corrected == scenario.CORRECTED


def nano(usd):
    """The nano-dollars of a double, as its shortest decimal text has them."""
    return int(Decimal(repr(usd)).scaleb(9))


def assert_terminal(lines):
    """What was drawn of traces adds up to what was charged as they came."""
    amounts = [
        Decimal(found[1].replace("$", "").replace(",", ""))
        for line in lines
        if (found := re.search(r"^ \d\d:\d\d:\d\d .*?([-+]?\$\d[\d,.]*)", line))
    ]
    charged = sum(scenario.STAMPED.values()) + sum(cost for cost, _ in scenario.CORRECTED.values())
    assert abs(sum(amounts) - Decimal(charged).scaleb(-9)) <= len(amounts) * Decimal("0.0000005")
