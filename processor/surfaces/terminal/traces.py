"""Traces as a whole, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.text import Text

from processor.surfaces.api.documents import OwnerDocument, TraceSummary
from processor.surfaces.terminal.costs import cost_column, draw_costs
from processor.surfaces.terminal.figures import tokens
from processor.surfaces.terminal.grid import Column, Row, grid
from processor.surfaces.terminal.moments import clock, date_of
from processor.surfaces.terminal.paint import plain, wrap

_COLUMNS: Final = (
    Column("ended", "word"),
    Column("task, agent or service", "name"),
    Column("user", "name", keep=3),
    Column("session", "name", keep=2),
    Column("calls", keep=5),
    Column("tokens", keep=6),
    Column("cost USD"),
    Column("trace", "word"),
)


def draw_owner(document: OwnerDocument, width: int) -> list[Text]:
    """The lines of an owner: what it has used, and its newest traces."""
    name = document.label or document.value
    lines = draw_costs(document.costs, width, f"{document.dimension} {name}")
    if not (document.costs.totals.calls or document.traces):
        what = f"no call that is kept names this {plain(document.dimension)}"
        lines += [Text(f" {line}", "dim") for line in wrap(f"{what}; check the id", width - 1)]
    if document.traces:
        lines += [Text(), Text(" its latest traces", "bold")]
        lines += trace_table(document.traces, document.as_of.read_at, width)
    return lines


def trace_table(traces: Sequence[TraceSummary], read_at: str | None, width: int) -> list[Text]:
    """A line for each trace."""
    today = date_of(read_at)
    costs = cost_column(traces)
    rows = [
        Row(
            (
                clock(trace.ended_at, today),
                trace.task_title or trace.task or trace.agent or trace.service or "",
                trace.user or "",
                trace.session or "",
                f"{trace.calls:,}",
                tokens(trace.tokens.total),
                cost,
                trace.trace_id,
            )
        )
        for trace, cost in zip(traces, costs, strict=True)
    ]
    return grid(_COLUMNS, rows, width)
