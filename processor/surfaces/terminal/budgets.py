"""How budgets stand, as a table with bars: what is near or over its limit first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from processor.core.amounts import AT_LEAST, long_usd, marked, short_usd
from processor.core.budgets.window import rolling_s_of
from processor.core.budgets.wording import window_words
from processor.surfaces.api.documents import BudgetDocument, BudgetRule, BudgetsDocument
from processor.surfaces.terminal.figures import tokens
from processor.surfaces.terminal.forecasts import crossing_lines
from processor.surfaces.terminal.grid import KEPT, Column, Row, bar, grid
from processor.surfaces.terminal.moments import date_of
from processor.surfaces.terminal.paint import plain

_WIDE: Final = 100
_ALL_COLUMNS: Final = 70
"""Below this names are worth more than bars and times."""
_NARROW: Final = 50
"""Below this the share of the limit says what amounts would leave no room for."""
_BAR_CELLS: Final = ((110, 24), (_WIDE, 16), (0, 8))
"""From which width on bars have how many cells."""
_NO_CENTS: Final = re.compile(r"\.00(?!\d)")
_TOKENS: Final = " tok"
_INDENTED: Final = (0, 0, 0, 1)
_STYLES: Final = {"ok": "green", "warning": "orange", "exceeded": "bold red"}
_WORDS: Final = {"ok": "", "warning": "near", "exceeded": "over"}
_RATIO_SHOWN_MAX: Final = 9.99
_S_PER_DAY, _S_PER_H, _S_PER_MIN = 86_400, 3600, 60


def draw_budgets(document: BudgetsDocument, width: int) -> RenderableType:
    """The picture of a document, in `width` cells."""
    parts: list[RenderableType] = []
    rows = by_need(document.data)
    if rows:
        parts += budget_table(rows, document.as_of.read_at, width)
        today = date_of(document.as_of.read_at)
        parts += [Text(f" {line}", style) for style, line in crossing_lines(rows, today, width)]
    parts += [Padding(Text(line, style="dim"), _INDENTED) for line in _without_rows(document)]
    if not document.budgets:
        parts.append(Text(" There are no budgets.", style="dim"))
    return Group(*parts)


def by_need(rows: Sequence[BudgetDocument]) -> list[BudgetDocument]:
    """The rows, largest share of the limit first. What limits single calls has no sum to show."""
    return sorted(
        (each for each in rows if each.scope != "call"), key=lambda each: -(each.ratio or 0)
    )


def budget_table(rows: Sequence[BudgetDocument], read_at: str | None, width: int) -> list[Text]:
    """A line for each row, below their titles."""
    is_wide = width >= _WIDE
    columns = [
        Column("budget", "name"),
        Column("for", "name"),
        Column("used", "word", keep=1 if width < _ALL_COLUMNS else KEPT),
        Column("", "word"),
        Column("spent / limit", keep=3 if width < _NARROW else KEPT),
        Column("resets", "word", keep=2 if width < _ALL_COLUMNS else KEPT),
    ]
    size = next(cells for least, cells in _BAR_CELLS if width >= least)
    return grid(columns, [_row(each, size, read_at, is_wide=is_wide) for each in rows], width)


def _row(row: BudgetDocument, size: int, read_at: str | None, *, is_wide: bool) -> Row:
    style = _STYLES[row.state]
    filled = bar(row.ratio or 0, size)
    return Row([
        row.budget,
        _whom(row),
        Text(filled + "·" * (size - len(filled)), style),
        Text(_used(row), style),
        f"{_spent(row)} / {_limit(row)}",
        Text(_resets(row, read_at, is_wide=is_wide), "dim"),
    ])  # fmt: skip


def _whom(row: BudgetDocument) -> str:
    return row.scope_id or "everything"


def _spent(row: BudgetDocument) -> str:
    if row.spent_usd:
        return marked(row.spent_usd, long_usd(row.spent_usd), at_least=row.at_least)
    return f"{AT_LEAST if row.at_least else ''}{tokens(row.spent_tokens) or '0'}"


def _used(row: BudgetDocument) -> str:
    """The share of the limit, and in a word what that means, for those who see no colour."""
    if row.progress < 1:
        return f"{row.progress:4.0%} read"
    ratio = min(row.ratio or 0, _RATIO_SHOWN_MAX)
    return f"{ratio:4.0%} {_WORDS[row.state]}"


def _limit(row: BudgetDocument) -> str:
    return _NO_CENTS.sub("", _amount(row.limit_usd, row.limit_tokens))


def _amount(amount_usd: str | None, count: int | None) -> str:
    if amount_usd is not None:
        return short_usd(amount_usd)
    return f"{tokens(count) or '0'}{_TOKENS}"


def _resets(row: BudgetDocument, read_at: str | None, *, is_wide: bool) -> str:
    if row.ending_at is None or read_at is None:
        return "never"
    if rolling_s_of(row.window):
        return "rolling"
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
    window = "" if rule.window == "none" else f" {window_words(rule.window, 'a')}"
    if rule.scope == "call":
        return f"{limit} {of}"
    if rule.window == "none" and rule.scope != "total":
        return f"{limit} {of}; none has reached it or a warning"
    return f"{limit}{window} {of}; nothing counts for it now"
