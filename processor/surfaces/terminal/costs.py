"""What was used in a time: sums, the comparison, and rankings or series with bars."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from rich.text import Text

from processor.core.amounts import (
    AT_LEAST,
    UNKNOWN,
    fine_usd,
    marked,
    share_percent,
    short_usd,
    usd_column,
)
from processor.surfaces.api.documents import (
    CostRow,
    CostsDocument,
    ForecastDocument,
    PreviousCosts,
    Sums,
)
from processor.surfaces.terminal.figures import counted, tokens
from processor.surfaces.terminal.forecasts import forecast_lines
from processor.surfaces.terminal.grid import Column, Row, grid
from processor.surfaces.terminal.moments import bucket_starts, moment_of, span
from processor.surfaces.terminal.paint import plain, rule, wrap

_FIGURES: Final = (
    Column("cost USD"),
    Column("", "figure", keep=7),
    Column("", "bar", keep=6),
    Column("calls", keep=5),
    Column("tokens", keep=4),
    Column("cached", keep=2),
    Column("saved USD", keep=1),
)
"""Of each row: the cost, its share of all, the same as a bar, and what was used."""

_NOBODY: Final = "(none)"


def draw_costs(
    document: CostsDocument, width: int, whose: str = "", forecast: ForecastDocument | None = None
) -> list[Text]:
    """The lines of a report; `whose` says what it is limited to."""
    title = f"costs · {span(document.starting_at, document.ending_at)} · {document.time_zone}"
    lines = [Text(rule(plain(f"{title} · {whose}" if whose else title), width), "bold")]
    lines += [Text(f" {line}", style) for style, line in _summary(document, width)]
    if forecast is not None:
        lines += [Text(f" {line}", style) for style, line in forecast_lines(forecast, "", width)]
    if document.data and (document.group_by or document.bucket) and document.totals.calls:
        lines += [Text(), *cost_table(document, width)]
    lines += [Text(f" {line}", style) for style, line in remarks(document, width)]
    return lines


def cost_table(document: CostsDocument, width: int) -> list[Text]:
    """A line for each row of a document, and one for all together."""
    names = document.group_by
    columns = [Column(plain(name), "name") for name in names]
    columns += [Column("from", "word")] if document.bucket else []
    used = _shown_rows(document)
    values = [_values(names, row) for row in used]
    if document.bucket:
        values = _said_once(values)
    leads = [[*value, *time] for value, time in zip(values, _times(document, used), strict=True)]
    leads.append(["all", *["" for _ in columns][1:]])
    styles = [*("dim" if row.other else "" for row in used), "bold"]
    rows = [
        Row([*lead, *figures], style)
        for lead, figures, style in zip(leads, _figures(used, document.totals), styles, strict=True)
    ]
    return grid([*columns, *_FIGURES], rows, width)


def cost_text(sums: Sums) -> str:
    """A cost within a sentence, with a mark where a part of it is unknown."""
    shown = short_usd(sums.cost_usd)
    if sums.at_least and shown.startswith("<"):
        shown = f"${fine_usd(sums.cost_usd)}"
    cost = marked(sums.cost_usd, shown, at_least=sums.at_least)
    return "an unknown cost" if cost == UNKNOWN else cost


def cost_column(rows: Sequence[Sums]) -> list[str]:
    """The cost of each row, with as many decimals as all need, and marks as `marked` has them."""
    return [
        marked(row.cost_usd, cost, at_least=row.at_least)
        for row, cost in zip(rows, usd_column([row.cost_usd for row in rows]), strict=True)
    ]


def change_text(previous: PreviousCosts) -> tuple[str, str]:
    """By how much it has changed, and a style for that."""
    if previous.change is None:
        return "", "no calls before" if not previous.calls else ""
    sign = "▲" if previous.change > 0 else "▼" if previous.change < 0 else "="
    style = {"▲": "orange", "▼": "green", "=": "dim"}[sign]
    return style, f"{sign} {abs(previous.change):.0%}"


def _shown_rows(document: CostsDocument) -> list[CostRow]:
    """The rows without buckets that have not begun, and without groups that made no call."""
    now = moment_of(document.as_of.read_at)
    return [
        row
        for row in document.data
        if row.calls
        or row.tokens.total
        or Decimal(row.cost_usd)
        or not (document.group_by or _is_after(row.starting_at, now))
    ]


def _is_after(starting_at: str | None, now: datetime | None) -> bool:
    start = moment_of(starting_at)
    return start is not None and now is not None and start > now


def _times(document: CostsDocument, rows: Sequence[CostRow]) -> list[list[str]]:
    """When the bucket of each row begins, with a mark where it is not whole."""
    if not document.bucket:
        return [[] for _ in rows]
    starts = bucket_starts([row.starting_at for row in rows], document.bucket)
    return [
        [f"{start}{'*' if row.partial and not document.partial else ''}"]
        for start, row in zip(starts, rows, strict=True)
    ]


def _values(names: Sequence[str], row: CostRow) -> list[str]:
    """What the row is about: its values, or that it is all others."""
    if row.other:
        whole = f"{row.groups:,} others" if row.groups != 1 else "1 other"
        return [whole, *["" for _ in names][1:]]
    shown = [row.group.get(name) or _NOBODY for name in names]
    if row.label and "task" in names:
        shown[names.index("task")] = row.label
    return shown


def _said_once(values: Sequence[list[str]]) -> list[list[str]]:
    """The values of rows, and nothing where they are those of the row above."""
    before: list[list[str]] = [[], *values]
    return [
        ["" for _ in value] if value == above else value
        for above, value in zip(before, values, strict=False)
    ]


def _figures(used: Sequence[CostRow], totals: Sums) -> Iterator[list[str | float]]:
    """Of each row, and of all together, which has no bar."""
    rows = [*used, totals]
    # What is saved has as many decimals as what is spent, beside it.
    saved = usd_column([each for row in rows for each in (row.saved_usd, row.cost_usd)])[::2]
    longest = max((Decimal(row.cost_usd) for row in used), default=Decimal())
    for row, cost, saving in zip(rows, cost_column(rows), saved, strict=True):
        share = float(Decimal(row.cost_usd) / longest) if longest > 0 and row is not totals else 0.0
        hits = row.tokens.cached / row.tokens.input if row.tokens.input else 0
        yield [
            cost,
            share_percent(row.cost_usd, totals.cost_usd),
            share,
            f"{row.calls:,}",
            tokens(row.tokens.total),
            f"{hits:.0%}" if hits else "",
            saving if Decimal(row.saved_usd) else "",
        ]


def _summary(document: CostsDocument, width: int) -> Iterator[tuple[str, str]]:
    totals = document.totals
    if not totals.calls:
        yield "", "nothing was used in this time"
        return
    cost = cost_text(totals)
    yield "bold", f"{cost} for {counted(totals.calls, 'call')}"
    previous = document.previous
    if previous is not None:
        style, change = change_text(previous)
        before = span(previous.starting_at, previous.ending_at)
        line = f"{change}{', ' if change else ''}{cost_text(previous)} in {before}"
        if not previous.calls:
            line = f"no calls in {before}"
        yield from ((style, part) for part in wrap(line, width - 1))
    sums = (
        f"{tokens(totals.tokens.input) or '0'} input tokens",
        f"{tokens(totals.tokens.cached)} of them cached" if totals.tokens.cached else "",
        f"{tokens(totals.tokens.output) or '0'} output tokens",
        f"caches saved {short_usd(totals.saved_usd)}" if Decimal(totals.saved_usd) else "",
        counted(totals.agent_runs, "agent run") if totals.agent_runs else "",
    )
    yield from (("dim", part) for part in wrap(" · ".join(filter(None, sums)), width - 1))


def unknown_remark(calls: int) -> str:
    """What the mark of an amount means."""
    what = counted(calls, "call")
    return f"{AT_LEAST}the cost of {what} is unknown and not in it: llm-cost unpriced"


def remarks(document: CostsDocument, width: int) -> Iterator[tuple[str, str]]:
    """What is to be known of the numbers above."""
    totals = document.totals
    if totals.unpriced_calls:
        line = unknown_remark(totals.unpriced_calls)
        yield from (("orange", part) for part in wrap(line, width - 1, hang=2))
    if totals.doubtful_calls:
        what = (
            f"{counted(totals.doubtful_calls, 'call')} reported counts that contradict each other"
        )
        yield from (("orange", part) for part in wrap(what, width - 1, hang=2))
    for reason in document.partial:
        yield from (("orange", part) for part in wrap(plain(reason), width - 1, hang=2))
    if any(row.partial for row in document.data) and not document.partial and document.bucket:
        yield "dim", "* not the whole of it"
