"""The models that are used: what each costs now, who says so, and what has no price. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from processor.surfaces.api.documents import (
    ModelPrice,
    PricesDocument,
    UnpricedDocument,
)
from processor.surfaces.terminal.costs import cost_column
from processor.surfaces.terminal.drawing import paragraph
from processor.surfaces.terminal.figures import counted, tokens
from processor.surfaces.terminal.grid import Column, Row, grid
from processor.surfaces.terminal.paint import aligned, plain
from processor.surfaces.terminal.unknown import UNPRICED, entry_lines, first_moment

_PER_MILLION: Final = 10**6
_RATES: Final = {
    "input": ("input", 9), "output": ("output", 9), "cache_read": ("cached", 4),
    "cache_write": ("cache write", 1),
}  # fmt: skip
"""The rates that are shown, with their titles, and which are left out first."""
_NONE: Final = "-"


def draw_prices(document: PricesDocument, unpriced: UnpricedDocument, width: int) -> RenderableType:
    """The picture of a document, in `width` cells, with what `unpriced` says of what has none."""
    parts = [part for line in _sources(document) for part in paragraph(line, width, "dim")]
    if document.data:
        parts += [Text(), *_table(document, width)]
    else:
        parts += paragraph("No model was used in this time.", width)
    if document.other is not None:
        calls = counted(document.other.calls, "call")
        more = f"and {document.other.groups:,} more models with {calls}; --limit lists more"
        parts += paragraph(more, width, "dim")
    if any(each.has_more_rates for each in document.data):
        more = "* has other rates for large requests or at other times"
        parts += paragraph(more, width, "dim")
    parts += _missing(document, unpriced, width)
    return Group(*parts)


def _sources(document: PricesDocument) -> Iterator[str]:
    """Which prices these are."""
    file = document.price_file or "the bundled price file"
    behind = f", above {' and '.join(document.catalogues)}" if document.catalogues else ""
    yield plain(f"USD for 1 million tokens; prices {document.price_version}: {file}{behind}")
    if document.catalogue_age_days is not None:
        age = counted(document.catalogue_age_days, "day")
        yield f"The newest price of the installed catalogue is {age} old."


def _table(document: PricesDocument, width: int) -> list[Text]:
    models = document.data
    rates = [_rates(models, quantity) for quantity in _RATES]
    columns = [
        Column("model", "name"),
        Column("provider", "name", keep=6),
        Column("calls", keep=7),
        Column("tokens", keep=3),
        Column("spent USD", keep=2),
        *(Column(title, keep=keep) for title, keep in _RATES.values()),
        Column("price from", "word", keep=8),
    ]
    rows = [
        Row(
            [
                _name(each),
                each.provider or "?",
                f"{each.calls:,}",
                tokens(each.tokens.total) or "0",
                cost,
                *of_each,
                _source(each, document),
            ],
            style="orange" if each.status == UNPRICED else "",
        )
        for each, cost, *of_each in zip(models, cost_column(models), *rates, strict=True)
    ]
    return grid(columns, rows, width)


def _name(each: ModelPrice) -> str:
    return f"{each.model or '(no model)'}{'*' if each.has_more_rates else ''}"


def _rates(models: Sequence[ModelPrice], quantity: str) -> list[str]:
    """One rate of every model, with their decimal points in line."""
    found = {
        place: rate.usd
        for place, each in enumerate(models)
        for rate in each.rates
        if rate.quantity == quantity and rate.per == _PER_MILLION
    }
    texts = dict(zip(found, aligned([_at_least_cents(usd) for usd in found.values()]), strict=True))
    return [
        texts.get(place, "free" if each.status == "free" else _NONE)
        for place, each in enumerate(models)
    ]


def _at_least_cents(usd: str) -> str:
    whole, _, part = usd.partition(".")
    return f"{whole}.{part.ljust(2, '0')}"


def _source(each: ModelPrice, document: PricesDocument) -> str:
    """Where the price stands."""
    file = "line" if document.price_file else "bundled, line"
    line = f"{file} {each.source_line}" if each.source_line else ""
    match each.source:
        case "price_file":
            return line or ("your file" if document.price_file else "bundled")
        case "catalogue":
            answered = each.price_version.partition("+")[2] or document.catalogues[0]
            name = plain(answered.partition(" ")[0])
            return f"adjusted, {line}" if line else name
        case "built_in":
            return "built in"
        case _:
            return "no price"


def _missing(document: PricesDocument, unpriced: UnpricedDocument, width: int) -> Iterator[Text]:
    """The lines that give a price to what has none."""
    unknown = [each for each in unpriced.data if each.status == UNPRICED and not each.has_price]
    if not unknown:
        return
    calls = sum(each.calls for each in unknown)
    yield Text()
    yield from paragraph(f"{counted(calls, 'call')} without a price", width, "orange")
    if to_price := [each for each in unknown if each.entry]:
        yield from entry_lines(unknown, document.price_file or "a price file of your own", width)
        yield Text()
        yield from paragraph(
            f"Then charge them: llm-cost reprice --since {first_moment(to_price)}", width
        )
    fixes = dict.fromkeys(
        f"{each.models[0] if each.models else '(no model)'}: {each.fix}"
        for each in unknown
        if not each.entry
    )
    for fix in fixes:
        yield from paragraph(plain(fix), width)
