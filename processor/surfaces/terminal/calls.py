"""Calls one by one, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.text import Text

from processor.core.amounts import marked, usd_column
from processor.surfaces.api.documents import CallDocument, CallsDocument
from processor.surfaces.terminal.figures import tokens
from processor.surfaces.terminal.grid import Column, Row, grid
from processor.surfaces.terminal.moments import clock, date_of
from processor.surfaces.terminal.paint import plain, wrap

COLUMNS: Final = (
    Column("ended", "word"),
    Column("model", "name"),
    Column("agent", "name", keep=7),
    Column("user", "name", keep=5),
    Column("session", "name", keep=2),
    Column("input", keep=6),
    Column("cached", keep=3),
    Column("output", keep=6),
    Column("cost USD"),
    Column("status", "word", keep=8),
    Column("trace", "word", keep=4),
)
_STYLES: Final = {"failed": "red", "excluded": "dim"}


def draw_calls(document: CallsDocument, width: int) -> list[Text]:
    """The lines of a page of calls."""
    if not document.data:
        lines = [Text(" there are no such calls")]
    else:
        lines = call_table(document.data, document.as_of.read_at, width)
    for reason in document.partial:
        lines += [Text(f" {part}", "orange") for part in wrap(plain(reason), width - 1, hang=2)]
    return lines


def call_table(calls: Sequence[CallDocument], read_at: str | None, width: int) -> list[Text]:
    """A line for each call."""
    today = date_of(read_at)
    return grid(
        COLUMNS,
        [
            Row(
                (
                    clock(call.ended_at, today),
                    call.model or "(no model)",
                    call.agent or "",
                    call.user or "",
                    call.session or "",
                    tokens(call.tokens.input),
                    tokens(call.tokens.cached),
                    tokens(call.tokens.output),
                    cost,
                    call.status or "",
                    call.trace_id,
                ),
                _STYLES.get(call.status or "", "orange" if call.cost_usd is None else ""),
            )
            for call, cost in zip(calls, call_costs(calls), strict=True)
        ],
        width,
    )


def call_costs(calls: Sequence[CallDocument]) -> list[str]:
    """The cost of each call, with as many decimals as all need; never 0 for one not known."""
    shown = usd_column([call.cost_usd or "0" for call in calls])
    return [
        marked(call.cost_usd or "0", cost, at_least=call.at_least or call.cost_usd is None)
        for call, cost in zip(calls, shown, strict=True)
    ]
