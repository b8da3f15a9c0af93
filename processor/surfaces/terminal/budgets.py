"""How budgets stand, as a table with bars: what is near or over its limit first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final, Literal

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from processor.surfaces.api.documents import BudgetDocument, BudgetRule, BudgetsDocument
from processor.surfaces.terminal.amounts import column_usd, short_usd
from processor.surfaces.terminal.figures import tokens
from processor.surfaces.terminal.paint import abridge, cells, plain

_WIDE: Final = 100
_BAR_CELLS, _BAR_CELLS_WIDE = 10, 24
_USED_CELLS: Final = 9
_TOKENS: Final = " tok"
_GAP, _MARGIN = 1, 1
_STYLES: Final = {"ok": "green", "warning": "orange", "exceeded": "bold red"}
_WORDS: Final = {"ok": "", "warning": "near", "exceeded": "over"}
_EIGHTHS: Final = " ▏▎▍▌▋▊▉"
_RATIO_SHOWN_MAX: Final = 9.99
_S_PER_DAY, _S_PER_H, _S_PER_MIN = 86_400, 3600, 60


def draw_budgets(document: BudgetsDocument, width: int) -> RenderableType:
    """The picture of a document, in `width` cells."""
    parts: list[RenderableType] = []
    rows = by_need(document.data)
    if rows:
        parts.append(Padding(budget_table(rows, document.as_of.read_at, width), (0, 0, 0, _MARGIN)))
    parts += [
        Padding(Text(line, style="dim"), (0, 0, 0, _MARGIN)) for line in _without_rows(document)
    ]
    if not document.budgets:
        parts.append(Text(" There are no budgets.", style="dim"))
    return Group(*parts)


def by_need(rows: Sequence[BudgetDocument]) -> list[BudgetDocument]:
    """The rows, largest share of the limit first. What limits single calls has no sum to show."""
    return sorted(
        (each for each in rows if each.scope != "call"), key=lambda each: -(each.ratio or 0)
    )


def budget_table(rows: Sequence[BudgetDocument], read_at: str | None, width: int) -> Table:
    """A line for each row."""
    is_wide = width >= _WIDE
    bar = _BAR_CELLS_WIDE if is_wide else _BAR_CELLS
    amounts = [f"{_spent(row)} / {_limit(row)}" for row in rows]
    resets = [_resets(row, read_at, is_wide=is_wide) for row in rows]
    titles = ("budget", "for", "used", "", "spent / limit", "resets")
    fixed = [max(map(cells, each)) for each in ([*amounts, titles[4]], [*resets, titles[5]])]
    room = width - _MARGIN - bar - _USED_CELLS - sum(fixed) - 6 * _GAP
    whom = max(cells(_whom(row)) for row in rows)
    names = min(max(cells(plain(row.budget)) for row in rows), max(room // 2, room - whom))
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="dim")
    for title in titles:
        justify: Literal["left", "right"] = "right" if "/" in title else "left"
        table.add_column(title, justify=justify, no_wrap=True)
    for row, amount, reset in zip(rows, amounts, resets, strict=True):
        style = _STYLES[row.state]
        table.add_row(
            abridge(plain(row.budget), names),
            Text(abridge(_whom(row), room - names)),
            _bar(row.ratio or 0, bar, style),
            Text(_used(row), style=style),
            Text(amount),
            Text(reset, style="dim"),
        )
    return table


def _whom(row: BudgetDocument) -> str:
    return plain(row.scope_id) if row.scope_id else "everything"


def _spent(row: BudgetDocument) -> str:
    spent = column_usd(row.spent_usd) if row.spent_usd else tokens(row.spent_tokens) or "0"
    return f"{'≥ ' if row.at_least else ''}{spent}"


def _bar(share: float, cells: int, style: str) -> Text:
    """How much of the limit is used: a bar that is full at it."""
    eighths = round(min(max(share, 0), 1) * cells * 8)
    full, part = divmod(eighths, 8)
    bar = "█" * full + (_EIGHTHS[part] if part else "")
    return Text.assemble((bar, style), ("·" * (cells - len(bar)), "dim"))


def _used(row: BudgetDocument) -> str:
    """The share of the limit, and in a word what that means, for those who see no colour."""
    if row.progress < 1:
        return f"{row.progress:4.0%} read"
    ratio = min(row.ratio or 0, _RATIO_SHOWN_MAX)
    return f"{ratio:4.0%} {_WORDS[row.state]}"


def _limit(row: BudgetDocument) -> str:
    return _amount(row.limit_usd, row.limit_tokens).removesuffix(".00")


def _amount(amount_usd: str | None, count: int | None) -> str:
    if amount_usd is not None:
        return short_usd(amount_usd)
    return f"{tokens(count) or '0'}{_TOKENS}"


def _resets(row: BudgetDocument, read_at: str | None, *, is_wide: bool) -> str:
    if row.ending_at is None or read_at is None:
        return "never"
    end = datetime.fromisoformat(row.ending_at)
    wait = _wait(max(int((end - datetime.fromisoformat(read_at)).total_seconds()), 0))
    return f"{wait}, {end:%m-%d %H:%M}" if is_wide else wait


def _wait(seconds: int) -> str:
    """A length of time by its largest unit, of which there are two at least."""
    for unit, size in (("d", _S_PER_DAY), ("h", _S_PER_H)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds // _S_PER_MIN} min"


def _without_rows(document: BudgetsDocument) -> Iterator[str]:
    """Budgets that nothing counts for in the window of now."""
    shown = {each.budget for each in document.data if each.scope != "call"}
    for rule in document.budgets:
        if rule.budget not in shown:
            yield f"{plain(rule.budget)}: {_rule(rule)}"


def _rule(rule: BudgetRule) -> str:
    limit = _amount(rule.limit_usd, rule.limit_tokens)
    of = "in all" if rule.scope == "total" else f"for each {plain(rule.scope)}"
    window = "" if rule.window == "none" else f" a {rule.window}"
    if rule.scope == "call":
        return f"{limit} {of}"
    if rule.window == "none" and rule.scope != "total":
        return f"{limit} {of}; none has reached it or a warning"
    return f"{limit}{window} {of}; nothing counts for it now"
