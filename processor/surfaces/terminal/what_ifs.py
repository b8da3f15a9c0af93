"""What calls have cost, beside what they would have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from processor.core.amounts import short_usd, usd_column
from processor.surfaces.api.documents import WhatIfDocument, WhatIfRowDocument
from processor.surfaces.terminal.figures import counted
from processor.surfaces.terminal.grid import Column, Row, grid
from processor.surfaces.terminal.moments import span
from processor.surfaces.terminal.paint import plain, rule, wrap

_ROWS_MAX: Final = 20
_REASONS_MAX: Final = 10
_METHOD_LINES_MAX: Final = 6
_COLUMNS: Final = (
    Column("model", "name"),
    Column("priced as", "name"),
    Column("calls", keep=5),
    Column("cost USD"),
    Column("would be"),
    Column("difference"),
)


def draw_what_if(document: WhatIfDocument, width: int) -> RenderableType:
    """The picture of a document, in `width` cells."""
    title = f"what if · {span(document.starting_at, document.ending_at)} · {document.time_zone}"
    lines = [Text(rule(plain(title), width), "bold")]
    lines += [Text(f" {line}", style) for style, line in _summary(document, width)]
    if document.data:
        lines += [Text(), *_table(document, width)]
    lines += [Text(f" {line}", style) for style, line in _remarks(document, width)]
    return Group(*lines)


def _summary(document: WhatIfDocument, width: int) -> Iterator[tuple[str, str]]:
    names = ", ".join(f"{model} as {other}" for model, other in document.models.items())
    if names:
        yield from (("", part) for part in wrap(plain(names), width - 1, hang=2))
    if not document.calls:
        yield from (("", part) for part in wrap(plain(_why_none(document)), width - 1, hang=2))
        return
    change = "no difference"
    difference = Decimal(document.difference_usd)
    if difference:
        share = "" if document.difference is None else f" ({document.difference:+.0%})"
        change = f"{short_usd(str(abs(difference)))} {'less' if difference < 0 else 'more'}{share}"
    line = (
        f"{short_usd(document.actual_usd)} for {counted(document.calls, 'call')} would have been "
        f"{short_usd(document.other_usd)}: {change}"
    )
    yield from (("bold", part) for part in wrap(line, width - 1, hang=2))


def _why_none(document: WhatIfDocument) -> str:
    """Why no call was compared: others are named below, with their reasons."""
    if document.not_comparable or document.newly_priced_calls:
        return "no call of this time can be compared"
    if not document.models:
        return "there are no such calls"
    names = " or ".join(document.models)
    return f"none of these calls used {names}; llm-cost prices has the models that are used"


def _table(document: WhatIfDocument, width: int) -> list[Text]:
    data = [row for row in document.data if _costs(row)]
    shown, rest = data[:_ROWS_MAX], data[_ROWS_MAX:]
    amounts = [_column(shown, name) for name in ("actual_usd", "other_usd", "difference_usd")]
    rows = [
        Row((row.model or "(others)", _priced_as(row), f"{row.calls:,}", *cells))
        for row, *cells in zip(shown, *amounts, strict=True)
    ]
    lines = grid(_COLUMNS, rows, width)
    if rest:
        lines.append(Text(f" and {counted(len(rest), 'row')} more; --csv has all", "dim"))
    return lines


def _costs(row: WhatIfRowDocument) -> bool:
    """Whether it costs anything: failed calls do not, whoever's they are."""
    return bool(Decimal(row.actual_usd) or Decimal(row.other_usd))


def _column(rows: Sequence[WhatIfRowDocument], name: str) -> list[str]:
    return usd_column([getattr(row, name) for row in rows])


def _priced_as(row: WhatIfRowDocument) -> str:
    """The other model, where it is another one; of another provider with its name."""
    if (row.other_provider, row.other_model) == (row.provider, row.model):
        return ""
    if row.other_provider == row.provider:
        return row.other_model or ""
    return f"{row.other_provider}:{row.other_model}"


def _remarks(document: WhatIfDocument, width: int) -> Iterator[tuple[str, str]]:
    """What is to be known of the numbers above."""
    free = sum(row.calls for row in document.data if not _costs(row))
    if free:
        line = f"{counted(free, 'call')} of these cost nothing either way, and have no row"
        yield from (("dim", part) for part in wrap(line, width - 1, hang=2))
    lines = [
        f"{counted(each.calls, 'call')} not compared: {plain(each.reason)}"
        for each in document.not_comparable[:_REASONS_MAX]
    ]
    if len(document.not_comparable) > _REASONS_MAX:
        others = len(document.not_comparable) - _REASONS_MAX
        lines.append(f"and calls not compared for {others} other reasons")
    if document.newly_priced_calls:
        calls = counted(document.newly_priced_calls, "call")
        cost = short_usd(document.newly_priced_usd)
        lines.append(f"{calls} of unknown cost, not in it, would have cost {cost}")
    for line in (*lines, *map(plain, document.partial)):
        yield from (("orange", part) for part in wrap(line, width - 1, hang=2))
    yield from (
        ("dim", part) for part in wrap(document.method, width - 1, _METHOD_LINES_MAX, hang=2)
    )
