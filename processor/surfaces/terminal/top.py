"""What is spent at this moment: today, this hour, the rate, and the last calls. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from processor.core.amounts import long_usd, marked
from processor.core.money import exact_usd, parse_usd
from processor.surfaces.api.documents import (
    BudgetsDocument,
    CallDocument,
    CallsDocument,
    CostsDocument,
    Sums,
)
from processor.surfaces.terminal.budgets import budget_table, by_need
from processor.surfaces.terminal.figures import counted, tokens
from processor.surfaces.terminal.grid import Column, Row, grid
from processor.surfaces.terminal.moments import clock
from processor.surfaces.terminal.paint import left, plain, right, wrap

RATE_MIN: Final = 5
"""Minutes that the rate is of."""
_S_PER_MIN: Final = 60
_BUDGETS_MAX: Final = 4
_CALLS_MIN: Final = 3
_MARGIN: Final = 1
_LABEL_CELLS: Final = 20
_AMOUNT_CELLS: Final = 14
_TEXT_CELLS_MIN: Final = 20


@dataclass(frozen=True, slots=True)
class TopView:
    """The answers that one picture shows."""

    today: CostsDocument
    hour: CostsDocument
    """From the beginning of this hour."""
    recent: CostsDocument
    """Of the last `RATE_MIN` minutes."""
    calls: CallsDocument
    budgets: BudgetsDocument
    now: datetime
    source: str
    """In words, who has answered."""
    trouble: str = ""
    """Why these answers are not of now."""


def draw_top(view: TopView, width: int, height: int, hint: str = "") -> RenderableType:
    """The picture, in `width` cells and at most `height` lines, unless that is very few.

    `hint` says how to end it, where it goes on.
    """
    heading = f"{view.now:%Y-%m-%d %H:%M:%S} {view.today.time_zone}"
    room = width - len(heading) - 3
    parts: list[RenderableType] = [
        Text(f" {left(plain(view.source), room)} {heading}", style="dim"),
    ]
    if view.trouble:
        parts.append(Text(f" {plain(view.trouble)}", style="orange"))
    parts += ["", *_spend(view, width)]
    used = len(parts) + 2
    nearest = by_need(view.budgets.data)[:_BUDGETS_MAX]
    if nearest:
        table = budget_table(nearest, view.budgets.as_of.read_at, width)
        parts += ["", Text(" nearest to their limit", style="bold"), *table]
        used += len(nearest) + 3
    calls = view.calls.data[: max(height - used - 3, _CALLS_MIN)]
    parts += ["", _title("last calls", hint, width)]
    parts += _calls(calls, view.now, width) if calls else [Text(" none yet", style="dim")]
    return Group(*parts)


def _title(text: str, hint: str, width: int) -> Text:
    return Text.assemble((f" {text}", "bold"), (right(hint, width - len(text) - 2), "dim"))


def rate_usd_per_min(recent: CostsDocument) -> Decimal:
    """What the last minutes cost, by minute."""
    return Decimal(recent.totals.cost_usd) / RATE_MIN


def day_at_this_rate_usd(view: TopView) -> Decimal | None:
    """What this day costs if it goes on as in the last minutes; None where its end is not known."""
    if view.today.ending_at is None:
        return None
    left_s = (datetime.fromisoformat(view.today.ending_at) - view.now).total_seconds()
    minutes = Decimal(max(int(left_s), 0)) / _S_PER_MIN
    return Decimal(view.today.totals.cost_usd) + rate_usd_per_min(view.recent) * minutes


def figures_of(view: TopView) -> dict[str, str | int | bool | None]:
    """What the upper part says, exactly; the rate and the projection are rounded to nano-USD."""
    rate, projected = rate_usd_per_min(view.recent), day_at_this_rate_usd(view)
    today = view.today.totals
    return {
        "read_at": view.now.isoformat(),
        "today_usd": today.cost_usd,
        "today_calls": today.calls,
        "at_least": today.at_least,
        "hour_usd": view.hour.totals.cost_usd,
        "rate_usd_per_min": exact_usd(parse_usd(rate)),
        "day_at_this_rate_usd": None if projected is None else exact_usd(parse_usd(projected)),
    }


def _spend(view: TopView, width: int) -> list[Text]:
    today, hour, recent = (each.totals for each in (view.today, view.hour, view.recent))
    rate = _amount(rate_usd_per_min(view.recent), recent)
    rows = [
        ("today", _cost(today), _use(today), "bold"),
        ("this hour", _cost(hour), _use(hour), ""),
        (f"last {RATE_MIN} minutes", rate, f"a minute, {_use(recent)}", ""),
    ]
    projected = day_at_this_rate_usd(view)
    if projected is not None:
        amount = _amount(projected, today)
        rows.append(("today at this rate", amount, "projected from the last minutes", "dim"))
    return [line for row in rows for line in _lines(*row, width)]


def _lines(label: str, amount: str, text: str, style: str, width: int) -> Iterator[Text]:
    """An amount with what it is, and what to say of it beside it, or below where it is narrow."""
    start = _MARGIN + _LABEL_CELLS + _AMOUNT_CELLS + 2
    is_beside = width - start >= _TEXT_CELLS_MIN
    indent = start if is_beside else 3
    said = wrap(text, width - indent)
    beside = f"  {said.pop(0)}" if is_beside else ""
    yield Text.assemble(
        f" {label:{_LABEL_CELLS}}", (f"{amount:>{_AMOUNT_CELLS}}", style), (beside, "dim")
    )
    yield from (Text(f"{'':{indent}}{line}", "dim") for line in said)


def _cost(sums: Sums) -> str:
    return marked(sums.cost_usd, long_usd(sums.cost_usd), at_least=sums.at_least)


def _amount(usd: Decimal, of: Sums) -> str:
    """What follows from the cost of these calls, with the mark that their cost has."""
    return marked(str(usd), long_usd(str(usd)), at_least=of.at_least)


def _use(sums: Sums) -> str:
    unknown = f", {sums.unpriced_calls:,} of unknown cost" if sums.unpriced_calls else ""
    return f"{counted(sums.calls, 'call')}{unknown}, {tokens(sums.tokens.total) or '0'} tokens"


def _calls(calls: Sequence[CallDocument], now: datetime, width: int) -> list[Text]:
    columns = [
        Column("", "word"), Column("", "name"), Column("", "name", keep=5),
        Column("", "name", keep=4), Column("", "name", keep=3), Column(""), Column(""),
    ]  # fmt: skip
    rows = [
        Row([
            Text(clock(each.ended_at, now.date()), "dim"),
            each.model or "(no model)",
            *(Text(plain(name or ""), "dim")
              for name in (each.agent or each.service, each.user, each.session)),
            f"{tokens(each.tokens.total)} tok" if each.tokens.total else "",
            Text(long_usd(each.cost_usd), "bold") if each.cost_usd else Text("unknown", "orange"),
        ])
        for each in calls
    ]  # fmt: skip
    return grid(columns, rows, width)
