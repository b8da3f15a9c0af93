"""What a change of the price file would do, for ``llm-cost check-config --against``."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

from processor.core.errors import LedgerUnavailableError
from processor.core.insight import (
    Comparison,
    PatternChange,
    Prices,
    Side,
    changed_patterns,
    compare,
    mark_priced,
)
from processor.core.model import UnpricedCalls, Usage
from processor.core.money import FEMTO_PER_USD, Rates
from processor.core.pricing.rates import TOKEN_KEYS, UNIT_KEYS
from processor.core.pricing.shapes import PriceEntry
from processor.core.wording import counted
from processor.io.ledger import Snapshot, read_snapshot
from processor.surfaces.terminal.lists import render_named
from processor.surfaces.terminal.paint import cells, columns, left, right, wrap

_PER = 10**6
_MAIN = ("input", "output", "cache_read")
_INDENT = " " * 11
_LINES_MAX = 6


def change_lines(against: str, before: Prices, after: Prices, ledger: Path) -> Iterator[str]:
    """The differences from the file `against` to the prices that are checked, in lines."""
    stored, why_not = _read_ledger(ledger)
    found = compare(before, after, stored.asked, time.time_ns())
    changed = [item for item in found if item.kind != "same"]
    yield f"changes   from {against}"
    if changed:
        yield "  in USD per 1M tokens: input / output / cached input"
    yield from _rows(changed)
    for item in found:
        name = _name(item)
        if item.starts_as_alias:
            yield f"  alias    {name} starts to mean {item.after.rule}"
        elif item.stops_as_alias:
            yield f"  alias    {name} no longer means {item.before.rule}"
    for pattern in changed_patterns(before.file, after.file):
        yield f"  pattern  {_pattern_text(pattern)}"
    count = len(found) - len(changed)
    yield f"  {counted(count, 'model costs', 'models cost')} the same"
    yield why_not or _newly_priced(stored, before, after)


def _read_ledger(ledger: Path) -> tuple[Snapshot, str]:
    """What the ledger has stored, or why that is not known."""
    if not ledger.exists():
        return Snapshot((), ()), f"  there is no ledger at {ledger}, so no calls were looked at"
    try:
        return read_snapshot(ledger), ""
    except LedgerUnavailableError as error:
        return Snapshot((), ()), f"  no calls were looked at: {error}"


def _newly_priced(stored: Snapshot, before: Prices, after: Prices) -> str:
    """How many of the models without a price would get one."""
    unknowns = stored.unpriced
    if not unknowns:
        return "  every call in the ledger has a price"
    was = mark_priced(unknowns, before.catalog)
    now = mark_priced(unknowns, after.catalog)
    gained = [new for old, new in zip(was, now, strict=True) if new.has_price and not old.has_price]
    return (
        f"  {_count(gained)} of {_count(unknowns)} models without a price in the ledger would get "
        f"one ({_calls(gained):,} of {_calls(unknowns):,} calls)"
    )


def _count(unknowns: Sequence[UnpricedCalls]) -> int:
    """Models, whatever services use them."""
    return len({(unknown.provider, unknown.models) for unknown in unknowns})


def _calls(unknowns: Sequence[UnpricedCalls]) -> int:
    return sum(unknown.calls for unknown in unknowns)


def _rows(changed: Sequence[Comparison]) -> Iterator[str]:
    """A line for each, and what else changes of a price."""
    amounts = list(map(_amounts, changed))
    was_cells = max((cells(was) for was, _ in amounts), default=0)
    texts = [
        (f"  {left(item.kind, 8)} ", _name(item), f" {right(was, was_cells)}{now}")
        for item, (was, now) in zip(changed, amounts, strict=True)
    ]
    for item, lines in zip(changed, render_named(texts, columns()), strict=True):
        yield from lines
        if _shown(item.before) == _shown(item.after):
            yield from wrap(f"{_INDENT}{_other_changes(item)}", columns(), _LINES_MAX, len(_INDENT))


def _amounts(item: Comparison) -> tuple[str, str]:
    was, now = _shown(item.before), _shown(item.after)
    return was, " stays, but" if was == now else f" -> {now}"


def _other_changes(item: Comparison) -> str:
    """What changes of a price whose input, output and cached input stay."""
    if item.is_elsewhere or item.before.rates is None or item.after.rates is None:
        return "not at other times, or for large requests"
    was, now = _rates_by_key(item.before.rates), _rates_by_key(item.after.rates)
    return ", ".join(f"{key} {was[key]} -> {now[key]}" for key in was if was[key] != now[key])


def _name(item: Comparison) -> str:
    provider, models, tier = item.asked
    name = f"{provider or '*'}:{' or '.join(models) or '(no model)'}"
    return f"{name} ({tier})" if tier else name


def _shown(side: Side) -> str:
    """Input, output and cached input; without these, what else has a price.

    A price that holds at another time only has no rates now.
    """
    if side.rates is None:
        return "no price"
    rates = _rates_by_key(side.rates)
    others = [f"{key} {rate}" for key, rate in rates.items() if rate != "0" and key not in _MAIN]
    if others and all(rates[key] == "0" for key in _MAIN):
        return others[0]
    return " / ".join(rates[key] for key in _MAIN)


def _rates_by_key(rates: Rates) -> dict[str, str]:
    """Rates as a price file has them: in USD per 1M tokens, or for one of another unit."""
    by_field = dict(zip(Usage._fields, rates, strict=True))
    tokens = {key: _usd(by_field[key] * _PER) for key in TOKEN_KEYS}
    return tokens | {key: _usd(by_field[field] * size) for key, (field, size) in UNIT_KEYS.items()}


def _usd(femto_usd: int) -> str:
    return f"{(Decimal(femto_usd) / FEMTO_PER_USD).normalize():f}"


def _pattern_text(change: PatternChange) -> str:
    was, now = _meaning(change.before), _meaning(change.after)
    how = f"{was} -> {now}" if was and now and was != now else was or now
    either = change.after or change.before
    unit = " times the catalogue's prices" if either and either.adjust is not None else ""
    return f"{change.pattern} is {change.kind}: {how}{unit}"


def _meaning(entry: PriceEntry | None) -> str:
    """What an entry says, shortly; ``""`` for none."""
    if entry is None:
        return ""
    if entry.adjust is not None:
        return f"{float(entry.adjust):g}"
    if not entry.steps:
        return "the catalogue's prices"
    rates = entry.steps[-1].rates
    sizes = dict.fromkeys(TOKEN_KEYS, _PER) | dict(UNIT_KEYS.values())
    names = {field: key for key, (field, _) in UNIT_KEYS.items()}
    return ", ".join(
        f"{names.get(field, field)} {_usd(rate * sizes[field])}" for field, rate in rates.items()
    )
