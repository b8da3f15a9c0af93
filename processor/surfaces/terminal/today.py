"""The first screen: today, the week and the month, who has used it, and the latest tasks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from processor.core.amounts import usd_column
from processor.surfaces.api.documents import (
    BudgetDocument,
    CostRow,
    CostsDocument,
    ForecastDocument,
    TraceSummary,
)
from processor.surfaces.terminal.budgets import budget_table
from processor.surfaces.terminal.costs import change_text, cost_column, cost_table, remarks
from processor.surfaces.terminal.drawing import verbatim
from processor.surfaces.terminal.figures import tokens
from processor.surfaces.terminal.forecasts import crossing_lines, forecast_lines
from processor.surfaces.terminal.grid import Column, Row, grid
from processor.surfaces.terminal.moments import clock, date_of
from processor.surfaces.terminal.paint import plain, rule

PERIODS: Final = {"today": "today", "week": "this week", "month": "this month"}
"""The words of questions, and what they are called."""
_BESIDE: Final = 110
"""Cells from which on two tables stand beside each other."""
_GAP: Final = 3
_PERIOD_COLUMNS: Final = (
    Column("", "word"),
    Column("cost USD"),
    Column("", "word"),
    Column("before, by this time", keep=7),
    Column("calls", keep=6),
    Column("tokens", keep=5),
    Column("cache saved USD", keep=3),
)
_TASK_COLUMNS: Final = (
    Column("ended", "word"),
    Column("task", "name"),
    Column("calls", keep=5),
    Column("tokens", keep=6),
    Column("cost USD"),
)


class Task(NamedTuple):
    """A task with all that it has used, or a trace that belongs to none."""

    latest: TraceSummary
    whole: CostRow | TraceSummary


class Overview(NamedTuple):
    """All that the first screen shows."""

    periods: dict[str, CostsDocument]
    """Totals by the words of `PERIODS`, each with what was before."""
    shown: str
    """The period of which the tables are."""
    agents: CostsDocument
    task_types: CostsDocument
    tasks: Sequence[Task]
    budgets: Sequence[BudgetDocument] = ()
    """Of each budget what is nearest its limit, the nearest first."""
    forecast: ForecastDocument | None = None
    """Of the month; None where whoever answers makes none."""


def draw_today(overview: Overview, width: int) -> list[RenderableType]:
    """The parts of the screen, from top to bottom."""
    today = overview.periods["today"]
    now = today.as_of.read_at
    moment = f"{datetime.fromisoformat(now):%Y-%m-%d %H:%M} " if now else ""
    parts: list[RenderableType] = [
        Text(rule(f"costs · {moment}{plain(today.time_zone)}", width), "bold"),
        *_periods(overview.periods, width),
    ]
    for style, line in remarks(overview.periods["month"], width):
        parts.append(Text(f" {line}", style))
    if overview.forecast is not None:
        for style, line in forecast_lines(overview.forecast, PERIODS["month"], width):
            parts.append(Text(f" {line}", style))
    tables = [
        (f"by {what}, {PERIODS[overview.shown]}", document)
        for what, document in (("agent", overview.agents), ("task type", overview.task_types))
        if document.totals.calls
    ]
    parts += _tables(tables, width)
    if overview.budgets:
        budgets = budget_table(overview.budgets, now, width)
        parts += [Text(), Text(" budgets, by who is nearest the limit", "bold")]
        parts += budgets
        for style, line in crossing_lines(overview.budgets, date_of(now), width):
            parts.append(Text(f" {line}", style))
    if overview.tasks:
        has_tasks = any(task.latest.task for task in overview.tasks)
        title = "latest tasks, with all they have cost" if has_tasks else "latest traces"
        parts += [Text(), Text(f" {title}", "bold"), *_tasks(overview.tasks, now, width)]
    return parts


def draw_empty(addresses: Sequence[str]) -> list[Text]:
    """What to do while there is nothing to show; commands stand on lines of their own."""
    return [
        Text(" the ledger has no calls yet; point an application here, in its environment:"),
        *(verbatim(f"   {line}", "blue") for line in addresses),
    ]


def _periods(periods: dict[str, CostsDocument], width: int) -> list[Text]:
    documents = list(periods.values())
    costs = cost_column([document.totals for document in documents])
    before = cost_column([document.previous or document.totals for document in documents])
    saved = usd_column([document.totals.saved_usd for document in documents])
    rows = []
    for word, document, cost, earlier, saving in zip(
        periods, documents, costs, before, saved, strict=True
    ):
        previous, totals = document.previous, document.totals
        style, change = change_text(previous) if previous else ("", "")
        rows.append(
            Row(
                (
                    PERIODS[word],
                    Text(cost, "bold"),
                    Text(change, style),
                    earlier if previous and previous.calls else "",
                    f"{totals.calls:,}",
                    tokens(totals.tokens.total) or "0",
                    saving if totals.tokens.cached else "",
                )
            )
        )
    return grid(_PERIOD_COLUMNS, rows, width)


def _tables(tables: Sequence[tuple[str, CostsDocument]], width: int) -> list[RenderableType]:
    if len(tables) > 1 and width >= _BESIDE:
        room = (width - _GAP) // 2
        beside = Table.grid(padding=(0, _GAP, 0, 0), pad_edge=False)
        beside.add_column(width=room, no_wrap=True)
        beside.add_column(width=room, no_wrap=True)
        beside.add_row(*(_stacked(title, document, room) for title, document in tables))
        return [Text(), beside]
    return [part for table in tables for part in (Text(), *_titled(*table, width))]


def _stacked(title: str, document: CostsDocument, room: int) -> Text:
    return Text("\n").join(_titled(title, document, room))


def _titled(title: str, document: CostsDocument, room: int) -> list[Text]:
    return [Text(f" {title}", "bold"), *cost_table(document, room)]


def _tasks(tasks: Sequence[Task], now: str | None, width: int) -> list[Text]:
    costs = cost_column([task.whole for task in tasks])
    rows = [
        Row(
            (
                clock(task.latest.ended_at, date_of(now)),
                _task_name(task.latest),
                f"{task.whole.calls:,}",
                tokens(task.whole.tokens.total),
                cost,
            )
        )
        for task, cost in zip(tasks, costs, strict=True)
    ]
    return grid(_TASK_COLUMNS, rows, width)


def _task_name(trace: TraceSummary) -> str:
    name = trace.task_title or trace.task
    if name:
        return name
    return f"(no task) {trace.agent or trace.service or trace.trace_id[:8]}"
