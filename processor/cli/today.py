"""``llm-cost today``: what was used, and by whom, at a glance."""

from __future__ import annotations

import argparse
from typing import Final

from rich.console import Group

from processor.cli.connection import listening_at
from processor.cli.forecast import FORECAST_PATH, forecast_of
from processor.cli.picture import check_form, print_picture, with_time_zone
from processor.cli.questions import Form, Query, Questions, open_questions
from processor.cli.questions.address import api_address
from processor.cli.sources import settings_from
from processor.surfaces.api.documents import (
    BudgetDocument,
    BudgetsDocument,
    CostRow,
    CostsDocument,
    TracesDocument,
    TraceSummary,
)
from processor.surfaces.terminal.budgets import by_need
from processor.surfaces.terminal.output import write_exactly
from processor.surfaces.terminal.paint import columns
from processor.surfaces.terminal.today import PERIODS, Overview, Task, draw_empty, draw_today

_COSTS: Final = "/costs"
_TRACES: Final = "/traces"
_BUDGETS: Final = "/budgets"
_FORECAST: Final = [("window", "month")]
_BUDGETS_MAX: Final = 4
_GROUPS_MAX: Final = 6
_TASKS_MAX: Final = 6
_TRACES_READ: Final = 100
"""Of how many of the newest traces the latest tasks are."""


def run(arguments: argparse.Namespace) -> int:
    """Print the screen, or the documents that it is made of. Raises ConfigError, NoAnswerError."""
    form = check_form(arguments)
    with open_questions(arguments) as answer:
        answer.warn()
        asked = _Asked(answer.value, arguments)
        if form == "json":
            write_exactly(asked.json())
        elif form == "csv":
            write_exactly(asked.csv())
        else:
            print_picture(answer, _picture(asked, arguments), arguments)
    return 0


class _Asked:
    """The questions of the screen."""

    def __init__(self, questions: Questions, arguments: argparse.Namespace) -> None:
        self._questions = questions
        self._arguments = arguments

    def overview(self) -> Overview | None:
        """The screen; None while the ledger is empty."""
        periods = {word: self._costs(self._totals(word)) for word in PERIODS}
        if periods["today"].as_of.last_call_at is None:
            return None
        used = [word for word, document in periods.items() if document.totals.calls]
        shown = used[0] if used else "month"
        traces = self._get_traces()
        return Overview(
            periods,
            shown,
            self._costs(self._ranking(shown, "agent")),
            self._costs(self._ranking(shown, "task_type")),
            self._tasks(traces.data),
            self._budgets(),
            forecast_of(self._questions, with_time_zone(self._arguments, _FORECAST)),
        )

    def json(self) -> str:
        """The documents by name, each as the API writes it."""
        named = {word: (_COSTS, self._totals(word)) for word in PERIODS}
        named["by_agent"] = (_COSTS, self._ranking("today", "agent"))
        named["by_task_type"] = (_COSTS, self._ranking("today", "task_type"))
        named["traces"] = (_TRACES, [("limit", str(_TRACES_READ))])
        named["budgets"] = (_BUDGETS, [])
        named["forecast"] = (FORECAST_PATH, _FORECAST)
        texts = (f'"{name}":{self._text(*each, "json")}' for name, each in named.items())
        return f"{{{','.join(texts)}}}\n"

    def csv(self) -> str:
        """A row for each period, as the API writes it."""
        tables = [self._text(_COSTS, self._totals(word), "csv") for word in PERIODS]
        rows = [table.partition("\n")[2] for table in tables]
        return tables[0].partition("\n")[0] + "\n" + "".join(rows)

    def _costs(self, query: Query) -> CostsDocument:
        asked = with_time_zone(self._arguments, [*query])
        return self._questions.get(CostsDocument, _COSTS, asked)

    def _budgets(self) -> list[BudgetDocument]:
        """Of each budget what is nearest its limit."""
        # Limits of scope ids may differ, so who has spent most need not be nearest its own.
        asked = with_time_zone(self._arguments, [])
        document = self._questions.get(BudgetsDocument, _BUDGETS, asked)
        nearest: dict[str, BudgetDocument] = {}
        for each in by_need(document.data):
            if each.ratio:
                nearest.setdefault(each.budget, each)
        return list(nearest.values())[:_BUDGETS_MAX]

    def _get_traces(self) -> TracesDocument:
        asked = with_time_zone(self._arguments, [("limit", str(_TRACES_READ))])
        return self._questions.get(TracesDocument, _TRACES, asked)

    def _text(self, path: str, query: Query, form: Form) -> str:
        text = self._questions.text(path, with_time_zone(self._arguments, [*query]), form)
        return text.rstrip("\n") if form == "json" else text

    @staticmethod
    def _totals(word: str) -> Query:
        return [("window", word), ("compare", "previous")]

    @staticmethod
    def _ranking(word: str, dimension: str) -> Query:
        return [("window", word), ("group_by", dimension), ("limit", str(_GROUPS_MAX))]

    def _tasks(self, traces: list[TraceSummary]) -> list[Task]:
        """The latest tasks with all that they have used; of traces without one these themselves."""
        latest: dict[str, TraceSummary] = {}
        for trace in traces:
            latest.setdefault(trace.task or f"trace {trace.trace_id}", trace)
        chosen = list(latest.values())[:_TASKS_MAX]
        names = [trace.task for trace in chosen if trace.task]
        whole: dict[str | None, CostRow] = {}
        if names:
            query = [("group_by", "task"), ("limit", str(_TASKS_MAX))]
            query += [("filter[task]", name.replace(",", "\\,")) for name in names]
            whole = {row.group["task"]: row for row in self._costs(query).data if not row.other}
        return [Task(trace, whole.get(trace.task, trace)) for trace in chosen]


def _picture(asked: _Asked, arguments: argparse.Namespace) -> Group:
    overview = asked.overview()
    if overview is None:
        return Group(*draw_empty(_addresses(arguments)))
    return Group(*draw_today(overview, columns()))


def _addresses(arguments: argparse.Namespace) -> list[str]:
    """What an application needs in its environment, so that its spans come here."""
    settings = settings_from(arguments)
    address = listening_at(settings.receivers.otlp.protocols.grpc)
    there = api_address(arguments, settings) if arguments.endpoint else None
    if there is not None:
        address = there.grpc_beside
    return [
        f"export OTEL_EXPORTER_OTLP_ENDPOINT=http://{address}",
        "export OTEL_EXPORTER_OTLP_PROTOCOL=grpc",
    ]
